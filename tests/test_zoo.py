import dataclasses
import re

import numpy as np
import pytest

import keras_classics
from keras_classics import get_model, list_models, model_card


def test_lists_the_networks():
    assert list_models() == ["lenet5", "mnist_cnn"]
    assert list_models("mnist*") == ["mnist_cnn"]
    assert list_models("nothing*") == []


@pytest.mark.parametrize("name", list_models())
def test_every_network_is_a_public_name(name):
    module, _, function = model_card(name).builder.partition(":")
    assert name in keras_classics.__all__
    assert (module, function) == (getattr(keras_classics, name).__module__, name)
    assert model_card(name).name == name


def test_card_has_the_published_figures():
    card = model_card("lenet5")
    assert (card.year, card.parameters, card.test_error) == (1998, 60_000, 0.95)
    assert model_card("mnist_cnn").test_error is None


def test_cards_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        model_card("lenet5").parameters = 1


@pytest.mark.backend
@pytest.mark.parametrize("name", list_models())
def test_card_describes_what_is_built(name):
    model = get_model(name)
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == model_card(name).parameters
    assert model.input_shape == (None, *model_card(name).input_shape)
    assert model.name == name


@pytest.mark.backend
def test_options_reach_the_builder():
    model = get_model("lenet5", num_classes=26, output="softmax", name="letters")
    assert (model.output_shape, model.name) == ((None, 26), "letters")
    with pytest.raises(ValueError, match='`output` must be one of "rbf", "softmax"'):
        get_model("lenet5", output="dense")


@pytest.mark.parametrize("function", [model_card, get_model])
@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("lenet", "lenet5"),
        ("minst_cnn", "mnist_cnn"),
        ("", "lenet5, mnist_cnn"),
        (None, "lenet5, mnist_cnn"),
    ],
)
def test_unknown_names_get_a_suggestion(function, name, examples):
    message = (
        f"`name` must be a network of this package, for example {examples}. Received: name={name!r}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        function(name)
