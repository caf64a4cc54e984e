"""What the layers of a network make of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.compat import graph_of
from keras_classics.report import figures, pixels
from keras_classics.report.network import size_in_words
from keras_classics.trained_model import feature_extractor, network_of
from keras_classics.visualization.pictures import (
    batch_of,
    channels_last,
    check_model,
    checked_picture,
    outputs_of,
)
from keras_classics.visualization.tiles import stacked

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

_MOST_MAPS, _MOST_LAYERS = 64, 12


def feature_maps(model: keras.Model, image: Any, layers: Sequence[str] | None = None) -> Figure:
    """Draws the maps that a picture becomes in the layers of a network.

    Blue is negative, white zero, orange positive; the maps of one layer share a scale, whose end
    stands above them. Of a layer with more than 64 maps the first 64 are drawn.

    Args:
        model: a Keras model that is a graph of layers, or one that training made.
        image: array (height, width, channels) or (height, width), in the values that the model
            takes: 0 … 255 for one that training made.
        layers: names, as `feature_extractor` takes them, also "inception_4a/conv_5x5"; None for
            all layers with maps or, of a network that has more than twelve of them, for the last
            maps of each size.

    Returns:
        A matplotlib figure, which a notebook shows and `savefig` writes.

    Raises:
        ValueError: if it is no such model or picture, there is no such layer (the nearest ones are
            said), or a layer without maps.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> model = keras_classics.lenet5(weights="mnist", with_preprocessing=True)
        >>> figure = keras_classics.feature_maps(model, np.zeros((28, 28)), ["C1", "C3"])
        >>> [axes.get_title("left").partition(",")[0] for axes in figure.axes]
        ['C1: 6 maps of 28×28', 'C3: 16 maps of 10×10']
    """
    return draw_maps(maps_of(model, image, layers))


def maps_of(
    model: keras.Model, image: Any, layers: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Returns {layer: its maps, floats (height, width, maps)}; see `feature_maps`."""
    check_model(model)
    picture = checked_picture(model, image)
    layers = _usual(model) if layers is None else layers
    extractor = feature_extractor(model, layers)
    for name, output in extractor.output.items():
        if len(output.shape) != 4:
            rule = "layers with maps"
            checks.refuse("layers", f"{rule}; {name} gives {tuple(output.shape[1:])}", layers)
    found = outputs_of(extractor, [batch_of(model, picture)])
    # On some backends Keras sorts a dict by its keys, "stride_16" in front of "stride_2".
    order = layers or sorted(found, key=lambda name: int(name.removeprefix("stride_")))
    return {name: channels_last(model, np.asarray(found[name][0], "float32")) for name in order}


def _usual(model):
    """The names of all layers with maps; None, the last ones of each size, for a deep network."""
    import keras

    no_maps = keras.layers.InputLayer | keras.layers.ZeroPadding2D
    names = [
        name
        for name, (layer, _, outputs) in graph_of(network_of(model)).items()
        if not isinstance(layer, no_maps) and [len(one.shape) for one in outputs] == [4]
    ]
    return names if 0 < len(names) <= _MOST_LAYERS else None


def draw_maps(found: Mapping[str, np.ndarray]) -> Figure:
    """Draws what `maps_of` found."""
    rows = []
    for name, maps in found.items():
        height, width, count = maps.shape
        first = np.moveaxis(maps[..., :_MOST_MAPS], -1, 0)
        limit = float(np.abs(first).max())
        shown = f", {_MOST_MAPS} shown" if count > _MOST_MAPS else ""
        text = f"{name}: {size_in_words(count, height, width)}{shown}, full colour ±{limit:.2g}"
        small = pixels.shrink(first, 112 if count <= 12 else 56)
        rows.append((text, figures.tiled(pixels.signed(small, limit))))
    return stacked(rows)
