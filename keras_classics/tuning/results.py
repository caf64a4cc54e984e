"""What a search has found: a table, and a page with the trials side by side."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.errors import UserError
from keras_classics.schema import (
    ANYTHING,
    NAME,
    NUMBER,
    PERCENT,
    TEXT,
    TRUTH,
    any_of,
    count,
    fields,
    items,
    or_null,
    read_json,
    short,
    values,
)

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

# What we rely on of KerasTuner's files, and of the one that says what is searched.
TRIAL = fields(
    {
        "trial_id": NAME,
        "status": NAME,
        "score": or_null(PERCENT),
        "hyperparameters": fields({"values": values(or_null(any_of(TEXT, NUMBER, TRUTH)))}),
    }
)
ORACLE = fields({"start_order": items(NAME)})
SEARCH = fields(
    {
        "recipe": fields({"name": NAME, "dataset": NAME, "validation": count(1)}),
        "oracle": NAME,
        "space": items(values(ANYTHING)),
    }
)


class SearchError(UserError):
    """A search that cannot be made or read; the message is one sentence for the user."""


def error_after(run_dir: AnyPath, epochs: int | None = None) -> float:
    """Returns the error on held-out pictures after so many epochs of a run, or after its last.

    Args:
        run_dir: the run directory.
        epochs: how many; None for all.

    Returns:
        float, in percent.
    """
    with open(Path(run_dir, "history.csv")) as file:
        rows = list(csv.DictReader(file))
    return float(rows[-1 if epochs is None else epochs - 1]["val_error"])


def read_trials(directory: AnyPath) -> list[dict[str, Any]]:
    """Returns the trials of a search, the best first.

    Args:
        directory: the folder of the search.

    Returns:
        list of dicts: trial, status, val_error (None where it has none), epochs (None for all),
        run (the run directory's name), and values, {field: value}.
    """
    trials = []
    for path in Path(directory).glob("trial_*/trial.json"):
        trial = read_json(path, TRIAL, SearchError)
        values = trial["hyperparameters"]["values"]
        own = {k: v for k, v in values.items() if not k.startswith("tuner/")}
        trials.append(
            {
                "trial": trial["trial_id"],
                "status": trial["status"].lower(),
                "val_error": trial["score"],
                "epochs": values.get("tuner/epochs"),
                "continues": values.get("tuner/trial_id"),
                "values": own,
            }
        )
    by_name = {trial["trial"]: trial for trial in trials}
    for trial in trials:
        trial["run"] = f"trial_{_first(trial, by_name, directory)['trial']}/run"
    unknown = np.inf
    return sorted(
        trials,
        key=lambda t: (unknown if t["val_error"] is None else t["val_error"], t["trial"]),
    )


def _first(trial, by_name, directory):
    """Hyperband trains good trials on: returns the one in whose run that happens."""
    first, passed = trial, set()
    while first["continues"]:
        if first["continues"] not in by_name or first["trial"] in passed:
            raise SearchError(
                f"Trial {short(trial['trial'], 40)} in {directory} continues one that is not there."
            )
        passed.add(first["trial"])
        first = by_name[first["continues"]]
    return first


def table_of(trials: Sequence[Mapping[str, Any]]) -> str:
    """Returns the trials as CSV, the best first."""
    text = io.StringIO()
    fields = list(trials[0]["values"])
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "status", "val_error", "epochs", "run", *fields])
    for trial in trials:
        first = [trial[name] for name in ("trial", "status", "val_error", "epochs", "run")]
        writer.writerow([*first, *(trial["values"].get(field) for field in fields)])
    return text.getvalue()
