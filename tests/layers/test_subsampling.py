import re

import keras
import numpy as np
import pytest

from keras_classics.layers import Subsampling, scaled_tanh

pytestmark = pytest.mark.backend

# Sums of at most nine float32 numbers near 1, each rounded to 6e-8.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def by_loops(x, coefficient, bias, size):
    """Squashed coefficient · mean + bias, square by square; channels last."""
    n, height, width, maps = x.shape
    y = np.zeros((n, height // size, width // size, maps))
    for r in range(height // size):
        for c in range(width // size):
            square = x[:, r * size : (r + 1) * size, c * size : (c + 1) * size]
            y[:, r, c] = coefficient * square.sum(axis=(1, 2)) / size**2 + bias
    return 1.7159 * np.tanh(2 * y / 3)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("size", "shape"), [(2, (3, 4, 6, 2)), (2, (2, 5, 7, 3)), (3, (1, 7, 6, 1))]
)
def test_agrees_with_loops(size, shape, data_format):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    coefficient, bias = rng.normal(size=(2, shape[-1]))
    expected = by_loops(x, coefficient, bias, size)
    if data_format == "channels_first":
        x, expected = x.transpose(0, 3, 1, 2), expected.transpose(0, 3, 1, 2)
    layer = Subsampling(size, activation=scaled_tanh, data_format=data_format)
    layer.build(x.shape)
    layer.set_weights([coefficient, bias])
    y = keras.ops.convert_to_numpy(layer(x.astype("float32")))
    np.testing.assert_allclose(y, expected, **CLOSE)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])


def test_literal_case():
    layer = Subsampling(data_format="channels_last")
    layer.build((1, 2, 2, 1))
    layer.set_weights([np.array([0.5]), np.array([3.0])])
    # 0.5 · (1 + 2 + 3 + 6)/4 + 3
    assert float(layer(np.array([[[[1], [2]], [[3], [6]]]], "float32"))[0, 0, 0, 0]) == 4.5


def test_gradients(gradients):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 4, 6, 3)).astype("float32")
    target = rng.normal(size=(4, 2, 3, 3)).astype("float32")
    mean = x.reshape(4, 2, 2, 3, 2, 3).mean(axis=(2, 4))
    slope = 2 * (mean - target) / target.size  # coefficient 1 and bias 0: the output is the mean
    expected = (slope * mean).sum(axis=(0, 1, 2)), slope.sum(axis=(0, 1, 2))
    layer = Subsampling(data_format="channels_last")
    for gradient, value in zip(gradients(layer, x, target), expected, strict=True):
        np.testing.assert_allclose(gradient, value, **CLOSE)


def test_starts_at_coefficient_one_and_bias_zero():
    layer = Subsampling(data_format="channels_last")
    layer.build((None, 28, 28, 6))
    assert [w.name for w in layer.trainable_weights] == ["coefficient", "bias"]
    assert [w.tolist() for w in layer.get_weights()] == [[1.0] * 6, [0.0] * 6]


def test_survives_configuration_and_file(reloaded):
    layer = Subsampling(
        3,
        activation=scaled_tanh,
        coefficient_initializer=keras.initializers.Constant(0.25),
        bias_initializer=keras.initializers.RandomNormal(seed=1),
        data_format="channels_last",
        name="S2",
    )
    assert Subsampling.from_config(layer.get_config()).get_config() == layer.get_config()
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
    again = reloaded(layer, x)
    assert again.get_config() == layer.get_config()
    assert (again.pool_size, again.activation, again.name) == (3, scaled_tanh, "S2")
    assert again.coefficient_initializer.get_config() == {"value": 0.25}
    assert again.bias_initializer.get_config()["seed"] == 1
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize("pool_size", [0, -1, 2.0, (2, 2), None])
def test_refuses_other_pool_sizes(pool_size):
    message = f"`pool_size` must be a positive integer. Received: pool_size={pool_size!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        Subsampling(pool_size)
