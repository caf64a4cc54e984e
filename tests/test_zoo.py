import dataclasses
import re

import numpy as np
import pytest

import keras_classics
from keras_classics import get_model, list_models, model_card
from keras_classics.zoo import paper_of


def test_lists_the_networks():
    assert len(list_models()) == 35
    assert list_models("mnist*") == ["mnist_cnn"]
    assert list_models("resnet*") == [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]
    assert list_models("vgg*") == ["vgg11", "vgg11_lrn", "vgg13", "vgg16_1x1", "vgg16", "vgg19"]
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
    card = model_card("resnet50")
    assert (card.parameters, card.test_error, card.top5_error) == (25_557_032, 22.85, 6.71)


def test_card_says_which_pixels_published_weights_expect():
    for name in list_models():
        card = model_card(name)
        assert bool(card.weights) == (card.preprocessing is not None)
    imagenet = [name for name in list_models() if "imagenet" in model_card(name).weights]
    assert imagenet == ["vgg16", "vgg19", "resnet50", "resnet101", "resnet152"]
    assert model_card("lenet5").weights == ("mnist",)
    assert "(103.939, 116.779, 123.68)" in model_card("vgg16").preprocessing


def test_cards_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        model_card("lenet5").parameters = 1


# Others are counted, option by option, in tests/models/test_parameters.py.
@pytest.mark.parametrize("name", ["lenet5", "mnist_cnn", "alexnet_cifar", "resnet18", "googlenet"])
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


def test_unknown_options_get_a_suggestion():
    message = "`resnet18` has no option `shortcuts`. It has: shortcut."
    with pytest.raises(ValueError, match=re.escape(message)):
        get_model("resnet18", shortcuts="identity")
    with pytest.raises(ValueError, match="`vgg16` has no option `configuration`"):
        get_model("vgg16", configuration="A")
    with pytest.raises(TypeError, match=re.escape("resnet18() got an unexpected keyword")):
        keras_classics.resnet18(shortcuts="identity")


@pytest.mark.parametrize("function", [model_card, get_model])
@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("lenet", "lenet5"),
        ("minst_cnn", "mnist_cnn"),
        ("resnet51", "resnet50"),
        ("", "see list_models()"),
        (None, "see list_models()"),
    ],
)
def test_unknown_names_get_a_suggestion(function, name, examples):
    start = re.escape(f"`name` must be a network of this package ({examples}")
    end = re.escape(f"). Received: name={name!r}")
    with pytest.raises(ValueError, match=f"^{start}.*{end}$"):
        function(name)


def test_every_paper_has_its_entry():
    entries = {name: model_card(name).bibtex for name in list_models()}
    assert [name for name, entry in entries.items() if entry is None] == ["mnist_cnn"]
    assert len(set(entries.values())) == 6  # five papers
    for entry in filter(None, entries.values()):
        assert entry.count("{") == entry.count("}")
        assert {"author", "title", "year", "url"} <= {
            line.split(" =")[0].strip() for line in entry.splitlines()
        }
    assert r"L{\'e}on" in entries["lenet5"]


def test_papers_are_plain_text_with_a_link():
    papers = {paper_of(model_card(name).builder) for name in list_models()} - {None}
    assert len(papers) == 5
    for paper in papers:
        assert not re.search(r"[{}\\]", " ".join([paper.title, paper.venue, *paper.authors]))
        assert paper.url.startswith("https://")
    assert paper_of("keras_classics.models.alexnet:alexnet").authors == (
        "Alex Krizhevsky", "Ilya Sutskever", "Geoffrey E. Hinton",
    )  # fmt: skip
