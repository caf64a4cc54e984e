import re

import keras
import numpy as np
import pytest

from keras_classics.layers import ZeroPadShortcut

pytestmark = pytest.mark.backend


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("filters", "strides", "where", "before"),
    [(5, 2, "end", 0), (5, 2, "both", 1), (6, 3, "both", 2), (2, 1, "end", 0)],
)
def test_strides_and_pads(filters, strides, where, before, data_format):
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 2)).astype("float32")
    expected = np.zeros((2, -(-5 // strides), -(-6 // strides), filters), "float32")
    expected[..., before : before + 2] = x[:, ::strides, ::strides]
    if data_format == "channels_first":
        x, expected = x.transpose(0, 3, 1, 2), expected.transpose(0, 3, 1, 2)
    layer = ZeroPadShortcut(filters, strides, where, data_format=data_format)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(x)), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert not layer.weights


def test_any_size_of_picture():
    y = ZeroPadShortcut(4, 2, data_format="channels_last")(keras.Input((None, None, 3)))
    assert y.shape == (None, None, None, 4)


def test_survives_a_file(reloaded):
    layer = ZeroPadShortcut(8, strides=2, where="both", data_format="channels_last")
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    again = reloaded(layer, x)
    assert (again.filters, again.strides, again.where) == (8, 2, "both")
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 0}, "`filters` must be a positive integer. Received: filters=0"),
        ({"filters": 4, "strides": 1.5}, "`strides` must be a positive integer."),
        ({"filters": 4, "where": "start"}, '`where` must be one of "end", "both".'),
        ({"filters": 4, "data_format": "x"}, '`data_format` must be one of "channels_last"'),
    ],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ZeroPadShortcut(**options)


def test_cannot_take_channels_away():
    message = "`filters` must be at least the number of input channels, 3. Received: filters=2"
    with pytest.raises(ValueError, match=re.escape(message)):
        ZeroPadShortcut(2, data_format="channels_last")(np.zeros((1, 2, 2, 3), "float32"))
