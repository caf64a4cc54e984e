"""The network for CIFAR-10 in the paper of AlexNet: Krizhevsky, Sutskever and Hinton, 2012.

"ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012, section 3.3.

    layer                          output              parameters
    conv1   5×5, LRN, pool 3×3/2   24×24×64, 12×12          4,864
    conv2   5×5, LRN, pool         12×12×64, 6×6          102,464
    local3  3×3, unshared weights  6×6×32                 664,704
    local4  3×3, unshared weights  6×6×32                 332,928
    fc10                           10                      11,530
    total                                               1,116,490

Its error is 13 %, with local response normalisation 11 %. The paper leaves the layers to the
author's code: this is cuda-convnet's layers-conv-local-11pct, with its initial numbers (Gaussian;
deviations 0.0001, 0.01, 0.04, 0.04, 0.01; biases of zero). Windows that do not fit overhang at the
bottom and the right, as in `alexnet.py`.

Deviations, each an option: `local_response_norm=False` and `overlapping_pooling=False` (the paper's
own comparisons), other `activation`, `unshared=False` (convolutions in place of local3 and local4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from keras_classics import checks
from keras_classics.layers import Conv2D, LocallyConnected2D, LocalResponseNormalization
from keras_classics.layers.common import activation_of
from keras_classics.models.alexnet_layers import dense, gaussian, pool, square_shape
from keras_classics.models.common import check_common, finish, last_activation

if TYPE_CHECKING:
    from keras_classics.types import Activation, Pooling, Shape, Weights


def alexnet_cifar(
    num_classes: int = 10,
    *,
    input_shape: Shape | None = None,
    include_top: bool = True,
    pooling: Pooling = None,
    classifier_activation: Activation = "softmax",
    weights: Weights = None,
    name: str | None = "alexnet_cifar",
    local_response_norm: bool = True,
    overlapping_pooling: bool = True,
    activation: Activation = "relu",
    unshared: bool = True,
) -> keras.Model:
    """Builds the network for CIFAR-10, with 11 % error in the paper, 13 % without normalisation.

    Args:
        num_classes: number of classes; ignored without the top.
        input_shape: shape of one square picture without the batch; (24, 24, 3) unless told, the
            size that is cropped out of the pictures of 32×32.
        include_top: whether the network ends in `fc10`, or in the maps of local4.
        pooling: without the top: None, "avg" or "max" over the last maps.
        classifier_activation: activation of `fc10`; None for logits; "both" for
            {"logits", "probabilities"}.
        weights: None or the path of a `.weights.h5` file, a run directory or a `.keras` file.
        name: the model's name.
        local_response_norm: whether local response normalisation follows conv1 and conv2. Its
            constants are those of the author's file: n = 5, k = 1, β = 0.75, α = 0.001
            divided by n.
        overlapping_pooling: windows of 3×3 with stride 2, or else of 2×2.
        activation: of every layer but the last.
        unshared: whether the two 3×3 layers have kernels of their own at every position (local3,
            local4), or are convolutions (conv3, conv4).

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: for an argument that is none of the above, or pictures that are too small or
            not square.

    Reference:
        Krizhevsky et al. 2012, sections 3.3 and 3.1; cuda-convnet, layers-conv-local-11pct.

    Example:
        >>> import keras_classics
        >>> keras_classics.alexnet_cifar().count_params()
        1116490
    """
    check_common(
        num_classes=num_classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )
    checks.flags(
        local_response_norm=local_response_norm,
        overlapping_pooling=overlapping_pooling,
        unshared=unshared,
    )
    activation_of("activation", activation)
    # Kernels of their own for each of 64×64 positions: 150 million weights.
    largest = 256 if unshared else None
    inputs = x = keras.Input(square_shape(input_shape, 24, smallest=6, largest=largest))

    for number, stddev in ((1, 0.0001), (2, 0.01)):
        x = Conv2D(
            *(64, 5),
            padding="same",
            activation=activation,
            kernel_initializer=gaussian(stddev),
            name=f"conv{number}",
        )(x)
        if local_response_norm:
            x = LocalResponseNormalization(
                bias=1.0, alpha=0.001, alpha_convention="mean", name=f"lrn{number}"
            )(x)
        x = pool(x, f"pool{number}", overlapping_pooling)  # 12×12×64, 6×6×64
    local, kind = (LocallyConnected2D, "local") if unshared else (layers.Conv2D, "conv")
    for number in (3, 4):
        x = local(
            *(32, 3),
            padding="same",
            activation=activation,
            kernel_initializer=gaussian(0.04),
            name=f"{kind}{number}",
        )(x)  # 6×6×32
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = dense(x, num_classes, 0.0, last_activation(classifier_activation), "fc10")
    return finish(
        inputs,
        x,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        weights=weights,
        name=name,
    )
