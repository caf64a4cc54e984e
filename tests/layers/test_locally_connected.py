import re

import keras
import numpy as np
import pytest

from keras_classics.layers import LocallyConnected2D

pytestmark = pytest.mark.backend


def by_loops(x, kernel, bias, size, strides, padding):
    """Position by position, channels last."""
    n, height, width, _ = x.shape
    rows, columns = (
        -(-(side - (size - 1 if padding == "valid" else 0)) // strides) for side in (height, width)
    )
    if padding == "same":
        total = [
            max((new - 1) * strides + size - old, 0)
            for new, old in ((rows, height), (columns, width))
        ]
        x = np.pad(x, [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)])
    y = np.zeros((n, rows, columns, kernel.shape[-1]))
    for r in range(rows):
        for c in range(columns):
            seen = x[:, r * strides : r * strides + size, c * strides : c * strides + size]
            position = r * columns + c
            y[:, r, c] = seen.reshape(n, -1) @ kernel[position] + bias[position]
    return y


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("size", "strides", "padding"),
    [(3, 1, "valid"), (3, 1, "same"), (2, 2, "same"), (3, 2, "valid")],
)
def test_agrees_with_loops(size, strides, padding, data_format):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 6, 3)).astype("float32")
    last = data_format == "channels_last"
    seen = x if last else x.transpose(0, 3, 1, 2)
    layer = LocallyConnected2D(
        4, size, strides, padding, activation="relu", data_format=data_format
    )
    layer.build(seen.shape)
    weights = [rng.normal(size=w.shape) for w in layer.get_weights()]
    layer.set_weights(weights)
    expected = np.maximum(by_loops(x, *weights, size, strides, padding), 0)
    y = keras.ops.convert_to_numpy(layer(seen))
    assert layer.compute_output_shape(seen.shape) == y.shape
    # Sums of 27 products in float32.
    np.testing.assert_allclose(y if last else y.transpose(0, 2, 3, 1), expected, atol=1e-5)


def test_with_equal_kernels_it_is_a_convolution():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 6, 3)).astype("float32")
    kernel = rng.normal(size=(3, 3, 3, 4)).astype("float32")
    layer = LocallyConnected2D(4, 3, padding="same", use_bias=False, data_format="channels_last")
    layer.build(x.shape)
    layer.set_weights([np.stack([kernel.reshape(27, 4)] * 36)])
    expected = keras.ops.conv(x, kernel, padding="same", data_format="channels_last")
    np.testing.assert_allclose(
        *(keras.ops.convert_to_numpy(y) for y in (layer(x), expected)), atol=1e-5
    )


def test_every_position_draws_its_own_kernel():
    layer = LocallyConnected2D(
        8, 3, kernel_initializer=keras.initializers.LecunNormal(seed=1), data_format="channels_last"
    )
    layer.build((None, 6, 6, 16))
    kernel, bias = layer.get_weights()
    assert kernel.shape == (16, 144, 8) and bias.shape == (16, 8) and not bias.any()
    assert not np.array_equal(kernel[0], kernel[1])
    # 18,432 draws of variance 1/144: their deviation is known to half a percent.
    assert kernel.std() == pytest.approx(1 / 12, rel=0.03)


def test_survives_a_file(reloaded):
    layer = LocallyConnected2D(
        4, 3, 2, "same", activation="tanh", use_bias=False, data_format="channels_last"
    )
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 2)).astype("float32")
    again = reloaded(layer, x)
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": -1}, "`filters` must be a positive integer. Received: filters=-1"),
        ({"kernel_size": (3, 3)}, "`kernel_size` must be a positive integer."),
        ({"strides": 0}, "`strides` must be a positive integer."),
        (
            {"padding": "full"},
            '`padding` must be one of "valid", "same". Received: padding=\'full\'',
        ),
        ({"data_format": "x"}, '`data_format` must be one of "channels_last"'),
    ],
)
def test_errors_say_what_is_legal(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LocallyConnected2D(**{"filters": 2, "kernel_size": 3, **arguments})


@pytest.mark.parametrize("shape", [(None, None, None, 3), (None, 2, 5, 3)])
def test_needs_a_picture_of_known_size(shape):
    message = "The pictures must have a known size of 3 pixels or more."
    with pytest.raises(ValueError, match=re.escape(message)):
        LocallyConnected2D(2, 3, data_format="channels_last").build(shape)
