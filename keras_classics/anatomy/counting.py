"""The arithmetic of one layer, and what its units see: by its class, its weights and its sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from keras_classics import layers as ours
from keras_classics.anatomy.parts import Window
from keras_classics.anatomy.windows import Field, Side

if TYPE_CHECKING:
    from keras_classics.types import Shape

_CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
    ours.PartiallyConnectedConv2D,
)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_ENLARGING = (*_TRANSPOSED, layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
# Each of their weights multiplies once for a picture.
_ONCE = (ours.WholeMapConv2D, ours.LocallyConnected2D, ours.EuclideanRBF)
_BORDERS = (
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
)
# Keras' own that multiply, and not as above: its layers, and operations between symbols.
_UNCOUNTED = (
    *(layers.Lambda, layers.RNN, layers.Wrapper, layers.Dot, layers.EinsumDense),
    *(layers.Attention, layers.MultiHeadAttention, layers.GroupQueryAttention),
    *(layers.TorchModuleWrapper, layers.JaxLayer, layers.FlaxLayer, layers.TFSMLayer),
)
_UNCOUNTED_OPERATIONS = {
    *("Matmul", "Einsum", "Tensordot", "Dot", "Inner", "Outer", "Vdot", "DotProductAttention"),
    *("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose"),
}
_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel", "centers")


def is_known(layer: Any) -> bool:
    """Whether the arithmetic of a layer, or of an operation between symbols, is known here."""
    family = type(layer).__mro__
    if family[0].__module__.startswith("keras_classics.layers."):
        return True
    theirs = [kind for kind in family if kind.__module__.partition(".")[0] == "keras"]
    if not isinstance(layer, layers.Layer):
        return bool(theirs) and theirs[0].__name__ not in _UNCOUNTED_OPERATIONS
    is_own = theirs[0] is layers.Layer  # all else that it does stands in a class of somebody's
    return not (is_own or isinstance(layer, (keras.Model, *_UNCOUNTED)))


def multiply_adds(layer: Any, inputs: Shape, outputs: Shape) -> int | None:
    """Returns the multiply-adds of a layer for one picture; None where its sizes are not known.

    Args:
        layer: a layer that `is_known`.
        inputs: shape of its input, with the batch in front.
        outputs: shape of its output.
    """
    weights = sum(
        math.prod(getattr(layer, name).shape) for name in _KERNELS if hasattr(layer, name)
    )
    positions: Shape
    if isinstance(layer, _ONCE):
        positions = ()
    elif isinstance(layer, _CONVOLUTIONS):
        positions = sides(layer, outputs)
    elif isinstance(layer, _TRANSPOSED):
        positions = sides(layer, inputs)
    elif isinstance(layer, layers.Dense):
        positions = outputs[1:-1]
    else:
        return 0
    return None if None in positions else weights * math.prod(positions)


def sides(layer: Any, shape: Shape) -> Shape:
    """Returns the sides of maps, (height, width) of pictures; () of vectors."""
    setting = getattr(layer, "data_format", None) or keras.config.image_data_format()
    return tuple(shape[1:-1] if setting == "channels_last" else shape[2:])


def maps(layer: Any, shape: Shape) -> int | None:
    """Returns how many maps or units there are; None where it is not known."""
    setting = getattr(layer, "data_format", None) or keras.config.image_data_format()
    last = setting == "channels_last" or len(shape) < 3
    return shape[-1 if last else 1] if len(shape) > 1 else None


def window_of(layer: Any, count: int) -> Window | None:
    """Returns the window of a layer that `is_known`; None where it has none.

    Args:
        layer: a layer.
        count: how many sides its maps have.
    """
    size: Any = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    strides = getattr(layer, "strides", size)
    if isinstance(layer, ours.WholeMapConv2D):
        size = layer.kernel.shape[:2]
    elif isinstance(layer, ours.SpatialResponseNormalization):
        size, strides = layer.size, 1
    elif isinstance(layer, ours.ZeroPadShortcut):
        size = 1
    if size is None or not count:
        return None
    dilation = getattr(layer, "dilation_rate", 1)

    def each(value):
        return (value,) * count if isinstance(value, int) else tuple(value)

    window = Window(each(size), each(strides), each(dilation))
    return window if {len(sides) for sides in window} == {count} else None


def field_behind(
    layer: Any, fields: Sequence[Field], inputs: Sequence[Shape], output: Shape
) -> Field:
    """Returns what a unit of a layer's output sees of the picture.

    Args:
        layer: a layer or an operation.
        fields: what the units of each of its inputs see.
        inputs: their shapes, with the batch in front.
        output: the shape of its output.
    """
    if not fields or any(field is None for field in fields):
        return None
    if all(field == "all" for field in fields):
        return "all"
    if not is_known(layer):
        return None
    after = sides(layer, output)
    window = window_of(layer, len(after))
    merged = widest(fields)
    if merged is None or isinstance(merged, str):
        return merged
    if isinstance(layer, _ENLARGING):  # a unit sees more or less, by where it lies
        return None
    if window:
        return tuple(side.behind(*one) for side, *one in zip(merged, *window, strict=True))
    before = [sides(layer, shape) for shape in inputs]
    if after in before or isinstance(layer, _BORDERS):
        return merged
    # A vector, or one number of each map.
    return "all" if not after or set(after) == {1} else None


def widest(fields: Sequence[Field]) -> Field:
    """Returns what is seen where maps are added or stacked: as far as any of them sees."""
    known: list[tuple[Side, ...]] = []
    for field in fields:
        if field is None or field == "all":
            return None if None in fields else "all"
        known.append(field)
    if len({len(field) for field in known}) > 1:
        return None
    return tuple(
        Side(max(one.size for one in ones), max(one.step for one in ones))
        for ones in zip(*known, strict=True)
    )
