"""Grad-CAM: where the maps of a layer speak for a class."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.compat import calls_of, graph_of
from keras_classics.report import pixels
from keras_classics.trained_model import channels_first, network_of, towers_of, unknown_layer
from keras_classics.visualization.classes import (
    Explanation,
    check_class,
    class_output,
    probabilities,
    scores_of,
)
from keras_classics.visualization.gradients import gradients
from keras_classics.visualization.pictures import (
    batch_of,
    channels_last,
    check_model,
    checked_picture,
    drawn,
    outputs_of,
)
from keras_classics.visualization.tiles import NotebookFigure, show

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

_STRONGEST = 0.8  # how much of the picture the colour covers at most


def grad_cam(
    model: keras.Model,
    image: Any,
    class_index: int | None = None,
    layer: str | None = None,
    *,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draws where in a picture the maps of a layer speak for a class, by Grad-CAM.

    The more orange a place is, the more the maps there raise the class's score; what they say
    against it is left out. The map has the resolution of the layer and is enlarged to the picture,
    as in the paper.

    Args:
        model: a Keras model that is a graph of layers and gives one value for each class, or one
            that training made.
        image: array (height, width, channels) or (height, width), in the values that the model
            takes: 0 … 255 for one that training made.
        class_index: the class; None for the most probable one.
        layer: the name of a layer with maps; None for what the last convolution gives, behind its
            normalisation, shortcut and activation. Of AlexNet's two towers both are taken together.
        class_names: names for the figure.

    Returns:
        A matplotlib figure, which a notebook shows and `savefig` writes;
        `keras_classics.grad_cam_map` has the numbers.

    Raises:
        ValueError: if it is no such model, picture or class, or a layer that is not there (the
            nearest ones are said), has no maps, or is used more than once.

    Reference:
        Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
        Localization", section 3.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> model = keras_classics.mnist_cnn(weights="mnist", with_preprocessing=True)
        >>> figure = keras_classics.grad_cam(model, np.eye(28) * 255, class_index=1)
        >>> figure.axes[1].get_title("left")
        'what speaks for it in conv2'
    """
    check_model(model)
    check_class(model, class_index, class_names)
    found = grad_cam_map(model, image, class_index, layer)
    return draw_grad_cam(found, checked_picture(model, image), class_names)


def grad_cam_map(
    model: keras.Model, image: Any, class_index: int | None = None, layer: str | None = None
) -> Explanation:
    """Computes Grad-CAM's map of a class: ReLU(Σ αₖ Aᵏ), αₖ the mean of ∂yᶜ/∂Aᵏ over the map k.

    yᶜ is the class's score in front of the softmax. Of a model that ends in a softmax or sigmoid it
    is what this layer takes, or gives without its activation. A model that ends in something else
    is taken at its word: its output is the score.

    Args:
        model: as of `grad_cam`.
        image: as of `grad_cam`.
        class_index: the class; None for the most probable one.
        layer: the name of a layer with maps; None for what the last convolution gives.

    Returns:
        An `Explanation`, whose `map` is not negative and has the layer's height and width.

    Raises:
        ValueError: as `grad_cam`.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> from keras_classics.visualization import grad_cam_map
        >>> found = grad_cam_map(keras_classics.lenet5(weights="mnist"), np.zeros((32, 32)))
        >>> found.map.shape, found.layers
        ((10, 10), ('C3',))
    """
    check_model(model)
    class_index = check_class(model, class_index)
    picture = checked_picture(model, image)
    network = network_of(model)
    layers = _last_maps(model, network) if layer is None else _named(model, network, layer)
    front, rest = _divided(model, network, layers)
    pixels_in, *maps, rows = outputs_of(front, batch_of(model, picture))
    shares = probabilities(model, np.asarray(rows, "float32"))[0]
    index = int(shares.argmax()) if class_index is None else class_index
    _, *slopes = gradients(rest, [pixels_in, *maps], index, model.variables)
    weighted = [_weighted(model, *pair) for pair in zip(maps, slopes, strict=True)]
    strength = np.maximum(np.sum(weighted, axis=0), 0)
    return Explanation(strength, index, float(shares[index]), tuple(layers))


def _weighted(model, maps, slopes):
    maps, slopes = (channels_last(model, np.asarray(x[0], "float32")) for x in (maps, slopes))
    return maps @ slopes.mean(axis=(0, 1))


