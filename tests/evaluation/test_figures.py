"""What a run's figures say beside the paper's, and when they may be compared."""

import dataclasses

import numpy as np
import pytest

from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.sources import Source
from keras_classics.evaluation.figures import summarize
from keras_classics.evaluation.measurement import Measurement
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
