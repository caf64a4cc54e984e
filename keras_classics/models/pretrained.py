"""A trained network with a last layer of one's own, for fine-tuning."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import keras

import keras_classics
from keras_classics import checks, shipped

if TYPE_CHECKING:
    from keras_classics.types import Activation, AnyPath


def pretrained(
    num_classes: int,
    *,
    network: str,
    weights: AnyPath,
    classifier_activation: Activation = "softmax",
    fix_batch_norm: bool = True,
    **options: Any,
) -> keras.Model:
    """Builds a network from trained weights, with a fresh last layer.

    Args:
        num_classes: number of classes, whatever those of the weights are.
        network: as in `list_models()`, one that ends in a dense layer.
        weights: "imagenet"; the name of weights that come with the network; or the path of a run
            directory, or of a `.keras` or `.weights.h5` file.
        classifier_activation: activation of the last layer; None for logits.
        fix_batch_norm: whether batch normalisation keeps the statistics, scale and shift of its
            training, as He et al. 2015 do (appendix A): small data sets spoil them.
        **options: those of the network's builder.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: for an argument that is none of the above.

    Example:
        >>> import keras_classics
        >>> model = keras_classics.pretrained(
        ...     3, network="cifar_resnet20", weights="cifar10_jpeg"
        ... )
        >>> model.output_shape, len(model.trainable_variables)
        ((None, 3), 21)
    """
    from_models = keras_classics.EXPORTS.get(network, "") if isinstance(network, str) else ""
    if not from_models.startswith("keras_classics.models.") or network == "pretrained":
        checks.refuse("network", "a network of this package, see list_models()", network)
    if weights is None:
        checks.refuse("weights", "the name or the path of trained weights", weights)
    checks.flags(fix_batch_norm=fix_batch_norm)
    if isinstance(weights, str) and weights in shipped.names(network):
        weights = shipped.folder(network, weights)  # as a run: then other classes are welcome
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*keeps its initial weights")
        model = getattr(keras_classics, network)(
            num_classes=num_classes,
            weights=weights,
            classifier_activation=classifier_activation,
            **options,
        )
    head = model.layers[-1]
    if not isinstance(head, keras.layers.Dense):
        checks.refuse("network", "one that ends in a dense layer", network)
    head.kernel.assign(head.kernel_initializer(head.kernel.shape))
    head.bias.assign(keras.ops.zeros(head.bias.shape))
    for layer in model.layers:
        if fix_batch_norm and isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # Keras then uses the moving statistics in training, too
    return model
