"""A source -> two: what is trained on, and what is held out."""

import numpy as np

from keras_classics.data.errors import DataError
from keras_classics.data.sources.base import LabelledImages

# Part of what `hold_out` means. NumPy keeps the streams of `RandomState` for ever.
_FIXED_SEED = 1998


def hold_out(source: LabelledImages, size: int) -> tuple[LabelledImages, LabelledImages]:
    """Splits a source into the larger rest and a stratified sample of it.

    The choice depends on the labels and on `size`, on nothing else: it is the same in every run.
    Each class gives its share of `size`, rounded up or down.

    Args:
        source: what to split.
        size: number of images to hold out; 0 holds out none.

    Returns:
        The rest and the held-out images (their split is called `"validation"`), both in the order
        of `source`.

    Raises:
        DataError: if `size` is negative, leaves nothing, or is too small for one of each class;
            or if the source is a stream.

    Example:
    >>> from keras_classics.data.sources import load
    >>> rest, held_out = hold_out(load("mnist_5k", "train"), 450)
    >>> len(rest), np.bincount(held_out.labels).tolist()
    (4050, [45, 45, 45, 45, 45, 45, 45, 45, 45, 45])
    """
    if source.is_stream:
        raise DataError(f"{source.name} is read as a stream, of which no part can be held out.")
    if not 0 <= size < len(source):
        raise DataError(
            f"`size` must be at least 0 and below the {len(source):,} images of "
            f"`{source.name}`. Received: size={size}"
        )
    if 0 < size < source.num_classes:
        raise DataError(
            f"`size` must be 0, or at least {source.num_classes}, one of each class. "
            f"Received: size={size}"
        )
    shuffled = np.random.RandomState(_FIXED_SEED).permutation(len(source))
    by_class = shuffled[np.argsort(source.labels[shuffled], kind="stable")]
    # Every (n / size)-th of the images sorted by class: each class gives its share.
    chosen = np.zeros(len(source), bool)
    chosen[by_class[(2 * np.arange(size) + 1) * len(source) // (2 * max(size, 1))]] = True
    return source.part(~chosen, source.split), source.part(chosen, "validation")
