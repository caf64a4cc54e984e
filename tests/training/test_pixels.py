import re

import keras
import numpy as np
import pytest

from keras_classics.data.sources import Source, load
from keras_classics.evaluation import evaluate
from keras_classics.runs import train
from keras_classics.training import MeanColor, MeanImage, PixelRange, RecipeError, describe, vary
from tests.runs import small_recipes

pytestmark = pytest.mark.backend


def normalize(pixels, **options):
    return keras.ops.convert_to_numpy(PixelRange(**options)(source=None)(pixels))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(("low", "high"), [(-0.1, 1.175), (0.0, 1.0), (-1.0, 1.0)])
def test_maps_the_ends_of_the_range(low, high, dtype):
    pixels = np.arange(256).reshape(1, 16, 16, 1)
    expected = low + pixels / 255 * (high - low)
    # Three roundings of float32 near 1.
    np.testing.assert_allclose(
        normalize(pixels.astype(dtype), low=low, high=high), expected, atol=5e-7
    )


def test_fractions_of_a_pixel_count():
    out = normalize(np.full((1, 2, 2, 1), 0.5, "float32"), low=0.0, high=255.0)
    np.testing.assert_allclose(out, 0.5, rtol=1e-6)


def test_border_is_background():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype("float32")
    out = normalize(pixels, low=-0.1, high=1.175, padding=2)
    expected = np.full((2, 32, 32, 1), -0.1)
    expected[:, 2:30, 2:30] = 1.275 * pixels / 255 - 0.1  # section II-B: −0.1 and 1.175
    np.testing.assert_allclose(out, expected, atol=5e-7)


def test_channels_stay_apart():
    pixels = np.zeros((1, 2, 2, 3), "float32")
    pixels[..., 1] = 255
    assert normalize(pixels, low=0.0, high=1.0, padding=1)[0, 1, 1].tolist() == [0.0, 1.0, 0.0]


def test_survives_a_saved_model(tmp_path):
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, PixelRange(low=-0.1, high=1.175, padding=2)(None)(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    pixels = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(
        *(keras.ops.convert_to_numpy(one(pixels)) for one in (model, again))
    )
    assert again.layers[-1].name == "normalization"
    assert not again.weights


def pictures():
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 6, 3)).astype("uint8")
    return Source("noise", "train", images, np.arange(7) % 2, ("a", "b"))


def test_mean_image_is_that_of_the_training_pictures():
    source = pictures()
    expected = source.images - source.images.astype("float64").mean(0)
    # Grey levels up to 255 in float32.
    found = MeanImage()(source)(source.images)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=3e-5)


@pytest.mark.parametrize("value", [None, (123.68, 116.78, 103.94)])
def test_mean_color_is_that_of_the_training_pictures_or_a_constant(value):
    source = pictures()
    mean = source.images.astype("float64").mean((0, 1, 2)) if value is None else np.array(value)
    found = MeanColor(value)(source)(source.images)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), source.images - mean, atol=3e-5)


def test_a_constant_color_asks_no_source():
    assert MeanColor((1.0, 2.0, 3.0))(None)(np.full((1, 2, 2, 3), 3, "uint8")).shape[-1] == 3


def test_are_values():
    assert (MeanImage(), MeanColor()) == (MeanImage(), MeanColor())
    assert describe(MeanColor((1.0, 2.0, 3.0))) == {
        "call": "keras_classics.training.pixels:MeanColor",
        "value": [1.0, 2.0, 3.0],
    }


@pytest.mark.parametrize("normalization", [MeanColor(), MeanImage()], ids=str)
def test_the_mean_is_that_of_what_is_trained_on_and_stands_in_the_saved_model(
    normalization, tmp_path
):
    recipe = vary(small_recipes.FRAGILE, {"epochs": 1, "limit_train": 64})
    recipe = vary(recipe, {"normalization": normalization})
    metrics = train(recipe, tmp_path / "run", verbose=0)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    mean = keras.ops.convert_to_numpy(model.get_layer("normalization").mean)
    assert mean.shape == ((1,) if isinstance(normalization, MeanColor) else (28, 28, 1))
    assert 20 < mean.mean() < 50  # 33 of all digits
    # The 64 pictures that were trained on, not all 4,500.
    assert mean.mean() != pytest.approx(load("mnist_5k", "train").images.mean(), abs=1e-3)
    held_out = load("mnist_5k", "test")
    assert len(evaluate(model, held_out).labels) == 500
    assert metrics["split"] == "validation"


def test_a_color_of_other_channels_is_refused_before_the_run_directory(tmp_path):
    recipe = vary(small_recipes.FRAGILE, {"normalization": MeanColor((1.0, 2.0, 3.0))})
    message = "small_fragile on mnist_5k: The input must have 3 channels, as `mean` has"
    with pytest.raises(RecipeError, match=re.escape(message)):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()
