"""The parts of a model as plain data: its layers and, around them, blocks and models inside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from keras_classics.anatomy.windows import Field

if TYPE_CHECKING:
    from keras_classics.types import Shape


@dataclass(frozen=True)
class Counts:
    """What can be added up over the layers of a network.

    Attributes:
        parameters: all weights.
        trained: those of them that training changes.
        multiply_adds: for one picture.
        neurons: outputs of convolutions and dense layers.
        activations: numbers in all outputs.
        weight_bytes: of all weights.
        gradient_bytes: of the gradients of the trained ones.
        activation_bytes: of the outputs that training keeps, for one picture.
    """

    parameters: int = 0
    trained: int = 0
    multiply_adds: int = 0
    neurons: int = 0
    activations: int = 0
    weight_bytes: int = 0
    gradient_bytes: int = 0
    activation_bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


class Window(NamedTuple):
    """The window of a layer, a number for each side of the picture."""

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A call of a layer, a block of them, or a model inside the model.

    Attributes:
        name: the layer's, behind those that it is inside of: "inception_3a/conv_1x1".
        kind: its class, or "block".
        inputs, outputs: shapes without the batch.
        window: the layer's, or None.
        maps: how many maps or units it gives; None where that is not known.
        receptive_field: what one of its units sees.
        own: its counts without those of its parts.
        uncounted: whether it may have multiply-adds that are not counted.
        shared: whether its weights are counted elsewhere.
        parts: what it consists of; none of a layer.
    """

    name: str
    kind: str
    inputs: tuple[Shape, ...] = ()
    outputs: tuple[Shape, ...] = ()
    window: Window | None = None
    maps: int | None = None
    receptive_field: Field = None
    own: Counts = Counts()
    uncounted: bool = False
    shared: bool = False
    parts: tuple[Part, ...] = field(default=(), repr=False)

    @cached_property
    def counts(self) -> Counts:
        """Its counts, with those of its parts."""
        return sum((part.counts for part in self.parts), self.own)

    def layers(self) -> Iterator[Part]:
        """Yields the layers in it; itself if it is one."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.layers()


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """A 1×1 convolution in front of a larger one, which thereby sees fewer maps.

    Attributes:
        name: of the larger convolution.
        sides: of the maps, (height, width).
        channels: maps of the input.
        reduced: maps between the two.
        kernel_size: of the larger convolution, (rows, columns).
        filters: of the larger convolution.

    Reference:
        Szegedy et al. 2014, Fig. 2.

    Example:
        >>> from keras_classics.anatomy.parts import Reduction
        >>> fives = Reduction(
        ...     name="inception_3a/conv_5x5", sides=(28, 28), channels=192, reduced=16,
        ...     kernel_size=(5, 5), filters=32,
        ... )
        >>> fives.multiply_adds, fives.without
        (12443648, 120422400)
    """

    name: str
    sides: tuple[int, ...]
    channels: int
    reduced: int
    kernel_size: tuple[int, ...]
    filters: int

    @property
    def multiply_adds(self) -> int:
        """Of both convolutions: h · w · (c · r + k · k · r · f)."""
        window = math.prod(self.kernel_size)
        each = self.channels * self.reduced + window * self.reduced * self.filters
        return math.prod(self.sides) * each

    @property
    def without(self) -> int:
        """Of the larger one on all channels: h · w · k · k · c · f."""
        return math.prod((*self.sides, *self.kernel_size, self.channels, self.filters))

    @property
    def operands(self) -> tuple[str, str]:
        """Both products as they are written: with the reduction, and without.

        Example:
            "28²·(192·16 + 5²·16·32)" and "28²·5²·192·32".
        """
        positions, window = _power(self.sides), _power(self.kernel_size)
        both = f"{self.channels}·{self.reduced} + {window}·{self.reduced}·{self.filters}"
        return f"{positions}·({both})", f"{positions}·{window}·{self.channels}·{self.filters}"


def _power(sides):
    return f"{sides[0]}²" if len(sides) == 2 and len(set(sides)) == 1 else "·".join(map(str, sides))
