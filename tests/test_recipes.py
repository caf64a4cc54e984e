"""Every published recipe: it describes itself, its flags fit it, its pictures fit its network."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_classics.cli.flags import recipe_parser
from keras_classics.cli.recipe_files import load_recipe, recipe_paths
from keras_classics.cli.recipe_flags import _apply
from keras_classics.data.pipeline import in_order
from keras_classics.data.sources import Source, load
from keras_classics.training import RecipeError, changes_of, vary
from keras_classics.training.fields import describe, identity

NAMES = list(recipe_paths())
# The sizes of the pictures of the data sets that hold all of one size.
DIGIT = (28, 28, 1)
SHAPES = {"mnist": DIGIT, "mnist_5k": DIGIT, "fashion_mnist": DIGIT, "cifar10": (32, 32, 3)}


def every_choice(module):
    """The words of the command line that choose each option once, and none."""
    yield []
    for flag, options in getattr(module, "CHOICES", {}).items():
        switch = set(options) == {"off", "on"}
        for option in options:
            if option != "off":
                yield [f"--{flag}"] if switch else [f"--{flag}", option]


def with_flags(module, words):
    choices = getattr(module, "CHOICES", {})
    return _apply(module.RECIPE, choices, recipe_parser(module.RECIPE, choices).parse_args(words))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    root = tmp_path_factory.mktemp("photographs")
    for split in ("train", "val"):
        folder = root / split / "class"
        folder.mkdir(parents=True)
        pixels = np.random.RandomState(0).randint(0, 255, (300, 400, 3), "uint8")
        Image.fromarray(pixels).save(folder / "one.jpg")
    return load(f"folder:{root}", "train")


@pytest.mark.parametrize("name", NAMES)
def test_recipe_is_plain_data_and_its_pictures_fit(name, photographs):
    module = load_recipe(name)
    for words in every_choice(module):
        recipe = with_flags(module, words)
        assert name == recipe.name or name.startswith("tune_")
        json.dumps(describe(recipe))
        assert identity(recipe) == identity(with_flags(module, words))
        source = photographs
        if recipe.dataset in SHAPES:
            images = np.zeros((2, *SHAPES[recipe.dataset]), "uint8")
            source = Source("zeros", "train", images, np.zeros(2, "int64"), ("a",))
        train, test = (
            tuple(in_order(source, 1, transforms).element_spec[0].shape)
            for transforms in (recipe.train_transforms, recipe.test_transforms)
        )
        assert train == test and None not in train[1:]


def test_choices_change_what_they_name():
    module = load_recipe("cifar_resnet_cifar10")
    plain = with_flags(module, ["--depth", "56", "--plain"])
    assert plain.model.keywords == {"depth": 56, "residual": False}
    assert plain.paper is None
    deep = with_flags(module, ["--depth", "110"])
    assert deep.schedule(0, []) == 0.1 and deep.paper.test_error == 6.43
    assert with_flags(module, ["--split", "45k"]).validation == 5000
    module = load_recipe("vgg16_imagenet")
    jitter = with_flags(module, ["--scale", "jitter"])
    assert jitter.protocol.shorter_sides == (384,) and jitter.train_transforms[0].high == 512


@pytest.mark.parametrize("name", NAMES)
def test_deviations_name_fields_that_exist(name):
    module = load_recipe(name)
    for words in every_choice(module):
        recipe = with_flags(module, words)
        for sentence in recipe.deviations:
            for field in getattr(sentence, "about", ()):
                with pytest.raises(RecipeError, match="there is no 'no_such'"):
                    vary(recipe, {f"{field}.no_such": 1})


def test_a_choice_is_an_experiment_of_its_own():
    module = load_recipe("lenet5_mnist")
    assert changes_of(with_flags(module, ["--distort", "--seed", "2"])) == []
    changed = changes_of(with_flags(module, ["--distort", "--set", "train_transforms.0.scale=0.5"]))
    assert changed == [{"field": "train_transforms.0.scale", "published": 0.1, "here": 0.5}]
