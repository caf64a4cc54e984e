"""Which part of each batch a process makes, where several train together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Shard:
    """The part of every batch that one process makes, and the pieces that it comes in.

    Args:
        process: number of this process.
        processes: how many share each batch in equal parts.
        multiple: batches are cut to a multiple of this, which only shows in an epoch's last one.
        pieces: each batch comes in so many equal pieces, one after the other.

    Example:
        >>> from keras_classics.data.sharding import Shard
        >>> shard = Shard(process=1, processes=2, multiple=4)
        >>> shard.places(size=15, batch_size=8).tolist()
        [4, 5, 6, 7, 10, 11]
    """

    process: int = 0
    processes: int = 1
    multiple: int = 1
    pieces: int = 1

    def places(self, size: int, batch_size: int) -> np.ndarray:
        """Returns the places in an epoch's order, of `size` images, that are this process'."""
        places = np.arange(size)
        rest = size % batch_size
        whole = size - rest % self.multiple
        of_batch = np.where(places < size - rest, batch_size, rest - rest % self.multiple)
        part = of_batch // self.processes
        first = self.process * part
        inside = places % batch_size
        return places[(places < whole) & (first <= inside) & (inside < first + part)]

    def batches(self, size: int, batch_size: int) -> int:
        """Returns how many batches an epoch of `size` images has."""
        return size // batch_size + (size % batch_size >= self.multiple)

    def cut(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Returns the batches of this process cut to the multiple, and into pieces."""
        multiple = self.multiple // self.processes
        if multiple == 1:
            return dataset
        tf = import_tensorflow()

        def whole(*batch):
            size = tf.size(batch[-1])
            return tuple(part[: size - size % multiple] for part in batch)

        def pieces(*batch):
            shapes = [tf.concat([[self.pieces, -1], tf.shape(part)[1:]], 0) for part in batch]
            return tuple(tf.reshape(*pair) for pair in zip(batch, shapes, strict=True))

        specs = dataset.element_spec
        dataset = dataset.map(whole).filter(lambda *batch: tf.size(batch[-1]) > 0)
        if self.pieces == 1:
            return dataset
        shapes = [(None, None, *spec.shape[1:]) for spec in specs]
        return dataset.map(
            lambda *batch: tuple(map(tf.ensure_shape, pieces(*batch), shapes))
        ).unbatch()


WHOLE = Shard()
