import re

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from keras_classics.layers import Inception

pytestmark = pytest.mark.backend


def windows(x, size, border=0.0):
    side = size // 2
    x = np.pad(x, ((0, 0), (side, side), (side, side), (0, 0)), constant_values=border)
    return sliding_window_view(x, (size, size), axis=(1, 2))


def convolution(x, layer, norm=None):
    weights = [w.astype("float64") for w in layer.get_weights()]
    y = np.einsum("nrcmij,ijmf->nrcf", windows(x, weights[0].shape[0]), weights[0])
    if len(weights) == 2:
        y = y + weights[1]
    if norm is not None:
        gamma, beta, mean, variance = (w.astype("float64") for w in norm.get_weights())
        y = gamma * (y - mean) / np.sqrt(variance + 1e-5) + beta
    return np.maximum(y, 0)


def by_numpy(layer, x):
    def apply(name, x):
        return convolution(x, getattr(layer, name), getattr(layer, f"{name}_bn", None))

    pooled = windows(x, 3, -np.inf).max(axis=(4, 5))
    if layer.filters["pool_projection"] is None:
        branches = [apply("conv_1x1", x), apply("conv_3x3", x), apply("conv_5x5", x), pooled]
    else:
        branches = [
            apply("conv_1x1", x),
            apply("conv_3x3", apply("conv_3x3_reduce", x)),
            apply("conv_5x5", apply("conv_5x5_reduce", x)),
            apply("pool_projection", pooled),
        ]
    return np.concatenate(branches, axis=-1)


def shuffled(layer, shape):
    """Builds the layer and gives it weights that are not trivial; variances stay positive."""
    layer.build(shape)
    rng = np.random.default_rng(1)
    layer.set_weights(
        [rng.uniform(0.2, 1, size=w.shape) - 0.4 * (w.ndim == 4) for w in layer.get_weights()]
    )
    return layer


@pytest.mark.parametrize(
    ("filters", "options"),
    [
        ((3, 2, 4, 1, 2, 3), {}),
        ((3, 2, 4, 1, 2, 3), {"batch_norm": True}),
        ((3, 2, 4, 1, 2, 3), {"batch_norm": True, "use_bias": True}),
        ((3, None, 4, None, 2, None), {}),
    ],
    ids=["reduced", "batch_norm", "batch_norm_and_bias", "naive"],
)
def test_agrees_with_numpy(filters, options):
    x = np.random.default_rng(0).normal(size=(2, 6, 7, 5)).astype("float32")
    layer = shuffled(Inception(*filters, **options, data_format="channels_last"), x.shape)
    expected = by_numpy(layer, x)
    assert layer.compute_output_shape(x.shape) == expected.shape
    # Sums of up to a hundred products in float32, twice.
    y = keras.ops.convert_to_numpy(layer(x))
    assert np.abs(y - expected).max() <= 1e-5 * np.abs(expected).max()


def test_channels_first(backend):
    if backend == "tensorflow":
        pytest.skip("TensorFlow does not convolve channels first on a CPU")
    x = np.random.default_rng(0).normal(size=(2, 6, 7, 5)).astype("float32")
    for batch_norm in (False, True):
        options = {"batch_norm": batch_norm}
        last = shuffled(
            Inception(3, 2, 4, 1, 2, 3, **options, data_format="channels_last"), x.shape
        )
        first = Inception(3, 2, 4, 1, 2, 3, **options, data_format="channels_first")
        first.build((2, 5, 6, 7))
        first.set_weights(last.get_weights())
        y = keras.ops.convert_to_numpy(first(x.transpose(0, 3, 1, 2)))
        assert first.compute_output_shape((2, 5, 6, 7)) == y.shape
        expected = keras.ops.convert_to_numpy(last(x))
        np.testing.assert_allclose(y.transpose(0, 2, 3, 1), expected, atol=1e-4)


def test_parameters_and_channels():
    naive = Inception(64, None, 128, None, 32, None, data_format="channels_last")
    assert naive.compute_output_shape((None, 28, 28, 192)) == (None, 28, 28, 416)
    module = Inception(64, 96, 128, 16, 32, 32, data_format="channels_last")
    module.build((None, 28, 28, 192))
    assert module.count_params() == 163_696  # 3a: 163,328 weights and 368 biases


def test_layers_of_equal_shape_start_differently():
    module = Inception(4, 4, 4, 4, 4, 4, data_format="channels_last")
    module.build((None, 8, 8, 4))
    one, other = (module.conv_1x1.kernel, module.conv_3x3_reduce.kernel)
    assert not np.array_equal(*map(keras.ops.convert_to_numpy, (one, other)))


def test_survives_a_file(reloaded):
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    layer = Inception(
        *(2, 2, 2, 1, 2, 2),
        batch_norm=True,
        bias_initializer=keras.initializers.Constant(0.2),
        data_format="channels_last",
    )
    layer = shuffled(layer, x.shape)
    again = reloaded(layer, x)
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ((0, 2, 2, 2, 2, 2), "`filters_1x1` must be a positive integer. Received: filters_1x1=0"),
        ((2, -2, 2, 2, 2, 2), "`reduce_3x3` must be a positive integer. Received: reduce_3x3=-2"),
        ((2, 2, None, 2, 2, 2), "`filters_3x3` must be a positive integer."),
        ((2, 2, 2, 2, 2, 2.5), "`pool_projection` must be a positive integer."),
    ],
)
def test_errors_say_what_is_legal(filters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Inception(*filters)


def test_a_function_may_initialize():
    """It has no `clone`, which is what gives each of the layers draws of its own."""
    layer = Inception(*[1] * 6, kernel_initializer=lambda shape, dtype: np.ones(shape, dtype))
    layer.build((1, 4, 4, 2))
    assert {float(weight.min()) for weight in layer.get_weights() if weight.ndim == 4} == {1.0}
