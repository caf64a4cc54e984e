"""The command line that every search script shares."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_classics.cli import output, signals
from keras_classics.cli.callables import resolved
from keras_classics.cli.flags import search_parser
from keras_classics.cli.recipe_flags import settings
from keras_classics.cli.sentences import end_in_a_sentence, one_line
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.runs.assembly import assemble
from keras_classics.runs.loop import train
from keras_classics.runs.sources import load_sources
from keras_classics.training.fields import vary
from keras_classics.training.recipe import Recipe
from keras_classics.tuning.page import write_search_report
from keras_classics.tuning.results import read_trials
from keras_classics.tuning.tuner import SearchError, is_worker, make_tuner, service


def tune(recipe: Recipe, space: Callable[[Any], Any], argv: Sequence[str] | None = None) -> None:
    """See `keras_classics.cli.tune`."""
    if not isinstance(recipe, Recipe):
        sys.exit(f"error: {one_line(f'`tune` takes a Recipe. Received: {recipe!r}')}")
    arguments = search_parser(recipe).parse_args(argv)
    directory = Path(arguments.directory or Path("runs", f"tune_{recipe.name}", arguments.tuner))

    def search():
        _search(vary(recipe, _changes(arguments)), space, directory, arguments)

    end_in_a_sentence(search, arguments)


def _changes(arguments):
    names = ("epochs", "validation", "limit_train", "seed")
    changes = {name: getattr(arguments, name) for name in names} | {"dataset": arguments.data}
    changes = {name: value for name, value in changes.items() if value is not None}
    return changes | resolved(settings(arguments.set))


def _search(recipe, space, directory, arguments):
    if arguments.worker is not None and arguments.oracle is None:
        raise SearchError("--worker needs --oracle, the address where trials are chosen.")
    if arguments.trials < 1:
        raise SearchError(f"--trials must be at least 1. Received: {arguments.trials}")
    if arguments.trials >= 2**31:
        raise SearchError(f"--trials must be below 2**31. Received: {arguments.trials}")
    # Before a search is made of which no trial can run.
    assemble(recipe, load_sources(recipe, arguments.data_dir, "none")["train"])
    keras.backend.clear_session()  # the layers' names count from one in each trial
    import_tensorflow()  # it reads the pictures, and is the last library with notices
    output.speak()
    signals.promise(f"with --directory {directory} continues the search")
    with service(arguments.oracle, arguments.worker):
        tuner = make_tuner(
            arguments.tuner, recipe, space, directory,
            trials=arguments.trials, seed=arguments.seed, data_dir=arguments.data_dir,
        )  # fmt: skip
        tuner.search()
        if is_worker():
            return
    best = next((t for t in read_trials(directory) if t["val_error"] is not None), None)
    if best is None:
        raise SearchError(f"No trial has ended well; {directory} says why in each trial.json.")
    values = ", ".join(f"{name}={value}" for name, value in best["values"].items())
    print(f"Best: trial {best['trial']}, {best['val_error']:.2f} % ({values})")
    # Hyperband may have stopped it early: then it goes on to its end.
    run_dir = directory / best["run"]
    train(vary(recipe, best["values"]), run_dir, data_dir=arguments.data_dir, verbose=0)
    print(f"Its run: {run_dir}")
    print(f"Report: {write_search_report(directory)}")
