import re

import keras
import numpy as np
import pytest

from keras_classics.layers import PixelNormalization

pytestmark = pytest.mark.backend

# Three roundings of float32 near 255.
CLOSE = {"rtol": 1e-6, "atol": 5e-5}
COLOR, DEVIATION = np.array([120.5, 110.25, 100.0]), np.array([50.0, 60.0, 70.0])


def examples(height=4, width=6):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (5, height, width, 3)).astype("float32")


def mean_image():
    return np.random.default_rng(1).uniform(90, 130, (4, 6, 3))


def normalize(pixels, mean, deviation=None, data_format="channels_last", **options):
    layer = PixelNormalization(mean, deviation, data_format, **options)
    first = data_format == "channels_first"
    y = keras.ops.convert_to_numpy(layer(pixels.transpose(0, 3, 1, 2) if first else pixels))
    return y.transpose(0, 2, 3, 1) if first else y


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("deviation", [None, DEVIATION])
@pytest.mark.parametrize("mean", [COLOR, mean_image()], ids=["colour", "image"])
def test_subtracts_and_divides(mean, deviation, data_format):
    x = examples()
    expected = (x - mean) / (1 if deviation is None else deviation)
    np.testing.assert_allclose(normalize(x, mean, deviation, data_format), expected, **CLOSE)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", [(8, 6), (4, 5), (9, 9), (1, 1)])
def test_pictures_of_another_size_lose_the_mean_colour(size, data_format):
    x = examples(*size)
    expected = x - mean_image().mean((0, 1))
    np.testing.assert_allclose(
        normalize(x, mean_image(), data_format=data_format), expected, **CLOSE
    )


@pytest.mark.parametrize("shape", [(None, None, 3), (4, None, 3), (None, 5, 3)])
def test_the_size_may_be_known_only_when_the_pictures_come(shape):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, PixelNormalization(mean_image())(inputs))
    assert model.output_shape == (None, *shape)
    sizes = [(4, 6), (4, 5), (8, 6)]
    fitting = [
        size for size in sizes if all(s in (None, t) for s, t in zip(shape, size, strict=False))
    ]
    for size in fitting:
        x = examples(*size)
        expected = x - (mean_image() if size == (4, 6) else mean_image().mean((0, 1)))
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, **CLOSE)


def test_one_graph_takes_both_sizes():
    """In TensorFlow one trace for all sizes decides while it runs."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the other backends trace each size anew")
    import tensorflow as tf

    layer = PixelNormalization(mean_image())
    layer.build((None, None, None, 3))
    function = tf.function(
        lambda x: layer(x), input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)]
    )
    for size in ((4, 6), (4, 5), (8, 8)):
        x = examples(*size)
        expected = x - (mean_image() if size == (4, 6) else mean_image().mean((0, 1)))
        np.testing.assert_allclose(function(x.astype("uint8")).numpy(), expected, **CLOSE)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_takes_pixels_of_any_type(dtype):
    x = examples()
    np.testing.assert_allclose(normalize(x.astype(dtype), COLOR), x - COLOR, **CLOSE)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_computes_in_float32_under_mixed_precision(policy):
    # The differences are multiples of 1/8 below 1, exact in 16 bits; bfloat16 has steps of 1 at
    # 200, so that it would lose pixels and mean, had they been cast before.
    x = 200 + np.arange(8, dtype="float32").reshape(1, 2, 4, 1) / 8
    layer = PixelNormalization([200.0], data_format="channels_last", dtype=policy)
    y = layer(x)
    half = policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(y.dtype) == half
    assert layer(keras.Input((2, 4, 1))).dtype == half
    assert layer.mean.dtype == "float32"
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(keras.ops.cast(y, "float32")), x - 200)


def test_the_numbers_are_weights_that_are_not_trained():
    layer = PixelNormalization(mean_image(), DEVIATION)
    layer.build((None, 4, 6, 3))
    assert [w.name for w in layer.non_trainable_weights] == ["mean", "deviation"]
    assert layer.trainable_weights == []
    assert layer.count_params() == 4 * 6 * 3 + 3
    assert len(str(layer.get_config())) < 400  # shapes, and no numbers


@pytest.mark.parametrize("deviation", [None, DEVIATION])
@pytest.mark.parametrize("mean", [COLOR, mean_image()], ids=["colour", "image"])
def test_survives_configuration_and_file(mean, deviation, reloaded):
    x = examples()
    layer = PixelNormalization(mean, deviation, "channels_last", name="normalization")
    again = PixelNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again = reloaded(layer, x)
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: PixelNormalization(3.0),
            "`mean` must have shape (channels,) or (height, width, channels). Received: an array "
            "of shape ()",
        ),
        (
            lambda: PixelNormalization(np.zeros((2, 3))),
            "`mean` must have shape (channels,) or (height, width, channels). Received: an array "
            "of shape (2, 3)",
        ),
        (
            lambda: PixelNormalization([0, 0, 0], deviation=[1, 1]),
            "`deviation` must be None or 3 numbers above 0, one for each channel. Received: "
            "deviation=[1, 1]",
        ),
        (
            lambda: PixelNormalization([0], deviation=[0]),
            "`deviation` must be None or 1 numbers above 0, one for each channel. Received: "
            "deviation=[0]",
        ),
        (
            lambda: PixelNormalization([0, 0, 0], data_format="channels_last").build(
                (None, 4, 4, 1)
            ),
            "The input must have 3 channels, as `mean` has, in the format channels_last. Received: "
            "input_shape=(None, 4, 4, 1)",
        ),
        (
            lambda: PixelNormalization([0], data_format="NHWC"),
            '`data_format` must be one of "channels_last", "channels_first", None. Received: '
            "data_format='NHWC'",
        ),
    ],
)
def test_errors_say_what_is_legal(build, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        build()
