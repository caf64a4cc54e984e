"""What the tests of weights share."""

import keras
import numpy as np
import pytest

SMALL = (64, 96, 3)


def pictures(height=32, width=32, number=2):
    return np.random.default_rng(1).normal(size=(number, height, width, 3)).astype("float32")


def values(model):
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights]


def outputs(model, x):
    # Not predict(): JAX would compile the whole network for two pictures.
    return keras.ops.convert_to_numpy(model(x, training=False))


def assert_same_outputs(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def refuses(model, message, load, *arguments, error=ValueError):
    """Asserts the message, that it is one line, and that the model has not changed."""
    before = values(model)
    with pytest.raises(error, match=message) as raised:
        load(model, *arguments)
    assert "\n" not in str(raised.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, values(model), strict=True))


def randomise(model):
    """Biases and statistics that all differ, and activations that keep their size."""
    generator = np.random.default_rng(2)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name in ("gamma", "moving_variance"):
            value = generator.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            value = generator.normal(0, 0.1, shape)
        else:
            value = generator.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
        weight.assign(value.astype("float32"))
    return model
