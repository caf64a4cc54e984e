import re

import keras
import numpy as np
import pytest

from keras_classics.layers import EuclideanRBF

pytestmark = pytest.mark.backend

# A sum of 84 squares in float32: 84 roundings of 6e-8 at worst.
CLOSE = {"rtol": 5e-6}


def examples():
    rng = np.random.default_rng(0)
    x = (1.7159 * np.tanh(rng.normal(size=(5, 84)))).astype("float32")
    return x, np.where(rng.random((10, 84)) < 0.5, -1, 1)


def penalties(x, centers):
    return np.array([[sum((a - b) ** 2 for a, b in zip(row, c, strict=True)) for c in centers]
                     for row in x.astype("float64")])  # fmt: skip


def test_is_minus_the_squared_distance():
    x, centers = examples()
    y = keras.ops.convert_to_numpy(EuclideanRBF(centers)(x))
    np.testing.assert_allclose(y, -penalties(x, centers), **CLOSE)


def test_literal_case():
    y = EuclideanRBF([[1, 1], [-1, -1], [0, 2]])(np.array([[1, 0], [0, 2]], "float32"))
    assert keras.ops.convert_to_numpy(y).tolist() == [[-1, -5, -5], [-2, -10, 0]]


def test_near_a_far_centre_nothing_cancels():
    # ‖x‖² − 2x·c + ‖c‖² would have lost 2e6 · 6e-8 = 0.1 of it.
    y = EuclideanRBF([[1000.0, 1000.0]])(np.array([[1000.0, 1000.0625]], "float32"))
    assert float(y[0, 0]) == -(0.0625**2)


def test_softmax_gives_probabilities():
    x, centers = examples()
    odds = np.exp(-penalties(x, centers) + penalties(x, centers).min(axis=1, keepdims=True))
    y = keras.ops.convert_to_numpy(EuclideanRBF(centers, activation="softmax")(x))
    # An error of 84 · 6e-8 in a penalty near 100 is one of 5e-4 in the exponent.
    np.testing.assert_allclose(y, odds / odds.sum(axis=1, keepdims=True), atol=5e-4)
    np.testing.assert_array_equal(y.argmax(axis=1), penalties(x, centers).argmin(axis=1))


def test_gradient_reaches_the_input_and_not_the_centres(gradients):
    x, centers = examples()
    target = np.zeros((5, 10), "float32")
    # Through x + bias with the bias at zero: its gradient is the sum over the inputs' own.
    shift = keras.layers.Dense(84, kernel_initializer="identity")
    layer = EuclideanRBF(centers)
    kernel, bias, unmoved = gradients(keras.Sequential([shift, layer]), x, target)
    outer = 2 * -penalties(x, centers) / target.size
    difference = x[:, np.newaxis] - centers
    np.testing.assert_allclose(
        bias, (outer[..., np.newaxis] * -2 * difference).sum(axis=(0, 1)), rtol=1e-4, atol=1e-4
    )
    assert kernel.any()
    assert not unmoved.any()


def test_centres_are_fixed_weights():
    layer = EuclideanRBF(np.ones((10, 84)))
    layer.build((None, 84))
    assert [w.name for w in layer.non_trainable_weights] == ["centers"]
    assert layer.trainable_weights == []
    assert layer.count_params() == 840


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_computes_in_float32_under_any_precision(policy):
    x, centers = examples()
    # Multiples of 1/8: the cast to either half type, on the way in, changes nothing. The centres
    # are none: cast as well, they would be seen.
    x, centers = np.round(x * 8) / 8, 0.9 * centers
    layer = EuclideanRBF(centers, dtype=policy)
    y = layer(x)
    assert layer.centers.dtype == "float32"
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert layer(keras.Input((84,), dtype="float16")).dtype == "float32"
    # float16 has steps of 0.06 near 100, bfloat16 of 0.5.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(y), -penalties(x, centers), **CLOSE)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_survives_configuration_and_file(activation, reloaded):
    x, centers = examples()
    layer = EuclideanRBF(centers, activation=activation, name="OUTPUT")
    assert EuclideanRBF.from_config(layer.get_config()).get_config() == layer.get_config()
    again = reloaded(layer, x)
    assert again.get_config() == layer.get_config()
    assert (again.name, again.activation) == ("OUTPUT", keras.activations.get(activation))
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(one(x)) for one in (layer, again)))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_refuses_centres_that_are_no_matrix(shape):
    message = f"`centers` must have shape (classes, features). Received: an array of shape {shape}"
    with pytest.raises(ValueError, match=re.escape(message)):
        EuclideanRBF(np.zeros(shape))


def test_refuses_inputs_of_another_width():
    message = (
        "The input must have shape (batch, 84), the width of `centers`. "
        "Received: input_shape=(None, 85)"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        EuclideanRBF(np.zeros((10, 84))).build((None, 85))
