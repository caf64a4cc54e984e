"""The names of ImageNet's classes, and a network's answers in words."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_classics import checks

if TYPE_CHECKING:
    import numpy.typing as npt

_FILE = Path(__file__).with_name("imagenet_classes.txt")


@functools.cache
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """Returns (WordNet id, name) of ImageNet's 1,000 classes, in the order of their numbers.

    The name is the first word that WordNet 3.0 has for the class; the others, the licence and what
    was changed stand in `data/imagenet_classes.txt`.

    Returns:
        1,000 pairs of str; no name is there twice.

    Reference:
        Russakovsky et al. 2015, "ImageNet Large Scale Visual Recognition Challenge"; Princeton
        University, WordNet 3.0.

    Example:
        >>> from keras_classics import imagenet_classes
        >>> imagenet_classes()[0], imagenet_classes()[207]
        (('n01440764', 'tench'), ('n02099601', 'golden retriever'))
    """
    lines = _FILE.read_text("utf-8").splitlines()
    pairs = (line.split(" ", 1) for line in lines if not line.startswith("#"))
    return tuple((wnid, words.split(", ")[0]) for wnid, words in pairs)


def in_words(name: str) -> str:
    """Returns ImageNet's name for a WordNet id of its 1,000 classes; any other name as it is.

    Example:
        >>> from keras_classics.data.class_names import in_words
        >>> in_words("n02099601"), in_words("tabby"), in_words("7")
        ('golden retriever', 'tabby', '7')
    """
    return _words().get(name, name)


@functools.cache
def _words():
    return dict(imagenet_classes())


def decode_predictions(
    predictions: npt.ArrayLike, top: int = 5, class_names: Sequence[str] | None = None
) -> list[list[tuple[str, str, float]]]:
    """Returns the best classes of each picture in words, as `keras.applications` does.

    Args:
        predictions: (pictures, classes), a network's probabilities or logits.
        top: how many classes of each picture.
        class_names: of all classes, in the order of their numbers; None for ImageNet's 1,000.

    Returns:
        For each picture a list of (id, name, prediction), the best first. The id is WordNet's, as
        "n02099601"; with `class_names` it is the number of the class.

    Raises:
        ValueError: if `predictions` has another shape, or is not finite; if there are not as many
            classes as names; if `top` is no number from 1 to that of the classes.

    Example:
        >>> import numpy as np
        >>> from keras_classics import decode_predictions
        >>> decode_predictions(np.eye(1000)[[207]], top=1)
        [[('n02099601', 'golden retriever', 1.0)]]
        >>> decode_predictions([[0.2, 0.8]], top=2, class_names=("cat", "dog"))
        [[('1', 'dog', 0.8), ('0', 'cat', 0.2)]]
    """
    if not isinstance(predictions, np.ndarray | list | tuple):
        import keras

        with contextlib.suppress(TypeError, ValueError, AttributeError):  # of a backend, as it is
            predictions = keras.ops.convert_to_numpy(keras.ops.cast(predictions, "float32"))
    rows = np.asarray(predictions)
    if rows.ndim != 2 or rows.dtype.kind not in "iuf" or not np.isfinite(rows).all():
        came = f"an array of shape {rows.shape} and type {rows.dtype}"
        if rows.ndim == 2 and rows.dtype.kind == "f":
            came = "NaN or infinite numbers"
        raise ValueError(
            f"`predictions` must be finite numbers of shape (pictures, classes). Received: {came}"
        )
    if class_names is None:
        pairs = imagenet_classes()
    else:
        pairs = tuple((str(number), name) for number, name in enumerate(_checked(class_names)))
    if rows.shape[1] != len(pairs):
        whose = "ImageNet has" if class_names is None else "`class_names` has"
        hint = "; pass the names as `class_names`" if class_names is None else ""
        raise ValueError(
            f"`predictions` has {rows.shape[1]:,} classes, {whose} {len(pairs):,}{hint}."
        )
    checks.integer("top", top, most=len(pairs))
    best = np.argsort(-rows.astype("float64"), axis=1, kind="stable")[:, :top]
    return [
        [(*pairs[index], float(row[index])) for index in indices]
        for row, indices in zip(rows, best, strict=True)
    ]


def _checked(class_names):
    names = () if isinstance(class_names, str) else tuple(class_names)
    if not names or not all(isinstance(name, str) for name in names):
        checks.refuse("class_names", "None or a sequence of names", class_names)
    return names
