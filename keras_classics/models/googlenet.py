"""GoogLeNet, the network of Szegedy et al., 2014.

"Going Deeper with Convolutions", CVPR 2015, Table 1 and Fig. 3.

    layer                                output at 224 px   parameters
    conv1      7×7/2, 64                 112×112×64              9,472
    pool1, LRN                            56×56×64
    conv2      1×1, 64 and 3×3, 192       56×56×192            114,944
    LRN, pool2                            28×28×192
    inception_3a, 3b, pool3               14×14×480            552,432
    inception_4a … 4e, pool4               7×7×832           2,809,168
    inception_5a, 5b                       7×7×1024          2,487,536
    average pooling, dropout 40 %              1024
    fc                                         1000          1,025,000
    total                                                    6,998,552
    with both auxiliary heads                               13,378,280
    every module naive                                      97,526,008
    with batch normalisation and biases, trainable           7,013,112

Convolutions and max-poolings are "same"; an odd pixel of border goes to the bottom and the right.

Not stated in the paper, assumed here: the constants of the local response normalisation are
AlexNet's; kernels start Glorot-uniform and the biases of the convolutions at 0.2, as in the port
of Caffe, which reaches the paper's accuracy. The auxiliary heads follow the text of section 5; the
7×7 convolution is a plain one, although Table 1 counts 2.7K parameters for it.

Deviations, each an option: `batch_norm`, `use_bias`, `local_response_norm=False`, or "caffe" and
`pad="both"` (conv1 with three pixels of border all round) as in BVLC's port, `module="naive"`
(Fig. 2(a)), `last_module="4e" | "pool4"`, `stem="cifar"` (3×3/1 convolutions and one pooling before
3a), `stem_activation=None`, `average_pooling=False`, other rates of dropout.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import (
    BatchNormalization,
    Conv2D,
    Inception,
    LocalResponseNormalization,
    MaxPooling2D,
)
from keras_classics.models.common import (
    channel_axis,
    check_common,
    finish,
    last_activation,
    picture_shape,
)

if TYPE_CHECKING:
    from keras_classics.types import Activation, Pooling, Shape, Weights

# Table 1: 1×1, 3×3 reduction, 3×3, 5×5 reduction, 5×5, pool projection.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOLED = ("3b", "4e")  # 3×3/2 max-pooling follows
HEADS = ("4a", "4d")  # an auxiliary head looks at them
_BIAS = 0.2


def _convolution(
    x,
    filters,
    kernel_size,
    name,
    *,
    strides=1,
    padding="same",
    activation="relu",
    batch_norm,
    use_bias,
):
    x = Conv2D(
        filters,
        kernel_size,
        strides,
        padding=padding,
        activation=None if batch_norm else activation,
        use_bias=use_bias,
        bias_initializer=keras.initializers.Constant(_BIAS),
        name=name,
    )(x)
    if batch_norm:
        x = BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
        x = layers.ReLU(name=f"{name}_relu")(x) if activation else x
    return x


def _pool(x, name):
    return MaxPooling2D(3, 2, padding="same", name=name)(x)


def _stem(x, convolution, stem, local_response_norm, pad):
    """What comes before 3a: 224 to 28 pixels, or 32 to 16 with `stem="cifar"`."""

    def normalize(x, name):
        if not local_response_norm:
            return x
        caffe = {"bias": 1.0, "alpha_convention": "mean"}
        given = caffe if local_response_norm == "caffe" else {}
        return LocalResponseNormalization(**given, name=name)(x)

    if stem == "imagenet":
        border = "same"
        if pad == "both":
            x, border = layers.ZeroPadding2D(3, name="conv1_pad")(x), "valid"
        x = convolution(x, 64, 7, "conv1", strides=2, padding=border)  # 112×112×64
        x = _pool(x, "pool1")  # 56×56×64
    else:
        x = convolution(x, 64, 3, "conv1")
    x = normalize(x, "lrn1")
    x = convolution(x, 64, 1, "conv2_reduce")
    x = convolution(x, 192, 3, "conv2")  # 56×56×192
    x = normalize(x, "lrn2")
    return _pool(x, "pool2")  # 28×28×192


def _inception(x, label, module, batch_norm, use_bias):
    ones, reduce_3x3, threes, reduce_5x5, fives, projection = MODULES[label]
    if module == "naive":
        reduce_3x3 = reduce_5x5 = projection = None
    return Inception(
        *(ones, reduce_3x3, threes, reduce_5x5, fives, projection),
        batch_norm=batch_norm,
        use_bias=use_bias,
        bias_initializer=keras.initializers.Constant(_BIAS),
        name=f"inception_{label}",
    )(x)


def _auxiliary_head(x, num_classes, convolution, dropout, activation, name):
    """§5: average pooling, 128 1×1 convolutions, 1024 units, 70 % dropout, linear."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)  # 4×4×512 or 528
    x = convolution(x, 128, 1, f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}_fc1")(x)
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Dense(num_classes, activation=activation, name=f"{name}_fc2")(x)


