"""Sources and transforms -> batched, seeded, replayable `tf.data`.

What a seed is for is decided here; how images become batches, by where a source keeps them: see
`arrays` for those in memory and `encoded` for all others. `parallelism` says how many at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_classics.data.arrays import gathered, transformed
from keras_classics.data.bad_images import BadImages
from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.data.sharding import WHOLE
from keras_classics.data.transforms.transform import seeds_of_chunks
from keras_classics.data.transforms.wrappers import in_epoch

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_classics.data.sharding import Shard
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.data.sources.memory import Source
    from keras_classics.types import Transforms

# What a seed is for; numbers, so that the streams of one recipe never meet.
_ORDER, _TRANSFORMS = 0, 1


def in_order(
    source: LabelledImages,
    batch_size: int,
    transforms: Transforms = (),
    bad: BadImages | None = None,
) -> tf.data.Dataset:
    """Returns batches (images, labels) of the whole source, each image once, as it is stored.

    Args:
        source: a `Source`, `FileSource` or `RecordSource`.
        batch_size: images in a batch; the last may be smaller.
        transforms: functions (images, seeds) -> images that draw nothing.
        bad: `BadImages`, for files.

    Returns:
        `tf.data.Dataset` of (images (n, height, width, channels), int32 (n,)): uint8 unless a
        transform made them fractional.
    """
    return source.batches(batch_size, transforms=transforms, bad=bad)


def images_at(
    source: LabelledImages, indices: Sequence[int], transforms: Transforms = ()
) -> np.ndarray:
    """Returns some images of a source, e.g. to show them.

    Args:
        source: a `Source`, `FileSource` or `RecordSource`.
        indices: positions in it, in any order.
        transforms: functions (images, seeds) -> images that draw nothing and make one size.

    Returns:
        Array (n, height, width, channels).

    Raises:
        DataError: if one of them cannot be decoded.
    """
    wanted, places = np.unique(np.asarray(indices, np.int64), return_inverse=True)
    part = source.part(wanted, source.split)
    bad, batches = BadImages(), []
    with contextlib.suppress(import_tensorflow().errors.OpError):
        batches = [images.numpy() for images, _ in in_order(part, 1, transforms, bad)]
    if len(batches) < len(wanted):
        what = "".join([f" ({path} {reason})" for path, reason in bad.reasons.items()][:1])
        raise DataError(f"Images of {source.name} cannot be read any more{what}.")
    return np.concatenate(batches)[places] if batches else np.zeros((0, 1, 1, 3), np.uint8)


def one_epoch(
    source: LabelledImages,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    start: int = 0,
    shuffle: str = "every_epoch",
    transforms: Transforms = (),
    bad: BadImages | None = None,
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Returns the batches (images, labels) of one training epoch.

    Args:
        source: a `Source`, `FileSource` or `RecordSource`.
        batch_size: images in a batch; the last of the epoch may be smaller.
        seed: the recipe's seed.
        epoch: number of the epoch, from 0.
        start: first step; the steps before it are skipped without being computed.
        shuffle: "every_epoch", or "once" for one random order that all epochs share.
        transforms: functions (images, seeds) -> images, applied in turn to each batch, or to each
            image where they are of different sizes.
        bad: `BadImages`, for files; those that cannot be decoded are left out.
        shard: the `Shard` of this process.

    Returns:
        `tf.data.Dataset` of (images (n, height, width, channels), int32 (n,)): uint8 unless a
        transform made them fractional.
    """
    order_seed = fold_in(fold_in(seed, _ORDER), epoch if shuffle == "every_epoch" else 0)
    return source.batches(
        batch_size,
        order_seed=order_seed,
        seed=fold_in(fold_in(seed, _TRANSFORMS), epoch),
        start=start,
        transforms=in_epoch(transforms, epoch),
        bad=bad,
        shard=shard,
    )


def one_pass_of_copies(
    source: Source,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    copies: int,
    start: int = 0,
    transforms: Transforms = (),
    shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Returns one pass over part of a fixed, larger training set of distorted copies.

    The set holds the originals and `copies` − 1 transformed copies of each, in one random order.
    A pass is as long as the originals: pass 0 takes the first part, and after `copies` passes the
    set begins again with the same images (LeNet-5, section III-B: 60,000 originals and 540,000
    distorted, 20 passes of 60,000 patterns).

    Args:
        source: a `Source`, in memory.
        batch_size: images in a batch; the last of the pass may be smaller.
        seed: the recipe's seed.
        epoch: number of the pass, from 0.
        copies: size of the set as a multiple of the source.
        start: first step.
        transforms: functions (images, seeds) -> images that make a copy.
        shard: the `Shard` of this process.

    Returns:
        `tf.data.Dataset` of (float32 (n, height, width, channels), int32 (n,)).

    Raises:
        DataError: if the images are not in memory.
    """
    if not source.in_memory:
        raise DataError(
            f"`copies` must be 1 where images are not in memory, as those of {source.name}. "
            f"Received: copies={copies}"
        )
    tf = import_tensorflow()
    size, part = len(source), epoch % copies
    patterns = permutation(fold_in(seed, _ORDER), size * copies)[part * size : (part + 1) * size]
    places = shard.places(size, batch_size)
    patterns = patterns[places]
    copy, indices = patterns // size, patterns % size
    own = fold_in(seed, _TRANSFORMS)
    # A chunk is one of the fixed set, which has it again in every round.
    of_chunk = seeds_of_chunks(fold_in(fold_in(own, copies), part), places)
    seeds = fold_in(fold_in(own, copy), indices)
    distort = transformed(in_epoch(transforms, epoch), seeds, of_chunk)
    original = tf.constant(copy == 0)

    def transform(images, where):
        keep = original[where][:, tf.newaxis, tf.newaxis, tf.newaxis]
        images = tf.cast(images, tf.float32)
        return tf.where(keep, images, distort(images, where))

    own = batch_size // shard.processes
    return shard.cut(gathered(source.images, source.labels, indices, own, start, transform))
