"""What a search has found: a table, and a page with the trials side by side."""

import csv
import io
import json
from pathlib import Path

import numpy as np


def error_after(run_dir, epochs=None):
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


def read_trials(directory):
    """Returns the trials of a search, the best first.

    Args:
        directory: the folder of the search.

    Returns:
        list of dicts: trial, status, val_error (None where it has none), epochs (None for all),
        run (the run directory's name), and values, {field: value}.
    """
    trials = []
    for path in Path(directory).glob("trial_*/trial.json"):
        trial = json.loads(path.read_text("utf-8"))
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
        first = trial
        while first["continues"]:
            first = by_name[first["continues"]]
        trial["run"] = f"trial_{first['trial']}/run"
    unknown = np.inf
    return sorted(
        trials,
        key=lambda t: (unknown if t["val_error"] is None else t["val_error"], t["trial"]),
    )


def table_of(trials):
    """Returns the trials as CSV, the best first."""
    text = io.StringIO()
    fields = list(trials[0]["values"])
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "status", "val_error", "epochs", "run", *fields])
    for trial in trials:
        first = [trial[name] for name in ("trial", "status", "val_error", "epochs", "run")]
        writer.writerow([*first, *(trial["values"].get(field) for field in fields)])
    return text.getvalue()
