"""Sources and transforms -> batched, seeded, replayable `tf.data`.

Pictures that fit into memory stay there as uint8; a batch is gathered and transformed as a whole,
since maps over single elements are ten times too slow for digits. Encoded pictures are decoded and
transformed one by one, as many at a time as there are cores.
"""

import contextlib
import dataclasses
import re
import weakref

import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.crops import RandomAreaCrop
from keras_classics.data.decoding import decode
from keras_classics.data.errors import DataError
from keras_classics.data.folder import FileSource
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.data.sources import Source
from keras_classics.data.transform import Transform, in_turn

# What a seed is for; numbers, so that the streams of one recipe never meet.
_ORDER, _TRANSFORMS = 0, 1


@dataclasses.dataclass(frozen=True)
class Share:
    """The part of every batch that one process makes, and the pieces that it comes in.

    Args:
        process: number of this process.
        processes: how many share each batch in equal parts.
        multiple: batches are cut to a multiple of this, which only shows in an epoch's last one.
        pieces: each batch comes in so many equal pieces, one after the other.

    Example:
        >>> from keras_classics.data.pipeline import Share
        >>> share = Share(process=1, processes=2, multiple=4)
        >>> share.places(size=15, batch_size=8).tolist()
        [4, 5, 6, 7, 10, 11]
    """

    process: int = 0
    processes: int = 1
    multiple: int = 1
    pieces: int = 1

    def places(self, size, batch_size):
        """Returns the places in an epoch's order, of `size` pictures, that are this process'."""
        places = np.arange(size)
        rest = size % batch_size
        whole = size - rest % self.multiple
        of_batch = np.where(places < size - rest, batch_size, rest - rest % self.multiple)
        part = of_batch // self.processes
        first = self.process * part
        inside = places % batch_size
        return places[(places < whole) & (first <= inside) & (inside < first + part)]

    def batches(self, size, batch_size):
        """Returns how many batches an epoch of `size` pictures has."""
        return size // batch_size + (size % batch_size >= self.multiple)

    def cut(self, dataset):
        """Returns the batches of this process cut to the multiple, and into pieces."""
        multiple = self.multiple // self.processes
        if multiple == 1:
            return dataset
        tf = import_tensorflow()

        def whole(*batch):
            size = tf.size(batch[-1])
            return tuple(part[: size - size % multiple] for part in batch)

        def pieces(*batch):
            shapes = [tf.concat([[self.pieces, -1], tf.shape(part)[1:]], 0) for part in batch]
            return tuple(tf.reshape(*pair) for pair in zip(batch, shapes, strict=True))

        specs = dataset.element_spec
        dataset = dataset.map(whole).filter(lambda *batch: tf.size(batch[-1]) > 0)
        if self.pieces == 1:
            return dataset
        shapes = [(None, None, *spec.shape[1:]) for spec in specs]
        return dataset.map(
            lambda *batch: tuple(map(tf.ensure_shape, pieces(*batch), shapes))
        ).unbatch()


WHOLE = Share()


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
        return _stream(source, batch_size, None, 0, 0, transforms, bad)
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


def error_of_pipeline(error, bad, name):
    """Returns the DataError that an exception from a pipeline stands for, or None.

    What is raised inside arrives in TensorFlow's words, together with errors of the network.

    Args:
        error: the exception.
        bad: the `BadImages` of the pipeline.
        name: what to call the data set.
    """
    if bad.error is not None:
        return bad.error
    is_of_tensorflow = type(error).__module__.startswith("tensorflow")
    if is_of_tensorflow and re.search("corrupted record|JPEG|DataError", str(error)):
        return DataError(f"A picture of {name} is damaged ({_words(error)}); prepare it again.")
    return None


def _words(error):
    """What an exception says, without the classes and nodes that TensorFlow puts in front."""
    return re.sub(r"^(\{\{.*?\}\} |\w+Error: )*", "", str(error)).partition("\n")[0]


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
        return _stream(source, batch_size, order_seed, epoch_seed, start, transforms, bad, share)
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


def _stream(source, batch_size, order_seed, epoch_seed, start, transforms, bad, share=WHOLE):
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
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    if is_files:
        dataset = account.keep(dataset.ignore_errors().batch(part))
    else:
        dataset = dataset.batch(part).map(lambda images, labels, _: (images, labels))
    return share.cut(dataset).prefetch(2)


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
