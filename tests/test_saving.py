"""Saved networks load in a fresh process, on the same backend and on the others."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics.layers import (
    BatchNormalization,
    Inception,
    LocallyConnected2D,
    LocalResponseNormalization,
    SpatialResponseNormalization,
    ZeroPadShortcut,
)
from tests.random_weights import randomize

pytestmark = pytest.mark.backend

BACKENDS = ("tensorflow", "jax", "torch")
NETWORKS = {
    "lenet5": {},
    "mnist_cnn": {},
    "alexnet": {"num_classes": 5, "input_shape": (52, 52, 3)},
    "alexnet_cifar": {},
    "vgg11_lrn": {"num_classes": 5, "input_shape": (32, 32, 3)},
    "googlenet": {"num_classes": 5, "stem": "cifar", "batch_norm": True, "auxiliary_heads": True},
    "resnet18": {"num_classes": 5, "stem": "cifar"},
    "resnet50": {"num_classes": 5, "input_shape": (32, 32, 3)},
    "cifar_resnet20": {},
}

# Only Keras is imported by name: nobody passes custom_objects, and safe_mode is on.
LOAD = """
import sys
import numpy as np
import keras
import keras_classics
folder, names = sys.argv[1], sys.argv[2:]
for name in names:
    model = keras.models.load_model(f"{folder}/{name}.keras", safe_mode=True)
    x = np.load(f"{folder}/{name}.npy")
    y = keras.tree.flatten(model(x))
    np.savez(f"{folder}/{name}.{keras.backend.backend()}.npz", *map(keras.ops.convert_to_numpy, y))
"""


def small_network():
    """A network of every layer of ours that the networks after LeNet-5 are made of."""
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = LocalResponseNormalization()(x)
    x = SpatialResponseNormalization()(x)
    x = BatchNormalization()(x)
    x = Inception(4, 2, 4, 2, 4, 4, batch_norm=True)(x)
    x = ZeroPadShortcut(20, 2, where="both")(x)
    x = LocallyConnected2D(4, 3, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(x)))


def save(name, model, folder):
    """Saves the network with random weights; returns its outputs."""
    randomize(model)
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
    np.save(folder / f"{name}.npy", x)
    model.save(folder / f"{name}.keras")
    outputs = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x))]
    # The pictures are told apart: what is compared is more than the biases.
    assert all(np.ptp(y, axis=0).max() > 1e-3 * np.abs(y).max() for y in outputs), name
    return outputs


def check(models, folder, backend):
    """Returns {(network, backend that loaded): deviation, of the largest output}."""
    expected = {name: save(name, model, folder) for name, model in models.items()}
    processes = {
        loading: subprocess.Popen(
            [sys.executable, "-c", LOAD, str(folder), *models],
            env={**os.environ, "KERAS_BACKEND": loading},
            stderr=subprocess.PIPE,
            text=True,
        )
        for loading in BACKENDS
    }
    deviations = {}
    for loading, process in processes.items():
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        for name in models:
            loaded = np.load(folder / f"{name}.{loading}.npz")
            pairs = zip(expected[name], loaded.values(), strict=True)
            each = [np.abs(one - other).max() / np.abs(one).max() for one, other in pairs]
            deviations[name, loading] = float(np.max(each))
    for (name, loading), deviation in deviations.items():
        assert deviation <= (0 if loading == backend else 1e-5), (name, loading, deviation)
    return deviations


def test_saved_on_one_backend_and_loaded_on_each(tmp_path, backend):
    check({"small": small_network()}, tmp_path, backend)


@pytest.mark.full
def test_every_family_on_each_backend(tmp_path, backend, record_property):
    # All in one test: most of the time goes into starting the processes that load.
    # Logits: of probabilities there may be nothing left but a one.
    networks = {
        name: getattr(keras_classics, name)(**options, classifier_activation=None)
        for name, options in NETWORKS.items()
    }
    for (name, loading), deviation in check(networks, tmp_path, backend).items():
        record_property(f"{name}, loaded on {loading}", deviation)
