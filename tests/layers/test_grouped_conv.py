import re

import keras
import numpy as np
import pytest

from keras_classics.layers import GroupedConv2D

pytestmark = pytest.mark.backend


def as_numpy(y):
    return keras.ops.convert_to_numpy(y)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_group_sees_its_own_channels(data_format, backend):
    if (backend, data_format) == ("tensorflow", "channels_first"):
        pytest.skip("TensorFlow has no such convolution on a CPU")
    axis = -1 if data_format == "channels_last" else 1
    options = {"kernel_size": 3, "padding": "same", "strides": 2, "data_format": data_format}
    layer = GroupedConv2D(8, groups=2, **options)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 6)).astype("float32")
    y = as_numpy(layer(x))
    kernel, bias = layer.get_weights()
    assert kernel.shape == (3, 3, 3, 8)
    for group, inputs in enumerate(np.split(x, 2, axis)):
        own = keras.layers.Conv2D(4, **options)
        own.build(inputs.shape)
        own.set_weights([kernel[..., 4 * group : 4 * group + 4], bias[4 * group : 4 * group + 4]])
        # 27 products in float32, in another order
        np.testing.assert_allclose(
            np.split(y, 2, axis)[group], as_numpy(own(inputs)), rtol=1e-5, atol=1e-6
        )


def test_survives_a_file(reloaded):
    layer = GroupedConv2D(4, 3, groups=2, data_format="channels_last")
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 6)).astype("float32")
    again = reloaded(layer, x)
    assert type(again) is GroupedConv2D
    np.testing.assert_array_equal(as_numpy(layer(x)), as_numpy(again(x)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": None}, '`padding` must be one of "valid", "same". Received: padding=None'),
        ({"strides": True}, "`strides` must be a positive integer. Received: strides=True"),
        ({"dilation_rate": True}, "`dilation_rate` must be a positive integer. Received: "),
        ({"kernel_size": (3, 3, 3)}, "`kernel_size` must be a positive integer, or two."),
        ({"filters": 10**9}, "`filters` must be at most 1,048,576. Received: filters=1000000000"),
    ],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        GroupedConv2D(**{"filters": 4, "kernel_size": 3, **options})


def test_filters_that_do_not_divide():
    with pytest.raises(ValueError, match=re.escape("evenly divisible by the number of groups")):
        GroupedConv2D(5, 3, groups=2)
