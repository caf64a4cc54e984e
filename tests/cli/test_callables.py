"""Names of `--set` in the place of functions and classes."""

from functools import partial

import keras
import pytest

import keras_classics
from keras_classics.cli.callables import resolved
from keras_classics.training import Constant, CoupledSGD, MeanColor, RecipeError


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("optimizer", "adam", keras.optimizers.Adam),
        ("optimizer", "CoupledSGD", CoupledSGD),
        ("optimizer", "keras.optimizers:SGD", keras.optimizers.SGD),
        ("schedule", "constant", Constant()),
        ("model", "alexnet_cifar", keras_classics.alexnet_cifar),
        ("normalization", "MeanColor", MeanColor()),
        ("name", "adam", "adam"),
    ],
)
def test_a_name_is_what_it_names(field, text, expected):
    assert resolved({field: text}) == {field: expected}


def test_losses_are_of_logits():
    """Without `from_logits` a network would train on logits taken for probabilities."""
    found = resolved({"loss": "SparseCategoricalCrossentropy"})["loss"]
    assert isinstance(found, partial) and found().get_config()["from_logits"] is True
    assert resolved({"loss": "MaximumAPosteriori"})["loss"]().j == 1.0


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("optimizer", "adma", "There is no optimizer 'adma'; similar: Ada"),
        (
            "optimizer",
            "漢字",
            r"There is no optimizer '漢字', e.g. CoupledAdam. Others are named as",
        ),
        ("model", "lenet", "There is no model 'lenet'; similar: lenet5"),
        ("optimizer", "nowhere:Adam", "`optimizer` cannot be nowhere:Adam: No module named"),
        ("optimizer", "keras:Adma", "cannot be keras:Adma: module 'keras' has no attribute"),
        ("optimizer", "os:getcwd", "`optimizer` cannot be os:getcwd: it is no optimizer as it is"),
        ("optimizer", "os:sep", "it is no optimizer as it is"),
        ("loss", "keras.optimizers:Adam", "it is no loss as it is"),
        ("schedule", "Step", "it is no schedule as it is .*missing .* 'at'"),
        ("schedule", "keras.optimizers:Adam", "it is no schedule as it is"),
        ("normalization", "PixelRange", "it is no normalization as it is"),
        ("optimizer", "Adam", None),
    ],
)
def test_names_that_mean_nothing_there(field, text, words):
    if words is None:
        assert resolved({field: text})
        return
    with pytest.raises(RecipeError, match=words):
        resolved({field: text})
