import re

import keras
import numpy as np
import pytest

from keras_classics.layers import FanInUniform, PartiallyConnectedConv2D, scaled_tanh

pytestmark = pytest.mark.backend

CONNECTIONS = ((0,), (2, 0), (1, 2), (0, 1, 2))
SLICES = sum(map(len, CONNECTIONS))
# Sums of up to 27 products near 1 in float32: 27 · 6e-8, and as much again for the products.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def by_loops(x, kernel, bias, strides=1, padding="valid"):
    """Every connection by itself, position by position, in float64; channels last."""
    size = len(kernel)
    if padding == "same":  # as many outputs as strides fit; an odd row of padding goes below
        missing = [max((-(-n // strides) - 1) * strides + size - n, 0) for n in x.shape[1:3]]
        x = np.pad(x, ((0, 0), *((n // 2, n - n // 2) for n in missing), (0, 0)))
    rows, columns = ((n - size) // strides + 1 for n in x.shape[1:3])
    y = np.zeros((len(x), rows, columns, len(CONNECTIONS))) + bias
    slices = iter(np.moveaxis(kernel, -1, 0))
    for unit, maps in enumerate(CONNECTIONS):
        for m in maps:
            weights = next(slices)
            for r in range(rows):
                for c in range(columns):
                    top, left = r * strides, c * strides
                    patch = x[:, top : top + size, left : left + size, m]
                    y[:, r, c, unit] += (patch * weights).sum(axis=(1, 2))
    return y


def examples(size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 7, 3))
    return x, rng.normal(size=(size, size, SLICES)), rng.normal(size=len(CONNECTIONS))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(3, 1), (3, 2), (2, 3)])
def test_agrees_with_loops(size, strides, padding, data_format):
    x, kernel, bias = examples(size)
    expected = by_loops(x, kernel, bias, strides, padding)
    if data_format == "channels_first":
        x, expected = x.transpose(0, 3, 1, 2), expected.transpose(0, 3, 1, 2)
    layer = PartiallyConnectedConv2D(
        CONNECTIONS,
        size,
        strides,
        padding,
        activation=scaled_tanh,
        kernel_initializer="zeros",
        data_format=data_format,
    )
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    y = keras.ops.convert_to_numpy(layer(x.astype("float32")))
    np.testing.assert_allclose(y, 1.7159 * np.tanh(2 * expected / 3), **CLOSE)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])


def test_literal_case():
    layer = PartiallyConnectedConv2D([[0], [0, 1]], 2, data_format="channels_last")
    layer.build((1, 2, 2, 2))
    ones, corner, opposite = [[1, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]
    layer.set_weights([np.stack([ones, corner, opposite], axis=-1), np.array([0.5, -1])])
    x = np.stack([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], axis=-1)[np.newaxis].astype("float32")
    # 1 + 2 + 3 + 4 + 0.5, and 1 (corner of map 0) + 8 (opposite corner of map 1) − 1
    assert keras.ops.convert_to_numpy(layer(x)).tolist() == [[[[10.5, 8.0]]]]


def test_full_kernel_holds_each_slice_once_and_zeros():
    layer = PartiallyConnectedConv2D(CONNECTIONS, 1, data_format="channels_last")
    layer.build((None, 4, 4, 3))
    layer.set_weights([np.arange(1, SLICES + 1).reshape(1, 1, SLICES), np.zeros(4)])
    full = keras.ops.convert_to_numpy(layer.full_kernel())[0, 0]
    assert full.tolist() == [[1, 3, 0, 6], [0, 0, 4, 7], [0, 2, 5, 8]]
    assert layer.pairs == [(0, 0), (2, 1), (0, 1), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3)]


def test_gradients(gradients):
    x, kernel, bias = examples(2)
    target = np.random.default_rng(1).normal(size=(2, 5, 6, 4))

    def loss(kernel, bias):
        return np.mean((by_loops(x, kernel, bias) - target) ** 2)

    layer = PartiallyConnectedConv2D(CONNECTIONS, 2, data_format="channels_last")
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    found = gradients(layer, x.astype("float32"), target.astype("float32"))
    # The loss is quadratic in the weights: central differences are exact, but for rounding.
    for number, weights in enumerate((kernel, bias)):
        for where in np.ndindex(weights.shape):
            step = np.zeros_like(weights)
            step[where] = 1e-3
            up, down = (
                loss(*(w + sign * step if n == number else w for n, w in enumerate((kernel, bias))))
                for sign in (1, -1)
            )
            np.testing.assert_allclose(found[number][where], (up - down) / 2e-3, **CLOSE)


@pytest.mark.parametrize(("use_bias", "parameters"), [(True, 8 * 9 + 4), (False, 8 * 9)])
def test_counts_existing_connections_only(use_bias, parameters):
    layer = PartiallyConnectedConv2D(CONNECTIONS, 3, use_bias=use_bias, data_format="channels_last")
    layer.build((None, 6, 6, 3))
    assert layer.count_params() == parameters
    x = np.ones((1, 6, 6, 3), "float32")
    full = keras.ops.convert_to_numpy(layer.full_kernel())  # the bias starts at zero
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(layer(x))[0, 0, 0], full.sum(axis=(0, 1, 2)), **CLOSE
    )


def kernel_of(initializer):
    layer = PartiallyConnectedConv2D(
        CONNECTIONS, 5, kernel_initializer=initializer, data_format="channels_last"
    )
    layer.build((None, 6, 6, 3))
    return layer.get_weights()[0]


def test_each_unit_starts_by_its_own_fan_in():
    kernel, first = kernel_of(FanInUniform(seed=0)), 0
    for maps in CONNECTIONS:
        limit = 2.4 / (25 * len(maps))
        largest = np.abs(kernel[..., first : first + len(maps)]).max()
        # 25 draws and more: all of them below 0.7 of the limit once in 7,000 seeds.
        assert 0.7 * limit < largest <= limit * (1 + 1e-6)
        first += len(maps)


def test_an_integer_seed_repeats_the_layer_and_not_its_slices():
    kernel = kernel_of(keras.initializers.GlorotUniform(seed=3))
    np.testing.assert_array_equal(kernel, kernel_of(keras.initializers.GlorotUniform(seed=3)))
    assert len(np.unique(kernel)) == kernel.size


@pytest.mark.parametrize(
    "initializer",
    [
        "ones",
        keras.initializers.Constant(1.0),
        lambda shape, dtype=None: keras.ops.ones(shape, dtype),
    ],
    ids=["name", "object", "function"],
)
def test_takes_any_initializer(initializer):
    np.testing.assert_array_equal(kernel_of(initializer), np.ones((5, 5, SLICES)))


def test_takes_an_initializer_with_a_seed_generator():
    generator = keras.random.SeedGenerator(3)
    kernel = kernel_of(keras.initializers.GlorotUniform(seed=generator))
    assert len(np.unique(kernel)) == kernel.size


def test_survives_configuration_and_file(reloaded):
    layer = PartiallyConnectedConv2D(
        CONNECTIONS,
        3,
        strides=2,
        padding="same",
        activation=scaled_tanh,
        kernel_initializer=FanInUniform(seed=1),
        bias_initializer="ones",
        data_format="channels_last",
        name="C3",
    )
    again = PartiallyConnectedConv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    x = examples(3)[0].astype("float32")
    again = reloaded(layer, x)
    assert again.get_config() == layer.get_config()
    assert (again.connections, again.activation, again.name) == (CONNECTIONS, scaled_tanh, "C3")
    assert (again.strides, again.padding, again.use_bias) == (2, "same", True)
    assert again.kernel_initializer.get_config() == {"scale": 2.4, "seed": 1}
    assert type(again.bias_initializer) is keras.initializers.Ones
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize("unit", [(), (0, 0), (1, -1)])
def test_refuses_empty_repeated_and_negative_connections(unit):
    message = (
        f"Each entry of `connections` must list one or more different input maps. Received: {unit}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        PartiallyConnectedConv2D([(0,), unit], 3)


def test_refuses_other_paddings():
    message = '`padding` must be one of "valid", "same". Received: padding=\'full\''
    with pytest.raises(ValueError, match=re.escape(message)):
        PartiallyConnectedConv2D(CONNECTIONS, 3, padding="full")


def test_refuses_maps_that_the_input_does_not_have():
    layer = PartiallyConnectedConv2D(CONNECTIONS, 3, data_format="channels_last")
    message = (
        "`connections` name input map 2, but the input has 2 maps. "
        "Received: input_shape=(None, 6, 6, 2)"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        layer.build((None, 6, 6, 2))
