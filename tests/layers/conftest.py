"""What the tests of layers share: gradients on any backend, and the way through a saved file."""

import keras
import numpy as np
import pytest


@pytest.fixture
def gradients():
    """Gradients of the mean squared error by a layer's weights: one descent step with rate 1."""

    def compute(layer, x, target):
        model = keras.Sequential([keras.Input(x.shape[1:]), layer])
        model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
        before = model.get_weights()
        model.train_on_batch(x, target)
        return [old - new for old, new in zip(before, model.get_weights(), strict=True)]

    return compute


@pytest.fixture
def reloaded(tmp_path):
    """A layer, saved in a model for such inputs and loaded again."""

    def reload(layer, x):
        model = keras.Sequential([keras.Input(x.shape[1:]), layer])
        model.save(tmp_path / "model.keras")
        return keras.models.load_model(tmp_path / "model.keras").layers[0]

    return reload


@pytest.fixture
def input_gradient(backend):
    """The gradient of sum(layer(x) · upstream) by x, as NumPy."""

    def tensorflow(layer, x, upstream):
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) * upstream)
        return tape.gradient(loss, x).numpy()

    def torch(layer, x, upstream):
        import torch

        x = torch.tensor(x, requires_grad=True)
        (layer(x) * torch.tensor(upstream)).sum().backward()
        return x.grad.numpy()

    def jax(layer, x, upstream):
        import jax

        return np.asarray(jax.grad(lambda x: (layer(x) * upstream).sum())(x))

    return {"tensorflow": tensorflow, "torch": torch, "jax": jax}[backend]
