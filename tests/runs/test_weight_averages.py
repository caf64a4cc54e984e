"""Averages of the weights validate and are saved; training knows nothing of them."""

import csv

import keras
import numpy as np
import pytest

from keras_classics.data.sources import hold_out, load
from keras_classics.evaluation import evaluate
from keras_classics.runs import train
from keras_classics.training import vary
from tests.runs import small_recipes

pytestmark = pytest.mark.backend

AVERAGED = vary(small_recipes.FRAGILE, {"epochs": 2, "limit_train": 200, "keep_epochs": (1,)})
RAW = vary(AVERAGED, {"optimizer.use_ema": False})


class Weights(keras.callbacks.Callback):
    """The weights after every update."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        self.steps.append(
            {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in self.model.trainable_weights}
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run with averages and one without: folder, metrics, weights after every update."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for name, recipe in (("averaged", AVERAGED), ("raw", RAW)):
        weights = Weights()
        metrics = train(recipe, folder / name, callbacks=[weights], verbose=0)
        found[name] = (folder / name, metrics, weights.steps)
    return found


def history(run_dir):
    return list(csv.DictReader((run_dir / "history.csv").open()))


def test_training_is_the_same_as_without_averages(runs):
    assert len(runs["raw"][2]) == len(runs["averaged"][2]) == 14
    for raw, averaged in zip(runs["raw"][2], runs["averaged"][2], strict=True):
        for (path, one), other in zip(raw.items(), averaged.values(), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=path)
    for raw, averaged in zip(
        *(history(runs[name][0]) for name in ("raw", "averaged")), strict=True
    ):
        assert {k: raw[k] for k in ("loss", "error")} == {k: averaged[k] for k in ("loss", "error")}
        assert raw["val_loss"] != averaged["val_loss"]


@pytest.mark.parametrize(
    ("saved", "updates"), [("snapshots/epoch-0001.keras", 7), ("model.keras", 14)]
)
def test_the_averages_are_saved(runs, saved, updates):
    path, _, steps = runs["averaged"]
    average = steps[0]
    for step in steps[1:updates]:
        average = {k: 0.9 * average[k] + 0.1 * step[k].astype("float64") for k in step}
    model = keras.models.load_model(path / saved)
    trained = {v.path: keras.ops.convert_to_numpy(v) for v in model.trainable_weights}
    assert trained  # without those of the auxiliary head
    for name, value in trained.items():
        # Rounding of the few sums in float32.
        np.testing.assert_allclose(value, average[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_averages_are_validated(runs):
    """On the 100 held-out digits the history has what the saved models have."""
    path, metrics, _ = runs["averaged"]
    first, last = (float(row["val_error"]) for row in history(path))
    assert last == pytest.approx(metrics["error"], abs=1e-4)
    _, held_out = hold_out(load("mnist_5k", "train"), 100)
    saved = keras.models.load_model(path / "snapshots" / "epoch-0001.keras")
    assert first == pytest.approx(evaluate(saved, held_out).error, abs=1e-4)
