"""What the tests of layers share: gradients on any backend, and the way through a saved file."""

import keras
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
