"""The run directories below a folder: what ran in each, and how far it came."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_classics.comparison.spread import FIGURES
from keras_classics.report.run_files import ReportError, read_run
from keras_classics.report.schemas import FAILURE
from keras_classics.report.values import plain
from keras_classics.schema import short

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

# A folder that holds one of them is a run's, or was meant to be one.
_MARKS = {"recipe.json", "history.csv", ".lock"}


class FoundRun(NamedTuple):
    """A run directory as it is found.

    Attributes:
        path: the folder.
        state: "finished", "running", "interrupted", "failed", or "unreadable".
        run: what it holds, a `RecordedRun`; None where that cannot be read.
        problem: a sentence on why it failed or cannot be read, else "".
    """

    path: Path
    state: str
    run: Any = None
    problem: str = ""

    @property
    def seed(self) -> int:
        """That of every random draw, of a run that can be read."""
        return self.run.recipe["seed"]

    @property
    def figures(self) -> dict[str, Any]:
        """Errors in percent: the final ones, or those after the last epoch, as far as there are."""
        if self.run is None:
            return dict.fromkeys(FIGURES)
        if self.run.metrics is not None:
            return {key: self.run.metrics.get(key) for key in FIGURES}
        columns = {"error": "val_error", "train_error": "error"}
        return dict.fromkeys(FIGURES) | {
            key: _last(self.run.history.get(column)) for key, column in columns.items()
        }

    @property
    def split(self) -> str | None:
        """Which pictures `error` is of; None where it has been measured on none."""
        if self.run is None or self.figures["error"] is None:
            return None
        return (self.run.metrics or {}).get("split") or self.run.validated_on

    @property
    def planned_epochs(self) -> int | None:
        """How many epochs the recipe asks for; None where it counts iterations, or comes trained.

        A callback may have ended a finished run before them.
        """
        if self.run is None or self.run.recipe.get("iterations") is not None:
            return None
        if self.state == "finished" and not self.run.epochs:
            return None
        return max(self.run.epochs, self.run.recipe.get("epochs", 0)) or None

    @property
    def epochs(self) -> int:
        """How many epochs are done; of a network that comes trained, as its figures say."""
        if self.run is None:
            return 0
        epochs = self.run.epochs or (self.run.metrics or {}).get("epochs")
        return epochs if type(epochs) is int and 0 < epochs <= 1_000_000 else 0

    @property
    def when(self) -> datetime | None:
        """When its figures were last written; None of a folder that cannot be looked into."""
        for name in ("metrics.json", "history.csv", "recipe.json", "."):
            with contextlib.suppress(OSError):
                return datetime.fromtimestamp((self.path / name).stat().st_mtime)
        return None

    def data(self) -> dict[str, Any]:
        """Returns it as JSON takes it, see `list_runs`."""
        run, when = self.run, self.when
        return {
            "path": str(self.path),
            "recipe": run and run.name,
            "network": run and network_of(run.recipe),
            "dataset": run and run.dataset,
            "seed": run and self.seed,
            "state": self.state,
            "epochs": run and self.epochs,
            "planned_epochs": self.planned_epochs,
            "split": self.split,
            **self.figures,
            "when": when and when.isoformat(timespec="minutes"),
            "problem": self.problem or None,
        }


def list_runs(folder: AnyPath = "runs") -> list[dict[str, Any]]:
    """Returns the runs below a folder, in the order of their paths.

    Args:
        folder: it, or one of the folders below it, is a run directory. `train` puts its runs into
            "runs".

    Returns:
        list of dicts: `path`; `recipe`, `network`, `dataset`, `seed`; `state`, which is "finished",
        "running", "interrupted", "failed" or "unreadable"; `epochs` that are done, and
        `planned_epochs` (None where the recipe counts iterations); `split`, the pictures that
        `error` is of, and `error`, `top5_error`, `train_error` in percent, of a run that is not
        finished those after its last epoch; `when`, as ISO 8601; `problem`, a sentence. What is not
        known is None.

    Example:
        >>> from keras_classics import list_runs, shipped
        >>> (run,) = list_runs(shipped.folder("lenet5", "mnist"))
        >>> run["recipe"], run["state"], run["split"]
        ('lenet5_mnist', 'finished', 'test')
    """
    return [found.data() for found in find_runs(folder)]


def find_runs(folder: AnyPath) -> list[FoundRun]:
    """Returns the runs below a folder, also those that cannot be read, in the order of paths.

    A run to which there are links as well is found once, in its own place if that is here too.
    """
    runs: list[FoundRun] = []
    seen: set[str] = set()

    def note(error):
        if not isinstance(error, FileNotFoundError):  # removed meanwhile
            runs.append(_unreadable(error.filename, error))

    tops = [os.fspath(folder)]
    for top in tops:  # which the links below them are appended to
        for path, folders, files in os.walk(top, onerror=note):
            real = os.path.realpath(path)
            if real in seen or _MARKS & set(files):
                folders.clear()  # what a run directory holds is no other run
            if real not in seen and _MARKS & set(files):
                runs.append(look_at(path))
            seen.add(real)
            folders[:] = [one for one in folders if one[0] != "."]
            places = (os.path.join(path, one) for one in folders)
            tops += [place for place in places if os.path.islink(place)]
    return sorted(runs, key=lambda one: [_natural(part) for part in one.path.parts])


def look_at(path: AnyPath) -> FoundRun:
    """Returns the run of a folder; one that cannot be read says why."""
    try:
        run = read_run(path)
    except ReportError as error:
        return FoundRun(Path(path), "unreadable", problem=str(error))
    except OSError as error:
        return _unreadable(path, error)
    problem = _failure_of(run.path)
    state = (
        "finished" if run.metrics is not None
        else "running" if _is_locked(run.path)
        else "failed" if problem
        else "interrupted"
    )  # fmt: skip
    return FoundRun(run.path, state, run, problem if state == "failed" else "")


def _unreadable(path, error):
    problem = f"`{path}` cannot be read ({error.strerror})."
    return FoundRun(Path(path), "unreadable", problem=problem)


def network_of(recipe: dict[str, Any]) -> str:
    """Returns the name of the builder in a described recipe, "" where there is none."""
    model = recipe.get("model")
    return short(plain({"call": model.get("call", "")}), 40) if isinstance(model, dict) else ""


def _is_locked(path):
    """Whether a process holds the directory: its lock is the kernel's, and ends with it."""
    try:
        import fcntl

        with open(path / ".lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # on Windows; or nobody has run here
        pass
    return False


def _failure_of(path):
    """The sentence with which a run ended that cannot go on, else ""."""
    try:
        with open(path / FAILURE, "rb") as file:
            return short(file.read(1000).decode("utf-8", "replace"), 200)
    except OSError:
        return ""


def _last(column):
    if column is None or not len(column) or not np.isfinite(column[-1]):
        return None
    return float(column[-1])


def _natural(name):
    """A key by which seed-2 comes before seed-10."""
    return [int(part) if odd % 2 else part for odd, part in enumerate(re.split(r"(\d+)", name))]
