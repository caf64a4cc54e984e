"""Our own files of weights."""

import os
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

import keras_classics
import keras_classics.layers
from keras_classics.weights import (
    load_weights_file,
)
from tests.weights.weights_shared import randomise, refuses, values


def net(*names, filters=4, batch_norm=False, dropout=0.0, residual=False, inception=False):
    inputs = x = keras.Input((8, 8, 3))
    for name in names:
        x = keras.layers.Conv2D(filters, 3, padding="same", name=name)(x)
        if batch_norm:
            x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    if inception:
        x = keras_classics.layers.Inception(4, 3, 4, 2, 4, 4, batch_norm=True, name="3a")(x)
    if residual:
        x = keras.layers.Add()([x, x])
    x = keras.layers.Dropout(dropout)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, keras.layers.Dense(3, name="fc")(x), name="net")


@pytest.fixture
def own_file(tmp_path):
    net("conv1", "conv2").save_weights(tmp_path / "net.weights.h5")
    return tmp_path / "net.weights.h5"


@pytest.mark.backend
@pytest.mark.parametrize(
    "build",
    [
        lambda: keras_classics.cifar_resnet20(),
        lambda: net("conv1", inception=True),
        lambda: net("conv1", dropout=0.5),
    ],
)
def test_a_saved_network_comes_back(tmp_path, build):
    saved, model = randomise(build()), build()
    saved.save_weights(tmp_path / "net.weights.h5")
    assert load_weights_file(model, tmp_path / "net.weights.h5") is model
    assert all(map(np.array_equal, values(model), values(saved)))


@pytest.mark.full
@pytest.mark.backend
@pytest.mark.parametrize("other", ["tensorflow", "jax", "torch"])
def test_files_of_other_backends_load(tmp_path, other):
    path = tmp_path / "net.weights.h5"
    code = (
        "import sys, keras_classics, numpy as np\n"
        "model = keras_classics.cifar_resnet20()\n"
        "for k, weight in enumerate(model.weights): weight.assign(np.full(weight.shape, k))\n"
        "model.save_weights(sys.argv[1])"
    )
    environment = {**os.environ, "KERAS_BACKEND": other}
    subprocess.run([sys.executable, "-c", code, path], env=environment, check=True)
    model = load_weights_file(keras_classics.cifar_resnet20(), path)
    assert all((value == k).all() for k, value in enumerate(values(model)))


@pytest.mark.backend
@pytest.mark.parametrize("saved_rate", [0.0, 0.5])
def test_dropout_is_no_part_of_the_weights(tmp_path, saved_rate):
    saved = net("conv1", dropout=saved_rate)
    saved.save_weights(tmp_path / "net.weights.h5")
    model = net("conv1", dropout=0.5 - saved_rate)
    load_weights_file(model, tmp_path / "net.weights.h5")
    assert all(map(np.array_equal, values(model), values(saved)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: net("conv1"), "surplus: conv2"),  # Keras says nothing
        (lambda: net("conv1", "conv2", "conv3"), "missing: conv3"),
        (lambda: net("conv1", "conv2", batch_norm=True), "missing: conv1_bn, conv2_bn"),
        (lambda: net("conv1", "conv3"), "missing: conv3; surplus: conv2"),  # nor here
        (lambda: net("conv1", "conv2", residual=True), "0 layers Add instead of 1"),  # nor here
        (
            lambda: net("conv1", "conv2", filters=5),
            r"mis-shaped: conv1 with \(3, 3, 3, 4\), \(4,\) instead of \(3, 3, 3, 5\), \(5,\)",
        ),
    ],
)
def test_files_of_other_networks_are_refused(own_file, model, message):
    message = rf"net.weights.h5 is of another network than 'net'; .*{message}"
    refuses(model(), message, load_weights_file, own_file)


def test_the_shortcuts_of_a_network_are_part_of_it(tmp_path):
    path = tmp_path / "plain.weights.h5"
    keras_classics.cifar_plain20().save_weights(path)
    refuses(
        keras_classics.cifar_resnet20(), "it has 0 layers Add instead of 9", load_weights_file, path
    )


def test_weights_of_inverted_dropout_are_not_those_of_the_papers(tmp_path):
    """The same tensors, but the logits would be a quarter."""
    path = tmp_path / "inverted.weights.h5"
    options = {"stem": "cifar", "input_shape": (12, 12, 3), "towers": "merged"}
    keras_classics.alexnet(3, inverted_dropout=True, **options).save_weights(path)
    message = "it has 0 layers Rescaling instead of 2"
    refuses(keras_classics.alexnet(3, **options), message, load_weights_file, path)


def test_files_of_weights_that_are_none_are_refused(own_file, tmp_path):
    model = net("conv1", "conv2")
    whole = own_file.read_bytes()
    contents = {
        "truncated": (whole[: len(whole) // 2], "is truncated, damaged or not a file of Keras"),
        "page": (b"\n<html><body>Not found</body></html>", "is a web page, not a file of Keras"),
        "text": (b"version https://git-lfs.github.com/spec/v1", "is a text file, not a file of"),
        "empty": (b"", "is empty"),
    }
    for name, (content, message) in contents.items():
        path = tmp_path / f"{name}.weights.h5"
        path.write_bytes(content)
        refuses(model, rf"{name}.weights.h5 {message}", load_weights_file, path)
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file["x"] = np.zeros(3)
    other = tmp_path / "other.weights.h5"
    refuses(model, "holds no weights of a Keras model", load_weights_file, other)
    refuses(model, "must end in .weights.h5. Received: .*net.pth", load_weights_file, "net.pth")
    missing = tmp_path / "missing.weights.h5"
    refuses(model, "does not exist", load_weights_file, missing, error=FileNotFoundError)


@pytest.mark.backend
def test_a_file_that_fails_half_way_changes_nothing(own_file):
    with h5py.File(own_file, "r+") as file:
        name = "layers/dense/vars/0"
        value = file[name][()]
        del file[name]
        data = file.create_dataset(name, data=value, chunks=value.shape, fletcher32=True)
        offset = data.id.get_chunk_info(0).byte_offset
    content = bytearray(own_file.read_bytes())
    content[offset] ^= 255
    own_file.write_bytes(content)
    refuses(
        net("conv1", "conv2"), "could not be read .*; fetch it again", load_weights_file, own_file
    )
