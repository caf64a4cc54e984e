"""Data sets of TensorFlow Datasets whose pictures have sizes of their own, such as ImageNet."""

import dataclasses
import os
from typing import Any

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in, permutation

_SHUFFLED = 4096  # encoded pictures held back; TFDS has shuffled what it stored


@dataclasses.dataclass(frozen=True, eq=False)
class RecordSource:
    """Labelled, encoded pictures in the record files of TensorFlow Datasets.

    Records have no names by which they could be listed: one that is damaged ends the stream with
    TensorFlow's error, whatever the policy for bad pictures (see `errors_of_pipeline`).

    Args:
        name: name of the data set, as `load` takes it.
        split: "train" or "test".
        class_names: what the labels stand for.
        builder: of TensorFlow Datasets, prepared.
        stored_split: the split's name there.
        keys: those of the picture and of the label.
    """

    name: str
    split: str
    class_names: tuple[str, ...] = dataclasses.field(repr=False)
    builder: Any = dataclasses.field(repr=False)
    stored_split: str
    keys: tuple[str, str] = ("image", "label")

    def __len__(self):
        return self.builder.info.splits[self.stored_split].num_examples

    @property
    def num_classes(self):
        """Number of class names, also of those that no picture bears."""
        return len(self.class_names)

    @property
    def directory(self):
        """The folder of the prepared data set."""
        return os.fspath(self.builder.data_dir)

    def examples(self, seed=None):
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
            read_config=tfds.ReadConfig(
                try_autocache=False,
                interleave_cycle_length=1 if in_order else 16,
                experimental_interleave_sort_fn=None if in_order else shuffled_files,
                add_tfds_id=False,
            ),
        )
        options = tf.data.Options()
        options.deterministic = True
        stored = stored.with_options(options).map(
            lambda example: (example[image], tf.cast(example[label], tf.int32))
        )
        dataset = stored if in_order else tf.data.Dataset.range(1).flat_map(shuffled)
        return dataset.enumerate()
