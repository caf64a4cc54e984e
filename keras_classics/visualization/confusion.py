"""Which classes a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.report import figures
from keras_classics.visualization.tiles import NotebookFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWN_CLASSES = 1500  # more than the 837 pixels of a matrix show, and than ImageNet's


def plot_confusion(
    labels: Any, predictions: Any = None, class_names: Sequence[str] | None = None
) -> Figure:
    """Draws a confusion matrix: rows are the true classes, columns the answers.

    Right answers are blue, wrong ones orange, the more frequent the stronger. Up to twenty classes
    have their counts and errors written in.

    Args:
        labels: the true classes, integers of shape (pictures,); or, without `predictions`, the
            matrix of counts itself, (classes, classes).
        predictions: the answers, integers of shape (pictures,), or a row of probabilities or logits
            for each picture, (pictures, classes).
        class_names: one name for each class; None for their numbers.

    Returns:
        A matplotlib figure, which a notebook shows and `savefig` writes.

    Raises:
        ValueError: if these are no such arrays, or do not fit together.

    Example:
        >>> import keras_classics
        >>> figure = keras_classics.plot_confusion([0, 0, 1], [0, 1, 1], ["cat", "dog"])
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['cat', 'dog']
    """
    names = None if class_names is None else [str(name) for name in class_names]
    counts = _matrix(labels) if predictions is None else _counted(labels, predictions, names)
    names = names or [str(number) for number in range(len(counts))]
    if len(names) != len(counts):
        raise ValueError(
            f"`class_names` must be {len(counts):,} names. Received: {len(names):,} names"
        )
    figure = figures.confusion_figure(counts, names, NotebookFigure)
    figure.set_facecolor("white")  # which its colours are made for
    return figure


def _matrix(counts):
    counts = _integers("labels", counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        rule = "`labels` without `predictions` must be a square matrix of counts"
        raise ValueError(f"{rule}. Received: an array of shape {counts.shape}")
    _check_number(len(counts))
    return counts


def _counted(labels, predictions, names):
    labels, predictions = _integers("labels", labels), _array(predictions)
    classes = predictions.shape[1] if predictions.ndim == 2 else 0
    if classes:
        predictions = predictions.argmax(axis=-1)
    predictions = _integers("predictions", predictions)
    if labels.ndim != 1 or labels.shape != predictions.shape or not labels.size:
        raise ValueError(
            "`labels` and `predictions` must be of the same pictures. Received: arrays of the "
            f"shapes {labels.shape} and {predictions.shape}"
        )
    largest = int(max(labels.max(), predictions.max()))
    classes = classes or len(names or ()) or largest + 1
    if largest >= classes:
        checks.refuse("labels", f"classes from 0 to {classes - 1:,}", largest)
    _check_number(classes)
    return figures.confusion(labels, predictions, classes)


def _check_number(classes):
    if classes > _DRAWN_CLASSES:
        checks.refuse("labels", f"of at most {_DRAWN_CLASSES:,} classes", classes)


def _integers(name, values):
    array = _array(values)
    if array.dtype.kind not in "ui" or (array.size and array.min() < 0):
        checks.refuse(name, "integers from 0 on", values)
    return array.astype("int64")


def _array(values):
    try:
        return np.asarray(values)
    except ValueError:  # lists of several lengths
        return np.array(None)
