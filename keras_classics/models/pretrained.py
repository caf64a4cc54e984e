"""Builders whose networks come trained, `weights="mnist"`, and trained ones with a fresh head."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

import keras

import keras_classics
from keras_classics import checks, shipped
from keras_classics.compat import all_layers
from keras_classics.models.common import check_weights, complete
from keras_classics.trained_model import load_model, network_of
from keras_classics.weights.pixels import check_network, preprocessing

if TYPE_CHECKING:
    from keras_classics.types import Activation, AnyPath

_Options = ParamSpec("_Options")
# What the network ends in and is called: the weights stay what they are.
_ENDS = ("include_top", "pooling", "with_preprocessing", "auxiliary_heads")
_FREE = ("include_top", "pooling", "classifier_activation", "name")


def comes_trained(builder: Callable[_Options, keras.Model]) -> Callable[_Options, keras.Model]:
    """Lets the `weights` of a builder be a name of `shipped.names` too.

    The network is then exactly the one that was trained: an option that is not the card's is
    refused before a layer is built.

        @comes_trained
        def lenet5(num_classes=10, *, weights=None, …):
    """
    network = builder.__name__
    parameters = inspect.signature(builder).parameters

    @functools.wraps(builder)
    def build(*arguments: _Options.args, **options: _Options.kwargs) -> keras.Model:
        weights: Any = options.get("weights")
        names = shipped.names(network)
        if not isinstance(weights, str) or weights not in names:
            check_weights(weights, names)
            return builder(*arguments, **options)
        whole = options.pop("with_preprocessing", False)
        checks.flags(with_preprocessing=whole)
        options["weights"] = None
        given = {**dict(zip(parameters, arguments, strict=False)), **options}
        _check_options(given, weights, shipped.card(network, weights)["options"])
        model = _load(builder(*arguments, **options), network, weights)
        return complete(model, preprocessing(network, weights)) if whole else model

    return build


def _check_options(given, weights, trained):
    """Raises for the first option that is not that of the network that was trained."""
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            f'`weights` "{weights}" are those of a network with its channels last; call '
            'keras.config.set_image_data_format("channels_last") before.'
        )
    for option, value in given.items():
        if option in _FREE or option not in trained:
            continue
        if option == "num_classes" and given.get("include_top") is False:
            continue  # it has no classes
        wanted = trained[option]
        if isinstance(wanted, list):  # JSON has no tuples
            wanted, value = tuple(wanted), tuple(value) if isinstance(value, list) else value
        if not _is_same(wanted, value) and not (option == "input_shape" and value is None):
            shown = f'"{wanted}"' if isinstance(wanted, str) else wanted
            checks.refuse(
                option, f'{shown}, which the weights "{weights}" were trained with', value
            )


def _is_same(one, other):
    """Whether two values are equal, also in their types; of an array that is no question."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return type(one) is type(other) and one == other


def _load(model, network, weights):
    saved = load_model(shipped.folder(network, weights) / "model.keras")
    trained = {layer.name: layer for layer in network_of(saved).layers}
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(trained[layer.name].get_weights())
    return model


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
            directory, or of a `.keras` file.
        classifier_activation: activation of the last layer; None for logits; "both" for
            {"logits", "probabilities"}.
        fix_batch_norm: whether batch normalisation keeps the statistics, scale and shift of its
            training, as He et al. 2015 do (appendix A): small data sets spoil them.
        **options: those of the network's builder, but for what it ends in.

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
    check_network("network", network)
    for option in _ENDS:
        if option in options:
            checks.refuse(option, "left out: the network ends in a new head", options[option])
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
    head = [layer for layer in model.layers if layer.weights][-1]
    if not isinstance(head, keras.layers.Dense):
        checks.refuse("network", "one that ends in a dense layer", network)
    head.kernel.assign(head.kernel_initializer(head.kernel.shape))
    head.bias.assign(keras.ops.zeros(head.bias.shape))
    for layer in all_layers(model):
        if fix_batch_norm and isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # Keras then uses the moving statistics in training, too
    return model
