"""AlexNet, the network of Krizhevsky, Sutskever and Hinton, 2012.

"ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012, section 3 and Fig. 2.

    layer                              output (two towers)   parameters
    conv1  11×11/4, LRN, pool 3×3/2    55×55×(48+48), 27×27      34,944
    conv2  5×5, LRN, pool              27×27×(128+128), 13×13   307,456
    conv3  3×3, sees both towers       13×13×(192+192)          885,120
    conv4  3×3                         13×13×(192+192)          663,936
    conv5  3×3, pool                   13×13×(128+128), 6×6     442,624
    fc6    sees both, dropout 0.5      2048+2048             37,752,832
    fc7    sees both, dropout 0.5      2048+2048             16,781,312
    fc8    sees both                   1000                   4,097,000
    total                                                    60,965,224
    towers="merged"                                          62,378,344
    towers="merged", halve_kernels=True                      59,798,312

The paper trained each tower on a GPU of its own; they meet only where the table says "sees both".
`towers="grouped"` is the same network with both towers in one layer each, as the two groups of
conv2, conv4 and conv5: the form in which `--strategy two_towers` lays them on two devices.
ReLU follows every convolution and fc6, fc7. Weights start from N(0, 0.01²); biases at one in conv2,
conv4, conv5, fc6, fc7 and at zero elsewhere. The dropout is the paper's own: activations are
dropped in training, and multiplied by 0.5 in inference (Keras' dropout doubles them in training
instead; a `Rescaling` behind it takes that back). Weights that were trained with the inverted
dropout of today's packages give a quarter of their logits that way: `inverted_dropout=True` is the
network that they belong to.

Not stated in the paper, assumed here: windows that do not fit overhang at the bottom and the
right, as in the author's code, so 224 pixels give 55×55 with three pixels of zeros (227 give it
with none); convolutions behind the first are "same", as the sizes of Fig. 2 demand; the local
response normalisation stays within its tower.

Deviations, each an option: `towers="merged"`, `halve_kernels` (the paper's own comparison on one
GPU, which halves conv1 … conv4), `local_response_norm`, `batch_norm`, `overlapping_pooling=False`,
other `activation`, `kernel_initializer`, `bias_value`, `classifier_bias_value` and `dropout`,
`inverted_dropout`, `stem="cifar"` (a first convolution of 5×5/1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import BatchNormalization, GroupedConv2D, LocalResponseNormalization
from keras_classics.layers.common import activation_of, copy_of, initializer_of
from keras_classics.models.common import (
    channel_axis,
    check_common,
    finish,
    picture_shape,
    sides,
)

if TYPE_CHECKING:
    from keras_classics.types import Activation, Initializer, Pooling, Shape, Tensor, Weights

# Fig. 2: filters of both towers together, and kernel size.
CONVOLUTIONS = {
    "conv1": (96, 11),
    "conv2": (256, 5),
    "conv3": (384, 3),
    "conv4": (384, 3),
    "conv5": (256, 3),
}
SEES_BOTH = ("conv3", "fc6", "fc7")
DIVIDED = ("conv2", "conv4", "conv5")  # see their own tower's maps
NORMALIZED = ("conv1", "conv2")  # §3.3
POOLED = ("conv1", "conv2", "conv5")  # §3.5
BIASED = ("conv2", "conv4", "conv5", "fc6", "fc7")  # §5: these biases start at one
_FIRST = {"imagenet": (11, 4), "cifar": (5, 1)}  # kernel size and stride of conv1
# The smallest picture at which no pooling window exceeds its map: overlapping windows, and plain.
_SMALLEST = {"imagenet": {True: 52, False: 36}, "cifar": {True: 12, False: 8}}


def gaussian(stddev: float = 0.01) -> keras.Initializer:
    """Returns N(0, stddev²) of section 5; a new one for each layer, or all are equal."""
    return keras.initializers.RandomNormal(stddev=stddev)


def _join(towers, name):
    if len(towers) == 1:
        return towers[0]
    return layers.Concatenate(axis=channel_axis(), name=name)(towers)


def _initializer(kernel_initializer):
    if kernel_initializer is None:
        return gaussian()
    return copy_of(initializer_of("kernel_initializer", kernel_initializer))


def _convolution(
    x, filters, kernel_size, strides, groups, start, bias, batch_norm, activation, name
):
    padding = "same"
    if strides > 1:
        padding, overhang = "valid", [(0, -(side - kernel_size) % strides) for side in sides(x)]
        if any(map(any, overhang)):
            x = layers.ZeroPadding2D(overhang, name=f"{name}_overhang")(x)
    kind = layers.Conv2D if groups == 1 else GroupedConv2D
    x = kind(
        filters,
        kernel_size,
        strides,
        padding=padding,
        groups=groups,
        kernel_initializer=_initializer(start),
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
    )(x)
    if batch_norm:
        x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return layers.Activation(activation, name=f"{name}_activation")(x)


def pool(x: Tensor, name: str, overlapping: bool = True) -> Tensor:
    """Max-pooling of section 3.4: windows of 3×3 with stride 2, or else of 2×2."""
    if not overlapping:
        return layers.MaxPooling2D(2, name=name)(x)
    # Odd sizes fit; at even ones "same" lets the last window overhang by one pixel.
    return layers.MaxPooling2D(3, 2, padding="valid" if sides(x)[0] % 2 else "same", name=name)(x)


def _normalize(x, local_response_norm, groups, name):
    convention = "mean" if local_response_norm == "mean" else "sum"
    return LocalResponseNormalization(alpha_convention=convention, groups=groups, name=name)(x)


def _dropout(x, rate, inverted, name):
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
        kernel_initializer=_initializer(start),
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


def alexnet(
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "alexnet",
    towers: Literal["separate", "grouped", "merged"] = "separate",
    halve_kernels: bool = False,
    local_response_norm: Literal[True, False, "mean"] = True,
    batch_norm: bool = False,
    overlapping_pooling: bool = True,
    activation: Activation = "relu",
    kernel_initializer: Initializer | None = None,
    bias_value: float = 1.0,
    classifier_bias_value: float = 0.0,
    dropout: float = 0.5,
    inverted_dropout: bool = False,
    stem: Literal["imagenet", "cifar"] = "imagenet",
) -> keras.Model:
    """Builds AlexNet as published: two towers.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one square picture without the batch, with any number of channels;
            (224, 224, 3) unless told, (32, 32, 3) with `stem="cifar"`.
        include_top: whether the network ends in fc6, fc7, fc8, or in the last pooling.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of fc8; None for logits.
        weights: None or the path of a `.weights.h5` file.
        name: the model's name.
        towers: "separate", layers conv1_a, conv1_b, …, fc7_b; "grouped", the same function by the
            two groups of single layers conv1, …, fc7; or "merged", where every layer sees all.
        halve_kernels: half the filters in conv1 … conv4; with merged towers only.
        local_response_norm: True, the paper's formula; "mean", α divided by n; False, none.
        batch_norm: whether batch normalisation stands between convolution and activation.
        overlapping_pooling: windows of 3×3 with stride 2, or else of 2×2.
        activation: of every convolution and dense layer but the last.
        kernel_initializer: start of all kernels, as Keras names it; None for N(0, 0.01²).
        bias_value: start of the biases of conv2, conv4, conv5, fc6 and fc7.
        classifier_bias_value: start of the biases of fc8.
        dropout: rate behind fc6 and fc7.
        inverted_dropout: whether what is kept is divided by 1 − rate in training, as today's
            packages do, instead of multiplied by it in inference.
        stem: "imagenet", or "cifar": a first convolution of 5×5/1.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: for an argument that is none of the above, pictures that are too small or not
            square, or `halve_kernels` with two towers.

    Reference:
        Krizhevsky et al. 2012, sections 3 to 5.

    Example:
        >>> import keras_classics
        >>> keras_classics.alexnet(10, stem="cifar", towers="merged").output_shape
        (None, 10)
    """
    check_common(
        num_classes=num_classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )
    checks.choice("towers", towers, ("separate", "grouped", "merged"))
    checks.choice("local_response_norm", local_response_norm, (True, False, "mean"))
    checks.choice("stem", stem, ("imagenet", "cifar"))
    checks.flags(
        halve_kernels=halve_kernels,
        batch_norm=batch_norm,
        overlapping_pooling=overlapping_pooling,
        inverted_dropout=inverted_dropout,
    )
    activation_of("activation", activation)
    _initializer(kernel_initializer)
    checks.number("bias_value", bias_value)
    checks.number("classifier_bias_value", classifier_bias_value)
    checks.rate("dropout", dropout)
    if halve_kernels and towers != "merged":
        raise ValueError(
            f'`halve_kernels=True` needs `towers="merged"`. Received: towers="{towers}"'
        )
    first_kernel_size, first_strides = _FIRST[stem]
    side = 224 if stem == "imagenet" else 32
    shape = square_shape(input_shape, side, _SMALLEST[stem][overlapping_pooling])
    suffixes = ("_a", "_b") if towers == "separate" else ("",)
    groups = 2 if towers == "grouped" else 1

    def bias(layer):
        return float(bias_value) if layer in BIASED else 0.0

    inputs = keras.Input(shape)
    maps = [inputs] * len(suffixes)
    for layer, (filters, kernel_size) in CONVOLUTIONS.items():
        strides = 1
        if layer == "conv1":
            kernel_size, strides = first_kernel_size, first_strides
        if halve_kernels and layer != "conv5":
            filters //= 2
        if layer in SEES_BOTH:
            maps = [_join(maps, f"{layer}_input")] * len(suffixes)
        for tower, suffix in enumerate(suffixes):
            own = layer + suffix
            x = _convolution(
                *(maps[tower], filters // len(suffixes), kernel_size, strides),
                groups if layer in DIVIDED else 1,
                *(kernel_initializer, bias(layer), batch_norm, activation, own),
            )  # 55×55×96, 27×27×256, 13×13×384, 13×13×384, 13×13×256
            if local_response_norm and layer in NORMALIZED:
                x = _normalize(x, local_response_norm, groups, f"lrn{own[4:]}")
            if layer in POOLED:
                x = pool(x, f"pool{own[4:]}", overlapping_pooling)  # 27×27, 13×13, 6×6
            maps[tower] = x
    x = _join(maps, "pool5")
    if include_top:
        x = layers.Flatten(name="flatten")(x)  # 9216
        for layer in ("fc6", "fc7"):
            units = 4096 // len(suffixes)
            x = [
                dense(x, units, bias(layer), activation, layer + suffix, kernel_initializer)
                for suffix in suffixes
            ]
            x = _join(x, layer)
            x = _dropout(x, dropout, inverted_dropout, f"dropout{layer[2:]}")
        last = float(classifier_bias_value)
        x = dense(x, num_classes, last, classifier_activation, "fc8", kernel_initializer)
    return finish(inputs, x, include_top=include_top, pooling=pooling, weights=weights, name=name)
