"""Encoded images -> batches: read, decoded and transformed one by one on their way."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.data.decoding import decode
from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import parallel_calls
from keras_classics.data.randomness import fold_in
from keras_classics.data.transforms.crops import RandomAreaCrop
from keras_classics.data.transforms.transform import Transform, in_turn, seeds_of_chunks

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_classics.data.bad_images import BadImages


def made(elements: tf.data.Dataset, example: Callable[..., tuple[Any, ...]]) -> tf.data.Dataset:
    """Makes examples, several at a time and in their order.

    Args:
        elements: `tf.data.Dataset`.
        example: function of an element -> tuple of tensors.
    """
    example = import_tensorflow().autograph.experimental.do_not_convert(example)
    return elements.map(example, num_parallel_calls=parallel_calls(), deterministic=True)


def without_missing(batches: tf.data.Dataset, missing: MissingImages) -> tf.data.Dataset:
    """Takes note of the examples that are missing in batches, as `ignore_errors` drops them.

    It drops without a word, but the places of those that come have a gap. How far they have come is
    kept by the iterator: who breaks off and begins anew has no gap.

    Args:
        batches: `tf.data.Dataset` of (images, labels, places); places ascend from 0.
        missing: the `MissingImages` that takes note.

    Returns:
        `tf.data.Dataset` of (images, labels).
    """
    tf = import_tensorflow()
    *specs, _ = batches.element_spec
    # Behind the last place comes a batch of nothing: what is missing before it shows there.
    nothing = [tf.zeros([side or 0 for side in spec.shape], spec.dtype) for spec in specs]
    end = tf.data.Dataset.from_tensors((*nothing, tf.constant([len(missing.indices)], tf.int64)))
    # TensorFlow never forgets a Python function that it calls: it shall not hold the indices.
    noting = weakref.ref(missing)

    def check(reached, batch, _kept_by_the_dataset=missing):
        images, labels, places = batch
        following = tf.numpy_function(
            lambda *places: noting().note(*places), [reached, places], tf.int64
        )
        return tf.ensure_shape(following, ()), (images, labels)

    checked = batches.concatenate(end).scan(np.int64(0), check)
    return checked.filter(lambda _, labels: tf.size(labels) > 0)


def image_maker(transforms: Sequence[Any], seed: int) -> Callable[[Any, Any, Any], Any]:
    """Returns a function (encoded, index, place) -> image: all transforms in one step of Python.

    Args:
        transforms: each a `Transform`.
        seed: of the transforms; an image's own depends on its index too, and a chunk's on its place
            in the order of the epoch.

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

    def transformed(image, index, place):
        steps = in_turn(transforms, fold_in(seed, index), seeds_of_chunks(seed, place))
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

    def make(encoded, index, place):
        window = crop and (
            lambda *sides: tf.numpy_function(patch, [*sides, index], tf.int32, stateful=False)
        )
        image = decode(encoded, window)
        if transforms:
            image = tf.numpy_function(transformed, [image, index, place], dtype, stateful=False)
        return tf.ensure_shape(image, (*sides, 3))

    return make


@dataclasses.dataclass(eq=False)
class MissingImages:
    """Takes note of the images that do not come where they should.

    Args:
        bad: the `BadImages`.
        paths: of all images of the source.
        indices: which of them should come, in their order.
        known: how many of the source's were bad before.
        make: see `image_maker`.
    """

    bad: Any
    paths: np.ndarray
    indices: np.ndarray
    known: int
    make: Callable

    def __post_init__(self) -> None:
        self.found: set[int] = set()

    def note(self, reached: int, places: np.ndarray) -> int:
        """Notes what is missing from `reached` to the last place; returns the one behind it."""
        for place in np.setdiff1d(np.arange(reached, places[-1]), places):
            index = self.indices[place]
            self.found.add(int(index))
            self.bad.add(
                str(self.paths[index]),
                of=len(self.paths),
                number=self.known + len(self.found),
                explain=lambda index=index: self._why(index),
            )
        return places[-1] + 1

    def _why(self, index):
        """Makes an image once more, to hear what is wrong with it."""
        tf = import_tensorflow()
        try:
            with tf.device("CPU"):
                encoded = tf.io.read_file(os.fsencode(self.paths[index]))
                self.make(encoded, tf.constant(index), tf.constant(0))  # wherever it stands
        except (tf.errors.OpError, ValueError) as error:
            return _words(error)
        return "could not be read at first"


@contextlib.contextmanager
def errors_of_pipeline(bad: BadImages, name: str) -> Iterator[None]:
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
            raise DataError(str(bad.error)) from error
        is_of_tensorflow = type(error).__module__.startswith("tensorflow")
        if is_of_tensorflow and re.search("corrupted record|JPEG|DataError", str(error)):
            raise DataError(
                f"An image of {name} is damaged ({_words(error)}); prepare it again."
            ) from error
        raise


def _words(error):
    """What an exception says, without the classes and nodes that TensorFlow puts in front."""
    return re.sub(r"^(\{\{.*?\}\} |\w+Error: )*", "", str(error)).partition("\n")[0]