def googlenet(
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "googlenet",
    auxiliary_heads: bool = False,
    batch_norm: bool = False,
    use_bias: bool | None = None,
    local_response_norm: Literal[True, False, "caffe"] = True,
    module: Literal["reduced", "naive"] = "reduced",
    last_module: Literal["5b", "4e", "pool4"] = "5b",
    stem: Literal["imagenet", "cifar"] = "imagenet",
    stem_activation: Literal["relu"] | None = "relu",
    pad: Literal["end", "both"] = "end",
    average_pooling: bool = True,
    dropout: float = 0.4,
    auxiliary_dropout: float = 0.7,
) -> keras.Model:
    """Builds GoogLeNet as published.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (224, 224, 3) unless told, (32, 32, 3)
            with `stem="cifar"`. Height and width may be None without auxiliary heads and with
            average pooling.
        include_top: whether the network ends in pooling, dropout and `fc`, or in the last maps.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of the last layer of each head; None for logits; "both",
            without auxiliary heads, for {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file.
        name: the model's name.
        auxiliary_heads: whether the two classifiers on 4a and 4d, which help in training, are
            there. The model then returns a dict: main, auxiliary_4a, auxiliary_4d.
        batch_norm: whether each convolution is followed by batch normalisation, then ReLU.
        use_bias: whether convolutions have biases; None for: unless `batch_norm`.
        local_response_norm: whether the stem normalises twice; "caffe", as BVLC's GoogLeNet does:
            α divided by n, k = 1.
        module: "reduced", Fig. 2(b), or "naive", Fig. 2(a) with the same filters.
        last_module: "5b"; or for small pictures "4e", to leave out pool4, 5a and 5b, or "pool4".
        stem: "imagenet", or "cifar": a first convolution of 3×3/1 and no pool1, so that 32 pixels
            come to 3a as 16.
        stem_activation: "relu", or None for no activation behind conv1, conv2_reduce and conv2.
        pad: where conv1 has its odd pixel of border: "end", at the bottom and the right, or "both",
            three pixels all round, as Caffe has it.
        average_pooling: whether the last maps are averaged before dropout and `fc`, or flattened.
        dropout: rate before `fc`.
        auxiliary_dropout: rate in the auxiliary heads.

    Returns:
        A `keras.Model` with layers conv1, conv2_reduce, conv2, inception_3a … inception_5b, fc.

    Raises:
        ValueError: for an argument that is none of the above, pictures that are too small, or
            auxiliary heads without the top.

    Reference:
        Szegedy et al. 2014, Table 1, Fig. 3 and section 5.

    Example:
        >>> import math
        >>> import keras_classics
        >>> model = keras_classics.googlenet(10)
        >>> model.count_params()
        5983802
    """
    check_common(
        num_classes=num_classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )
    checks.choice("local_response_norm", local_response_norm, (True, False, "caffe"))
    checks.choice("module", module, ("reduced", "naive"))
    checks.choice("last_module", last_module, ("5b", "4e", "pool4"))
    checks.choice("stem", stem, ("imagenet", "cifar"))
    checks.choice("pad", pad, ("end", "both"))
    checks.choice("stem_activation", stem_activation, ("relu", None))
    checks.choice("use_bias", use_bias, (None, True, False))
    checks.flags(
        auxiliary_heads=auxiliary_heads,
        batch_norm=batch_norm,
        average_pooling=average_pooling,
    )
    checks.rate("dropout", dropout)
    checks.rate("auxiliary_dropout", auxiliary_dropout)
    if auxiliary_heads and not include_top:
        raise ValueError("`auxiliary_heads=True` needs the top. Received: include_top=False")
    if auxiliary_heads and classifier_activation == "both":
        rule = 'one activation for every head; "both" is for a network without auxiliary ones'
        checks.refuse("classifier_activation", rule, classifier_activation)
    # The heads pool 5×5 windows out of maps that are 16 (4) times smaller than the picture.
    by_stem = {"imagenet": (224, 32, 65), "cifar": (32, 8, 17)}
    side, smallest, smallest_with_heads = by_stem[stem]
    shape = picture_shape(
        input_shape,
        (side, side, 3),
        smallest=smallest_with_heads if auxiliary_heads else smallest,
        known=auxiliary_heads or (include_top and not average_pooling),
    )
    use_bias = not batch_norm if use_bias is None else use_bias
    convolution = partial(_convolution, batch_norm=batch_norm, use_bias=use_bias)

    inputs = keras.Input(shape)
    of_stem = partial(convolution, activation=stem_activation)
    x = _stem(inputs, of_stem, stem, local_response_norm, pad)  # 28×28×192
    heads = {}
    for label in MODULES:
        x = _inception(x, label, module, batch_norm, use_bias)
        if auxiliary_heads and label in HEADS:
            key = f"auxiliary_{label}"
            heads[key] = _auxiliary_head(
                x, num_classes, convolution, auxiliary_dropout, classifier_activation, key
            )
        if label == last_module:
            break
        if label in POOLED:
            pool = f"pool{label[0]}"
            x = _pool(x, pool)  # 14×14×480, 7×7×832
            if pool == last_module:
                break
    if include_top:
        if average_pooling:
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)  # 1024
        else:
            x = layers.Flatten(name="flatten")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        activation = last_activation(classifier_activation)
        x = layers.Dense(num_classes, activation=activation, name="fc")(x)
    outputs = {"main": x, **heads} if heads else x
    return finish(
        inputs,
        outputs,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )
