"""What a run's figures say beside the paper's, and when they may be compared."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.sources import Source, load
from keras_classics.evaluation.figures import for_report, summarize, usual_penalty
from keras_classics.evaluation.measurement import Measurement
from keras_classics.trained_model import load_model
from keras_classics.training import changes_of, vary

RECIPE = load_recipe("lenet5_mnist").RECIPE
PUBLISHED = dataclasses.replace(
    RECIPE, paper=dataclasses.replace(RECIPE.paper, examples=2, where="here")
)
ROW = {"epoch": 20, "error": 1.0, "loss": 0.1}


def figures(recipe, name="mnist", split="test", count=2):
    zeros = np.zeros((count, 28, 28, 1), "uint8")
    labels = np.zeros(count, "int64")
    source = Source(name, split, zeros, labels, tuple("0123456789"))
    shares = np.full((count, 10), 0.1, "float32")
    result = Measurement(labels, labels, shares, np.arange(count), -shares)
    return summarize(recipe, result, source, ROW, 60_000, changed=changes_of(recipe))


def test_a_published_recipe_on_the_papers_data_is_comparable():
    for recipe in (PUBLISHED, vary(PUBLISHED, {"seed": 5, "keep_epochs": (3,)})):
        metrics = figures(recipe)
        assert (metrics["comparable"], metrics["note"], metrics["changed"]) == (
            True,
            "2 digits",
            [],
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 1},
        {"limit_train": 2000},
        {"batch_size": 64},
        {"loss.j": 10},
        {"precision": "mixed_float16"},
        {"learning_rate": 0.004},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_training_is_not_comparable(changes):
    metrics = figures(vary(PUBLISHED, changes))
    assert not metrics["comparable"]
    assert metrics["note"] == (
        "2 digits, after another training than the paper's: not comparable with its figures"
    )
    assert [one["field"] for one in metrics["changed"]] == list(changes)


@pytest.mark.parametrize(
    ("name", "split", "count", "words"),
    [
        ("mnist_5k", "held-out", 500, "500 held-out training pictures: "),
        ("mnist", "validation", 500, "500 held-out training pictures: "),
        ("mnist", "test", 1, "1 test picture of mnist: "),
        ("fashion_mnist", "test", 2, "2 test pictures of fashion_mnist: "),
    ],
)
def test_other_pictures_are_called_what_they_are(name, split, count, words):
    metrics = figures(vary(PUBLISHED, {"dataset": name}), name, split, count)
    few = ", and too few to say anything" * (count < 100)
    assert metrics["note"] == f"{words}not comparable with the paper's 2 digits{few}"
    assert not metrics["comparable"]


def test_the_usual_penalty_is_that_of_what_is_read_right():
    penalties = np.arange(2.0, 1002.0)
    logits = np.stack([-penalties, np.full(1000, -1e6)], axis=1)
    shares, zeros = np.full((1000, 2), 0.5, "float32"), np.zeros(1000, int)
    read = Measurement(zeros, zeros, shares, np.arange(1000), logits)
    assert usual_penalty(read) == pytest.approx(np.percentile(penalties, 99.9))
    labels = np.where(penalties > 500, 1, 0)  # those are read wrong
    half = dataclasses.replace(read, labels=labels)
    assert 499 < usual_penalty(half) <= 500
    assert usual_penalty(dataclasses.replace(read, labels=zeros + 1)) is None
    assert usual_penalty(dataclasses.replace(read, logits=None)) is None


def test_pictures_are_kept_small_but_for_those_that_networks_see_again():
    images = np.full((6, 90, 224, 3), 7, "uint8")
    labels, predicted = np.arange(6) % 3, np.zeros(6, "int64")
    shares = np.full((6, 3), 1 / 3, "float32")
    source = Source("flat", "test", images, labels, tuple("abc"))
    kept = for_report(Measurement(labels, predicted, shares, np.arange(6)), source)
    assert kept["sample_images"].shape == (3, 90, 224, 3)
    assert kept["wrong_images"].shape == (4, 30, 74, 3) and (kept["wrong_images"] == 7).all()
    assert kept["certain_images"].shape == (6, 30, 74, 3)


def test_a_run_that_ends_in_penalties_says_which_are_usual(finished_run):
    metrics = json.loads((finished_run / "metrics.json").read_text("utf-8"))
    with np.load(finished_run / "predictions.npz") as file:
        right = file["labels"] == file["predicted"]
    model = load_model(finished_run / "model.keras")
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    images = load("mnist_5k", "test").images
    smallest = -to_logits.predict(images.astype("float32"), verbose=0).max(axis=-1)
    assert metrics["usual_penalty"] == pytest.approx(np.percentile(smallest[right], 99.9), rel=1e-5)
    assert "usual_penalty" not in figures(PUBLISHED)
