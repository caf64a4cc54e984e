"""Weights by the order and the shapes of layers, where names tell nothing.

A network's layers with kernels stand in the order of the paper; so do those of a checkpoint or an
ONNX graph. What both have in common is enough where each shape fits its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.compat import all_layers
from keras_classics.weights.fitting import check_numbers

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Given:
    """A layer of the source: what it is called, and its weights in PyTorch's order of axes.

    Attributes:
        name: for messages.
        tensors: {"kernel": (out, in, …), "bias": (out,)}, or those of a batch normalisation:
            gamma, beta, moving_mean, moving_variance.
    """

    name: str
    tensors: dict[str, np.ndarray]


@dataclass(frozen=True)
class Slot:
    """A layer of the model that takes one of the source: both towers' where they are two.

    Attributes:
        name: of the layer, without the tower.
        layers: the layer, or that of each tower, which share what comes along its outputs.
        flattened: (channels, height, width) of the maps whose flattened pixels a dense layer sees.
    """

    name: str
    layers: tuple[Any, ...]
    flattened: tuple[int, int, int] | None = None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shapes that its tensors have in the source."""
        found = {}
        for weight in self.layers[0].weights:
            shape = tuple(weight.shape)
            first = {4: lambda s: (s[3], s[2], s[0], s[1]), 2: lambda s: (s[1], s[0])}
            shape = first.get(len(shape), lambda s: s)(shape)
            found[weight.name] = (shape[0] * len(self.layers), *shape[1:])
        return found

    def values(self, given: Given) -> Iterator[tuple[Any, np.ndarray]]:
        """Yields each variable and its value."""
        for name in self.shapes():
            parts = np.split(np.asarray(given.tensors[name]), len(self.layers))
            for layer, part in zip(self.layers, parts, strict=True):
                if part.ndim == 4:
                    part = part.transpose(2, 3, 1, 0)
                elif part.ndim == 2 and self.flattened:
                    part = part.reshape(-1, *self.flattened).transpose(2, 3, 1, 0)
                    part = part.reshape(-1, part.shape[-1])
                elif part.ndim == 2:
                    part = part.T
                yield next(w for w in layer.weights if w.name == name), part


def slots_of(model: keras.Model) -> list[Slot]:
    """Returns the layers of a network that have weights, in their order, towers put together."""
    towers: dict[str, list[Any]] = {}
    for name, part in (pair for layer in model.layers for pair in _with_weights(layer)):
        towers.setdefault(re.sub(r"(?<=\d)_[ab]$", "", name), []).append(part)
    flatten = next((one for one in model.layers if type(one).__name__ == "Flatten"), None)
    maps = _channels_first(flatten) if flatten is not None else None
    slots = []
    for name, layers in towers.items():
        dense = type(layers[0]).__name__ == "Dense"
        slots.append(Slot(name, tuple(layers), maps if dense else None))
        maps = None if dense else maps  # only the first dense layer sees maps
    return slots


def _with_weights(layer) -> Iterator[tuple[str, Any]]:
    """(name, layer) of a layer's parts that have weights; its own where it has none inside."""
    inner = [part for part in all_layers(layer) if part is not layer and part.weights]
    if inner:
        yield from ((f"{layer.name}/{part.name}", part) for part in inner)
    elif layer.weights:
        yield layer.name, layer


def _channels_first(flatten) -> tuple[int, int, int]:
    shape = tuple(flatten.input.shape[1:])
    return (shape[2], *shape[:2]) if flatten.data_format == "channels_last" else shape


def fit(slots: Sequence[Slot], given: Sequence[Given], source: str, model: keras.Model) -> None:
    """Raises a ValueError unless each layer of the source fits its place in the model.

    Args:
        slots: of the model.
        given: of the source, in its order.
        source: what it is, for the message.
        model: for the message.
    """
    for number, (slot, layer) in enumerate(zip(slots, given, strict=False), start=1):
        wanted = slot.shapes()
        came = {name: tuple(np.shape(tensor)) for name, tensor in layer.tensors.items()}
        if came != wanted:
            raise ValueError(
                f"{source} does not fit {model.name!r}: its layer {number}, {layer.name}, has "
                f"{_listed(came)}; {slot.name} wants {_listed(wanted)}."
            )
    if len(slots) != len(given):
        raise ValueError(
            f"{source} does not fit {model.name!r}: it has {len(given)} layers with weights, the "
            f"model has {len(slots)}."
        )


def put(slots: Sequence[Slot], given: Sequence[Given], source: str) -> None:
    """Gives the model the tensors that `fit` has let pass: all of them, or none.

    Args:
        slots: of the model.
        given: of the source, in its order.
        source: what it is, for the message.
    """
    for layer in given:
        for name, tensor in layer.tensors.items():
            check_numbers(f"{layer.name} ({name})", tensor, name, source)
    pairs = [pair for slot, one in zip(slots, given, strict=True) for pair in slot.values(one)]
    for variable, value in pairs:
        variable.assign(value)


def _listed(shapes) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "no weights"
