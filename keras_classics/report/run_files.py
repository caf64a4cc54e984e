"""Reads what a run directory holds, finished or not, and writes figures into it."""

import csv
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from keras_classics.data.class_names import in_words
from keras_classics.errors import UserError
from keras_classics.files import utf8, write_bytes
from keras_classics.report.schemas import ENVIRONMENT, METRICS, RECIPE
from keras_classics.schema import read_json, short
from keras_classics.zoo import list_models, model_card

_LARGEST = 1e39  # of float32, roughly
_LONGEST = 10**9  # seconds of an epoch: thirty years


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
        return _shown(self.recipe.get("name", self.path.name))

    @property
    def dataset(self) -> str:
        """The data set's name, of a folder its last part."""
        name = _shown((self.metrics or {}).get("dataset") or self.recipe.get("dataset", "unknown"))
        kind, colon, path = name.partition(":")
        return f"{kind}:{Path(path).name}" if colon and "/" in path else name

    @property
    def builder(self) -> str:
        """What built the network, as "module:function"; empty where the recipe does not say."""
        model = self.recipe.get("model")
        if not isinstance(model, dict):
            return ""
        call, name = str(model.get("call")), str(model.get("network"))
        # It builds the network that it is told to.
        is_told = call == "keras_classics.models.pretrained:pretrained" and name in list_models()
        return model_card(name).builder if is_told else call

    @property
    def network(self) -> str:
        """The network's name, as in `list_models()`; empty of any other."""
        package, _, name = self.builder.rpartition(":")
        if name == "cifar_resnet":  # the builder of all of them
            kind = "resnet" if self.recipe["model"].get("residual", True) else "plain"
            name = f"cifar_{kind}{self.recipe['model'].get('depth')}"
        is_ours = package.startswith("keras_classics.models.") and name in list_models()
        return name if is_ours else ""

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
        """How many epochs an unfinished run asks for; of a finished one, how many there are."""
        planned = self.recipe.get("epochs") if self.metrics is None else None
        return max(self.epochs, planned if isinstance(planned, int) else 0)

    def paper(self) -> dict:
        """The paper's figures, empty where it gives none."""
        return (self.metrics or {}).get("paper") or self.recipe.get("paper") or {}

    def class_names(self, count: int) -> list[str]:
        """The names of `count` classes in words; numbers where the run knows no names."""
        names = [_shown(in_words(name)) for name in (self.metrics or {}).get("class_names") or ()]
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
    seconds = _read_table(path / "timings.csv").get("seconds", np.zeros(0))
    content = _read_recipe_file(path)
    fields = content["recipe"]
    return RecordedRun(
        path=path,
        recipe=fields,
        changed=content.get("changed") or [],
        validated_on=content.get("validated_on") or _guessed_split(fields),
        environment=_optional(path / "environment.json", ENVIRONMENT) or {},
        history=_read_table(path / "history.csv"),
        seconds=seconds[np.isfinite(seconds)],  # a killed process leaves a field empty
        metrics=_optional(path / "metrics.json", METRICS),
    )


def _guessed_split(fields):
    """For runs from before this was written down."""
    return "test" if fields.get("validation") == "test" else "validation"


def read_recipe(run_dir: str | os.PathLike) -> dict:
    """Reads the recipe's fields, described, of a run directory.

    Raises:
        ReportError: if this is no run directory, or its recipe.json is damaged.
    """
    return _read_recipe_file(run_dir)["recipe"]


def _read_recipe_file(run_dir):
    path = Path(run_dir, "recipe.json")
    if not path.is_file():
        raise ReportError(
            f"`{run_dir}` is not a run directory (it holds no recipe.json); "
            "pass the folder that a training run has written."
        )
    return read_json(path, RECIPE, ReportError)


def read_metrics(run_dir: str | os.PathLike) -> dict:
    """Reads the final figures of a run directory.

    Raises:
        ReportError: if the run is not finished, or its metrics.json is damaged.
    """
    metrics = _optional(Path(run_dir, "metrics.json"), METRICS)
    if metrics is None:
        raise ReportError(f"{run_dir} has no readable metrics.json; is it a finished run?")
    return metrics


def reads_digits(metrics: dict) -> bool:
    """Whether a run reads the ten digits in pictures of one channel, as MNIST's are."""
    digits = [str(digit) for digit in range(10)]
    return metrics["class_names"] == digits and metrics["image_shape"][-1] == 1


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


def _shown(name) -> str:
    """A name as figures can draw it, which refuse what is no UTF-8."""
    return utf8(str(name)).decode()


def _optional(path, schema):
    return read_json(path, schema, ReportError) if path.is_file() else None


def _read_table(path: Path) -> dict[str, np.ndarray]:
    """Reads a table of numbers with one row for each epoch."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        raise ReportError(f"`{path}` cannot be read ({short(error)}).") from error
    try:
        columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
        epochs = columns.pop("epoch")
        if not np.array_equal(epochs, np.arange(1, len(rows) + 1)):
            raise ValueError("its epochs are not 1, 2, 3, …")
        _check_figures(columns)
    except IndexError:  # nothing below the heads of the columns
        return {}
    except (KeyError, TypeError, ValueError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else short(error)
        raise ReportError(f"`{path}` cannot be read ({reason}).") from error
    return {"epoch": epochs, **columns}


def _check_figures(columns):
    for name, figures in columns.items():
        finite = figures[np.isfinite(figures)]
        if np.any(np.abs(finite) > _LARGEST):
            raise ValueError(f"{name} holds {np.abs(finite).max():g}")
        if name == "seconds" and np.any((finite < 0) | (finite > _LONGEST)):
            raise ValueError(f"{name} holds figures that are not from 0 to {_LONGEST:,}")
        if name.endswith("error") and np.any((finite < 0) | (finite > 100)):
            raise ValueError(f"{name} holds figures that are not from 0 to 100")
