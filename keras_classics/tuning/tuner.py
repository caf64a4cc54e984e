"""A tuner of KerasTuner whose trials are runs of one recipe with some fields varied.

    SEARCH/search.json             what is searched: of another search, the folder is refused
    SEARCH/oracle.json             KerasTuner's state
    SEARCH/trial_07/trial.json     values and score of a trial
    SEARCH/trial_07/run/           its run directory, which continues like any other
    SEARCH/trials.csv report.html  all trials, when the search has ended

A search that was killed goes on where it was: finished trials are kept, the one in progress
continues from its last checkpoint.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import keras

from keras_classics import checks, compat
from keras_classics.choices import TUNERS
from keras_classics.errors import UserError
from keras_classics.files import write_json
from keras_classics.runs.loop import TrainingError, train
from keras_classics.runs.peers import is_address
from keras_classics.schema import short
from keras_classics.training.fields import vary
from keras_classics.training.recipe import RecipeError
from keras_classics.tuning.folder import prepare
from keras_classics.tuning.results import SearchError, error_after

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import AnyPath


class TunerMissing(SearchError, ImportError):
    """KerasTuner is not installed."""


try:
    import keras_tuner
    from keras_tuner.oracles import (
        BayesianOptimizationOracle,
        HyperbandOracle,
        RandomSearchOracle,
    )
except ImportError as error:
    raise TunerMissing(
        'Searches need KerasTuner; run pip install "keras_classics[tuner]".'
    ) from error

OBJECTIVE = "val_error"
_OF_KERAS_TUNER = "tuner/"  # prefix of the values that are not fields


class RecipeTuner(compat.base_tuner()):  # type: ignore[misc]  # KerasTuner has no types
    """Runs a recipe once for each trial and reports the error on its held-out pictures.

    Args:
        oracle: one of KerasTuner's, see `make_tuner`.
        recipe: the `Recipe`, whose `validation` holds pictures out.
        directory: the folder of the search.
        **options: for `train`, e.g. `data_dir`.

    Raises:
        SearchError: if the recipe holds nothing out, a field of the space does not exist, or the
            folder holds another search.
    """

    def __init__(self, oracle: Any, recipe: Recipe, directory: AnyPath, **options: Any) -> None:
        self.recipe, self.options = recipe, options
        path = Path(directory).absolute()
        _check(recipe, oracle)
        if not is_worker():
            prepare(path, recipe, oracle)
        self._begin_or_continue(oracle, path)
        if not is_worker():
            self.save()  # from now on the search continues

    def save(self) -> None:
        """Saves that the search has begun, and where it is."""
        if not is_worker():
            self.oracle.save()
        write_json(compat.tuner_file(self), self.get_state())  # see `_WrittenBeside`

    def _begin_or_continue(self, oracle, path):
        try:
            super().__init__(oracle, directory=str(path.parent), project_name=path.name)
        except Exception as error:  # whatever its own files make KerasTuner raise
            if not any(os.path.lexists(path / name) for name in ("oracle.json", "tuner0.json")):
                raise
            raise SearchError(
                f"KerasTuner cannot continue from its files in {path} ({short(error)}); choose "
                "another directory with `directory`."
            ) from error

    def search(self, *arguments: Any, **options: Any) -> None:
        """Runs the trials that are left.

        Raises:
            SearchError: if one cannot be run at all.
        """
        try:
            super().search(*arguments, **options)
        except keras_tuner.errors.FatalError as error:
            raise SearchError(str(error)) from error

    def run_trial(self, trial: Any, **_: Any) -> dict[str, float]:
        """Trains, or continues, what the trial's values say; returns its score."""
        values = trial.hyperparameters.values
        fields = {name: v for name, v in values.items() if not name.startswith(_OF_KERAS_TUNER)}
        epochs = values.get("tuner/epochs")
        run_dir = Path(self.project_dir, f"trial_{self._first(values, trial.trial_id)}", "run")
        try:
            train(vary(self.recipe, fields), run_dir, stop_after=epochs, verbose=0, **self.options)
        except TrainingError:  # a rate too high is a result, and no reason to end the search
            error = 100.0
        except UserError as problem:  # of every trial alike, such as data that is gone
            raise keras_tuner.errors.FatalError(str(problem)) from problem
        else:
            error = error_after(run_dir, epochs)
        keras.backend.clear_session()
        compat.forget_tracings()
        gc.collect()
        return {OBJECTIVE: error}

    def _first(self, values, trial_id):
        """Hyperband trains the good trials on: returns the one in whose run that happens."""
        while "tuner/trial_id" in values:
            trial_id = values["tuner/trial_id"]
            values = self.oracle.get_trial(trial_id).hyperparameters.values
        return trial_id

    def load_model(self, trial: Any) -> keras.Model:
        """Returns the network of a trial that has been trained to its end."""
        first = self._first(trial.hyperparameters.values, trial.trial_id)
        return keras.models.load_model(
            Path(self.project_dir, f"trial_{first}", "run", "model.keras")
        )


