"""Encoded images -> batches: read, decoded and transformed one by one on their way."""

import contextlib
import os
import re

import numpy as np

from keras_classics.data.decoding import decode
from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import parallel_calls, without_autotuning
from keras_classics.data.randomness import fold_in
from keras_classics.data.transforms.crops import RandomAreaCrop
from keras_classics.data.transforms.transform import Transform, in_turn


def made(elements, example):
    """Makes examples, several at a time and in their order; an error ends them.

    Args:
        elements: `tf.data.Dataset`.
        example: function of an element -> (image, label).
    """
    tf = import_tensorflow()
    example = tf.autograph.experimental.do_not_convert(example)
    return elements.map(example, num_parallel_calls=parallel_calls(), deterministic=True)


def made_or_left_out(indices, example, note):
    """Makes examples as `made` does, and leaves out those that end in an error.

    Args:
        indices: `tf.data.Dataset` of integers.
        example: function of an index -> (image, label).
        note: function of an index that is left out -> False.
    """
    tf = import_tensorflow()
    example = tf.autograph.experimental.do_not_convert(example)

    def attempt(index):
        """A dataset of one: what is made of the index, or nothing where that is an error."""
        good = tf.data.Dataset.from_tensors(index).map(example).ignore_errors()
        nothing = [tf.zeros([n or 0 for n in s.shape], s.dtype) for s in good.element_spec]
        bad = tf.data.Dataset.from_tensors((False, index, *nothing))
        return good.map(lambda image, label: (True, index, image, label)).concatenate(bad).take(1)

    def is_good(good, index, image, label):
        return tf.cond(good, lambda: True, lambda: note(index))

    calls = parallel_calls()
    attempts = indices.interleave(
        tf.autograph.experimental.do_not_convert(attempt),
        cycle_length=calls,
        num_parallel_calls=calls,
        deterministic=True,
    )
    good = attempts.filter(tf.autograph.experimental.do_not_convert(is_good))
    return good.map(lambda good, index, image, label: (image, label))


def in_batches(examples, batch_size, shard):
    """Returns batches of examples, of which each process makes its shard."""
    batches = shard.cut(examples.batch(batch_size // shard.processes))
    return without_autotuning(batches.prefetch(2))


def image_maker(transforms, seed):
    """Returns a function (encoded, index) -> image: all transforms in one step through Python.

    Args:
        transforms: each a `Transform`.
        seed: of the transforms; an image's own depends on its index too.

    Raises:
        DataError: for a transform of whole batches.
    """
    tf = import_tensorflow()
    for transform in transforms:
        if not isinstance(transform, Transform):
            raise DataError(
                f"{type(transform).__name__} transforms images in memory only; take it out of "
                "`train_transforms`, or choose data whose images have one size."
            )
    crop = transforms[0] if transforms and isinstance(transforms[0], RandomAreaCrop) else None

    def transformed(image, index):
        steps = in_turn(transforms, fold_in(seed, index))
        if crop:  # what it would cut out is all that was decoded
            image = crop.resize(image, next(steps)[1])
        for transform, own in steps:
            image = transform.apply(image, own)
        return np.ascontiguousarray(image)

    def patch(height, width, index):
        return np.int32(crop.patch(height, width, fold_in(seed, index)))

    dtype, sides = np.uint8, (None, None)
    for transform in transforms:
        dtype, sides = transform.dtype or dtype, transform.sides(*sides)

    def make(encoded, index):
        window = crop and (
            lambda *sides: tf.numpy_function(patch, [*sides, index], tf.int32, stateful=False)
        )
        image = decode(encoded, window)
        if transforms:
            image = tf.numpy_function(transformed, [image, index], dtype, stateful=False)
        return tf.ensure_shape(image, (*sides, 3))

    return make


def note_in(bad, *, of, known, make):
    """Returns a function (path, index) -> False that takes note of an image that is left out.

    TensorFlow never forgets a Python function that a pipeline calls. This one therefore holds
    nothing that is as large as a source: the path comes with the image.

    Args:
        bad: the `BadImages`.
        of: how many images the source has.
        known: how many of them were bad before.
        make: see `image_maker`.
    """
    found = set()

    def note(path, index):
        path = os.fsdecode(path)
        found.add(int(index))
        number = known + len(found)
        bad.add(path, of=of, number=number, explain=lambda: _why(make, path, index))
        return np.False_

    return note


def _why(make, path, index):
    """Makes an image once more, to hear what is wrong with it."""
    tf = import_tensorflow()
    try:
        with tf.device("CPU"):
            make(tf.io.read_file(path), tf.constant(index))
    except (tf.errors.OpError, ValueError) as error:
        return _words(error)
    return "could not be read at first"


@contextlib.contextmanager
def errors_of_pipeline(bad, name):
    """Raises a DataError in the place of what comes out of a pipeline for a bad image.

    What is raised inside arrives in TensorFlow's words, together with errors of the network.

    Args:
        bad: the `BadImages` of the pipeline.
        name: what to call the data set.
    """
    try:
        yield
    except Exception as error:
        if bad.error is not None:
            raise bad.error from error
        is_of_tensorflow = type(error).__module__.startswith("tensorflow")
        if is_of_tensorflow and re.search("corrupted record|JPEG|DataError", str(error)):
            raise DataError(
                f"An image of {name} is damaged ({_words(error)}); prepare it again."
            ) from error
        raise


def _words(error):
    """What an exception says, without the classes and nodes that TensorFlow puts in front."""
    return re.sub(r"^(\{\{.*?\}\} |\w+Error: )*", "", str(error)).partition("\n")[0]
