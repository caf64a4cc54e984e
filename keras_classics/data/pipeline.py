"""Sources and transforms -> batched, seeded, replayable `tf.data`.

Pictures that fit into memory stay there as uint8; a batch is gathered and transformed as a whole,
since maps over single elements are ten times too slow for digits. Encoded pictures are decoded and
transformed one by one (see `encoded`). `parallelism` says how many at a time.
"""

import contextlib
import dataclasses

import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.encoded import stream
from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import parallel_calls, without_autotuning
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.data.sharding import WHOLE
from keras_classics.data.sources import Source
from keras_classics.data.sources.folder import FileSource
from keras_classics.data.transforms.transform import in_turn

# What a seed is for; numbers, so that the streams of one recipe never meet.
_ORDER, _TRANSFORMS = 0, 1


def _batches(source, indices, batch_size, start, transform):
    tf = import_tensorflow()
    with tf.device("CPU"):
        images, labels = tf.constant(source.images), tf.constant(source.labels, tf.int32)
        indices = tf.constant(indices)

    @tf.autograph.experimental.do_not_convert
    def batch(step):
        where = slice(step * batch_size, (step + 1) * batch_size)
        chosen = indices[where]
        return transform(tf.gather(images, chosen), where), tf.gather(labels, chosen)

    steps = -(-len(indices) // batch_size)
    dataset = tf.data.Dataset.range(start, steps).map(
        batch, num_parallel_calls=parallel_calls(), deterministic=True
    )
    return without_autotuning(dataset.prefetch(2))


def in_order(source, batch_size, transforms=(), bad=None):
    """Returns batches (images, labels) of the whole source, each picture once, as it is stored.

    Args:
        source: a `Source`, `FileSource` or `RecordSource`.
        batch_size: pictures in a batch; the last may be smaller.
        transforms: functions (images, seeds) -> images that draw nothing.
        bad: `BadImages`, for files.

    Returns:
        `tf.data.Dataset` of (images (n, height, width, channels), int32 (n,)): uint8 unless a
        transform made them fractional.
    """
    if not isinstance(source, Source):
        return stream(source, batch_size, None, 0, 0, transforms, bad)
    indices = np.arange(len(source))
    transform = _in_turn(transforms, np.zeros(len(source), np.uint64))
    return _batches(source, indices, batch_size, 0, transform)


def pictures_at(source, indices, transforms=()):
    """Returns some pictures of a source, e.g. to show them.

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
    labels = np.zeros(len(wanted), np.int64)
    if isinstance(source, Source):
        part = dataclasses.replace(source, images=source.images[wanted], labels=labels)
    elif isinstance(source, FileSource):
        paths = source.paths[wanted]
        part = dataclasses.replace(source, paths=paths, labels=labels, encoded=None)
    else:
        part = _Records(source, wanted)
    bad, batches = BadImages(), []
    with contextlib.suppress(import_tensorflow().errors.OpError):
        batches = [images.numpy() for images, _ in in_order(part, 1, transforms, bad)]
    if len(batches) < len(wanted):
        what = "".join([f" ({path} {reason})" for path, reason in bad.reasons.items()][:1])
        raise DataError(f"Pictures of {source.name} cannot be read any more{what}.")
    return np.concatenate(batches)[places] if batches else np.zeros((0, 1, 1, 3), np.uint8)


@dataclasses.dataclass(frozen=True)
class _Records:
    """Some of the records of a `RecordSource`; the others pass by without being decoded."""

    source: object
    wanted: np.ndarray

    def examples(self, seed=None):
        tf = import_tensorflow()

        def is_wanted(position, _):
            return tf.reduce_any(position == self.wanted)

        return self.source.examples(seed).filter(is_wanted).take(len(self.wanted))


def one_epoch(
    source,
    batch_size,
    *,
    seed,
    epoch,
    start=0,
    shuffle="every_epoch",
    transforms=(),
    bad=None,
    share=WHOLE,
):
    """Returns the batches (images, labels) of one training epoch.

    Args:
        source: a `Source`, `FileSource` or `RecordSource`.
        batch_size: pictures in a batch; the last of the epoch may be smaller.
        seed: the recipe's seed.
        epoch: number of the epoch, from 0.
        start: first step; the steps before it are skipped without being computed.
        shuffle: "every_epoch", or "once" for one random order that all epochs share.
        transforms: functions (images, seeds) -> images, applied in turn to each batch, or to each
            picture where they are of different sizes.
        bad: `BadImages`, for files; those that cannot be decoded are left out.
        share: the `Share` of this process.

    Returns:
        `tf.data.Dataset` of (images (n, height, width, channels), int32 (n,)): uint8 unless a
        transform made them fractional.
    """
    size = len(source)
    order_seed = fold_in(fold_in(seed, _ORDER), epoch if shuffle == "every_epoch" else 0)
    if not isinstance(source, Source):
        epoch_seed = fold_in(fold_in(seed, _TRANSFORMS), epoch)
        return stream(source, batch_size, order_seed, epoch_seed, start, transforms, bad, share)
    indices = permutation(order_seed, size)[share.places(size, batch_size)]
    seeds = fold_in(fold_in(fold_in(seed, _TRANSFORMS), epoch), indices)
    part = batch_size // share.processes
    return share.cut(_batches(source, indices, part, start, _in_turn(transforms, seeds)))


def one_pass_of_copies(
    source, batch_size, *, seed, epoch, copies, start=0, transforms=(), share=WHOLE
):
    """Returns one pass over part of a fixed, larger training set of distorted copies.

    The set holds the originals and `copies` − 1 transformed copies of each, in one random order.
    A pass is as long as the originals: pass 0 takes the first part, and after `copies` passes the
    set begins again with the same pictures (LeNet-5, section III-B: 60,000 originals and 540,000
    distorted, 20 passes of 60,000 patterns).

    Args:
        source: a `Source`.
        batch_size: pictures in a batch; the last of the pass may be smaller.
        seed: the recipe's seed.
        epoch: number of the pass, from 0.
        copies: size of the set as a multiple of the source.
        start: first step.
        transforms: functions (images, seeds) -> images that make a copy.
        share: the `Share` of this process.

    Returns:
        `tf.data.Dataset` of (float32 (n, height, width, channels), int32 (n,)).
    """
    tf = import_tensorflow()

    size, part = len(source), epoch % copies
    patterns = permutation(fold_in(seed, _ORDER), size * copies)[part * size : (part + 1) * size]
    patterns = patterns[share.places(size, batch_size)]
    copy, indices = patterns // size, patterns % size
    seeds = fold_in(fold_in(fold_in(seed, _TRANSFORMS), copy), indices)
    distort, original = _in_turn(transforms, seeds), tf.constant(copy == 0)

    def transform(images, where):
        keep = original[where][:, tf.newaxis, tf.newaxis, tf.newaxis]
        images = tf.cast(images, tf.float32)
        return tf.where(keep, images, distort(images, where))

    return share.cut(_batches(source, indices, batch_size // share.processes, start, transform))


def _in_turn(transforms, seeds):
    """Returns (images, where) -> images; each transform draws from seeds of its own."""
    tf = import_tensorflow()
    with tf.device("CPU"):
        steps = [(transform, tf.constant(own)) for transform, own in in_turn(transforms, seeds)]

    def apply(images, where):
        for transform, own in steps:
            images = transform(images, own[where])
        return images

    return apply