def make_tuner(
    kind: Literal["hyperband", "random", "bayesian"],
    recipe: Recipe,
    space: Callable[[Any], Any],
    directory: AnyPath,
    *,
    trials: int = 20,
    seed: int = 0,
    **options: Any,
) -> RecipeTuner:
    """Returns a `RecipeTuner`.

    Args:
        kind: "hyperband" (many short runs, of which the best go on to `recipe.epochs`), "random",
            or "bayesian" (each trial is chosen by a Gaussian process on those before).
        recipe: the `Recipe`.
        space: function of a `keras_tuner.HyperParameters` that declares the fields, as `vary`
            names them: `hp.Float("optimizer.momentum", 0.5, 0.99)`.
        directory: the folder of the search.
        trials: how many, for "random" and "bayesian".
        seed: of the choices.
        **options: for `train`.

    Raises:
        SearchError: see `RecipeTuner`; or if the kind is unknown.

    Example:
        >>> import tempfile
        >>> from lenet5_mnist import RECIPE
        >>> from keras_classics.training import vary
        >>> from keras_classics.tuning import make_tuner
        >>> recipe = vary(RECIPE, {"dataset": "mnist_5k", "validation": 450})
        >>> def space(hp):
        ...     hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     tuner = make_tuner("random", recipe, space, f"{directory}/search", trials=3)
        >>> tuner.remaining_trials
        3
    """
    checks.choice("kind", kind, TUNERS, SearchError)
    hyperparameters = keras_tuner.HyperParameters()
    space(hyperparameters)
    shared = {
        "objective": keras_tuner.Objective(OBJECTIVE, "min"),
        "hyperparameters": hyperparameters,
        "seed": seed + 1,  # KerasTuner takes 0 for "any"
    }
    oracle: Any
    if kind == "hyperband":
        oracle = _Hyperband(max_epochs=recipe.epochs, **shared)
    else:
        oracle = {"random": _Random, "bayesian": _Bayesian}[kind](max_trials=trials, **shared)
    return RecipeTuner(oracle, recipe, directory, **options)


class _WrittenBeside:
    """KerasTuner writes its state into place: killed in that instant, it could not continue."""

    get_state: Callable[[], dict[str, Any]]

    def save(self) -> None:
        write_json(compat.oracle_file(self), self.get_state())

    def _save_trial(self, trial):
        folder = Path(compat.oracle_file(self)).parent / f"trial_{trial.trial_id}"
        write_json(folder / "trial.json", trial.get_state())


class _Hyperband(_WrittenBeside, HyperbandOracle):
    pass


class _Random(_WrittenBeside, RandomSearchOracle):
    pass


class _Bayesian(_WrittenBeside, BayesianOptimizationOracle):
    pass


def is_worker() -> bool:
    """Whether this process asks another one for its trials."""
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in os.environ["KERASTUNER_TUNER_ID"]


@contextmanager
def service(address: str | None, worker: str | None) -> Iterator[None]:
    """Shares a search among processes by KerasTuner's own service.

    Args:
        address: "host:port" of the process that chooses the trials; None for one process alone.
        worker: name of this process among those that train, or None for the one that chooses.
    """
    if address is None:
        yield
        return
    if not is_address(address):
        raise SearchError(f"`oracle` must be host:port. Received: {address}")
    # By "chief" in its name KerasTuner knows the process that chooses.
    if worker is not None and (
        not re.fullmatch(r"[A-Za-z0-9_.-]{1,99}", worker) or "chief" in worker
    ):
        rule = 'letters and digits, without "chief"'
        raise SearchError(f"`worker` must be a name of {rule}. Received: {worker}")
    host, _, port = address.rpartition(":")
    names = {
        "KERASTUNER_ORACLE_IP": host,
        "KERASTUNER_ORACLE_PORT": port,
        "KERASTUNER_TUNER_ID": "chief" if worker is None else f"worker-{worker}",
    }
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _check(recipe, oracle):
    if recipe.validation in ("test", 0):
        raise SearchError(
            "A search chooses by held-out training pictures and leaves the test split alone; set "
            f"`validation` to their number. Received: validation={recipe.validation!r}"
        )
    space = oracle.get_space().space
    if not space:
        raise SearchError("The search space is empty; declare a field in it.")
    for field in space:
        try:
            vary(recipe, {field.name: field.default})
        except RecipeError as error:
            raise SearchError(f"The search space does not fit {recipe.name}: {error}") from error
