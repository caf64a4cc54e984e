"""VGG, the networks A to E of Simonyan and Zisserman, 2014.

"Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv 1409.1556v6, Table 1.

    block (output at 224 px)   A, A-LRN    B    C          D    E
    1: 64      224 → 112       1           2    2          2    2
    2: 128     112 → 56        1           2    2          2    2
    3: 256      56 → 28        2           2    2 + 1×1    3    4
    4: 512      28 → 14        2           2    2 + 1×1    3    4
    5: 512      14 → 7         2           2    2 + 1×1    3    4

    builder      configuration   parameters
    vgg11        A               132,863,336
    vgg11_lrn    A-LRN           132,863,336
    vgg13        B               133,047,848
    vgg16_1x1    C               133,638,952
    vgg16        D               138,357,544
    vgg19        E               143,667,240

3×3 convolutions of stride 1 with a border of one pixel, each followed by ReLU; 2×2 max-pooling
after each block; three dense layers of 4096, 4096 and 1000 units, dropout after the first two.

Not stated in the paper, or not clearly, assumed here: weights start from N(0, 0.01²), although
section 3.1 has a "variance" of 10⁻², with which the logits of D would start at 10¹⁰. From that
start A trains, the deeper networks hardly: the paper copies the first four convolutions and the
dense layers of A into them, and notes that the initialisation of Glorot and Bengio works without
(`kernel_initializer="glorot_normal"`). A-LRN normalises with AlexNet's constants, as the paper
says.

Deviations, each an option: `batch_norm`, other rates of `dropout`, `kernel_initializer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import (
    BatchNormalization,
    Conv2D,
    LocalResponseNormalization,
    MaxPooling2D,
)
from keras_classics.layers.common import copy_of, initializer_of
from keras_classics.models.common import (
    batch_norm_relu,
    channel_axis,
    check_common,
    finish,
    last_activation,
    picture_shape,
    variant,
)

if TYPE_CHECKING:
    from keras_classics.types import Activation, Initializer, Pooling, Shape, Weights

# Table 1: the kernel sizes of each block's convolutions.
CONFIGURATIONS = {
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "A-LRN": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
PUBLISHED = {"D": "VGG16", "E": "VGG19"}  # whose weights are to be had, by their names in Keras
FILTERS = (64, 128, 256, 512, 512)


def _initializer(kernel_initializer):
    if kernel_initializer is None:
        return keras.initializers.RandomNormal(stddev=0.01)  # §3.1
    return copy_of(initializer_of("kernel_initializer", kernel_initializer))


def _convolution(x, filters, kernel_size, batch_norm, kernel_initializer, name):
    x = Conv2D(
        filters,
        kernel_size,
        padding="same",
        activation=None if batch_norm else "relu",
        kernel_initializer=_initializer(kernel_initializer),
        name=name,
    )(x)
    return batch_norm_relu(x, name) if batch_norm else x


def _dense(x, units, activation, kernel_initializer, name):
    initializer = _initializer(kernel_initializer)
    return layers.Dense(units, activation=activation, kernel_initializer=initializer, name=name)(x)


def _vgg(
    _configuration: str,
    /,
    num_classes: int = 1000,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    with_preprocessing: bool = False,
    name: str | None = "vgg",
    batch_norm: Literal[False, "conv", "block"] = False,
    dropout: float = 0.5,
    kernel_initializer: Initializer | None = None,
) -> keras.Model:
    """Builds one of the configurations.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (224, 224, 3) unless told, 32 pixels
            or more. Without the top, height and width may be None.
        include_top: whether the network ends in the three dense layers, or in the last pooling.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of the last layer; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file; for
            VGG-16 and VGG-19 also "imagenet", the published weights by way of
            `keras.applications`, which expect the pixels of `preprocessing`. Where the number of
            classes is another, `fc8` stays fresh, and a warning says so.
        with_preprocessing: whether the model takes pixels 0 … 255 as they are, with the layer of
            `preprocessing` for its `weights` in front.
        name: the model's name.
        batch_norm: False; "conv", batch normalisation between each convolution and its ReLU; or
            "block", once at the end of each block before the pooling, as some study
            implementations have it.
        dropout: rate of the dropout after fc6 and fc7.
        kernel_initializer: start of all kernels; None for N(0, 0.01²).

    Returns:
        A `keras.Model` with layers conv1_1 … conv5_4, pool1 … pool5, fc6, fc7, fc8.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small.

    Reference:
        Simonyan and Zisserman 2014, Table 1.

    Example:
        >>> import keras_classics
        >>> keras_classics.vgg11(10, input_shape=(32, 32, 3)).output_shape
        (None, 10)
    """
    application = PUBLISHED.get(_configuration)
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
    checks.choice("batch_norm", batch_norm, (False, "conv", "block"))
    checks.rate("dropout", dropout)
    _initializer(kernel_initializer)
    shape = picture_shape(input_shape, (224, 224, 3), smallest=32, known=include_top)

    inputs = x = keras.Input(shape)
    for block, kernel_sizes in enumerate(CONFIGURATIONS[_configuration], start=1):
        for number, kernel_size in enumerate(kernel_sizes, start=1):
            x = _convolution(
                x,
                FILTERS[block - 1],
                kernel_size,
                batch_norm == "conv",
                kernel_initializer,
                f"conv{block}_{number}",
            )
            if _configuration == "A-LRN" and block == 1:
                x = LocalResponseNormalization(name="lrn1_1")(x)
        if batch_norm == "block":
            x = BatchNormalization(axis=channel_axis(), name=f"block{block}_bn")(x)
        x = MaxPooling2D(2, name=f"pool{block}")(x)  # 112, 56, 28, 14, 7 pixels
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        for number in (6, 7):
            x = _dense(x, 4096, "relu", kernel_initializer, f"fc{number}")
            x = layers.Dropout(dropout, name=f"dropout{number}")(x)
        x = _dense(
            x, num_classes, last_activation(classifier_activation), kernel_initializer, "fc8"
        )
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


@variant(_vgg, "A")
def vgg11() -> keras.Model:
    """Builds VGG-11, configuration A: 132,863,336 parameters."""


@variant(_vgg, "A-LRN")
def vgg11_lrn() -> keras.Model:
    """Builds configuration A-LRN: VGG-11 with local response normalisation after conv1_1."""


@variant(_vgg, "B")
def vgg13() -> keras.Model:
    """Builds VGG-13, configuration B: 133,047,848 parameters."""


@variant(_vgg, "C")
def vgg16_1x1() -> keras.Model:
    """Builds configuration C: 13 convolutions, three of them 1×1; 133,638,952 parameters."""


@variant(_vgg, "D")
def vgg16() -> keras.Model:
    """Builds VGG-16, configuration D: 138,357,544 parameters."""


@variant(_vgg, "E")
def vgg19() -> keras.Model:
    """Builds VGG-19, configuration E: 143,667,240 parameters."""
