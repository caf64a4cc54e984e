"""Encoded pictures -> batches: read, decoded and transformed one by one on their way."""

import contextlib
import re
import weakref

import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.decoding import decode
from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import parallel_calls, without_autotuning
from keras_classics.data.randomness import fold_in
from keras_classics.data.sharding import WHOLE
from keras_classics.data.sources.folder import FileSource
from keras_classics.data.transforms.crops import RandomAreaCrop
from keras_classics.data.transforms.transform import Transform, in_turn


def stream(source, batch_size, order_seed, epoch_seed, start, transforms, bad, share=WHOLE):
    """Batches of encoded pictures; those before `start` are skipped without being decoded."""
    tf = import_tensorflow()
    bad = BadImages() if bad is None else bad
    picture = _picture(transforms, epoch_seed)
    is_files = isinstance(source, FileSource)
    part = batch_size // share.processes
    if is_files:
        order = source.order(order_seed, without=bad.reasons)
        indices = order[share.places(len(order), batch_size)]
        known = len(source) - len(order)
        account = _Account(source, indices[start * part :], known, bad, picture)
        dataset = tf.data.Dataset.from_tensor_slices(account.indices).enumerate()
        fetch = source.fetcher()
    else:
        dataset = source.examples(order_seed).skip(start * batch_size)
        if share.processes > 1:
            mine = np.zeros(len(source), bool)
            mine[share.places(len(source), batch_size)] = True
            with tf.device("CPU"):
                mine = tf.constant(mine)
            dataset = dataset.filter(lambda place, _: mine[place])

    def example(place, what):
        index, (encoded, label) = (what, fetch(what)) if is_files else (place, what)
        return picture(encoded, index), label, place

    dataset = dataset.map(
        tf.autograph.experimental.do_not_convert(example),
        num_parallel_calls=parallel_calls(),
        deterministic=True,
    )
    if is_files:
        dataset = account.keep(dataset.ignore_errors().batch(part))
    else:
        dataset = dataset.batch(part).map(lambda images, labels, _: (images, labels))
    return without_autotuning(share.cut(dataset).prefetch(2))


def _picture(transforms, epoch_seed):
    """Returns (encoded, index) -> image: all the transforms in one step through Python."""
    tf = import_tensorflow()
    for transform in transforms:
        if not isinstance(transform, Transform):
            raise DataError(
                f"{type(transform).__name__} transforms pictures in memory only; take it out of "
                "`train_transforms`, or choose data whose pictures have one size."
            )
    crop = transforms[0] if transforms and isinstance(transforms[0], RandomAreaCrop) else None

    def transformed(image, index):
        steps = in_turn(transforms, fold_in(epoch_seed, index))
        if crop:  # what it would cut out is all that was decoded
            image = crop.resize(image, next(steps)[1])
        for transform, seed in steps:
            image = transform.apply(image, seed)
        return np.ascontiguousarray(image)

    def patch(height, width, index):
        return np.int32(crop.patch(height, width, fold_in(epoch_seed, index)))

    dtype, sides = np.uint8, (None, None)
    for transform in transforms:
        dtype, sides = transform.dtype or dtype, transform.sides(*sides)

    def picture(encoded, index):
        window = crop and (
            lambda *sides: tf.numpy_function(patch, [*sides, index], tf.int32, stateful=False)
        )
        image = decode(encoded, window)
        if transforms:
            image = tf.numpy_function(transformed, [image, index], dtype, stateful=False)
        return tf.ensure_shape(image, (*sides, 3))

    return picture


class _Account:
    """Takes note of the pictures that do not come where they should."""

    def __init__(self, source, indices, known, bad, picture):
        self.source, self.indices, self.bad, self.picture = source, indices, bad, picture
        self.known, self.found = known, set()

    def keep(self, batches):
        """Lets batches (images, labels, places) pass, where places are 0, 1, … with gaps."""
        tf = import_tensorflow()
        *specs, _ = batches.element_spec
        # The end: a batch of nothing in the place of one more picture.
        nothing = [tf.zeros([side or 0 for side in spec.shape], spec.dtype) for spec in specs]
        end = tf.data.Dataset.from_tensors((*nothing, tf.constant([len(self.indices)], tf.int64)))

        # TensorFlow never forgets a function that it calls: it shall not hold all the indices.
        account = weakref.ref(self)

        def note(place, batch, _kept_by_the_dataset=self):
            images, labels, places = batch
            following = tf.numpy_function(
                lambda *places: account()._note(*places), [place, places], tf.int64
            )
            return tf.ensure_shape(following, ()), (images, labels)

        # The place is kept by the iterator: who breaks off and begins anew is accused of nothing.
        noted = batches.concatenate(end).scan(np.int64(0), note)
        return noted.filter(lambda _, labels: tf.size(labels) > 0)

    def _note(self, place, places):
        for missing in np.setdiff1d(np.arange(place, places[-1]), places):
            index = self.indices[missing]
            self.found.add(int(index))
            self.bad.add(
                str(self.source.paths[index]),
                of=len(self.source),
                number=self.known + len(self.found),
                explain=lambda index=index: self._explain(index),
            )
        return places[-1] + 1

    def _explain(self, index):
        """Makes the picture once more to hear what is wrong with it."""
        tf = import_tensorflow()
        try:
            with tf.device("CPU"):
                encoded, _ = self.source.fetcher()(index)
                self.picture(encoded, tf.constant(index))
        except (tf.errors.OpError, ValueError) as error:
            return _words(error)
        return "could not be read at first"


@contextlib.contextmanager
def errors_of_pipeline(bad, name):
    """Raises a DataError in the place of what comes out of a pipeline for a bad picture.

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
                f"A picture of {name} is damaged ({_words(error)}); prepare it again."
            ) from error
        raise


def _words(error):
    """What an exception says, without the classes and nodes that TensorFlow puts in front."""
    return re.sub(r"^(\{\{.*?\}\} |\w+Error: )*", "", str(error)).partition("\n")[0]
