"""What a drawing shows of a model: its layers as parts, each with its kind, size and sources."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from keras_classics.compat import calls_of
from keras_classics.drawings.svg import shortened
from keras_classics.layers import (
    LocalResponseNormalization,
    PixelNormalization,
    SpatialResponseNormalization,
    WholeMapConv2D,
    ZeroPadShortcut,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_classics.types import Shape

# Layers that a figure does not draw: what they do is said, if at all, beside the part before them.
_SILENT = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax),
    *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout),
    *(layers.BatchNormalization, layers.Normalization, layers.Rescaling, PixelNormalization),
    *(layers.LayerNormalization, layers.ZeroPadding1D, layers.ZeroPadding2D, layers.Cropping2D),
    *(layers.Flatten, layers.Reshape, layers.Identity),
    *(LocalResponseNormalization, SpatialResponseNormalization),
)
_KERAS_OWN = re.compile(r"^input_layer(_\d+)?$")  # counts what the process has built before
_JOINS = {
    "Add": "+",
    "Subtract": "−",
    "Multiply": "×",
    "Concatenate": "‖",
    "Average": "mean",
    "Maximum": "max",
    "Minimum": "min",
}
_ACTIVATIONS = {"relu": "ReLU", "scaled_tanh": "scaled tanh"}


@dataclass(eq=False)
class Part:
    """One thing that is drawn: a layer, a residual block, or a sum.

    Attributes:
        name: that of the layer, or another one that no other part has.
        kind: "input", "convolution", "pooling", "dense", "inception", "block", "zeros", "join" or
            "other"; the colours go by it.
        inputs: names of the parts that it sees.
        channels: maps, or units of a vector; None if that is not known.
        sides: (height, width) of a map, () for a vector.
        what: the operation in few words, as "3×3 conv".
        stride: of the operation.
        kernel: the side of its window in pixels; 0 for none.
        after: what follows without being drawn, as "BN", "ReLU", "LRN", "dropout 0.5".
        layer: the Keras layer.
        inner: the parts of a block, in order.
        shortcut: of a block: "identity", "projection" or "zeros".
        bypass: the parts on the shortcut.
        heads: auxiliary ends that branch off here, each a list of parts.
    """

    name: str
    kind: str
    inputs: list[str]
    channels: int | None
    sides: tuple[int | None, ...]
    what: str = ""
    stride: int = 1
    kernel: int = 0
    after: list[str] = field(default_factory=list)
    layer: Any = None
    inner: list[Part] = field(default_factory=list)
    shortcut: str | None = None
    bypass: list[Part] = field(default_factory=list)
    heads: list[list[Part]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name as a figure has it: that of the block, not of the last layer in it."""
        ends = {"convolution": "_conv", "block": "_add"}
        return shortened(self.name.removesuffix(ends.get(self.kind, "")))

    @property
    def size(self) -> str:
        """As "6@28×28", six maps of 28×28; or the units of a vector.

        Example:
            >>> from keras_classics.drawings.parts import Part
            >>> Part("C1", "convolution", [], 6, (28, 28)).size
            '6@28×28'
        """
        count = "?" if self.channels is None else str(self.channels)
        return f"{count}@{_times(self.sides)}" if self.sides else count

    @property
    def operation(self) -> str:
        """What it does, with its stride where that does not follow from the window."""
        side = self.what.partition("×")[0]
        follows = self.stride == 1 or self.kind == "block" or side == str(self.stride)
        return self.what if follows else f"{self.what}, /{self.stride}"

    @property
    def is_vector(self) -> bool:
        """Whether it is drawn as a bar: units, or maps of one pixel."""
        return all(side == 1 for side in self.sides)


def parts_of(model: keras.Model) -> dict[str, Part]:
    """Returns {name: part} of a functional model, first what comes first.

    Models inside the model are read as if their layers stood in it.

    Args:
        model: built from its inputs and outputs.

    Example:
        >>> import keras_classics
        >>> from keras_classics.drawings.parts import parts_of
        >>> [part.size for part in parts_of(keras_classics.lenet5()).values()][:3]
        ['1@32×32', '6@28×28', '6@14×14']
    """
    reader = _Reader()
    reader.read(model)
    return reader.parts


