"""The normalisation within each map, against the formula in float64."""

import re

import keras
import numpy as np
import pytest

from keras_classics.layers import SpatialResponseNormalization

pytestmark = pytest.mark.backend


def oracle(x, upstream, *, size=5, k=1.0, alpha=1e-3, beta=0.75):
    """a / (k + α / size² · Σ a²)^β in float64, and the gradient of sum(b · upstream)."""
    a, g = x.astype("float64"), upstream.astype("float64")
    radius, (rows, columns) = size // 2, x.shape[1:3]

    def around(values):
        border = ((0, 0), (radius, radius), (radius, radius), (0, 0))
        padded = np.pad(values, border)
        shifted = (
            padded[:, down : down + rows, right : right + columns]
            for down in range(size)
            for right in range(size)
        )
        return sum(shifted)

    alpha /= size**2
    base = k + alpha * around(a**2)
    others = around(g * a * base ** (-beta - 1))
    return a * base**-beta, g * base**-beta - 2 * alpha * beta * a * others


def as_numpy(y):
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))


@pytest.mark.parametrize("sides", [(1, 1), (3, 4), (13, 27)], ids=str)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("options", "constants"),
    [
        ({}, {}),
        (
            {"size": 3, "bias": 2.0, "alpha": 0.01, "beta": 0.5},
            {"size": 3, "k": 2.0, "alpha": 0.01, "beta": 0.5},
        ),
        ({"size": 1}, {"size": 1}),
        ({"size": 9}, {"size": 9}),  # reaches over the whole of a small map
    ],
    ids=["code_2012", "other", "own pixel", "wide"],
)
def test_agrees_with_float64(sides, data_format, options, constants, input_gradient):
    rng = np.random.default_rng(sides[1])
    # Activations at which the sum outweighs k.
    x, upstream = 200 * rng.normal(size=(2, 2, *sides, 6)).astype("float32")
    y, gradient = oracle(x, upstream, **constants)
    layer = SpatialResponseNormalization(**options, data_format=data_format)
    there, back = (0, 3, 1, 2), (0, 2, 3, 1)
    if data_format == "channels_last":
        there = back = (0, 1, 2, 3)
    ours = as_numpy(layer(x.transpose(there))).transpose(back)
    slope = input_gradient(layer, x.transpose(there), upstream.transpose(there)).transpose(back)
    # The bar of the project; float32 rounds at 6e-8, and the sum is one of five sums.
    assert np.abs(ours - y).max() <= 1e-6 * np.abs(y).max()
    assert np.abs(slope - gradient).max() <= 1e-6 * np.abs(gradient).max()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_does_not_overflow_under_mixed_precision(policy):
    x = np.full((1, 6, 6, 2), 6e4, "float32")  # the largest float16 is 65,504
    y, _ = oracle(x, x)
    ours = SpatialResponseNormalization(dtype=policy, data_format="channels_last")(x)
    assert keras.backend.standardize_dtype(ours.dtype) == policy.removeprefix("mixed_")
    # bfloat16 has eight bits: the input and the result are rounded by up to 2^-9 each.
    np.testing.assert_allclose(as_numpy(ours), y, rtol=2**-7)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_any_size_of_picture(data_format):
    x = (200 * np.random.default_rng(0).normal(size=(2, 7, 9, 3))).astype("float32")
    y, _ = oracle(x, x)
    first = data_format == "channels_first"
    shape = (3, None, None) if first else (None, None, 3)
    inputs = keras.Input(shape)
    layer = SpatialResponseNormalization(data_format=data_format)
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, *shape)
    ours = model.predict_on_batch(x.transpose(0, 3, 1, 2) if first else x)
    ours = ours.transpose(0, 2, 3, 1) if first else ours
    assert np.abs(ours - y).max() <= 1e-6 * np.abs(y).max()


def test_survives_a_file(reloaded):
    options = {
        "size": 3,
        "bias": 1.5,
        "alpha": 0.02,
        "beta": 0.6,
        "data_format": "channels_last",
    }
    layer = SpatialResponseNormalization(**options)
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 4)).astype("float32")
    again = reloaded(layer, x)
    assert again.get_config().items() >= options.items()
    np.testing.assert_array_equal(as_numpy(layer(x)), as_numpy(again(x)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "`size` must be a positive integer. Received: size=0"),
        ({"size": 2.5}, "`size` must be a positive integer. Received: size=2.5"),
        ({"size": 4}, "`size` must be odd, so that the window has a middle. Received: size=4"),
        ({"bias": 0}, "`bias` must be a finite number above 0. Received: bias=0"),
        ({"alpha": -1e-4}, "`alpha` must be a finite number of at least 0."),
        ({"beta": None}, "`beta` must be a finite number. Received: beta=None"),
        (
            {"data_format": "last"},
            '`data_format` must be one of "channels_last", "channels_first", None.',
        ),
    ],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SpatialResponseNormalization(**options)
