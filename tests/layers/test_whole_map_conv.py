import re

import keras
import numpy as np
import pytest

from keras_classics.layers import WholeMapConv2D, scaled_tanh

pytestmark = pytest.mark.backend

# Sums of 100 products in float32, in another order.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def as_numpy(y):
    return keras.ops.convert_to_numpy(y)


def maps(shape=(3, 5, 4, 5)):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def pair(x, data_format):
    """Our layer and Keras' convolution with the same weights."""
    sides = x.shape[1:3] if data_format == "channels_last" else x.shape[2:]
    ours = WholeMapConv2D(6, activation=scaled_tanh, data_format=data_format)
    keras_own = keras.layers.Conv2D(6, sides, activation=scaled_tanh, data_format=data_format)
    for layer in (ours, keras_own):
        layer.build(x.shape)
    keras_own.set_weights([ours.get_weights()[0], np.arange(6) / 10])
    ours.set_weights(keras_own.get_weights())
    return ours, keras_own


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_is_the_convolution(data_format, backend):
    x = maps()
    ours, keras_own = pair(x, data_format)
    if (backend, data_format) == ("tensorflow", "channels_first"):  # no such one on a processor
        _, keras_own = pair(np.moveaxis(x, 1, -1), "channels_last")
        keras_own.set_weights(ours.get_weights())
        expected = np.moveaxis(as_numpy(keras_own(np.moveaxis(x, 1, -1))), -1, 1)
    else:
        expected = as_numpy(keras_own(x))
    assert ours.compute_output_shape(x.shape) == expected.shape
    np.testing.assert_allclose(as_numpy(ours(x)), expected, **CLOSE)


def test_its_gradients_are_the_convolution_s(gradients, input_gradient):
    x, upstream = maps(), maps((3, 1, 1, 6))
    ours, keras_own = pair(x, "channels_last")
    np.testing.assert_allclose(
        input_gradient(ours, x, upstream), input_gradient(keras_own, x, upstream), **CLOSE
    )
    pairs = zip(gradients(ours, x, upstream), gradients(keras_own, x, upstream), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, **CLOSE)


def test_survives_a_file(reloaded):
    x = maps()
    layer = WholeMapConv2D(4, activation=scaled_tanh, data_format="channels_last")
    again = reloaded(layer, x)
    assert type(again) is WholeMapConv2D
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(as_numpy(layer(x)), as_numpy(again(x)))


def test_a_batch_of_unknown_size():
    inputs = keras.Input((5, 5, 2))
    assert WholeMapConv2D(3, data_format="channels_last")(inputs).shape == (None, 1, 1, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 0}, "`filters` must be a positive integer. Received: filters=0"),
        ({"activation": "tan"}, "`activation` must be the name of a Keras activation"),
        ({"data_format": "NHWC"}, '`data_format` must be one of "channels_last"'),
    ],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        WholeMapConv2D(**{"filters": 4, **options})


def test_maps_of_any_size():
    message = "WholeMapConv2D needs maps of one known size. Received: input_shape=(None, None, 5, 2"
    with pytest.raises(ValueError, match=re.escape(message)):
        WholeMapConv2D(3, data_format="channels_last")(keras.Input((None, 5, 2)))
