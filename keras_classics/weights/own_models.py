"""The networks inside run directories and `.keras` files that training made."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics.compat import graph_of
from keras_classics.layers import EuclideanRBF
from keras_classics.trained_model import load_model, network_of
from keras_classics.weights.fitting import Wanted, assign, check_fit

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

# What a layer is made with and does not compute with when the weights are there.
_FREE = (
    *("name", "trainable", "dtype", "seed", "rate", "momentum", "synchronized"),
    *("data_format", "axis"),  # weights are the same in either format
)
_NOTHING = ("InputLayer", "Dropout")  # what computes nothing in inference


def model_file(path: AnyPath) -> Path | None:
    """Returns the `.keras` file that a path means, a run directory's or its own; or None."""
    # Of `os.path`, which says no to a name that no file can have; pathlib raises.
    name = os.path.expanduser(path)
    if os.path.isdir(name):
        name = os.path.join(name, "model.keras")
    return Path(name) if name.endswith(".keras") and os.path.isfile(name) else None


def load_trained(model: keras.Model, path: AnyPath) -> keras.Model:
    """Loads the weights of a network that training made into the same network built here.

    Layers are told by their names, and must compute the same: a network with other strides, another
    activation or normalisation is refused, which a file of weights alone could not tell. For
    another number of classes the last layer stays as it is, and a warning says so; without the
    top, the head's weights are not read.

    Args:
        model: the network.
        path: a run directory, or a `.keras` file, whose network is meant where pixels and
            probabilities stand around it.

    Returns:
        `model`, which is unchanged if an error is raised.

    Raises:
        UserError: if the file is missing or damaged.
        ValueError: if it is of another network.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import keras_classics
        >>> from keras_classics.weights import load_trained
        >>> path = Path(tempfile.mkdtemp()) / "mine.keras"
        >>> keras_classics.mnist_cnn().save(path)
        >>> load_trained(keras_classics.mnist_cnn(), path).name
        'mnist_cnn'
    """
    file = model_file(path)
    if file is None:
        raise ValueError(f"{path} is neither a run directory with a model.keras nor such a file.")
    named = f"The network in {path}"
    network = network_of(load_model(file, ValueError))
    saved = {layer.name: layer for layer in network.layers}
    last = next((layer for layer in reversed(model.layers) if layer.weights), None)
    head = last if isinstance(last, keras.layers.Dense | EuclideanRBF) else None
    fresh = head is not None and _has_other_classes(head, saved.get(head.name))
    ours, theirs = _until(model.layers, last), _until(saved.values(), last)
    fault = _difference(ours, theirs, head) or _other_order(model, network, ours)
    if fault:
        raise ValueError(f"{named} is another than {model.name!r}: {fault}.")
    if fresh:
        ours, theirs = ours[:-1], theirs[:-1]
    wanted = [Wanted(key, key, tuple(w.shape), w) for key, w in _weights(ours).items()]
    tensors = _weights(theirs)
    check_fit(wanted, tensors, named)
    assign(wanted, tensors, named, lambda weight: np.array(keras.ops.convert_to_numpy(weight)))
    if fresh and head is not None:
        warnings.warn(
            f"{named} has another number of classes; the layer {head.name!r} of {model.name!r} "
            "keeps its initial weights.",
            stacklevel=2,
        )
    return model


def _until(layers, last) -> list[keras.layers.Layer]:
    """The layers up to one of that name, the head left out that a network goes without."""
    layers = list(layers)
    names = [layer.name for layer in layers]
    return layers[: names.index(last.name) + 1] if last and last.name in names else layers


def _weights(layers) -> dict[str, Any]:
    """By their paths from the layer on: the kernels of an Inception module are namesakes."""
    return {
        f"{layer.name}/{weight.path.rpartition(f'{layer.name}/')[2]}": weight
        for layer in layers
        for weight in layer.weights
    }


def _has_other_classes(head, theirs) -> bool:
    """Whether two last layers differ in the number of their classes alone."""
    if theirs is None or type(theirs) is not type(head):
        return False
    axis = -1 if isinstance(head, keras.layers.Dense) else 0  # of the classes
    shapes = [[list(w.shape) for w in layer.weights] for layer in (head, theirs)]
    if shapes[0] == shapes[1]:
        return False
    for shape in (*shapes[0], *shapes[1]):
        del shape[axis]
    return shapes[0] == shapes[1]


def _other_order(model, network, ours) -> str | None:
    """The first layer that other layers feed than in the file's network, in words."""
    mine, other = _feeding(model), _feeding(network)
    for layer in ours:
        if layer.name in mine and layer.name in other and mine[layer.name] != other[layer.name]:
            came = [" and ".join(fed[layer.name]) or "pixels" for fed in (mine, other)]
            return f"{layer.name} stands behind {came[0]} here and behind {came[1]} there"
    return None


def _feeding(model) -> dict[str, list[str]]:
    """{layer: the names of those whose outputs it takes}, dropout and inputs passed over."""
    graph = graph_of(model)
    source = {id(out): name for name, (_, _, outputs) in graph.items() for out in outputs}

    def names(tensors):
        for tensor in tensors:
            name = source[id(tensor)]
            layer, inputs, _ = graph[name]
            if type(layer).__name__ not in _NOTHING:
                yield name
            else:
                yield from names(inputs)

    return {name: list(names(inputs)) for name, (_, inputs, _) in graph.items()}


def _difference(ours, theirs, head) -> str | None:
    """The first difference in what layers compute, in words; weights have their own check."""
    mine, other = ({one.name: one for one in layers} for layers in (ours, theirs))
    for name in [*mine, *other]:
        kind = type(mine.get(name) or other[name]).__name__
        if kind in _NOTHING:
            continue
        if name not in mine or name not in other:
            return f"{name} ({kind}) is in {'this one' if name in mine else 'that one'} alone"
        if type(mine[name]) is not type(other[name]):
            return f"{name} is {kind} here and {type(other[name]).__name__} there"
        if head is not None and name == head.name:
            continue  # it may have other classes, and probabilities for logits
        configs = [_computing(one[name].get_config()) for one in (mine, other)]
        for key in sorted(set(configs[0]) | set(configs[1])):
            values = [config.get(key) for config in configs]
            if values[0] != values[1]:
                return f"{name} has {key}={values[0]!r} here and {values[1]!r} there"
    return None


def _computing(config) -> dict[str, Any]:
    return {
        key: value
        for key, value in config.items()
        if key not in _FREE and not key.endswith(("_initializer", "_regularizer", "_constraint"))
    }
