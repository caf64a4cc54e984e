"""What has to touch private names of others, each with its reason and a test in test_compat.py."""

import contextlib


@contextlib.contextmanager
def untuned_device_iterators():
    """Lets the passes of `MirroredStrategy` on processors end when their data ends.

    The strategy puts a dataset of its own in front of each device, with default options whatever
    ours are; on a processor tf.data's autotuner then runs for it and its end can sleep like others
    (see `keras_classics.data.parallelism`). On a GPU none runs: TensorFlow adds it to what is
    iterated on a processor. TensorFlow 2.21 has no public way to give these datasets options.
    """
    import tensorflow as tf
    from tensorflow.python.data.ops import multi_device_iterator_ops

    theirs = multi_device_iterator_ops._create_device_dataset
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    multi_device_iterator_ops._create_device_dataset = lambda *parts: theirs(*parts).with_options(
        untuned
    )
    try:
        yield
    finally:
        multi_device_iterator_ops._create_device_dataset = theirs
