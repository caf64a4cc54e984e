"""Sources and transforms -> batched, seeded, replayable `tf.data`.

Pictures stay in memory as uint8; a batch is gathered and transformed as a whole, since maps over
single elements are ten times too slow for digits.
"""

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in, permutation

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
        batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return dataset.prefetch(tf.data.AUTOTUNE)


def in_order(source, batch_size):
    """Returns batches (images, labels) of the whole source, each picture once, as it is stored.

    Args:
        source: a `Source`.
        batch_size: pictures in a batch; the last may be smaller.

    Returns:
        `tf.data.Dataset` of (uint8 (n, height, width, channels), int32 (n,)).
    """
    indices = np.arange(len(source))
    return _batches(source, indices, batch_size, 0, lambda images, where: images)


def one_epoch(source, batch_size, *, seed, epoch, start=0, shuffle="every_epoch", transforms=()):
    """Returns the batches (images, labels) of one training epoch.

    Args:
        source: a `Source`.
        batch_size: pictures in a batch; the last of the epoch may be smaller.
        seed: the recipe's seed.
        epoch: number of the epoch, from 0.
        start: first step; the steps before it are skipped without being computed.
        shuffle: "every_epoch", or "once" for one random order that all epochs share.
        transforms: functions (images, seeds) -> images, applied in turn to each batch.

    Returns:
        `tf.data.Dataset` of (images (n, height, width, channels), int32 (n,)): uint8 unless a
        transform made them fractional.
    """
    size = len(source)
    order_seed = fold_in(fold_in(seed, _ORDER), epoch if shuffle == "every_epoch" else 0)
    indices = permutation(order_seed, size)
    seeds = fold_in(fold_in(fold_in(seed, _TRANSFORMS), epoch), indices)
    return _batches(source, indices, batch_size, start, _in_turn(transforms, seeds))


def one_pass_of_copies(source, batch_size, *, seed, epoch, copies, start=0, transforms=()):
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

    Returns:
        `tf.data.Dataset` of (float32 (n, height, width, channels), int32 (n,)).
    """
    tf = import_tensorflow()

    size, part = len(source), epoch % copies
    patterns = permutation(fold_in(seed, _ORDER), size * copies)[part * size : (part + 1) * size]
    copy, indices = patterns // size, patterns % size
    seeds = fold_in(fold_in(fold_in(seed, _TRANSFORMS), copy), indices)
    distort, original = _in_turn(transforms, seeds), tf.constant(copy == 0)

    def transform(images, where):
        keep = original[where][:, tf.newaxis, tf.newaxis, tf.newaxis]
        images = tf.cast(images, tf.float32)
        return tf.where(keep, images, distort(images, where))

    return _batches(source, indices, batch_size, start, transform)


def _in_turn(transforms, seeds):
    def apply(images, where):
        for transform in transforms:
            images = transform(images, seeds[where])
        return images

    return apply
