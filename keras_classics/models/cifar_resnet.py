"""ResNet for CIFAR-10, and its plain counterparts: He, Zhang, Ren and Sun, 2015.

"Deep Residual Learning for Image Recognition", arXiv 1512.03385, section 4.2.

    layers                                   output      of depth 6n + 2
    conv1    3×3, 16                         32×32×16
    conv2_x  n blocks of two 3×3, 16         32×32×16
    conv3_x  n blocks of two 3×3, 32         16×16×32
    conv4_x  n blocks of two 3×3, 64           8×8×64
    average pooling, fc                            10

    depth   n     trainable parameters    test error, %
    20      3                  269,722             8.75
    32      5                  464,154             7.51
    44      7                  658,586             7.17
    56      9                  853,018             6.97
    110    18                1,727,962             6.43
    1202  200               19,421,274             7.93

The plain networks have the same parameters: the shortcuts are option A, which has none. Blocks,
batch normalisation and initialisation are those of `resnet.py`.

Not stated in the paper, assumed here: the zero channels of option A come after the old ones
(`pad="both"` puts one half before them, as a widespread implementation does).

Keras walks a model's graph recursively, deeper than Python allows for 1202 layers. Building that
network raises Python's limit (`_RECURSION_LIMIT`); a process that loads a saved one has to call
`sys.setrecursionlimit` itself.

Deviations, each an option: `shortcut="projection" | "projection_all"`, `pad="both"`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import keras

from keras_classics import checks
from keras_classics.models.blocks import SHORTCUTS, convolution, plain_block, residual_block
from keras_classics.models.common import (
    check_common,
    finish,
    last_activation,
    picture_shape,
    variant,
)
from keras_classics.models.pretrained import comes_trained
from keras_classics.models.resnet import classify

if TYPE_CHECKING:
    from keras_classics.types import Activation, Pooling, Shape, Weights

_RECURSION_LIMIT = 20_000  # five layers for each convolution, and a few calls for each layer


def cifar_resnet(
    num_classes: int = 10,
    *,
    depth: int,
    residual: bool = True,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    with_preprocessing: bool = False,
    name: str | None = "cifar_resnet",
    shortcut: Literal["identity", "projection", "projection_all"] = "identity",
    pad: Literal["end", "both"] = "end",
) -> keras.Model:
    """Builds the network of any depth.

    `depth` is the number of layers, 6n + 2, up to the paper's 1202; `residual`, whether the blocks
    have shortcuts: the plain networks have none. All else is as in `cifar_resnet20`.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small.

    Example:
        >>> from keras_classics.models.cifar_resnet import cifar_resnet
        >>> cifar_resnet(depth=8).output_shape
        (None, 10)
    """
    check_common(
        num_classes=num_classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        with_preprocessing=with_preprocessing,
        name=name,
    )
    checks.flags(residual=residual)
    if residual:
        checks.choice("shortcut", shortcut, SHORTCUTS)
    checks.choice("pad", pad, ("end", "both"))
    if type(depth) is not int or not 8 <= depth <= 1202 or depth % 6 != 2:
        checks.refuse("depth", "8, 14, 20, … 1202 (6n + 2)", depth)
    if depth > 200:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))

    inputs = keras.Input(picture_shape(input_shape, (32, 32, 3), smallest=4))
    x = convolution(inputs, 16, 3, name="conv1")  # 32×32×16
    for stage, filters in ((2, 16), (3, 32), (4, 64)):
        for number in range(1, (depth - 2) // 6 + 1):
            strides = 2 if number == 1 and stage > 2 else 1  # 16×16×32, 8×8×64
            block = f"conv{stage}_block{number}"
            if residual:
                x = residual_block(x, filters, strides, shortcut=shortcut, pad=pad, name=block)
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
    )


def _residual(
    _depth: int,
    /,
    num_classes: int = 10,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    with_preprocessing: bool = False,
    name: str | None = "cifar_resnet",
    shortcut: Literal["identity", "projection", "projection_all"] = "identity",
    pad: Literal["end", "both"] = "end",
) -> keras.Model:
    """Builds one of the residual networks.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (32, 32, 3) unless told. Height and
            width may be None.
        include_top: whether the network ends in average pooling and `fc`, or in the last maps.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of `fc`; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file; of
            ResNet-20 also a name of those that come with the package,
            `shipped.names("cifar_resnet20")`.
        with_preprocessing: whether the model takes pixels 0 … 255 as they are, with the layer of
            `preprocessing` for its `weights` in front.
        name: the model's name.
        shortcut: "identity" (option A), strided and with zero channels where dimensions change;
            "projection" (B), a 1×1 convolution there; "projection_all" (C), one in every block.
        pad: where option A has its zero channels, "end" or "both".

    Returns:
        A `keras.Model` with layers conv1_conv, conv2_block1_1_conv, conv2_block1_1_bn, …, fc.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small.

    Reference:
        He et al. 2015, section 4.2 and Table 6.

    Example:
        >>> import keras_classics
        >>> keras_classics.cifar_resnet20().output_shape
        (None, 10)
    """
    return cifar_resnet(
        num_classes,
        depth=_depth,
        input_shape=input_shape,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        with_preprocessing=with_preprocessing,
        name=name,
        shortcut=shortcut,
        pad=pad,
    )


def _plain(
    _depth: int,
    /,
    num_classes: int = 10,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "cifar_plain",
) -> keras.Model:
    """Builds one of the plain networks.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (32, 32, 3) unless told. Height and
            width may be None.
        include_top: whether the network ends in average pooling and `fc`, or in the last maps.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of `fc`; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file.
        name: the model's name.

    Returns:
        A `keras.Model` with layers conv1_conv, conv2_block1_1_conv, conv2_block1_1_bn, …, fc.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small.

    Reference:
        He et al. 2015, section 4.2 and Fig. 6.
    """
    return cifar_resnet(
        num_classes,
        depth=_depth,
        residual=False,
        input_shape=input_shape,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )


@comes_trained
@variant(_residual, 20)
def cifar_resnet20() -> keras.Model:
    """Builds ResNet-20 for CIFAR-10: 269,722 trainable parameters."""


@variant(_residual, 32)
def cifar_resnet32() -> keras.Model:
    """Builds ResNet-32 for CIFAR-10: 464,154 trainable parameters."""


@variant(_residual, 44)
def cifar_resnet44() -> keras.Model:
    """Builds ResNet-44 for CIFAR-10: 658,586 trainable parameters."""


@variant(_residual, 56)
def cifar_resnet56() -> keras.Model:
    """Builds ResNet-56 for CIFAR-10: 853,018 trainable parameters."""


@variant(_residual, 110)
def cifar_resnet110() -> keras.Model:
    """Builds ResNet-110 for CIFAR-10: 1,727,962 trainable parameters."""


@variant(_residual, 1202)
def cifar_resnet1202() -> keras.Model:
    """Builds ResNet-1202 for CIFAR-10: 19,421,274 trainable parameters."""


@variant(_plain, 20)
def cifar_plain20() -> keras.Model:
    """Builds the plain network of 20 layers, ResNet-20 without its shortcuts."""


@variant(_plain, 32)
def cifar_plain32() -> keras.Model:
    """Builds the plain network of 32 layers, ResNet-32 without its shortcuts."""


@variant(_plain, 44)
def cifar_plain44() -> keras.Model:
    """Builds the plain network of 44 layers, ResNet-44 without its shortcuts."""


@variant(_plain, 56)
def cifar_plain56() -> keras.Model:
    """Builds the plain network of 56 layers, ResNet-56 without its shortcuts."""


@variant(_plain, 110)
def cifar_plain110() -> keras.Model:
    """Builds the plain network of 110 layers, ResNet-110 without its shortcuts."""
