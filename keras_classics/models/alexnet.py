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

`edition="code_2012"` is the network as the authors' code of 2012 has it, public since 2025: the
configuration whose log holds the paper's 40.7 and 18.2 %. How it differs stands in
`alexnet_2012.py`; each difference is an option of its own too: `local_response_norm="mean"`,
`spatial_response_norm`, `pool_before_activation`, `conv345_stddev`.

Deviations, each an option: `towers="merged"`, `halve_kernels` (the paper's own comparison on one
GPU, which halves conv1 … conv4), `local_response_norm`, `normalize_conv2`, `towers_meet`,
`batch_norm`, `overlapping_pooling=False`, other `activation`, `kernel_initializer`, `bias_value`,
`classifier_bias_value` and `dropout`, `inverted_dropout`, `stem="cifar"` (a first convolution of
5×5/1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers.common import activation_of
from keras_classics.models.alexnet_layers import (
    EDITIONS,
    convolution,
    dense,
    drop,
    join,
    normalize,
    normalize_in_space,
    pool,
    square_shape,
    start_of,
)
from keras_classics.models.common import check_common, finish, last_activation

if TYPE_CHECKING:
    from keras_classics.types import Activation, Initializer, Pooling, Shape, Weights

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
LATER = ("conv3", "conv4", "conv5")  # whose kernels start wider in the code
ACTIVATED_LATE = ("conv1", "conv5")  # layers-145.cfg: `neuron=relu` stands in pool1 and pool3
PLAIN_BORDERS = {"conv2": 1, "conv5": 0}  # layers-147.cfg, with windows of 2×2
APART = {"conv2": 320, "fc6": 8192}  # layers-150.cfg: wider, as the towers do not meet
_FIRST = {"imagenet": (11, 4), "cifar": (5, 1)}  # kernel size and stride of conv1
# The smallest picture at which no window exceeds its map: overlapping pooling, plain, and plain
# with the borders of the code.
_SMALLEST = {"imagenet": (52, 36, 72), "cifar": (12, 8, 17)}


def alexnet(
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "alexnet",
    edition: Literal["paper", "code_2012"] = "paper",
    towers: Literal["separate", "grouped", "merged"] = "separate",
    halve_kernels: bool = False,
    local_response_norm: Literal[True, False, "mean", "caffe"] = True,
    spatial_response_norm: bool | None = None,
    normalize_conv2: bool = True,
    pool_before_activation: bool | None = None,
    towers_meet: bool = True,
    batch_norm: bool = False,
    overlapping_pooling: bool = True,
    activation: Activation = "relu",
    kernel_initializer: Initializer | None = None,
    conv345_stddev: float | None = None,
    bias_value: float = 1.0,
    classifier_bias_value: float = 0.0,
    dropout: float = 0.5,
    inverted_dropout: bool = False,
    stem: Literal["imagenet", "cifar"] = "imagenet",
) -> keras.Model:
    """Builds AlexNet, two towers, as published or as in the authors' code of 2012.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one square picture without the batch, with any number of channels;
            (224, 224, 3) unless told, (32, 32, 3) with `stem="cifar"`.
        include_top: whether the network ends in fc6, fc7, fc8, or in the last pooling.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of fc8; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file.
        name: the model's name.
        edition: "paper", or "code_2012": the network that the authors' code trained (see above).
        towers: "separate", layers conv1_a, conv1_b, …, fc7_b; "grouped", the same function by the
            two groups of single layers conv1, …, fc7; or "merged", where every layer sees all.
        halve_kernels: half the filters in conv1 … conv4; with merged towers only.
        local_response_norm: True, the formula of the edition; "mean", α divided by n, as in
            code_2012; "caffe", as in BVLC's AlexNet: α divided by n, k = 1, across both towers,
            which then are not separate; False, none.
        spatial_response_norm: whether conv2 has a second normalisation, within each map over 5×5
            pixels; None for what the edition has.
        normalize_conv2: whether conv2 has normalisations at all; conv1 keeps its own.
        pool_before_activation: whether the activations of conv1 and conv5 stand behind the pooling,
            and so behind the normalisation of conv1; None for what the edition has.
        towers_meet: whether conv3, fc6 and fc7 see both towers, or the towers meet in fc8 only and
            are wider for it: 160 filters in conv2, 4096 units in fc6, of each tower.
        batch_norm: whether batch normalisation stands between convolution and activation; in the
            paper's edition only.
        overlapping_pooling: windows of 3×3 with stride 2, or else of 2×2.
        activation: of every convolution and dense layer but the last.
        kernel_initializer: start of all kernels, as Keras names it; None for N(0, 0.01²).
        conv345_stddev: standard deviation of the normal start of conv3, conv4 and conv5; None for
            what the edition has, 0.01 or 0.03. Without a `kernel_initializer` only.
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
            square, `halve_kernels` with two towers, towers that do not meet in other layers than
            separate ones, `batch_norm` with the edition of the code, or `conv345_stddev` beside a
            `kernel_initializer`.

    Reference:
        Krizhevsky et al. 2012, sections 3 to 5; layers/layers-145.cfg and layers-147.cfg of the
        code.

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
    checks.choice("edition", edition, EDITIONS)
    checks.choice("towers", towers, ("separate", "grouped", "merged"))
    checks.choice("local_response_norm", local_response_norm, (True, False, "mean", "caffe"))
    if local_response_norm == "caffe" and towers == "separate":
        checks.refuse("towers", '"grouped" or "merged" with local_response_norm="caffe"', towers)
    checks.choice("spatial_response_norm", spatial_response_norm, (True, False, None))
    checks.choice("pool_before_activation", pool_before_activation, (True, False, None))
    checks.choice("stem", stem, ("imagenet", "cifar"))
    checks.flags(
        halve_kernels=halve_kernels,
        normalize_conv2=normalize_conv2,
        towers_meet=towers_meet,
        batch_norm=batch_norm,
        overlapping_pooling=overlapping_pooling,
        inverted_dropout=inverted_dropout,
    )
    activation_of("activation", activation)
    start_of(kernel_initializer)
    checks.number("bias_value", bias_value)
    checks.number("classifier_bias_value", classifier_bias_value)
    checks.rate("dropout", dropout)
    if halve_kernels:
        checks.needs("halve_kernels=True", "towers", "merged", towers)
    if not towers_meet:
        checks.needs("towers_meet=False", "towers", "separate", towers)
    if batch_norm:
        checks.needs("batch_norm=True", "edition", "paper", edition)
    if conv345_stddev is not None:
        checks.positive("conv345_stddev", conv345_stddev)
        checks.needs("conv345_stddev", "kernel_initializer", None, kernel_initializer)
    rounds_up = edition == "code_2012" and not overlapping_pooling
    smallest = _SMALLEST[stem][2 if rounds_up else int(not overlapping_pooling)]
    shape = square_shape(input_shape, 224 if stem == "imagenet" else 32, smallest)
    kind = EDITIONS[edition].but(
        alpha_convention=None if isinstance(local_response_norm, bool) else local_response_norm,
        spatial_response_norm=spatial_response_norm,
        pool_before_activation=pool_before_activation,
        conv345_stddev=conv345_stddev,
    )
    suffixes = ("_a", "_b") if towers == "separate" else ("",)
    groups = 2 if towers == "grouped" else 1

    def width(layer, units):
        if halve_kernels and layer in ("conv1", "conv2", "conv3", "conv4"):
            units //= 2
        return (units if towers_meet else APART.get(layer, units)) // len(suffixes)

    def bias(layer):
        return float(bias_value) if layer in BIASED else 0.0

    def behind(x, layer, tower):
        """What follows the convolution of a layer: normalisation, pooling and the activation."""
        own, number = layer + tower, layer[4:] + tower
        late = kind.pool_before_activation and layer in ACTIVATED_LATE
        if not late:
            x = layers.Activation(activation, name=f"{own}_activation")(x)
        if layer in NORMALIZED and (normalize_conv2 or layer != "conv2"):
            if local_response_norm:
                x = normalize(x, kind.alpha_convention, groups, number)
            if kind.spatial_response_norm and layer == "conv2":
                x = normalize_in_space(x, number)
        if layer in POOLED:
            x = pool(x, f"pool{number}", overlapping_pooling, rounds_up)  # 27×27, 13×13, 6×6
        if late:
            x = layers.Activation(activation, name=f"{own}_activation")(x)
        return x

    inputs = keras.Input(shape)
    maps = [inputs] * len(suffixes)
    for layer, (filters, kernel_size) in CONVOLUTIONS.items():
        strides = 1
        if layer == "conv1":
            kernel_size, strides = _FIRST[stem]
        if layer in SEES_BOTH and towers_meet:
            maps = [join(maps, f"{layer}_input")] * len(suffixes)
        for tower, suffix in enumerate(suffixes):
            x = convolution(
                *(maps[tower], width(layer, filters), kernel_size, strides),
                PLAIN_BORDERS.get(layer) if rounds_up else None,
                groups if layer in DIVIDED else 1,
                start_of(kernel_initializer, kind.conv345_stddev if layer in LATER else 0.01),
                *(bias(layer), batch_norm, layer + suffix),
            )  # 55×55×96, 27×27×256, 13×13×384, 13×13×384, 13×13×256
            maps[tower] = behind(x, layer, suffix)
    if towers_meet or not include_top:
        maps = [join(maps, "pool5")]
    if include_top:
        apart = suffixes if len(maps) > 1 else ("",)
        maps = [
            layers.Flatten(name=f"flatten{suffix}")(x)  # 9216
            for x, suffix in zip(maps, apart, strict=True)
        ]
        for layer in ("fc6", "fc7"):
            maps = [
                dense(
                    *(maps[tower % len(maps)], width(layer, 4096), bias(layer), activation),
                    *(layer + suffix, kernel_initializer),
                )
                for tower, suffix in enumerate(suffixes)
            ]
            if towers_meet:
                maps = [join(maps, layer)]
            maps = [
                drop(x, dropout, inverted_dropout, f"dropout{layer[2:]}{suffix}")
                for x, suffix in zip(maps, apart, strict=True)
            ]
        last = float(classifier_bias_value)
        x = join(maps, "fc8_input")
        activation = last_activation(classifier_activation)
        maps = [dense(x, num_classes, last, activation, "fc8", kernel_initializer)]
    return finish(
        inputs,
        maps[0],
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )
