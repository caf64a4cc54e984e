"""Data sets of TensorFlow Datasets whose images have sizes of their own, such as ImageNet."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.data.encoded import image_maker, made
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import (
    parallel_calls,
    untuned_options,
    without_autotuning,
)
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.data.sharding import WHOLE
from keras_classics.data.sources.base import LabelledImages

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sharding import Shard
    from keras_classics.types import Transforms

_SHUFFLED = 4096  # encoded images held back; TFDS has shuffled what it stored


@dataclasses.dataclass(frozen=True, eq=False)
class RecordSource(LabelledImages):
    """Labelled, encoded images in the record files of TensorFlow Datasets.

    Records have no names by which they could be listed: one that is damaged ends the stream with
    TensorFlow's error, whatever the policy for bad images (see `errors_of_pipeline`).

    Args:
        name: name of the data set, as `load` takes it.
        split: "train" or "test".
        class_names: what the labels stand for.
        builder: of TensorFlow Datasets, prepared.
        stored_split: the split's name there.
        keys: those of the image and of the label.
    """

    name: str
    split: str
    class_names: tuple[str, ...] = dataclasses.field(repr=False)
    builder: Any = dataclasses.field(repr=False)
    stored_split: str
    keys: tuple[str, str] = ("image", "label")

    is_stream = True

    def __len__(self) -> int:
        return self.builder.info.splits[self.stored_split].num_examples

    @property
    def directory(self) -> str:
        """The folder of the prepared data set."""
        return os.fspath(self.builder.data_dir)

    def part(self, chosen: np.ndarray, split: str) -> RecordSource:
        """See `LabelledImages`; the other records pass by without being decoded."""
        places = np.arange(len(self))[chosen]
        return _SomeRecords(**{**vars(self), "split": split}, whole=self, places=places)

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
        """See `LabelledImages`."""
        tf = import_tensorflow()
        make = image_maker(transforms, seed)
        # A part of the records has places of its own beside those that it has in the whole.
        records = self.examples(order_seed).enumerate().skip(start * batch_size)
        if shard.processes > 1:
            mine = np.zeros(len(self), bool)
            mine[shard.places(len(self), batch_size)] = True
            with tf.device("CPU"):
                mine = tf.constant(mine)
            records = records.filter(lambda place, _: mine[place])

        def example(place, record):
            index, (encoded, label) = record
            return make(encoded, index, place), label

        batches = made(records, example).batch(batch_size // shard.processes)
        return without_autotuning(shard.cut(batches).prefetch(2))

    def examples(self, seed: int | None = None) -> tf.data.Dataset:
        """Returns a `tf.data.Dataset` of (position, (bytes, label)).

        In a random order, which is a function of the seed alone: the files are permuted, sixteen
        of them read in turns, and what comes is shuffled among 4,096. Without a seed, in the
        stored order.
        """
        tf = import_tensorflow()
        import tensorflow_datasets as tfds

        def shuffled_files(files):
            return [files[number] for number in permutation(fold_in(seed, 0), len(files))]

        @tf.autograph.experimental.do_not_convert
        def shuffled(_):
            # Of the graph of this function: else the order would depend on the process's seed too.
            tf.random.set_seed(0)
            number = int(fold_in(seed, 1)) % 2**31  # tf.data takes a positive int64
            return stored.shuffle(_SHUFFLED, seed=number, reshuffle_each_iteration=False)

        in_order = seed is None
        image, label = self.keys
        stored = self.builder.as_dataset(
            split=self.stored_split,
            decoders={image: tfds.decode.SkipDecoding()},
            read_config=read_config(
                files_at_a_time=1 if in_order else 16,
                experimental_interleave_sort_fn=None if in_order else shuffled_files,
            ),
        )
        stored = stored.map(lambda example: (example[image], tf.cast(example[label], tf.int32)))
        dataset = stored if in_order else tf.data.Dataset.range(1).flat_map(shuffled)
        return without_autotuning(dataset.enumerate())  # those inside `flat_map` do not count


@dataclasses.dataclass(frozen=True, eq=False)
class _SomeRecords(RecordSource):
    whole: Any = dataclasses.field(default=None, repr=False)
    places: Any = dataclasses.field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.places)

    def examples(self, seed: int | None = None) -> tf.data.Dataset:
        tf = import_tensorflow()

        def is_wanted(place, _):
            return tf.reduce_any(place == self.places)

        return self.whole.examples(seed).filter(is_wanted).take(len(self))


def read_config(files_at_a_time: int = 1, **options: Any) -> Any:
    """Returns how TensorFlow Datasets shall read: the same in each run, and nothing tuned.

    Args:
        files_at_a_time: how many files it reads in turns; 1 gives the stored order.
        **options: of `tfds.ReadConfig`, besides.
    """
    import tensorflow_datasets as tfds

    reading = untuned_options()
    reading.deterministic = True
    return tfds.ReadConfig(
        options=reading,
        try_autocache=False,
        num_parallel_calls_for_decode=parallel_calls(),
        interleave_cycle_length=files_at_a_time,
        num_parallel_calls_for_interleave_files=min(files_at_a_time, parallel_calls()),
        skip_prefetch=True,  # of a size that the tuner would choose
        **options,
    )
