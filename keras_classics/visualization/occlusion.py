"""Occlusion: how a class fares while a grey square hides one place after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.report import pixels
from keras_classics.visualization.classes import (
    Explanation,
    check_class,
    class_output,
    probabilities,
)
from keras_classics.visualization.pictures import (
    batch_of,
    check_model,
    checked_picture,
    drawn,
    outputs_of,
)
from keras_classics.visualization.tiles import NotebookFigure, show

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

# The paper gives no sizes. These hide a stroke of a digit, and make about 14 · 14 pictures.
_PATCHES, _STEPS = 4, 14


def occlusion(
    model: keras.Model,
    image: Any,
    class_index: int | None = None,
    *,
    patch_size: int | None = None,
    strides: int | None = None,
    fill: float | None = None,
    batch_size: int = 64,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draws the probability of a class while a grey square hides one place after the other.

    Where the square lowers it, the model had looked. Beside the map is the picture, with the square
    where it lowers the probability most.

    Args:
        model: a Keras model that is a graph of layers and gives one value for each class, or one
            that training made.
        image: array (height, width, channels) or (height, width), in the values that the model
            takes: 0 … 255 for one that training made.
        class_index: the class; None for the one that is most probable with nothing hidden.
        patch_size: side of the square in pixels; None for a quarter of the picture's shorter side.
        strides: pixels from one place to the next; None for a fourteenth of that side.
        fill: the square's value; None for the middle between the least and the largest one of the
            picture, which is its grey.
        batch_size: pictures in the model at once.
        class_names: names for the figure.

    Returns:
        A matplotlib figure, which a notebook shows and `savefig` writes;
        `keras_classics.occlusion_map` has the numbers.

    Raises:
        ValueError: if it is no such model, picture or class, or another argument none of the above.

    Reference:
        Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2
        and Fig. 7 (d). Sizes and grey are not stated there and assumed here.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> model = keras_classics.mnist_cnn(weights="mnist", with_preprocessing=True)
        >>> figure = keras_classics.occlusion(model, np.eye(28) * 255, strides=7)
        >>> figure.axes[1].get_title("left")
        'its probability with a square there'
    """
    check_model(model)
    check_class(model, class_index, class_names)
    options: dict[str, Any] = {"patch_size": patch_size, "strides": strides}
    options |= {"fill": fill, "batch_size": batch_size}
    found = occlusion_map(model, image, class_index, **options)
    return draw_occlusion(found, checked_picture(model, image), class_names, patch_size, strides)


def occlusion_map(
    model: keras.Model,
    image: Any,
    class_index: int | None = None,
    *,
    patch_size: int | None = None,
    strides: int | None = None,
    fill: float | None = None,
    batch_size: int = 64,
) -> Explanation:
    """Computes the probability of a class with a square at each place of a picture.

    What a model gives that ends in no softmax or sigmoid, and does not add up to one, are logits:
    several those of a softmax, a single one that of a sigmoid.

    Args:
        model: as of `occlusion`.
        image: as of `occlusion`.
        class_index: the class; None for the one that is most probable with nothing hidden.
        patch_size: side of the square in pixels; None for a quarter of the shorter side.
        strides: pixels from one place to the next; None for a fourteenth of that side.
        fill: the square's value; None for the picture's grey.
        batch_size: pictures in the model at once.

    Returns:
        An `Explanation`. Row r, column c of its `map` is the probability with the square around the
        middle of the strides × strides pixels that begin at (r · strides, c · strides), or the
        picture's last pixel if that comes first; at the borders a part of it lies outside.

    Raises:
        ValueError: as `occlusion`.

    Example:
        >>> import numpy as np
        >>> import keras_classics
        >>> from keras_classics.visualization import occlusion_map
        >>> model = keras_classics.mnist_cnn(weights="mnist", with_preprocessing=True)
        >>> occlusion_map(model, np.eye(28) * 255, strides=7).map.shape
        (4, 4)
    """
    import keras

    check_model(model)
    class_index = check_class(model, class_index)
    checks.integer("batch_size", batch_size)
    picture = checked_picture(model, image)
    patch_size, strides = _sizes(picture, patch_size, strides)
    if fill is None:
        fill = (float(picture.min()) + float(picture.max())) / 2
    checks.number("fill", fill)
    classifier = keras.Model(model.inputs[0], class_output(model))
    windows = [None, *_windows(picture, patch_size, strides)]
    rows = []
    for start in range(0, len(windows), batch_size):
        chosen = windows[start : start + batch_size]
        # Always as many pictures, so that nothing is compiled for another number of them.
        copies = np.repeat(picture[np.newaxis], min(batch_size, len(windows)), axis=0)
        for copy, window in zip(copies, chosen, strict=False):
            if window:
                copy[window] = fill
        batch = np.concatenate([batch_of(model, copy) for copy in copies])
        rows.append(np.asarray(outputs_of(classifier, batch), "float32")[: len(chosen)])
    shares = probabilities(model, np.concatenate(rows))
    index = int(shares[0].argmax()) if class_index is None else class_index
    size = [-(-side // strides) for side in picture.shape[:2]]
    return Explanation(shares[1:, index].reshape(size), index, float(shares[0, index]))


def _sizes(picture, patch_size, strides):
    side = min(picture.shape[:2])
    patch_size = max(1, side // _PATCHES) if patch_size is None else patch_size
    strides = max(1, side // _STEPS) if strides is None else strides
    checks.integer("patch_size", patch_size, most=max(picture.shape[:2]))
    checks.integer("strides", strides, most=side)
    return patch_size, strides


def _windows(picture, patch_size, strides):
    """The rows and columns that the square hides at each place, row by row."""
    first, second = (
        [
            slice(max(0, middle - patch_size // 2), middle - patch_size // 2 + patch_size)
            for middle in (min(start + strides // 2, side - 1) for start in range(0, side, strides))
        ]
        for side in picture.shape[:2]
    )
    return [(rows, columns) for rows in first for columns in second]


def draw_occlusion(
    found: Explanation,
    picture: np.ndarray,
    class_names: Sequence[str] | None = None,
    patch_size: int | None = None,
    strides: int | None = None,
) -> Figure:
    """Draws what `occlusion_map` found, beside the picture."""
    from matplotlib.patches import Rectangle

    patch_size, strides = _sizes(picture, patch_size, strides)
    rgb = drawn(picture)
    figure = NotebookFigure(figsize=(7.2, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    show(left, f"{found.class_name(class_names)}: probability {found.probability:.3f}", rgb)
    rows, columns = _windows(picture, patch_size, strides)[int(found.map.argmin())]
    orange = [channel / 255 for channel in pixels.POSITIVE]
    look: dict[str, Any] = {"facecolor": "0.5", "edgecolor": orange, "linewidth": 2}
    corner = columns.start - 0.5, rows.start - 0.5
    sides = columns.stop - columns.start, rows.stop - rows.start
    left.add_patch(Rectangle(corner, *sides, **look))
    bottom, end = (count * strides - 0.5 for count in found.map.shape)
    colours = show(right, "its probability with a square there", found.map,
                   cmap="viridis", extent=(-0.5, end, bottom, -0.5))  # fmt: skip
    right.set(xlim=(-0.5, rgb.shape[1] - 0.5), ylim=(rgb.shape[0] - 0.5, -0.5))
    figure.colorbar(colours, ax=right, shrink=0.8)
    return figure
