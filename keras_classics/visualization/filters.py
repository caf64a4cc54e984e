"""The filters of a convolution that sees the picture itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from keras_classics import checks
from keras_classics.report import figures
from keras_classics.trained_model import (
    convolutions_of_pixels,
    kernels_of,
    network_of,
    unknown_layer,
)
from keras_classics.visualization.pictures import check_model
from keras_classics.visualization.tiles import stacked
from keras_classics.words import plural

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure


def plot_filters(model: keras.Model, layer: str | None = None) -> Figure:
    """Draws the filters of a convolution over grey or coloured pixels, each as a small picture.

    Those over grey pixels are blue where they are negative, white at zero and orange where they are
    positive. Those over red, green and blue are colours, grey at zero. All of a layer share one
    scale. Of AlexNet's two towers both are drawn, 48 filters above 48 in rows of 16.

    Args:
        model: a Keras model that is a graph of layers, or one that training made.
        layer: the name of a convolution; None for the first one over 1 or 3 channels.

    Returns:
        A matplotlib figure, which a notebook shows and `savefig` writes.

    Raises:
        ValueError: if it is no such model, has no convolution over 1 or 3 channels or no layer of
            that name (the nearest ones are said).

    Reference:
        Krizhevsky et al. 2012, Fig. 3.

    Example:
        >>> import keras_classics
        >>> figure = keras_classics.plot_filters(keras_classics.lenet5(weights="mnist"))
        >>> [axes.get_title("left") for axes in figure.axes]
        ['C1: 6 filters of 5×5']
    """
    return draw_filters(filters_of(model, layer))


def filters_of(model: keras.Model, layer: str | None = None) -> dict[str, np.ndarray]:
    """Returns {layer: its filters, floats (filters, height, width, 1 or 3)}; see `plot_filters`."""
    check_model(model)
    network = network_of(model)
    layers, seen = [one.name for one in network.layers], convolutions_of_pixels(network)
    if layer is None:
        if not seen:
            raise ValueError(f"`model` must have a convolution over 1 or 3 channels; "
                             f"{network.name!r} has none.")  # fmt: skip
        layer = seen[0]
    elif layer not in layers:
        unknown_layer("layer", layer, seen or layers, network)
    elif layer not in seen:
        which = f" ({', '.join(seen[:3])})" if seen else ""
        checks.refuse("layer", f"a convolution over 1 or 3 channels{which}", layer)
    return kernels_of(network, layer)


def draw_filters(found: dict[str, np.ndarray]) -> Figure:
    """Draws what `filters_of` found."""
    rows, limit = [], max(float(np.abs(kernels).max()) for kernels in found.values())
    for name, kernels in found.items():
        cells = figures.filter_cells(kernels, limit)
        tiled = figures.tiled(cells, figures.TOWER_ROWS if len(found) > 1 else None)
        rows.append((filters_in_words(name, kernels), tiled))
    return stacked(rows)


def filters_in_words(name: str, kernels: np.ndarray) -> str:
    """Returns what is drawn of a layer, as "C1: 6 filters of 5×5"."""
    count, height, width, _ = kernels.shape
    return f"{name}: {plural(count, 'filter')} of {height}×{width}"
