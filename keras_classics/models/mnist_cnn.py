"""A small convolutional network for MNIST, as tutorials use it.

    layer    output (28×28×1 input)   parameters
    conv1    28×28×32, pool1 14×14           320
    conv2    14×14×64, pool2  7×7         18,496
    dense    num_classes                  31,370 (ten classes)
    total                                 50,186

There is no paper. All kernels start Glorot-uniform, all biases at zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from keras_classics.layers import Conv2D, MaxPooling2D
from keras_classics.layers.common import initializer_of
from keras_classics.models.common import check_common, finish, last_activation, picture_shape
from keras_classics.models.pretrained import comes_trained

if TYPE_CHECKING:
    from keras_classics.types import Activation, Initializer, Pooling, Shape, Weights


@comes_trained
def mnist_cnn(
    num_classes: int = 10,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    with_preprocessing: bool = False,
    name: str | None = "mnist_cnn",
    kernel_initializer: Initializer = "glorot_uniform",
) -> keras.Model:
    """Builds the network: two 3×3 "same" convolutions, each with ReLU and max-pooling, one dense.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one picture without the batch; (28, 28, 1) unless told.
        include_top: whether the network ends in the dense layer, or in the maps of `pool2`.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of the last layer; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None, the path of a `.weights.h5` file, or "mnist": trained, for light ink on dark,
            pixels p of 0 … 255 as −0.4242 + 3.2457·p/255; `shipped.card` says more.
        with_preprocessing: whether the model takes pixels 0 … 255 as they are, with the layer of
            `preprocessing` for its `weights` in front.
        name: the model's name.
        kernel_initializer: start of the convolutions' kernels.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: for an argument that is none of the above, or with weights that come trained an
            option that was another in their training.
        UserError: if the file of these weights is damaged.

    Example:
        >>> import keras_classics
        >>> keras_classics.mnist_cnn().count_params()
        50186
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
    initializer_of("kernel_initializer", kernel_initializer)
    input_shape = picture_shape(input_shape, (28, 28, 1), smallest=4, known=include_top)
    inputs = x = keras.Input(input_shape)
    for number, filters in enumerate((32, 64), start=1):
        x = Conv2D(
            filters,
            3,
            padding="same",
            activation="relu",
            kernel_initializer=kernel_initializer,
            name=f"conv{number}",
        )(x)
        x = MaxPooling2D(2, name=f"pool{number}")(x)
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(
            num_classes, activation=last_activation(classifier_activation), name="dense"
        )(x)
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
