"""The folder of one run: what it did, and all it needs to go on after being killed.

    recipe.json environment.json   what ran
    history.csv timings.csv        one row per epoch
    checkpoints/                   the state to resume from: the last two, and a spare
    snapshots/epoch-0005.keras     kept epochs, complete models
    failed.txt                     why it could not go on
    model.keras metrics.json predictions.npz report.html figures/    when it is finished

Every file is written beside and renamed, so that a file that exists is whole. The history and the
seconds of the epochs travel inside the checkpoints: continuing from one brings exactly the rows
that belong to it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.errors import UserError
from keras_classics.files import is_torn, sweep, write_json, written_beside
from keras_classics.report import ReportError
from keras_classics.report.schemas import FAILURE, FORMAT, RECIPE
from keras_classics.schema import read_json
from keras_classics.training.fields import describe, differing_fields, identity

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import AnyPath

CHECKPOINTS_KEPT = 2


class RunDirectoryError(UserError):
    """A run directory that cannot be used; the message is one sentence for the user."""


@contextlib.contextmanager
def writing(path: AnyPath) -> Iterator[None]:
    """Says what became of the run directory where a file in it could not be written."""
    try:
        yield
    except (OSError, ReportError) as error:
        # A report's sentence is about a command that nobody has given.
        cause: Any = error.__cause__ if isinstance(error, ReportError) else error
        name = getattr(cause, "filename", None)
        if name is None or not Path(os.fsdecode(name)).is_relative_to(path):
            raise
        raise unwritable(path, cause) from error


def unwritable(path: AnyPath, error: OSError) -> RunDirectoryError:
    """Returns what to raise where a run in progress could not write into its directory.

    Args:
        path: the run directory.
        error: the OSError.

    Returns:
        A RunDirectoryError that says what the same command would do.
    """
    if not (Path(path) / "recipe.json").exists():
        return _gone(path)
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "make room there" if is_full else "make it writable"
    return RunDirectoryError(
        f"The run directory {path} could not be written ({error.strerror or error}); what it holds "
        f"is unharmed: {remedy}, and the same command with `run_dir` {path} continues it."
    )


def _gone(path):
    return RunDirectoryError(
        f"The run directory {path} was removed while the run went on, and what it held with it; "
        "put it back from a copy and the same command continues it, or begin anew with another "
        "`run_dir`."
    )


def has_checkpoint(path: AnyPath) -> bool:
    """Whether a run has begun in a folder, so that it would be continued there."""
    return any((Path(path) / "checkpoints").glob("epoch-*.npz"))


def check_owner(path: AnyPath, recipe: Recipe) -> None:
    """Raises if a folder is neither that of a recipe's run, nor empty, nor new.

    Args:
        path: the folder.
        recipe: the `Recipe` that shall run in it.

    Raises:
        RecipeError: if the recipe holds what another process could not find again.
        RunDirectoryError: for a folder of something else, or one that cannot be read.
    """
    path = Path(path)
    describe(recipe)  # first of all: can it be described?
    try:
        _check_owner(path, recipe)
    except OSError as error:
        raise RunDirectoryError(
            f"The run directory {path} cannot be read ({error.strerror}); choose another with "
            "`run_dir`."
        ) from error


def _check_owner(path, recipe):
    if not path.is_dir():
        _check_place(path)
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
        stored = read_json(description, RECIPE)
    except UserError as error:
        raise RunDirectoryError(
            f"{str(error).rstrip('.')}; choose another directory with `run_dir`."
        ) from error
    differing = differing_fields(recipe, stored["recipe"])
    if differing:
        raise RunDirectoryError(
            f"{path} belongs to another run (it differs in {', '.join(differing)}); "
            f"choose another directory with `run_dir`{_more(path, differing)}."
        )


def _more(path, differing):
    """What else can be done where a finished run shall have more epochs, or fewer."""
    if differing != ["epochs"] or not (path / "model.keras").exists():
        return ""
    return f", there with --after {path} to train on from its weights"


def _check_place(path):
    """Raises where no folder can be made, before anything is computed for it."""
    place = next(p for p in (path, *path.absolute().parents) if os.path.lexists(p))
    number = errno.EACCES if place.is_dir() else errno.ENOTDIR
    if number == errno.ENOTDIR or not os.access(place, os.W_OK):
        raise RunDirectoryError(
            f"The run directory {path} cannot be written ({os.strerror(number)}); choose another "
            "with `run_dir`."
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

    def __init__(
        self, path: AnyPath, recipe: Recipe, facts: Mapping[str, Any] | None = None
    ) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self._make(recipe, facts or {})

    def _make(self, recipe, facts):
        try:
            check_owner(self.path, recipe)
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = self._take_lock()
            sweep(self.path)
            (self.path / FAILURE).unlink(missing_ok=True)  # it is tried again
            write_json(
                self.path / "recipe.json",
                {
                    "format": FORMAT,
                    "recipe": describe(recipe),
                    "identity": identity(recipe),
                    **facts,
                },
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
        for _ in range(20):  # of whoever lists runs, which holds it for a moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError:
                time.sleep(0.05)
        file.close()
        raise RunDirectoryError(
            f"Another process is running in {self.path}; wait for it or choose another "
            "directory with `run_dir`."
        )

    def file(self, *names: str) -> Path:
        """Returns the path of a file to write in the directory, which is still there.

        Raises:
            RunDirectoryError: if somebody has removed it.
        """
        if not (self.path / "recipe.json").exists():
            raise _gone(self.path)
        return self.path.joinpath(*names)

    def require_space(self, size: int) -> None:
        """Raises unless the disk has room for `size` bytes."""
        free = shutil.disk_usage(self.path).free
        if free < size:
            raise RunDirectoryError(
                f"The run needs about {size / 1e6:.0f} MB in {self.path}, and its disk has "
                f"{free / 1e6:.0f} MB left; make room or choose another disk with `run_dir`."
            )

    def save_checkpoint(self, arrays: list[np.ndarray], state: dict[str, Any]) -> None:
        """Writes the arrays and the JSON state of one moment; keeps the last few.

        Args:
            arrays: list of NumPy arrays.
            state: plain data with "epoch" (finished ones) and "step" (into the next one).
        """
        named: dict[str, Any] = {f"{number:05d}": array for number, array in enumerate(arrays)}
        named["state"] = np.array(json.dumps(state))
        name = f"epoch-{state['epoch']:05d}-step-{state['step']:07d}.npz"
        place = self.file("checkpoints", name)
        with written_beside(place) as beside, open(beside, "wb") as file:
            np.savez(file, checksum=np.array(_checksum(named)), **named)
            file.flush()
        self._remove_old_checkpoints()

    def _remove_old_checkpoints(self):
        for old in sorted(self.checkpoints.glob("epoch-*.npz"))[:-CHECKPOINTS_KEPT]:
            old.unlink()

    def load_checkpoint(
        self, warn: Callable[[str], object]
    ) -> tuple[list[np.ndarray], dict[str, Any]] | None:
        """Returns (arrays, state) of the newest whole checkpoint, or None in a new directory.

        Args:
            warn: called with a sentence for each checkpoint that cannot be read.

        Raises:
            RunDirectoryError: if there are checkpoints and none can be read.
        """
        names = sorted(self.checkpoints.glob("epoch-*.npz"), reverse=True)
        for path in names:
            if not path.is_file():  # which no new one could replace
                raise RunDirectoryError(f"{path} is not a file; remove it, and the run goes on.")
        for path in names:
            try:
                found = _read_checkpoint(path)
            except Exception as error:  # a damaged archive raises nearly anything
                reason = " ".join(str(error).split()) or type(error).__name__
                warn(f"The checkpoint {path} is damaged ({reason}); trying the one before it.")
                continue
            if path == names[0]:  # killed before it removed the oldest
                self._remove_old_checkpoints()
            return found
        if names or (self.path / "history.csv").exists():
            raise RunDirectoryError(
                f"No checkpoint in {self.checkpoints} can be read, and training from scratch there "
                "would overwrite the run; restore one, or choose another directory with `run_dir`."
            )
        return None

    def close(self) -> None:
        """Lets other processes use the directory."""
        if self._lock is not None:
            self._lock.close()


def _read_checkpoint(path):
    with np.load(path, allow_pickle=False) as file:
        named = {name: file[name] for name in file.files}
    if str(named.pop("checksum")) != _checksum(named):
        raise ValueError("its contents do not have its checksum")
    state = json.loads(str(named.pop("state")))
    return [named[number] for number in sorted(named)], state


def _checksum(arrays):
    """Returns the SHA-256 of named arrays: of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return digest.hexdigest()
