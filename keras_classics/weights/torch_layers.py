"""A reader's own PyTorch checkpoint, whatever its layers are called."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.weights.by_order import Given, Slot, fit, put, slots_of
from keras_classics.weights.files import read_checkpoint
from keras_classics.weights.torch_checkpoints import numpy_of, tensors_of

if TYPE_CHECKING:
    import keras

_SOURCE = "The PyTorch checkpoint"
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_KERNEL = {"weight": "kernel", "bias": "bias"}
_LISTED = 6


def load_torch_layers(
    model: keras.Model, state_dict: Mapping[str, Any] | str | Path, *, strict: bool = True
) -> keras.Model:
    """Loads a PyTorch checkpoint by the order and the shapes of its layers.

    For networks of one's own that are one of ours layer by layer: a LeNet, a CNN, an AlexNet, a
    VGG, a GoogLeNet, a ResNet. Its modules must have been defined in the order in which they
    compute, Inception's branches as in the paper's Fig. 2 and a block's shortcut before or behind
    its convolutions as here. A module that is listed twice, under two names, is read once.

    What order and shape cannot tell is up to the caller: two layers of one shape that have changed
    places, activations, strides, the pixels.

    Args:
        model: the network.
        state_dict: name to tensor (PyTorch or NumPy), or the path of a file, as for
            `load_torch_state_dict`.
        strict: whether every layer must fit; otherwise those that do are loaded in their order, and
            a warning says which did and which did not.

    Returns:
        `model`, which is unchanged if an error is raised.

    Raises:
        FileNotFoundError, ImportError: as `load_torch_state_dict`.
        ValueError: if the file is no checkpoint, a layer does not fit (with `strict=False`, if none
            does), or a tensor holds NaN, infinite numbers or negative variances.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> from keras_classics.weights import load_torch_layers
        >>> load_torch_layers(keras_classics.mnist_cnn(), {"a.weight": np.zeros((32, 1, 5, 5))})
        Traceback (most recent call last):
        ValueError: The PyTorch checkpoint does not fit 'mnist_cnn': its layer 1, a, has kernel
        (32, 1, 5, 5); conv1 wants kernel (32, 1, 3, 3), bias (32,).
    """
    checks.flags(strict=strict)
    if isinstance(state_dict, str | Path):
        state_dict = read_checkpoint(state_dict)
    given = _layers(tensors_of(state_dict))
    slots = slots_of(model)
    if strict:
        fit(slots, given, _SOURCE, model)
    else:
        slots, given = _fitting(slots, given, model)
    put(slots, given, _SOURCE)
    return model


def _layers(tensors) -> list[Given]:
    """The layers of a checkpoint in its order, each once."""
    by_module: dict[str, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        module, _, name = key.rpartition(".")
        by_module.setdefault(module, {})[name] = tensor
    found, places = [], set()
    for module, named in by_module.items():
        # Equal numbers would not do: all fresh normalisations of one width have them.
        place = tuple(_address(tensor, f"{module}.{name}") for name, tensor in named.items())
        if place in places:
            continue
        places.add(place)
        names = _NORM if "running_mean" in named else _KERNEL
        layer = {names.get(name, name): numpy_of(tensor) for name, tensor in named.items()}
        found.append(Given(module, layer))
    return found


def _address(tensor, name) -> int:
    """Where the numbers lie, the same for a module's tensors under each of its names."""
    try:
        if hasattr(tensor, "data_ptr"):
            numpy_of(tensor)
            return tensor.data_ptr()
        if isinstance(tensor, np.ndarray):
            return tensor.__array_interface__["data"][0]
        return id(tensor)
    except Exception as error:  # PyTorch raises a type of its own for each kind of tensor
        raise ValueError(f"{_SOURCE}: {name} is no plain array of numbers.") from error


def _fitting(slots: list[Slot], given: list[Given], model) -> tuple[list[Slot], list[Given]]:
    """The pairs whose shapes are equal, in their order; a warning says which those are."""
    pairs, start = [], 0
    for slot in slots:
        wanted = slot.shapes()
        for number in range(start, len(given)):
            if {n: tuple(np.shape(t)) for n, t in given[number].tensors.items()} == wanted:
                pairs.append((slot, given[number]))
                start = number + 1
                break
    if not pairs:
        raise ValueError(f"{_SOURCE} has no layer that fits {model.name!r}.")
    used = {layer.name for _, layer in pairs}
    filled = {slot.name for slot, _ in pairs}
    parts = {
        "loaded": [f"{slot.name} from {layer.name}" for slot, layer in pairs],
        "left as they are": [slot.name for slot in slots if slot.name not in filled],
        "not used": [layer.name for layer in given if layer.name not in used],
    }
    listed = "; ".join(f"{what}: {_some(names)}" for what, names in parts.items() if names)
    warnings.warn(f"{_SOURCE} and {model.name!r}: {listed}.", stacklevel=3)
    return [slot for slot, _ in pairs], [layer for _, layer in pairs]


def _some(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
