"""ResNet for ImageNet, and its plain counterparts: He, Zhang, Ren and Sun, 2015.

"Deep Residual Learning for Image Recognition", arXiv 1512.03385, Table 1 and section 3.3.

    stage (output at 224 px)   18         34         50          101          152
    conv1    7×7/2, 64  112
    pool1    3×3/2       56
    conv2_x              56   [64, 64]   [64, 64]   [64, 64, 256] (3×3 between two 1×1)
                              × 2        × 3        × 3         × 3          × 3
    conv3_x  128, (512)  28   × 2        × 4        × 4         × 4          × 8
    conv4_x  256, (1024) 14   × 2        × 6        × 6         × 23         × 36
    conv5_x  512, (2048)  7   × 2        × 3        × 3         × 3          × 3
    average pooling, fc

    trainable parameters       18           34           50           101          152
    shortcut="identity" (A)    11,515,688   21,623,848   22,780,456   41,772,584   57,416,232
    "projection" (B, default)  11,689,512   21,797,672   25,557,032   44,549,160   60,192,808
    "projection_all" (C)       12,043,816   22,716,840   40,128,552   76,981,288   107,335,720
    plain                      11,515,688   21,623,848

Each convolution is followed by batch normalisation and ReLU, the last one of a block by batch
normalisation, the addition and ReLU. No convolution has a bias. Kernels start from
N(0, 2 / fan-in), after He et al. 2015.

Not stated in the paper, assumed here: the first block of a stage strides in its first 1×1
convolution, as in the authors' files; the projections are normalised too; momentum 0.9 and ε 10⁻⁵
of the batch normalisation; windows that stride have one pixel (conv1: three) of border all round;
the zeros of option A come after the old channels. The paper's Table 2 measures 18 and 34 layers
with option A; the default here is B at every depth, as in the published weights.

Deviations, each an option: `stride_on="3x3"` (known as v1.5), `stem="cifar"` (a first convolution
of 3×3/1, no pooling).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import MaxPooling2D
from keras_classics.models.blocks import (
    SHORTCUTS,
    bottleneck_block,
    convolution,
    he_normal,
    plain_block,
    residual_block,
)
from keras_classics.models.common import (
    check_common,
    finish,
    last_activation,
    picture_shape,
    variant,
)

if TYPE_CHECKING:
    from keras_classics.types import Activation, Pooling, Shape, Tensor, Weights

# Table 1: the number of blocks of conv2_x … conv5_x, and whether they are bottlenecks.
BLOCKS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}
PUBLISHED = (50, 101, 152)  # whose weights are to be had


def classify(x: Tensor, num_classes: int, activation: Activation) -> Tensor:
    """Global average pooling and the dense layer."""
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.Dense(
        num_classes, activation=activation, kernel_initializer=he_normal(), name="fc"
    )(x)


def _stem(x, stem):
    if stem == "cifar":
        return convolution(x, 64, 3, name="conv1")
    x = convolution(x, 64, 7, 2, name="conv1")  # 112×112×64
    # Zeros below activations of ReLU: as good as a border of minus infinity.
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return MaxPooling2D(3, 2, name="pool1")(x)  # 56×56×64


class _Which(NamedTuple):
    depth: int
    residual: bool = True


def _resnet(
    _which: _Which,
    /,
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    with_preprocessing: bool = False,
    name: str | None = "resnet",
    shortcut: Literal["identity", "projection", "projection_all"] = "projection",
    stride_on: Literal["1x1", "3x3"] = "1x1",
    stem: Literal["imagenet", "cifar"] = "imagenet",
) -> keras.Model:
    """Builds one of the depths.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (224, 224, 3) unless told, (32, 32, 3)
            with `stem="cifar"`. Height and width may be None.
        include_top: whether the network ends in average pooling and `fc`, or in the last maps.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of `fc`; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file; for
            50, 101 and 152 layers also "imagenet", the published weights by way of
            `keras.applications`, which expect the pixels of `preprocessing`. Where the number of
            classes is another, `fc` stays fresh, and a warning says so.
        with_preprocessing: whether the model takes pixels 0 … 255 as they are, with the layer of
            `preprocessing` for its `weights` in front.
        name: the model's name.
        shortcut: "identity" (option A), strided and with zero channels where dimensions change;
            "projection" (B), a 1×1 convolution there; "projection_all" (C), one in every block.
        stride_on: the convolution of a bottleneck that strides, "1x1" or "3x3"; the blocks of 18
            and 34 layers have one way only.
        stem: "imagenet", or "cifar": a first convolution of 3×3/1 and no pooling.

    Returns:
        A `keras.Model` with the layer names of `keras.applications`: conv1_conv,
        conv2_block1_1_conv, conv2_block1_1_bn, …, fc.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small.

    Reference:
        He et al. 2015, Table 1, Fig. 3 and Fig. 5.

    Example:
        >>> import keras_classics
        >>> keras_classics.resnet18(10, stem="cifar").output_shape
        (None, 10)
    """
    depth, residual = _which
    application = f"ResNet{depth}" if residual and depth in PUBLISHED else None
    check_common(
        num_classes=num_classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        with_preprocessing=with_preprocessing,
        name=name,
        application=application,
    )
    if residual:
        checks.choice("shortcut", shortcut, SHORTCUTS)
    checks.choice("stride_on", stride_on, ("1x1", "3x3"))
    checks.choice("stem", stem, ("imagenet", "cifar"))
    side, smallest = {"imagenet": (224, 32), "cifar": (32, 8)}[stem]
    blocks, bottleneck = BLOCKS[depth]

    inputs = keras.Input(picture_shape(input_shape, (side, side, 3), smallest=smallest))
    x = _stem(inputs, stem)
    for stage, count in enumerate(blocks, start=2):
        for number in range(1, count + 1):
            filters = 32 * 2 ** (stage - 1)
            strides = 2 if number == 1 and stage > 2 else 1  # 28, 14, 7 pixels
            block = f"conv{stage}_block{number}"
            if bottleneck:
                x = bottleneck_block(
                    x, filters, strides, shortcut=shortcut, stride_on=stride_on, name=block
                )
            elif residual:
                x = residual_block(x, filters, strides, shortcut=shortcut, name=block)
            else:
                x = plain_block(x, filters, strides, name=block)
    if include_top:
        x = classify(x, num_classes, last_activation(classifier_activation))
    return finish(
        inputs,
        x,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        with_preprocessing=with_preprocessing,
        name=name,
        application=application,
    )


def _plain(
    _depth: int,
    /,
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "plain",
    stem: Literal["imagenet", "cifar"] = "imagenet",
) -> keras.Model:
    """Builds one of the plain networks.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (224, 224, 3) unless told, (32, 32, 3)
            with `stem="cifar"`. Height and width may be None.
        include_top: whether the network ends in average pooling and `fc`, or in the last maps.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of `fc`; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file.
        name: the model's name.
        stem: "imagenet", or "cifar": a first convolution of 3×3/1 and no pooling.

    Returns:
        A `keras.Model` with the layer names of the residual network.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small.

    Reference:
        He et al. 2015, Table 1 and Fig. 3.
    """
    return _resnet(
        _Which(_depth, residual=False),
        num_classes,
        input_shape=input_shape,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
        stem=stem,
    )


@variant(_resnet, _Which(18))
def resnet18() -> keras.Model:
    """Builds ResNet-18: 11,689,512 trainable parameters."""


@variant(_resnet, _Which(34))
def resnet34() -> keras.Model:
    """Builds ResNet-34: 21,797,672 trainable parameters."""


@variant(_resnet, _Which(50))
def resnet50() -> keras.Model:
    """Builds ResNet-50: 25,557,032 trainable parameters."""


@variant(_resnet, _Which(101))
def resnet101() -> keras.Model:
    """Builds ResNet-101: 44,549,160 trainable parameters."""


@variant(_resnet, _Which(152))
def resnet152() -> keras.Model:
    """Builds ResNet-152: 60,192,808 trainable parameters."""


@variant(_plain, 18)
def plain18() -> keras.Model:
    """Builds the plain network of 18 layers, ResNet-18 without its shortcuts."""


@variant(_plain, 34)
def plain34() -> keras.Model:
    """Builds the plain network of 34 layers, ResNet-34 without its shortcuts."""