class _Reader:
    """Follows the calls of layers, and remembers which part made which tensor."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.made: dict[int, str] = {}

    def read(self, model: keras.Model) -> None:
        for layer, inputs, outputs in calls_of(model)[0]:
            if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
                self._same(layer.inputs, inputs)
                self.read(layer)
                self._same(outputs, layer.outputs)
            elif not (isinstance(layer, layers.InputLayer) and id(outputs[0]) in self.made):
                self._take(layer, inputs, outputs)

    def _same(self, tensors, others):
        for tensor, other in zip(tensors, others, strict=True):
            self.made[id(tensor)] = self.made[id(other)]

    def _take(self, layer, inputs, outputs):
        sources = list(dict.fromkeys(self.made[id(tensor)] for tensor in inputs))
        if isinstance(layer, _SILENT) and len(sources) == 1:
            name = sources[0]
            self.parts[name].after += _silent_words(layer)
        else:
            name = self._free(_KERAS_OWN.sub("input", layer.name))
            self.parts[name] = _part(name, layer, sources, outputs[0].shape)
        self.made.update((id(tensor), name) for tensor in outputs)

    def _free(self, name):
        """The name; of a layer that is called again, with a number."""
        number = 2
        found = name
        while found in self.parts:
            found, number = f"{name} ({number})", number + 1
        return found


def _part(name, layer, sources, shape):
    channels, sides = _size(layer, shape)
    kind, what = _kind(layer)
    strides = getattr(layer, "strides", getattr(layer, "pool_size", 1))
    stride = max(strides) if isinstance(strides, tuple | list) else strides
    after = _activation_words(getattr(layer, "activation", None))
    kernel = 0
    if kind in ("convolution", "pooling") and what[0].isdigit():
        kernel = int(what.partition("×")[0].split()[0])
    return Part(name, kind, sources, channels, sides, what, stride or 1, kernel, after, layer)


def _size(layer, shape: Shape) -> tuple[int | None, tuple[int | None, ...]]:
    _, *rest = shape
    if len(rest) < 2:
        return (rest[0] if rest else 1), ()
    order = getattr(layer, "data_format", None) or keras.config.image_data_format()
    last = order == "channels_last" or len(rest) == 2  # sequences: (steps, features)
    return (rest[-1], tuple(rest[:-1])) if last else (rest[0], tuple(rest[1:]))


def _kind(layer):
    """The kind of a layer, and what it does in few words."""
    name = type(layer).__name__
    if isinstance(layer, layers.InputLayer):
        return "input", "input"
    if hasattr(layer, "branches"):
        return "inception", "module"
    if isinstance(layer, ZeroPadShortcut):
        return "zeros", "zero maps"
    if name in _JOINS:
        return "join", _JOINS[name]
    if isinstance(layer, WholeMapConv2D):
        return "convolution", f"{_times(layer.kernel.shape[:2])} conv"
    if hasattr(layer, "kernel_size"):
        return "convolution", f"{_times(_square(layer.kernel_size))} {_convolution_word(layer)}"
    if hasattr(layer, "pool_size"):
        word = "average" if "Average" in name else "max" if "Max" in name else "subsampling"
        return "pooling", f"{_times(_square(layer.pool_size))} {word}"
    if name.startswith("Global"):
        return "pooling", "global average" if "Average" in name else "global max"
    if hasattr(layer, "centers"):
        return "dense", "Gaussian connections"
    if isinstance(layer, layers.Dense):
        return "dense", "full connection"
    return "other", name


def _convolution_word(layer):
    if hasattr(layer, "connections"):
        return "partial conv"
    if getattr(layer, "groups", 1) > 1:
        return f"conv in {layer.groups} groups"
    name = type(layer).__name__
    if "LocallyConnected" in name:
        return "unshared"
    words = {"Depthwise": "depthwise", "Separable": "separable", "Transpose": "transposed"}
    return next((word for part, word in words.items() if part in name), "conv")


def _square(size) -> Sequence[int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _times(sides):
    return "×".join("?" if side is None else str(side) for side in sides)


def _activation_words(activation):
    name = getattr(activation, "__name__", type(activation).__name__)
    return [] if activation is None or name == "linear" else [_ACTIVATIONS.get(name, name)]


def _silent_words(layer):
    """What a figure says of a layer that it does not draw."""
    if isinstance(layer, layers.BatchNormalization):
        return ["BN"]
    if isinstance(layer, LocalResponseNormalization):
        return ["LRN"]
    if isinstance(layer, SpatialResponseNormalization):
        return ["SRN"]
    if isinstance(layer, layers.Dropout):
        return [f"dropout {layer.rate:g}"] if layer.rate else []
    if isinstance(layer, layers.Activation):
        return _activation_words(layer.activation)
    shown = (layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.LayerNormalization)
    if isinstance(layer, layers.Softmax):
        return ["softmax"]
    return [type(layer).__name__] if isinstance(layer, shown) else []
