"""The blocks that deep networks are built of: plain, residual, bottleneck and Inception.

Public functions, for networks of one's own: `x` first, the block's `name` last, layers named after
it. He et al. 2015, Fig. 2 and Fig. 5; Szegedy et al. 2014, Fig. 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import BatchNormalization, Conv2D, Inception, ZeroPadShortcut
from keras_classics.models.common import channel_axis

if TYPE_CHECKING:
    from keras_classics.types import Activation, Tensor

SHORTCUTS = ("identity", "projection", "projection_all")


def he_normal() -> keras.Initializer:
    """N(0, 2 / fan-in), He et al. 2015; Keras' own HeNormal is cut off at two deviations."""
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")


def convolution(
    x: Tensor,
    filters: int,
    kernel_size: int,
    strides: int = 1,
    *,
    activation: Activation = "relu",
    batch_norm: bool = True,
    name: str,
) -> Tensor:
    """Convolution, batch normalisation or else a bias, and ReLU unless told otherwise."""
    padding: Literal["valid", "same"] = "same"
    if strides > 1 and kernel_size > 1:
        # Keras' "same" has no border at the top and left of even sizes; the authors' code has.
        x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
        padding = "valid"
    x = Conv2D(
        filters,
        kernel_size,
        strides,
        padding=padding,
        use_bias=not batch_norm,
        kernel_initializer=he_normal(),
        name=f"{name}_conv",
    )(x)
    if batch_norm:
        x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return layers.Activation(activation, name=f"{name}_relu")(x) if activation else x


def plain_block(
    x: Tensor, filters: int, strides: int = 1, *, batch_norm: bool = True, name: str
) -> Tensor:
    """Two 3×3 convolutions with ReLU, without a shortcut.

    Args:
        x: maps, symbolic or not.
        filters: of both convolutions.
        strides: of the first one.
        batch_norm: whether each is followed by batch normalisation; else it has a bias.
        name: what its layers' names begin with.

    Returns:
        The maps.

    Raises:
        ValueError: for an argument that is none of the above.

    Reference:
        He et al. 2015, Fig. 3, middle.

    Example:
        >>> import keras
        >>> from keras_classics.models.blocks import plain_block
        >>> plain_block(keras.Input((32, 32, 16)), 32, 2, name="block").shape
        (None, 16, 16, 32)
    """
    _check(filters, strides, batch_norm, name)
    x = convolution(x, filters, 3, strides, batch_norm=batch_norm, name=f"{name}_1")
    x = convolution(x, filters, 3, activation=None, batch_norm=batch_norm, name=f"{name}_2")
    return layers.ReLU(name=f"{name}_out")(x)


def residual_block(
    x: Tensor,
    filters: int,
    strides: int = 1,
    *,
    shortcut: Literal["identity", "projection", "projection_all"] = "projection",
    pad: Literal["end", "both"] = "end",
    batch_norm: bool = True,
    name: str,
) -> Tensor:
    """Two 3×3 convolutions, to which their input is added before the last ReLU.

    Args:
        x: maps, symbolic or not.
        filters: of both convolutions.
        strides: of the first one.
        shortcut: "identity" (option A), strided and with zero channels where dimensions change;
            "projection" (B), a 1×1 convolution there; "projection_all" (C), one always.
        pad: where option A has its zero channels, "end" or "both".
        batch_norm: whether each is followed by batch normalisation; else it has a bias.
        name: what its layers' names begin with.

    Returns:
        The maps.

    Raises:
        ValueError: for an argument that is none of the above.

    Reference:
        He et al. 2015, Fig. 2 and section 3.3.

    Example:
        >>> import keras
        >>> from keras_classics.models.blocks import residual_block
        >>> inputs = keras.Input((32, 32, 16))
        >>> x = residual_block(inputs, 16, name="first")
        >>> x = residual_block(x, 32, 2, batch_norm=False, name="second")
        >>> keras.Model(inputs, x).count_params()
        19168
    """
    _check(filters, strides, batch_norm, name)
    checks.choice("shortcut", shortcut, SHORTCUTS)
    checks.choice("pad", pad, ("end", "both"))
    inputs = x
    x = convolution(x, filters, 3, strides, batch_norm=batch_norm, name=f"{name}_1")
    x = convolution(x, filters, 3, activation=None, batch_norm=batch_norm, name=f"{name}_2")
    x = _add_shortcut(x, inputs, filters, strides, shortcut, pad, batch_norm, name)
    return layers.ReLU(name=f"{name}_out")(x)


