"""Files of encoded images, read when they are wanted."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.encoded import MissingImages, image_maker, made, without_missing
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import without_autotuning
from keras_classics.data.randomness import permutation
from keras_classics.data.sharding import WHOLE
from keras_classics.data.sources.base import LabelledImages
from keras_classics.data.sources.local_copies import copy_files

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_classics.data.sharding import Shard
    from keras_classics.types import Transforms


@dataclasses.dataclass(frozen=True, eq=False)
class FileSource(LabelledImages):
    """Labelled image files of any sizes, in a fixed order, read when they are wanted.

    Args:
        name: name of the data set, as `load` takes it.
        split: see `LabelledImages`.
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

    is_published = False

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def directory(self) -> str:
        """The folder that holds `train` and `val`."""
        return os.path.expanduser(self.name.removeprefix("folder:"))

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """The paths of the files inside of the folder."""
        return [os.path.relpath(path, self.directory) for path in self.paths]

    def part(self, chosen: np.ndarray, split: str) -> FileSource:
        """See `LabelledImages`."""
        encoded = self.encoded
        if encoded is not None:
            encoded = import_tensorflow().gather(encoded, np.arange(len(self))[chosen])
        return dataclasses.replace(
            self,
            split=split,
            paths=self.paths[chosen],
            labels=self.labels[chosen],
            encoded=encoded,
            copies=None if self.copies is None else self.copies[chosen],
        )

    def cached(self, how: str) -> FileSource:
        """See `LabelledImages`."""
        super().cached(how)
        if how == "disk":
            return dataclasses.replace(self, copies=np.array(copy_files(self.paths.tolist())))
        if how == "ram":
            with import_tensorflow().device("CPU"):
                contents = import_tensorflow().constant([_content(path) for path in self.paths])
                return dataclasses.replace(self, encoded=contents)
        return self

    def order(self, seed: int | None = None, without: Iterable[str] = ()) -> np.ndarray:
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

    def positions(self, bad: BadImages | None) -> np.ndarray:
        """See `LabelledImages`."""
        return self.order(without=() if bad is None else bad.reasons)

    def batches(
        self,
        batch_size: int,
        *,
        order_seed: int | None = None,
        seed: int = 0,
        start: int = 0,
        transforms: Transforms = (),
        bad: BadImages | None = None,
        shard: Shard = WHOLE,
    ) -> tf.data.Dataset:
        """See `LabelledImages`."""
        tf = import_tensorflow()
        bad = BadImages() if bad is None else bad
        order = self.order(order_seed, without=bad.reasons)
        size = batch_size // shard.processes
        indices = order[shard.places(len(order), batch_size)][start * size :]
        make, fetch = image_maker(transforms, seed), self.fetcher()
        # Of the order with the bad ones: which of them are known by now changes no place.
        place_of = np.argsort(self.order(order_seed))
        missing = MissingImages(bad, self.paths, indices, len(self) - len(order), make)

        def example(place, element):
            index, place_in_epoch = element
            encoded, label = fetch(index)
            return make(encoded, index, place_in_epoch), label, place

        elements = tf.data.Dataset.from_tensor_slices((indices, place_of[indices])).enumerate()
        batches = made(elements, example).ignore_errors().batch(size)
        return without_autotuning(shard.cut(without_missing(batches, missing)).prefetch(2))

    @functools.cached_property
    def _tensors(self):
        """The paths, the files that are read for them, and the labels."""
        tf = import_tensorflow()
        with tf.device("CPU"):
            # A second for each million of paths: once, not in every epoch.
            paths, labels = _strings(self.paths), tf.constant(self.labels, tf.int32)
            return paths, paths if self.copies is None else _strings(self.copies), labels

    def fetcher(self) -> Callable[[Any], tuple[Any, Any]]:
        """Returns a function, index -> (bytes, label), for use in a pipeline."""
        tf = import_tensorflow()
        _, files, labels = self._tensors

        def fetch(index):
            if self.encoded is not None:
                return self.encoded[index], labels[index]
            return tf.io.read_file(files[index]), labels[index]

        return fetch


def _strings(paths):
    tf = import_tensorflow()
    return tf.constant([os.fsencode(path) for path in paths.tolist()], tf.string)


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""  # found bad when it is decoded
