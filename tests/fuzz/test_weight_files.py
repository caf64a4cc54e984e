"""Damaged files of weights: read as they are, or refused with nothing changed.

A flipped bit inside a number is another number: HDF5 and safetensors keep no checksums, so that
what is loaded is compared with what the format's own reader finds in the file.
"""

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from keras_classics import cifar_resnet20
from keras_classics.layers import BatchNormalization
from keras_classics.training import CopyLayers
from keras_classics.weights import load_torch_state_dict, load_weights_file
from keras_classics.weights.files import layers_of, open_hdf5
from tests.fuzz.harness import fault_of

SEED = 1312
sizes = pytest.mark.parametrize(
    "count", [60, pytest.param(1000, marks=pytest.mark.slow)], ids=["quick", "slow"]
)


def tiny():
    inputs = x = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(2, 3, name="conv")(x)
    x = BatchNormalization(name="norm")(x)
    x = keras.layers.Dense(3, name="head")(keras.layers.Flatten(name="flatten")(x))
    return keras.Model(inputs, x, name="tiny")


def damaged(path, count):
    """Writes the file with one bit flipped, or cut off, and yields a word for each damage."""
    whole, draws = path.read_bytes(), np.random.default_rng(SEED)
    for number in range(count):
        torn = bytearray(whole)
        place = int(draws.integers(len(whole)))
        if number % 4:
            torn[place] ^= 1 << int(draws.integers(8))
        else:
            del torn[place:]
        path.write_bytes(torn)
        yield f"{'flip' if number % 4 else 'cut'} at {place} of {len(whole)}"


def check(path, count, model, load, stored):
    """Loads each damaged file: what is stored arrives, or a sentence with nothing changed."""
    before, faults = model.get_weights(), []
    for damage in damaged(path, count):
        model.set_weights(before)
        done = []
        fault = fault_of(lambda done=done: done.append(load()))
        after = model.get_weights()
        expected = stored() if done else before
        same = all(map(np.array_equal, after, expected)) or all(
            np.array_equal(one, other, equal_nan=True)
            for one, other in zip(after, expected, strict=True)
        )
        if fault or not same:
            faults.append(f"{damage}: {fault or 'half filled'}")
    assert faults == []


@sizes
def test_weights_h5(tmp_path, count):
    path, model = tmp_path / "tiny.weights.h5", tiny()
    tiny().save_weights(path)

    def stored():
        with open_hdf5(path) as file:
            by_layer = layers_of(file)
            return [
                np.array(dataset)
                for name in ("conv", "norm", "head")
                for _, dataset in sorted(by_layer[name].items())
            ]

    check(path, count, model, lambda: load_weights_file(model, path), stored)


@sizes
def test_keras_files(tmp_path, count):
    """Their zip has a checksum for every part."""
    path, model, source = tmp_path / "tiny.keras", tiny(), tiny()
    source.save(path)
    copy = CopyLayers(str(path), ("conv", "norm", "head"))
    check(path, count // 2, model, lambda: copy(model), source.get_weights)


@sizes
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_pytorch_files(tmp_path, count, suffix):
    torch = pytest.importorskip("torch")
    from tests.weights.torch_layouts import CifarResNet

    path, model = tmp_path / f"resnet20{suffix}", cifar_resnet20(pad="both")
    arrays = {name: value.numpy() for name, value in CifarResNet().state_dict().items()}
    if suffix == ".pth":
        torch.save({name: torch.from_numpy(value) for name, value in arrays.items()}, path)
    else:
        save_file(arrays, path)
    count //= 3
    again = cifar_resnet20(pad="both")

    def stored():
        read = load_file(path) if suffix == ".safetensors" else torch.load(path, weights_only=True)
        return load_torch_state_dict(again, read).get_weights()

    check(path, count, model, lambda: load_torch_state_dict(model, path), stored)