def bottleneck_block(
    x: Tensor,
    filters: int,
    strides: int = 1,
    *,
    shortcut: Literal["identity", "projection", "projection_all"] = "projection",
    stride_on: Literal["1x1", "3x3"] = "1x1",
    batch_norm: bool = True,
    name: str,
) -> Tensor:
    """1×1, 3×3, and 1×1 to four times the filters, to which the input is added.

    Args:
        x: maps, symbolic or not.
        filters: of the first two convolutions, a quarter of the last one's.
        strides: of the block.
        shortcut: as for `residual_block`.
        stride_on: the convolution that strides.
        batch_norm: whether each is followed by batch normalisation; else it has a bias.
        name: what its layers' names begin with.

    Returns:
        The maps.

    Raises:
        ValueError: for an argument that is none of the above.

    Reference:
        He et al. 2015, Fig. 5, right.

    Example:
        >>> import keras
        >>> from keras_classics.models.blocks import bottleneck_block
        >>> bottleneck_block(keras.Input((56, 56, 256)), 128, 2, name="block").shape
        (None, 28, 28, 512)
    """
    _check(filters, strides, batch_norm, name)
    checks.choice("shortcut", shortcut, SHORTCUTS)
    checks.choice("stride_on", stride_on, ("1x1", "3x3"))
    inputs = x
    first, second = (strides, 1) if stride_on == "1x1" else (1, strides)
    x = convolution(x, filters, 1, first, batch_norm=batch_norm, name=f"{name}_1")
    x = convolution(x, filters, 3, second, batch_norm=batch_norm, name=f"{name}_2")
    x = convolution(x, 4 * filters, 1, activation=None, batch_norm=batch_norm, name=f"{name}_3")
    x = _add_shortcut(x, inputs, 4 * filters, strides, shortcut, "end", batch_norm, name)
    return layers.ReLU(name=f"{name}_out")(x)


def inception_block(
    x: Tensor,
    filters_1x1: int,
    reduce_3x3: int | None,
    filters_3x3: int,
    reduce_5x5: int | None,
    filters_5x5: int,
    pool_projection: int | None,
    *,
    batch_norm: bool = False,
    name: str,
) -> Tensor:
    """Four branches that look at the maps at four scales, stacked: the layer `Inception`.

    Args:
        x: maps, symbolic or not.
        filters_1x1: of the 1×1 convolution; this and the next five are the columns of Table 1.
        reduce_3x3: of the 1×1 convolution before the 3×3 one; None for no such layer.
        filters_3x3: of the 3×3 convolution.
        reduce_5x5: of the 1×1 convolution before the 5×5 one; None for no such layer.
        filters_5x5: of the 5×5 convolution.
        pool_projection: of the 1×1 convolution after the pooling; None for no such layer.
        batch_norm: whether each convolution is followed by batch normalisation, then ReLU.
        name: the layer's name.

    Returns:
        The maps.

    Raises:
        ValueError: for an argument that is none of the above.

    Reference:
        Szegedy et al. 2014, Fig. 2 and Table 1.

    Example:
        >>> import keras
        >>> from keras_classics.models.blocks import inception_block
        >>> inception_block(keras.Input((28, 28, 192)), 64, 96, 128, 16, 32, 32, name="3a").shape
        (None, 28, 28, 256)
    """
    filters: tuple[Any, ...] = (
        *(filters_1x1, reduce_3x3, filters_3x3),
        *(reduce_5x5, filters_5x5, pool_projection),
    )
    return Inception(*filters, batch_norm=batch_norm, name=name)(x)


def _check(filters, strides, batch_norm, name):
    checks.integer("filters", filters)
    checks.integer("strides", strides)
    checks.flags(batch_norm=batch_norm)
    if not (isinstance(name, str) and name and "/" not in name):
        checks.refuse("name", 'a text without "/"', name)


def _add_shortcut(x, inputs, filters, strides, shortcut, pad, batch_norm, name):
    """Adds what skipped the block, by option A, B or C of section 3.3."""
    changes = strides > 1 or inputs.shape[channel_axis()] != filters
    if shortcut == "projection_all" or (shortcut == "projection" and changes):
        inputs = convolution(
            inputs, filters, 1, strides, activation=None, batch_norm=batch_norm, name=f"{name}_0"
        )
    elif changes:
        inputs = ZeroPadShortcut(filters, strides, pad, name=f"{name}_0_pad")(inputs)
    return layers.Add(name=f"{name}_add")([inputs, x])
