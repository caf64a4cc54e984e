import keras
import numpy as np
import pytest

from keras_classics.layers import BatchNormalization

pytestmark = pytest.mark.backend


def as_numpy(y):
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))


def pair(shape, axis=-1, dtype=None):
    """Ours and Keras' own with the same weights, none of them trivial."""
    options = {"axis": axis, "momentum": 0.9, "epsilon": 1e-5, "dtype": dtype}
    layers = BatchNormalization(**options), keras.layers.BatchNormalization(**options)
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2, size=(4, shape[axis]))
    for layer in layers:
        layer.build(shape)
        layer.set_weights(list(weights))
    return layers


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((4, 5, 6, 3), -1),
        ((4, 5, 6, 3), 3),
        ((4, 3, 5, 6), 1),
        ((4, 7), -1),
        ((16, 1, 1, 2), -1),
    ],
)
def test_computes_what_keras_computes(shape, axis, training, input_gradient):
    rng = np.random.default_rng(0)
    x, upstream = rng.normal(3, 2, size=(2, *shape)).astype("float32")
    ours, keras_own = pair(shape, axis)
    y, expected = (as_numpy(layer(x, training=training)) for layer in (ours, keras_own))
    # Both round in float32, in different orders.
    np.testing.assert_allclose(y, expected, atol=1e-5 * np.abs(expected).max())
    for one, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)

    def slope(layer):
        return input_gradient(lambda x: layer(x, training=training), x, upstream)

    expected = slope(keras_own)
    np.testing.assert_allclose(slope(ours), expected, atol=1e-5 * max(np.abs(expected).max(), 1))


def test_of_one_number_a_map_beta_is_left():
    """A batch of one at the end of a network; PyTorch's own operation refuses it."""
    ours, keras_own = pair((1, 1, 1, 2))
    x = np.array([[[[3.0, -2.0]]]], "float32")
    y = as_numpy(ours(x, training=True))
    # Keras subtracts in units of γ / √ε, three hundred times as large.
    np.testing.assert_allclose(y.ravel(), ours.get_weights()[1], atol=1e-4)
    keras_own(x, training=True)
    for one, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_frozen_layer_uses_its_moving_statistics():
    x = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).astype("float32")
    ours, _ = pair(x.shape)
    ours.trainable = False
    before = ours.get_weights()
    np.testing.assert_array_equal(
        as_numpy(ours(x, training=True)), as_numpy(ours(x, training=False))
    )
    for one, other in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_averages_in_float32(policy):
    # A mean of 30 with a deviation of 1: squares would lose the variance in half precision.
    x = np.random.default_rng(0).normal(30, 1, size=(64, 4, 4, 2)).astype("float32")
    ours, keras_own = pair(x.shape, dtype=policy)
    y, expected = (layer(x, training=True) for layer in (ours, keras_own))
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(as_numpy(y), as_numpy(expected), atol=0.05)
    for one, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3)


def test_other_forms_are_those_of_keras():
    x = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).astype("float32")
    for options in ({"scale": False}, {"center": False}, {"synchronized": False}):
        ours = BatchNormalization(epsilon=1e-3, **options)
        expected = keras.layers.BatchNormalization(epsilon=1e-3, **options)(x, training=True)
        np.testing.assert_allclose(as_numpy(ours(x, training=True)), as_numpy(expected), atol=1e-5)


def test_defaults_and_file(reloaded):
    layer = BatchNormalization()
    assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype("float32")
    again = reloaded(layer, x)
    assert type(again) is BatchNormalization
    assert (again.momentum, again.epsilon) == (0.9, 1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 2}, "`momentum` must be a finite number in 0 … 1. Received: momentum=2"),
        ({"epsilon": None}, "`epsilon` must be a finite number above 0. Received: epsilon=None"),
    ],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        BatchNormalization(**options)
