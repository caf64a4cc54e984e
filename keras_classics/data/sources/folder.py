"""Folders of picture files, as ImageNet is usually unpacked.

There is one folder for each class, `<directory>/train/<class>/*.JPEG` for training and
`<directory>/val/<class>/*.JPEG` for measuring.
"""

import dataclasses
import functools
import os
import warnings

import numpy as np

from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import permutation
from keras_classics.data.sources.local_copies import copy_files

_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_FOLDERS = {"train": "train", "test": "val"}


@dataclasses.dataclass(frozen=True, eq=False)
class FileSource:
    """Labelled picture files of any sizes, in a fixed order, read when they are wanted.

    Args:
        name: name of the data set, as `load` takes it.
        split: "train", "test" or "validation".
        paths: array of str `(n,)`.
        labels: int64 array `(n,)`, positions in `class_names`.
        class_names: what the labels stand for.
        encoded: the bytes of all files as a string tensor, to keep them in memory; None reads
            each file whenever it is wanted.
        copies: array of str `(n,)`, files to read in the place of `paths`, or None.

    Example:
        >>> import os, tempfile
        >>> from PIL import Image
        >>> from keras_classics.data.sources import load
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     for name in ("train/cat", "train/dog", "val/cat", "val/dog"):
        ...         os.makedirs(f"{directory}/{name}")
        ...         Image.new("RGB", (64, 48)).save(f"{directory}/{name}/one.jpg")
        ...     source = load(f"folder:{directory}", "train")
        >>> len(source), source.class_names, source.labels.tolist()
        (2, ('cat', 'dog'), [0, 1])
    """

    name: str
    split: str
    paths: np.ndarray = dataclasses.field(repr=False)
    labels: np.ndarray = dataclasses.field(repr=False)
    class_names: tuple[str, ...] = dataclasses.field(repr=False)
    encoded: object = dataclasses.field(default=None, repr=False)
    copies: np.ndarray | None = dataclasses.field(default=None, repr=False)

    def __len__(self):
        return len(self.paths)

    @property
    def num_classes(self):
        """Number of class names, also of those that no picture bears."""
        return len(self.class_names)

    @property
    def directory(self):
        """The folder that holds `train` and `val`."""
        return os.path.expanduser(self.name.removeprefix("folder:"))

    def part(self, chosen, split):
        """Returns the pictures that a mask chooses, as a source of their own."""
        encoded = self.encoded
        if encoded is not None:
            encoded = import_tensorflow().boolean_mask(encoded, chosen)
        return dataclasses.replace(
            self,
            split=split,
            paths=self.paths[chosen],
            labels=self.labels[chosen],
            encoded=encoded,
            copies=None if self.copies is None else self.copies[chosen],
        )

    def on_disk(self):
        """Returns the source with its files copied to the user's cache, for `--cache disk`."""
        return dataclasses.replace(self, copies=np.array(copy_files(self.paths.tolist())))

    def in_memory(self):
        """Returns the source with the bytes of its files read once, for `--cache ram`."""
        tf = import_tensorflow()
        contents = []
        for path in self.paths:
            try:
                with open(path, "rb") as file:
                    contents.append(file.read())
            except OSError:
                contents.append(b"")  # found bad when it is decoded
        with tf.device("CPU"):
            return dataclasses.replace(self, encoded=tf.constant(contents))

    def order(self, seed=None, without=()):
        """Returns the indices in a random order, or as they are stored if there is no seed.

        Args:
            seed: of the order.
            without: paths that are left out.
        """
        indices = np.arange(len(self)) if seed is None else permutation(seed, len(self))
        if without:
            bad = np.flatnonzero(np.isin(self.paths, list(without)))
            indices = indices[~np.isin(indices, bad)]
        return indices

    @functools.cached_property
    def _tensors(self):
        tf = import_tensorflow()
        with tf.device("CPU"):
            # A second for each million of paths: once, not in every epoch.
            paths = self.paths if self.copies is None else self.copies
            paths = tf.constant([os.fsencode(path) for path in paths.tolist()], tf.string)
            return paths, tf.constant(self.labels, tf.int32)

    def fetcher(self):
        """Returns a function, index -> (bytes, label), for use in a pipeline."""
        tf = import_tensorflow()
        paths, labels = self._tensors

        def fetch(index):
            if self.encoded is not None:
                return self.encoded[index], labels[index]
            return tf.io.read_file(paths[index]), labels[index]

        return fetch


