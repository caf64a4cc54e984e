"""What AlexNet and its network for CIFAR-10 are made of: Krizhevsky, Sutskever and Hinton, 2012."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import (
    BatchNormalization,
    GroupedConv2D,
    LocalResponseNormalization,
    MaxPooling2D,
    SpatialResponseNormalization,
)
from keras_classics.layers.common import copy_of, initializer_of
from keras_classics.models.common import channel_axis, picture_shape, sides

if TYPE_CHECKING:
    from keras_classics.types import Activation, Initializer, Shape, Tensor


class Edition(NamedTuple):
    """What AlexNet's paper and its authors' code of 2012 do differently, as far as options go.

    Attributes:
        alpha_convention: of the normalisation across maps.
        spatial_response_norm: whether conv2 is normalised within each map too.
        pool_before_activation: whether conv1 and conv5 are activated behind their pooling.
        conv345_stddev: standard deviation of the start of conv3, conv4 and conv5.
    """

    alpha_convention: Literal["sum", "mean", "caffe"]
    spatial_response_norm: bool
    pool_before_activation: bool
    conv345_stddev: float

    def but(self, **own: Any) -> Edition:
        """Returns the edition with what is not None in the place of its own."""
        return self._replace(**{name: one for name, one in own.items() if one is not None})


EDITIONS = {
    "paper": Edition("sum", False, False, 0.01),  # §3.3, §3.5, §5
    "code_2012": Edition("mean", True, True, 0.03),  # layers-145.cfg
}


def gaussian(stddev: float = 0.01) -> keras.Initializer:
    """Returns N(0, stddev²) of section 5; a new one for each layer, or all are equal."""
    return keras.initializers.RandomNormal(stddev=stddev)


def start_of(kernel_initializer: Initializer | None, stddev: float = 0.01) -> Callable[..., Any]:
    """Returns a layer's own copy of the initialiser; N(0, stddev²) for None."""
    if kernel_initializer is None:
        return gaussian(stddev)
    return copy_of(initializer_of("kernel_initializer", kernel_initializer))


def join(towers: Sequence[Tensor], name: str) -> Tensor:
    """Returns what several towers have, beside each other as the channels of one."""
    if len(towers) == 1:
        return towers[0]
    return layers.Concatenate(axis=channel_axis(), name=name)(towers)


def convolution(
    x: Tensor,
    filters: int,
    kernel_size: int,
    strides: int,
    border: int | None,
    groups: int,
    start: Callable[..., Any],
    bias: float,
    batch_norm: bool,
    name: str,
) -> Tensor:
    """A convolution without its activation, and batch normalisation behind it if asked for.

    With strides the last windows overhang; without, there are `border` pixels of zeros on every
    side, for None as many as keep the size.
    """
    padding: Literal["same", "valid"] = "same"
    if strides > 1:
        padding, overhang = "valid", [(0, -(side - kernel_size) % strides) for side in sides(x)]
        if any(map(any, overhang)):
            x = layers.ZeroPadding2D(overhang, name=f"{name}_overhang")(x)
    elif border is not None:
        padding = "valid"
        if border:
            x = layers.ZeroPadding2D(border, name=f"{name}_border")(x)
    kind = layers.Conv2D if groups == 1 else GroupedConv2D
    x = kind(
        filters,
        kernel_size,
        strides,
        padding=padding,
        groups=groups,
        kernel_initializer=start,
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
    )(x)
    if batch_norm:
        x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return x


def normalize(
    x: Tensor, convention: Literal["sum", "mean", "caffe"], groups: int, name: str
) -> Tensor:
    """Local response normalisation of section 3.3, within each of the towers.

    That of Caffe's models/bvlc_alexnet runs across both of them, with α divided by n and k = 1.
    """
    given: dict[str, Any] = {"alpha_convention": convention, "groups": groups}
    if convention == "caffe":
        given = {"alpha_convention": "mean", "bias": 1.0}
    return LocalResponseNormalization(**given, name=f"lrn{name}")(x)


def normalize_in_space(x: Tensor, name: str) -> Tensor:
    """The second normalisation behind conv2 in the code of 2012: within each map, over 5×5."""
    return SpatialResponseNormalization(name=f"srn{name}")(x)


def pool(x: Tensor, name: str, overlapping: bool = True, round_up: bool = False) -> Tensor:
    """Max-pooling of section 3.4: windows of 3×3 with stride 2, or else of 2×2.

    Windows of 3×3 always reach the last row and column; those of 2×2 do if `round_up` is set.
    """
    if not overlapping:
        return MaxPooling2D(2, padding="same" if round_up else "valid", name=name)(x)
    # Odd sizes fit; at even ones "same" lets the last window overhang by one pixel.
    return MaxPooling2D(3, 2, padding="valid" if sides(x)[0] % 2 else "same", name=name)(x)


def drop(x: Tensor, rate: float, inverted: bool, name: str) -> Tensor:
    """§4.2: dropped in training, multiplied in inference; inverted: divided in training."""
    if not rate:
        return x
    x = layers.Dropout(rate, name=name)(x)
    return x if inverted else layers.Rescaling(1 - rate, name=f"{name}_rescaling")(x)


def dense(
    x: Tensor,
    units: int,
    bias: float,
    activation: Activation,
    name: str,
    start: Initializer | None = None,
) -> Tensor:
    """A dense layer whose biases all start at the same value, and its kernel from `start`."""
    return layers.Dense(
        units,
        activation=activation,
        kernel_initializer=start_of(start),
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
    )(x)


def square_shape(
    input_shape: Shape | None, side: int, smallest: int, largest: int | None = None
) -> Shape:
    """Returns the checked shape; windows overhang equally far to the right and below."""
    default = (side, side, 3)
    shape = picture_shape(input_shape, default, smallest=smallest, known=True, largest=largest)
    height, width = shape[:2] if channel_axis() == -1 else shape[1:]
    if height != width:
        checks.refuse("input_shape", "square", input_shape)
    return shape
