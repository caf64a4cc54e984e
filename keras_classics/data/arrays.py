"""Images in memory -> batches: gathered and transformed as a whole.

Maps over single elements are ten times too slow for digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import parallel_calls, without_autotuning
from keras_classics.data.transforms.transform import in_turn

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

    from keras_classics.types import Transforms


def gathered(
    images: np.ndarray,
    labels: np.ndarray,
    indices: np.ndarray,
    batch_size: int,
    start: int,
    transform: Callable[[Any, slice], Any],
) -> tf.data.Dataset:
    """Returns batches of the images at some indices.

    Args:
        images: uint8 (n, height, width, channels).
        labels: integers (n,).
        indices: which images, in their order; one may come again.
        batch_size: indices in a batch; the last may be smaller.
        start: first batch.
        transform: function (images, where) -> images of the indices in a slice `where`.

    Returns:
        `tf.data.Dataset` of (images (…, height, width, channels), int32 (…,)).
    """
    tf = import_tensorflow()
    with tf.device("CPU"):
        images, labels = tf.constant(images), tf.constant(labels, tf.int32)
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


def transformed(
    transforms: Transforms, seeds: np.ndarray, of_chunk: Callable[[int], Any]
) -> Callable[[Any, slice], Any]:
    """Returns a function (images, where) -> images, as `gathered` wants it.

    Args:
        transforms: functions (images, seeds) -> images, applied in turn, each with seeds of its
            own.
        seeds: uint64 (n,), one for each index.
        of_chunk: see `in_turn`.
    """
    tf = import_tensorflow()
    with tf.device("CPU"):
        steps = [(one, tf.constant(own)) for one, own in in_turn(transforms, seeds, of_chunk)]

    def apply(images, where):
        for transform, own in steps:
            images = transform(images, own[where])
        return images

    return apply
