import re

import keras
import numpy as np
import pytest

from keras_classics.layers import LocalResponseNormalization

pytestmark = pytest.mark.backend


def oracle(x, upstream, *, radius=2, k=2.0, alpha=1e-4, beta=0.75):
    """The formula of section 3.3 in float64, and the gradient of sum(b · upstream)."""
    a, g = x.astype("float64"), upstream.astype("float64")
    channels = a.shape[-1]
    windows = [
        slice(max(0, i - radius), min(channels - 1, i + radius) + 1) for i in range(channels)
    ]
    base = np.stack([k + alpha * (a[..., w] ** 2).sum(axis=-1) for w in windows], axis=-1)
    inner = g * a * base ** (-beta - 1)
    others = np.stack([inner[..., w].sum(axis=-1) for w in windows], axis=-1)
    return a * base**-beta, g * base**-beta - 2 * alpha * beta * a * others


def as_numpy(y):
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))


@pytest.mark.parametrize("channels", [1, 3, 96, 256])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("options", "constants"),
    [
        ({}, {}),
        ({"alpha_convention": "mean"}, {"alpha": 1e-4 / 5}),
        (
            {"depth_radius": 4, "bias": 1.0, "alpha": 0.01, "beta": 0.5},
            {"radius": 4, "k": 1.0, "alpha": 0.01, "beta": 0.5},
        ),
    ],
    ids=["paper", "mean", "other"],
)
def test_agrees_with_float64(channels, data_format, options, constants, input_gradient):
    rng = np.random.default_rng(channels)
    # Activations at which the sum outweighs k.
    x, upstream = 200 * rng.normal(size=(2, 2, 3, 4, channels)).astype("float32")
    y, gradient = oracle(x, upstream, **constants)
    layer = LocalResponseNormalization(**options, data_format=data_format)
    there, back = (0, 3, 1, 2), (0, 2, 3, 1)
    if data_format == "channels_last":
        there = back = (0, 1, 2, 3)
    ours = as_numpy(layer(x.transpose(there))).transpose(back)
    slope = input_gradient(layer, x.transpose(there), upstream.transpose(there)).transpose(back)
    # The bar of the project; float32 rounds at 6e-8, and the sum has five terms.
    assert np.abs(ours - y).max() <= 1e-6 * np.abs(y).max()
    assert np.abs(slope - gradient).max() <= 1e-6 * np.abs(gradient).max()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_does_not_overflow_under_mixed_precision(policy):
    x = np.full((1, 2, 2, 8), 6e4, "float32")  # the largest float16 is 65,504
    y, _ = oracle(x, x)
    layer = LocalResponseNormalization(dtype=policy, data_format="channels_last")
    ours = layer(x)
    assert keras.backend.standardize_dtype(ours.dtype) == policy.removeprefix("mixed_")
    # bfloat16 has eight bits: the input and the result are rounded by up to 2^-9 each.
    np.testing.assert_allclose(as_numpy(ours), y, rtol=2**-7)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_groups_do_not_see_each_other(data_format):
    axis = -1 if data_format == "channels_last" else 1
    x = (200 * np.random.default_rng(0).normal(size=(2, 6, 4, 6))).astype("float32")
    y = LocalResponseNormalization(groups=2, data_format=data_format)(x)
    alone = LocalResponseNormalization(data_format=data_format)
    parts = [as_numpy(alone(part)) for part in np.split(x, 2, axis)]
    np.testing.assert_allclose(as_numpy(y), np.concatenate(parts, axis), rtol=1e-6)
    with pytest.raises(ValueError, match="6 channels do not divide into 4 groups. Received: gr"):
        LocalResponseNormalization(groups=4, data_format=data_format)(x)


def test_any_size_of_picture():
    x = keras.Input((None, None, 6))
    y = LocalResponseNormalization(data_format="channels_last")(x)
    assert y.shape == (None, None, None, 6)
    x = keras.Input((6, None, None))
    assert LocalResponseNormalization(data_format="channels_first")(x).shape == x.shape


def test_survives_a_file(reloaded):
    options = {
        "depth_radius": 1,
        "bias": 1.5,
        "alpha": 0.02,
        "beta": 0.6,
        "alpha_convention": "mean",
        "groups": 2,
        "data_format": "channels_last",
    }
    layer = LocalResponseNormalization(**options)
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype("float32")
    again = reloaded(layer, x)
    assert again.get_config().items() >= options.items()
    np.testing.assert_array_equal(as_numpy(layer(x)), as_numpy(again(x)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth_radius": -1}, "`depth_radius` must be an integer of at least 0."),
        ({"depth_radius": 2.5}, "`depth_radius` must be an integer of at least 0."),
        ({"bias": 0}, "`bias` must be a finite number above 0. Received: bias=0"),
        (
            {"alpha": -1e-4},
            "`alpha` must be a finite number of at least 0.",
        ),
        (
            {"alpha_convention": "max"},
            '`alpha_convention` must be one of "sum", "mean". Received: alpha_convention=\'max\'',
        ),
        ({"beta": None}, "`beta` must be a finite number. Received: beta=None"),
        ({"beta": "10"}, "`beta` must be a finite number. Received: beta='10'"),
        ({"groups": 0}, "`groups` must be a positive integer. Received: groups=0"),
        (
            {"data_format": "last"},
            '`data_format` must be one of "channels_last", "channels_first", None.',
        ),
    ],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LocalResponseNormalization(**options)
