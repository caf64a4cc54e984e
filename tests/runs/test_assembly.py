"""What does not fit together is refused before any work."""

import dataclasses

import keras
import pytest

from keras_classics.cli.recipe_files import load_recipe
from keras_classics.runs import train
from keras_classics.runs.assembly import check_pixels
from keras_classics.training import RecipeError, vary


@pytest.mark.parametrize("name", ["resnet50_imagenet", "vgg16_imagenet"])
def test_published_weights_on_other_pixels_are_refused(tmp_path, name):
    recipe = vary(load_recipe(name).RECIPE, {"model.weights": "imagenet"})
    message = (
        r'^`model.weights` is "imagenet", whose pixels are blue, green, red in 0 … 255 minus '
        r"\(103.939, 116.779, 123.68\), nothing divided; Mean\w+ gives others: leave it unset, or "
        r"write a `normalization` that gives those\.$"
    )
    with pytest.raises(RecipeError, match=message):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def blue_green_red(statistics):
    return keras.layers.Lambda(lambda pixels: pixels[..., ::-1])


def test_a_normalization_of_ones_own_is_ones_own_business():
    recipe = vary(load_recipe("resnet50_imagenet").RECIPE, {"model.weights": "imagenet"})
    check_pixels(dataclasses.replace(recipe, normalization=blue_green_red))
    check_pixels(vary(recipe, {"model.weights": "mine.weights.h5"}))
    check_pixels(load_recipe("lenet5_mnist").RECIPE)
