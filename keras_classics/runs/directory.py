"""The folder of one run: what it did, and all it needs to go on after being killed.

    recipe.json environment.json   what ran
    history.csv timings.csv        one row per epoch
    checkpoints/                   the state to resume from: the last two, and a spare
    snapshots/epoch-0005.keras     kept epochs, complete models
    model.keras metrics.json predictions.npz report.html figures/    when it is finished

Every file is written beside and renamed, so that a file that exists is whole. The history travels
inside the checkpoints: continuing from one brings exactly the rows that belong to it.
"""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np

from keras_classics.errors import UserError
from keras_classics.files import is_torn, sweep, write_json, written_beside
from keras_classics.training.recipe import deciding_fields, describe, identity

CHECKPOINTS_KEPT = 2


class RunDirectoryError(UserError):
    """A run directory that cannot be used; the message is one sentence for the user."""


def has_checkpoint(path):
    """Whether a run has begun in a folder, so that it would be continued there."""
    return any((Path(path) / "checkpoints").glob("epoch-*.npz"))


def check_owner(path, recipe):
    """Raises if a folder is neither that of a recipe's run, nor empty, nor new.

    Args:
        path: the folder.
        recipe: the `Recipe` that shall run in it.

    Raises:
        RunDirectoryError: for a folder of something else.
        OSError: if it cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        return
    description = path / "recipe.json"
    if not description.exists():
        # What a run leaves that was killed before it had written its recipe.
        if any(item.name != ".lock" and not is_torn(item.name) for item in path.iterdir()):
            raise RunDirectoryError(
                f"{path} is not empty and is not a run directory (it has no recipe.json); "
                "choose another with `run_dir`."
            )
        return
    try:
        stored = json.loads(description.read_text("utf-8"))
        fields, digest = stored["recipe"], stored["identity"]
    except (ValueError, KeyError, TypeError):
        raise RunDirectoryError(
            f"{description} is damaged; choose another directory with `run_dir`."
        ) from None
    if digest != identity(recipe):
        ours = deciding_fields(recipe)
        differing = [name for name in ours if fields.get(name) != ours[name]]
        raise RunDirectoryError(
            f"{path} belongs to another run (it differs in {', '.join(differing)}); "
            "choose another directory with `run_dir`."
        )


class RunDirectory:
    """A run directory, held by this process alone until `close`.

    Args:
        path: the folder; made if it does not exist, continued if it holds the same recipe.
        recipe: the `Recipe` that runs in it.
        facts: what else `recipe.json` says, {name: plain data}.

    Raises:
        RunDirectoryError: if it cannot be written, is full, belongs to another recipe or seed, is
            something else than a run directory, or is in use.
    """

    def __init__(self, path, recipe, facts=None):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self._make(recipe, facts or {})

    def _make(self, recipe, facts):
        try:
            check_owner(self.path, recipe)
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = self._take_lock()
            sweep(self.path)
            write_json(
                self.path / "recipe.json",
                {"recipe": describe(recipe), "identity": identity(recipe), **facts},
            )
            self.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise RunDirectoryError(
                f"The run directory {self.path} cannot be written ({error.strerror}); "
                "choose another with `run_dir`."
            ) from error

    def _take_lock(self):
        # The kernel drops the lock when the process ends, however it ends.
        try:
            import fcntl
        except ImportError:  # not on Windows
            return None
        file = open(self.path / ".lock", "w")  # noqa: SIM115  held until close
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise RunDirectoryError(
                f"Another process is running in {self.path}; wait for it or choose another "
                "directory with `run_dir`."
            ) from None
        return file

    def require_space(self, size):
        """Raises unless the disk has room for `size` bytes."""
        free = shutil.disk_usage(self.path).free
        if free < size:
            raise RunDirectoryError(
                f"The run needs about {size / 1e6:.0f} MB in {self.path}, and its disk has "
                f"{free / 1e6:.0f} MB left; make room or choose another disk with `run_dir`."
            )

    def save_checkpoint(self, arrays, state):
        """Writes the arrays and the JSON state of one moment; keeps the last few.

        Args:
            arrays: list of NumPy arrays.
            state: plain data with "epoch" (finished ones) and "step" (into the next one).
        """
        named = {f"{number:05d}": array for number, array in enumerate(arrays)}
        name = f"epoch-{state['epoch']:05d}-step-{state['step']:07d}.npz"
        with written_beside(self.checkpoints / name) as beside, open(beside, "wb") as file:
            np.savez(file, state=np.array(json.dumps(state)), **named)
            file.flush()
        for old in sorted(self.checkpoints.glob("epoch-*.npz"))[:-CHECKPOINTS_KEPT]:
            old.unlink()

    def load_checkpoint(self, warn):
        """Returns (arrays, state) of the newest whole checkpoint, or None in a new directory.

        Args:
            warn: called with a sentence for each checkpoint that cannot be read.

        Raises:
            RunDirectoryError: if there are checkpoints and none can be read.
        """
        names = sorted(self.checkpoints.glob("epoch-*.npz"), reverse=True)
        for path in names:
            try:
                with np.load(path, allow_pickle=False) as file:
                    state = json.loads(str(file["state"]))
                    numbers = sorted(set(file.files) - {"state"})
                    return [file[number] for number in numbers], state
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                warn(f"The checkpoint {path} is damaged ({error}); trying the one before it.")
        if names or (self.path / "history.csv").exists():
            raise RunDirectoryError(
                f"No checkpoint in {self.checkpoints} can be read, and training from scratch there "
                "would overwrite the run; restore one, or choose another directory with `run_dir`."
            )
        return None

    def close(self):
        """Lets other processes use the directory."""
        if self._lock is not None:
            self._lock.close()
