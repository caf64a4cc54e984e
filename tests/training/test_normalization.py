import keras
import numpy as np
import pytest

from keras_classics.training import PixelRange

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
