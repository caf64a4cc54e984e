"""Images of one size, in memory."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.data.arrays import gathered, transformed
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.data.sharding import WHOLE
from keras_classics.data.sources.base import LabelledImages
from keras_classics.data.transforms.transform import seeds_of_chunks

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sharding import Shard
    from keras_classics.types import Transforms


@dataclasses.dataclass(frozen=True, eq=False)
class Source(LabelledImages):
    """Labelled images of one size, in memory, in a fixed order.

    Args:
        name: name of the data set, as `load` takes it.
        split: the part of the data set, see `LabelledImages`.
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

    in_memory = True

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:  # type: ignore[override]
        """(height, width, channels) of every image."""
        return self.images.shape[1:]

    def mean_image(self) -> np.ndarray:
        """Returns the mean of all images, float32 (height, width, channels)."""
        return self.images.mean(axis=0, dtype=np.float64).astype(np.float32)

    def part(self, chosen: np.ndarray, split: str) -> Source:
        """See `LabelledImages`."""
        return dataclasses.replace(
            self, split=split, images=self.images[chosen], labels=self.labels[chosen]
        )

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
        size = len(self)
        indices = np.arange(size) if order_seed is None else permutation(order_seed, size)
        places = shard.places(size, batch_size)
        indices = indices[places]
        of_chunk = seeds_of_chunks(seed, places)
        transform = transformed(transforms, fold_in(seed, indices), of_chunk)
        own = batch_size // shard.processes
        return shard.cut(gathered(self.images, self.labels, indices, own, start, transform))
