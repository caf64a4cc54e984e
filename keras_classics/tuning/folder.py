"""The folder of a search, before KerasTuner looks at it: made, or of the same search and whole."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from keras_classics.files import is_torn, sweep, write_json
from keras_classics.schema import read_json
from keras_classics.training.fields import describe, differing_fields, identity
from keras_classics.tuning.results import ORACLE, SEARCH, SearchError, read_trials

if TYPE_CHECKING:
    from pathlib import Path

    from keras_classics.training.recipe import Recipe


def prepare(path: Path, recipe: Recipe, oracle: Any) -> None:
    """Makes the folder, or checks that it is of the same search.

    Args:
        path: the folder.
        recipe: the `Recipe`.
        oracle: KerasTuner's, which chooses the trials.

    Raises:
        SearchError: for a folder of another search or of something else, or a damaged one.
    """
    search = {
        "recipe": describe(recipe),
        "identity": identity(recipe),
        "oracle": type(oracle).__name__.strip("_"),
        "space": oracle.get_space().get_config()["space"],
    }
    description = path / "search.json"
    if not description.exists():
        if path.exists() and not all(is_torn(item.name) for item in path.iterdir()):
            raise SearchError(
                f"{path} is not empty and holds no search; choose another directory with "
                "`directory`."
            )
        path.mkdir(parents=True, exist_ok=True)
        sweep(path)
        write_json(description, search)
        return
    try:
        stored = read_json(description, SEARCH, SearchError)
    except SearchError as error:
        raise SearchError(
            f"{description} is damaged; choose another directory with `directory`."
        ) from error
    differing = differing_fields(recipe, stored["recipe"])
    differing += [name for name in ("oracle", "space") if stored.get(name) != search[name]]
    if differing:
        raise SearchError(
            f"{path} belongs to another search (it differs in {', '.join(differing)}); choose "
            "another directory with `directory`."
        )
    sweep(path, "*")
    sweep(path, "trial_*/*")  # not below: the runs of other processes may go on
    _remove_uncounted_trial(path)
    _check_trials(path)


def _known(path):
    """Returns the names of the trials that KerasTuner has counted."""
    oracle = path / "oracle.json"
    order = read_json(oracle, ORACLE, SearchError)["start_order"] if oracle.exists() else []
    return [f"trial_{name}" for name in order]


def _check_trials(path):
    """Raises before KerasTuner reads them, which would not say which of them is damaged."""
    for trial in _known(path):
        if not (path / trial / "trial.json").is_file():
            raise SearchError(
                f"{path / trial / 'trial.json'} is not there; restore it, or choose another "
                "directory with `directory`."
            )
        history = path / trial / "run" / "history.csv"
        if history.exists() and not history.is_file():
            raise SearchError(f"{history} is not a file; remove it, and the search goes on.")
    read_trials(path)


def _remove_uncounted_trial(path):
    """Removes a trial that KerasTuner wrote down, and was killed before it counted it."""
    if (path / "oracle.json").exists():
        known = _known(path)
        for trial in path.glob("trial_*"):
            if trial.name in known:
                continue
            if (trial / "run" / "metrics.json").exists():
                raise SearchError(
                    f"`{path / 'oracle.json'}` does not know {trial.name}, which is finished; "
                    "restore it, or choose another directory with `directory`."
                )
            shutil.rmtree(trial)