def _divided(model, network, layers):
    """Returns the model up to some layers, and a function of the rest, from there to the scores.

    The first gives the network's pixels, the layers' maps and the model's output. Where shortcuts
    or towers pass a layer by, the rest begins at the pixels. It is a `keras.Function`, since a
    model from the middle of a graph would leave its marks in the graph.
    """
    import keras

    graph, output = graph_of(network), class_output(model)
    maps = [graph[name][2][0] for name in layers]
    given = [*network.inputs, *maps]
    if network is model:
        front = keras.Model(network.inputs[0], [*given, output])
        return front, keras.Function(given, scores_of(model, output))
    _, before, after = graph_of(model)[network.name]
    inner = keras.tree.flatten(keras.Model(network.inputs[0], maps)(before[0]))
    front = keras.Model(model.inputs[0], [before[0], *inner, output])
    if any(output is one for one in after):  # the softmax, too, is one of the network's
        return front, keras.Function(given, scores_of(network, class_output(network)))
    rest = keras.Function(given, network.outputs)
    behind = keras.Function(after, scores_of(model, output))
    return front, lambda inputs: behind(rest(inputs))


def _last_maps(model, network):
    """The names of the layers that have the last word on the last convolution's maps."""
    import keras

    output = class_output(network) if network is model else network.outputs
    graph = graph_of(keras.Model(network.inputs[0], output))  # without auxiliary heads
    sizes = {name: _size(model, outputs) for name, (_, _, outputs) in graph.items()}
    spatial = [name for name, size in sizes.items() if size]
    convolutions = [name for name in spatial if _convolves(graph[name][0])]
    if not convolutions:
        rule = "a convolution with maps of more than one point"
        raise ValueError(f"`model` must have {rule}; {network.name!r} has none.")
    last = convolutions[-1]
    behind = spatial[spatial.index(last) :]
    if None in sizes[last]:  # which a pooling behind it has as well
        in_front = itertools.takewhile(lambda n: not hasattr(graph[n][0], "pool_size"), behind)
        behind = list(in_front)
    same = [n for n in behind if sizes[n] == sizes[last]]
    return towers_of(graph, same[-1])


def _size(model, outputs):
    """The height and width of maps, as far as they are known; None of what has no more than one."""
    if len(outputs) != 1 or len(outputs[0].shape) != 4:
        return None
    shape = outputs[0].shape
    size = shape[2:] if channels_first(model) else shape[1:3]
    return None if tuple(size) == (1, 1) else tuple(size)


def _convolves(layer):
    kernels = [weight for weight in getattr(layer, "weights", ()) if len(weight.shape) >= 4]
    return hasattr(layer, "kernel_size") or bool(kernels)


def _named(model, network, layer):
    graph = graph_of(network)
    if layer not in graph:
        unknown_layer("layer", layer, list(graph), network)
    if not _size(model, graph[layer][2]):
        checks.refuse("layer", "a layer with maps of more than one point", layer)
    if sum(one.name == layer for one, _, _ in calls_of(network)[0]) > 1:
        checks.refuse("layer", "a layer that the network uses once", layer)
    return towers_of(graph, layer)


def draw_grad_cam(
    found: Explanation, picture: np.ndarray, class_names: Sequence[str] | None = None
) -> Figure:
    """Draws what `grad_cam_map` found, beside and over the picture."""
    rgb = drawn(picture)
    figure = NotebookFigure(figsize=(6.4, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    show(left, f"{found.class_name(class_names)}: probability {found.probability:.3f}", rgb)
    text = f"what speaks for it in {' and '.join(found.layers)}"
    show(right, text if found.map.any() else f"{text}: nothing", _covered(rgb, found.map))
    return figure


def _covered(rgb, strength):
    """The picture in grey, under orange where the map is strong."""
    from PIL import Image

    height, width = rgb.shape[:2]
    share = Image.fromarray((strength / (strength.max() or 1)).astype("float32"))
    share = _STRONGEST * np.asarray(share.resize((width, height), Image.Resampling.BILINEAR))
    grey = rgb.mean(axis=-1, keepdims=True)
    mixed = grey * (1 - share[..., np.newaxis]) + np.array(pixels.POSITIVE) * share[..., np.newaxis]
    return mixed.round().astype("uint8")
