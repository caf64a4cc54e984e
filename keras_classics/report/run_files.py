"""Reads what a run directory holds, finished or not, and writes figures into it."""

import csv
import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from keras_classics.errors import UserError
from keras_classics.files import write_bytes

PREDICTIONS = (
    "labels",
    "predicted",
    "probabilities",
    "wrong_index",
    "wrong_images",
    "sample_images",
    "sample_labels",
)


class ReportError(UserError, ValueError):
    """A report cannot be made; the message is one sentence for the user."""


@dataclass(frozen=True)
class RecordedRun:
    """What training has written so far.

    Attributes:
        path: the run directory.
        recipe: the recipe's fields, described; empty values where it says nothing.
        changed: what they change in the published recipe.
        validated_on: which pictures are measured after every epoch, the name of their split.
        environment: versions, commit and machine.
        history: column name -> one value per finished epoch; errors in percent.
        seconds: wall time of each epoch.
        metrics: the final figures, or None while the run is unfinished.
    """

    path: Path
    recipe: dict
    changed: list[dict]
    validated_on: str
    environment: dict
    history: dict[str, np.ndarray]
    seconds: np.ndarray
    metrics: dict | None

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.recipe.get("name", self.path.name))

    @property
    def dataset(self) -> str:
        """The data set's name, of a folder its last part."""
        name = str((self.metrics or {}).get("dataset") or self.recipe.get("dataset", "unknown"))
        kind, colon, path = name.partition(":")
        return f"{kind}:{Path(path).name}" if colon and "/" in path else name

    @property
    def seed(self) -> str:
        """The seed of every random draw."""
        return str((self.metrics or {}).get("seed", self.recipe.get("seed", "unknown")))

    @property
    def day(self) -> str:
        """The day on which the run ended, or was last begun."""
        last = "recipe.json" if self.metrics is None else "metrics.json"
        day = date.fromtimestamp((self.path / last).stat().st_mtime)
        return f"{day.day} {day:%B %Y}"

    @property
    def epochs(self) -> int:
        """How many epochs are finished."""
        return len(self.history.get("epoch", ()))

    @property
    def planned_epochs(self) -> int:
        """How many epochs the recipe asks for, or at least how many there are."""
        planned = self.recipe.get("epochs")
        return max(self.epochs, planned if isinstance(planned, int) else 0)

    def paper(self) -> dict:
        """The paper's figures, empty where it gives none."""
        return (self.metrics or {}).get("paper") or self.recipe.get("paper") or {}

    def class_names(self, count: int) -> list[str]:
        """The names of `count` classes; numbers where the run knows no names."""
        names = [str(name) for name in (self.metrics or {}).get("class_names") or ()]
        return names[:count] + [str(index) for index in range(len(names), count)]


def read_run(run_dir: str | os.PathLike) -> RecordedRun:
    """Reads a run directory, except for its predictions and its model.

    Args:
        run_dir: the directory that training wrote.

    Returns:
        A `RecordedRun`.

    Raises:
        ReportError: if this is no run directory, or one of its small files is damaged.
    """
    path = Path(run_dir)
    content = _read_json(path / "recipe.json")
    if content is None:
        raise ReportError(
            f"`{path}` is not a run directory (it holds no recipe.json); "
            "pass the folder that a training run has written."
        )
    fields = content.get("recipe", content)
    return RecordedRun(
        path=path,
        recipe=fields,
        changed=content.get("changed") or [],
        validated_on=content.get("validated_on") or _guessed_split(fields),
        environment=_read_json(path / "environment.json") or {},
        history=_read_table(path / "history.csv"),
        seconds=_read_table(path / "timings.csv").get("seconds", np.zeros(0)),
        metrics=_read_json(path / "metrics.json"),
    )


def _guessed_split(fields):
    """For runs from before this was written down."""
    return "test" if fields.get("validation") == "test" else "validation"


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """Reads predictions.npz.

    Args:
        path: the file.

    Returns:
        The arrays named in `PREDICTIONS`.

    Raises:
        ReportError: if it is missing or damaged.
    """
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in PREDICTIONS}
    except FileNotFoundError as error:
        raise ReportError("The run has no predictions.npz (yet).") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ReportError(f"predictions.npz cannot be read ({error}).") from error


def write_figure(path: Path, content: bytes) -> Path:
    """Writes a file of the report; returns its path.

    Raises:
        ReportError: if it cannot be written.
    """
    try:
        return write_bytes(path, content)
    except OSError as error:
        raise ReportError(
            f"`{path}` could not be written ({error.strerror}); "
            "make room there or make it writable, and ask for the report again."
        ) from error


def _read_json(path: Path) -> dict | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ReportError(f"`{path}` cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise ReportError(f"`{path}` cannot be read (it does not hold one JSON object).")
    return content


def _read_table(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return {}
    try:
        return (
            {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
            if rows
            else {}
        )
    except (TypeError, ValueError) as error:
        raise ReportError(f"`{path}` cannot be read ({error}).") from error
