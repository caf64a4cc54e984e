"""The real loop on real digits: what a run leaves behind, and how it refuses."""

import csv
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

from keras_classics.data.sources import load
from keras_classics.evaluation import DenseEvaluation, TenCrop, evaluate
from keras_classics.runs import RunDirectoryError, TrainingError, train
from keras_classics.runs.directory import RunDirectory
from keras_classics.trained_model import network_of
from keras_classics.training import PassTable, RecipeError, vary
from tests.runs import small_recipes

pytestmark = pytest.mark.backend

QUICK = vary(
    small_recipes.LENET5,
    {
        "limit_train": 200,
        "epochs": 2,
        "validation": "test",
        "copies": 1,
        "keep_epochs": (1,),
        "schedule": PassTable(((1, 1.0), (1, 0.4))),
    },
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One finished run, and the metrics that `train` returned."""
    path = tmp_path_factory.mktemp("runs") / "quick"
    return path, train(QUICK, path, verbose=0)


def test_a_run_leaves_everything_behind(finished):
    path, metrics = finished
    names = {item.name for item in path.iterdir()}
    assert names >= {
        "recipe.json", "environment.json", "history.csv", "timings.csv", "checkpoints",
        "snapshots", "model.keras", "metrics.json", "predictions.npz", "report.html", "figures",
    }  # fmt: skip
    assert json.loads((path / "metrics.json").read_text()) == metrics
    assert not list(path.rglob("*.partial*"))
    rows = list(csv.DictReader((path / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == {"epoch", "learning_rate", "loss", "error", "val_loss", "val_error"}
    assert [float(row["learning_rate"]) for row in rows] == [0.002, 0.0008]
    for figure in (path / "figures").glob("*.png"):
        Image.open(figure).verify()


def test_the_saved_model_is_complete(finished):
    path, metrics = finished
    model = keras.models.load_model(path / "model.keras")
    test = load("mnist_5k", "test")
    probabilities = model.predict(test.images, verbose=0)  # pixels in, probabilities out
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) != test.labels).sum() == metrics["wrong"]
    assert [layer.name for layer in model.layers[-2:]] == ["logits", "probabilities"]
    assert network_of(model).name == "lenet5"
    assert metrics["error"] == pytest.approx(100 * metrics["wrong"] / 500)


def test_the_last_row_of_the_history_is_the_final_figure(finished):
    """Here the validation set is the test set, so both must agree."""
    path, metrics = finished
    last = list(csv.DictReader((path / "history.csv").open()))[-1]
    # Keras keeps accuracy in float32.
    assert float(last["val_error"]) == pytest.approx(metrics["error"], abs=1e-4)


def test_kept_epochs_can_be_measured_afterwards(finished):
    path, _ = finished
    model = keras.models.load_model(path / "snapshots" / "epoch-0001.keras")
    result = evaluate(model, load("mnist_5k", "test"))
    rows = list(csv.DictReader((path / "history.csv").open()))
    error = 100 * np.mean(result.labels != result.predicted)
    assert error == pytest.approx(float(rows[0]["val_error"]), abs=1e-4)


def test_running_a_finished_run_again_changes_nothing(finished):
    path, metrics = finished
    history = (path / "history.csv").read_bytes()
    assert train(QUICK, path, verbose=0) == metrics
    assert (path / "history.csv").read_bytes() == history


def test_every_third_step_has_its_row(tmp_path):
    """12 steps in two epochs of six and a half batches, of which `drop_last` leaves six."""
    recipe = vary(QUICK, {"drop_last": True})
    train(recipe, tmp_path, verbose=0, stop_after=1, log_steps=3)
    train(recipe, tmp_path, verbose=0, log_steps=3)  # the rows come with the checkpoint
    rows = list(csv.DictReader((tmp_path / "steps.csv").open()))
    assert [row["iteration"] for row in rows] == ["3", "6", "9", "12"]
    assert [row["epoch"] for row in rows] == ["1", "1", "2", "2"]
    assert [float(row["learning_rate"]) for row in rows] == [0.002, 0.002, 0.0008, 0.0008]
    history = list(csv.DictReader((tmp_path / "history.csv").open()))
    for epoch, row in zip(history, rows[1::2], strict=True):  # an epoch's last step has all of it
        assert float(epoch["loss"]) == pytest.approx(float(row["loss"]), rel=1e-6)
        assert float(epoch["error"]) == pytest.approx(float(row["error"]), abs=1e-4)


def test_drop_last_needs_a_whole_batch(tmp_path):
    recipe = vary(QUICK, {"drop_last": True, "batch_size": 201})
    with pytest.raises(RecipeError, match="200 pictures are fewer than a batch of 201"):
        train(recipe, tmp_path / "run", verbose=0)


def test_held_out_pictures_leave_the_test_split_alone(tmp_path, capsys):
    metrics = train(vary(QUICK, {"validation": 100, "epochs": 1}), tmp_path / "run", verbose=1)
    assert (metrics["split"], metrics["examples"]) == ("validation", 100)
    assert not metrics["comparable"]
    # The line of the epoch, in the words and figures of the table and the page.
    *bars, line, rest = re.split(r"[\r\n]+", capsys.readouterr().out)
    assert all(bar.startswith("epoch 1/1 [") for bar in bars if bar.strip()) and not rest
    assert re.fullmatch(
        rf"epoch 1/1  \d+\.\d s  rate 0\.002  training error {metrics['train_error']:.2f} %  "
        rf"loss {metrics['train_loss']:.4g}  validation error {metrics['error']:.2f} %",
        line,
    )


def test_nan_stops_the_run_and_names_the_step(tmp_path):
    recipe = vary(small_recipes.FRAGILE, {"learning_rate": 1e30, "epochs": 1})
    with pytest.raises(TrainingError, match=r"The loss became NaN in epoch 1, step \d+; the last"):
        train(recipe, tmp_path / "run", verbose=0)
    assert not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.input_shape": (28, 28, 1)}, "makes an input of 32×32×1, and the network takes 28"),
        ({"model.num_classes": 7}, "`model.num_classes` is 7, but mnist_5k has 10 classes"),
        ({"limit_train": 5000}, "only 4,500 training pictures are there"),
        ({"limit_train": 9}, "`limit_train` is 9, but mnist_5k has 10 classes"),
        ({"limit_test": 501}, "`limit_test` is 501, but only 500 held-out training pictures are"),
        ({"limit_test": 9}, "`limit_test` is 9, but mnist_5k has 10 classes"),
        ({"limit_test": 50, "validation": 450}, "leave one out, `limit_test` or `validation`"),
        ({"validation": 9}, "`validation` is 9, but mnist_5k has 10 classes"),
        ({"validation": 4500}, "`validation` is 4,500, which leaves none of 4,500 training"),
        ({"model.activation": "gelu"}, "`activation` must be one of"),
        (
            {"protocol": TenCrop(size=24, shorter_side=28)},
            r"`protocol` does not fit small_lenet5: The model takes pictures of shape "
            r"\(28, 28, 1\), TenCrop makes crops of \(24, 24, 1\)",
        ),
        (
            {"protocol": DenseEvaluation((28,))},
            "`protocol` does not fit small_lenet5: .* needs `convolutional=fully_convolutional`",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_before_the_run_directory(tmp_path, changes, message):
    with pytest.raises(RecipeError, match=message):
        train(vary(QUICK, changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_two_runs_of_one_directory_are_refused(tmp_path):
    held = RunDirectory(tmp_path / "run", QUICK)
    try:
        with pytest.raises(RunDirectoryError, match="Another process is running"):
            train(QUICK, tmp_path / "run")
    finally:
        held.close()


def test_levenberg_marquardt_learns(tmp_path):
    """A pass with the paper's η, the curvature estimated before it and during the warm-up."""
    from functools import partial

    from keras_classics.training import StochasticDiagonalLM

    recipe = vary(
        QUICK,
        {
            "optimizer": partial(StochasticDiagonalLM, mu=0.1, samples=50, warm_up=16),
            "learning_rate": 0.0005,
            "batch_size": 2,
            "limit_train": 1600,
            "epochs": 1,
        },
    )
    metrics = train(recipe, tmp_path / "run", verbose=0)
    assert metrics["error"] < 70  # chance is 90