def read_folder(
    directory: str | os.PathLike, split: str
) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Lists the pictures of one split, in the order of their classes' and their own names.

    The classes are the folders in `train`, whichever split is read. Hidden files are passed over,
    and so are files whose suffix is that of no picture, with a warning that counts them.

    Args:
        directory: the folder that holds `train` and `val`.
        split: "train", or "test" for `val`.

    Returns:
        The paths, the labels `(n,)` int64 and the class names.

    Raises:
        DataError: if a folder is missing, empty or cannot be read, or `val` has a class that
            `train` has not.

    Warns:
        UserWarning: if a class of `train` has no pictures in `val`, or files were passed over.

    Example:
    >>> read_folder("no/such/directory", "train")
    Traceback (most recent call last):
    keras_classics.data.errors.DataError: no/such/directory is not a directory; ...
    """
    directory = os.path.expanduser(directory)
    if not os.path.isdir(directory):
        raise DataError(
            f"{directory} is not a directory; pass --data folder:<directory> with one that holds "
            "train/<class>/ and val/<class>/."
        )
    class_names = tuple(_folders(os.path.join(directory, "train")))
    root = os.path.join(directory, _FOLDERS[split])
    if split != "train":
        _check_known(root, class_names)
    paths, labels, empty, other = [], [], [], 0
    for label, name in enumerate(class_names):
        folder = os.path.join(root, name)
        pictures, others = _pictures(folder) if os.path.isdir(folder) else ([], 0)
        if not pictures and split == "train":
            raise DataError(f"The class folder {folder} holds no pictures; fill it or delete it.")
        paths += pictures
        labels += [label] * len(pictures)
        empty += [] if pictures else [name]
        other += others
    if not paths:
        raise DataError(f"{root} holds no pictures; put them into {root}/<class>/.")
    if empty:
        warnings.warn(
            f"{len(empty):,} of {len(class_names):,} classes have no pictures in {root} "
            f"({_some(empty)}); the error measured there says nothing about them.",
            stacklevel=2,
        )
    if other:
        warnings.warn(
            f"{other:,} files in {root} have no suffix of a picture and are passed over.",
            stacklevel=2,
        )
    return paths, np.array(labels, np.int64), class_names


def _check_known(root: str, class_names: tuple[str, ...]) -> None:
    surplus = sorted(set(_folders(root)) - set(class_names))
    if surplus:
        raise DataError(
            f"{root} has classes that train has not ({_some(surplus)}); a network cannot know "
            "them: add them to train or take them out."
        )


def _folders(root: str) -> list[str]:
    if not os.path.isdir(root):
        raise DataError(
            f"{root} does not exist; a data set of folders needs train/<class>/ and val/<class>/."
        )
    names = sorted(e.name for e in _entries(root) if e.is_dir() and not e.name.startswith("."))
    if not names:
        raise DataError(f"{root} holds no folders; put the pictures into {root}/<class>/.")
    return names


def _pictures(folder: str) -> tuple[list[str], int]:
    names = [e.name for e in _entries(folder) if not e.name.startswith(".") and not e.is_dir()]
    pictures = sorted(name for name in names if name.lower().endswith(_SUFFIXES))
    return [os.path.join(folder, name) for name in pictures], len(names) - len(pictures)


def _entries(folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}); allow it, or pass another --data."
        ) from error


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
