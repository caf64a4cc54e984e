"""What every source of labelled images answers for itself."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_classics import checks
from keras_classics.data.errors import DataError
from keras_classics.data.sharding import WHOLE

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sharding import Shard
    from keras_classics.types import Shape, Transforms

CACHES = ("none", "ram", "disk")


class LabelledImages(abc.ABC):
    """Labelled images in a fixed order, wherever they are kept.

    What reads a source asks it, never for its class. A new kind of source is a dataclass with the
    fields `name` (of the data set, as `load` takes it), `split` and `class_names`; it has a length,
    gives batches and parts, and says below where it differs. As they stand here, the answers are
    those of encoded images of any sizes.

    The split is "train", "test", "validation" (training images held out to choose by), or
    "held-out" (training images held out to measure by, where a data set has no test split).

    Attributes:
        images: uint8 (n, height, width, channels), of a source in memory; the others have none.
        labels: int64 (n,), positions in `class_names`; a stream has none.
        in_memory: whether the images are arrays of one size in memory; each of the others is read
            when it is wanted, and decoded to three channels.
        is_stream: whether the images are read one after the other, so that labels are known only
            as they come and no part can be held out by them.
        is_published: whether the name is that of a published data set, not of somebody's folder.
        image_shape: (height, width, channels) of every image, None where they differ.
        names: by which the images are told from others of the same data set, where they have some.
    """

    name: str
    split: str
    class_names: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    in_memory = False
    is_stream = False
    is_published = True
    image_shape: Shape = (None, None, 3)
    names: Sequence[str] = ()

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
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
        """Returns each image once, in batches.

        What is drawn for an image depends on `seed` and on its position in the source alone.

        Args:
            batch_size: images in a batch of all processes; the last may be smaller.
            order_seed: of the random order; None for the stored one.
            seed: of the transforms.
            start: first batch; those before it are skipped without being computed.
            transforms: functions (images, seeds) -> images, applied in turn.
            bad: `BadImages`, for files; those that cannot be decoded are left out.
            shard: the `Shard` of this process.

        Returns:
            `tf.data.Dataset` of (images (n, height, width, channels), int32 (n,)).
        """

    @abc.abstractmethod
    def part(self, chosen: np.ndarray, split: str) -> LabelledImages:
        """Returns some of the images, as a source of their own.

        Args:
            chosen: a mask, or positions in ascending order.
            split: what to call the part.
        """

    @property
    def num_classes(self) -> int:
        """Number of class names, also of those that no image bears."""
        return len(self.class_names)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self.image_shape[-1]

    def positions(self, bad: BadImages | None) -> np.ndarray:
        """Returns the positions of the images that come without an `order_seed`, int64 (n,).

        Args:
            bad: the `BadImages` that are left out.
        """
        return np.arange(len(self))

    def cached(self, how: str) -> LabelledImages:
        """Returns the source with its files kept where they are read faster.

        Args:
            how: "ram" for the files' bytes in memory, "disk" for copies in the user's cache, "none"
                for neither. A source that does not consist of files stays as it is.

        Raises:
            DataError: if there is no such way, or the cache has no room.
        """
        checks.choice("cache", how, CACHES, DataError)
        return self
