"""Data sets of TensorFlow Datasets whose pictures have sizes of their own, such as ImageNet."""

import dataclasses
import os
from typing import Any

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in

_SHUFFLED = 4096  # encoded pictures held back; TFDS has shuffled what it stored


@dataclasses.dataclass(frozen=True, eq=False)
class RecordSource:
    """Labelled, encoded pictures in the record files of TensorFlow Datasets.

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

        image, label = self.keys
        # What TFDS and tf.data take as a seed is a positive int64.
        numbers = None if seed is None else [int(fold_in(seed, n)) % 2**31 for n in range(2)]
        dataset = self.builder.as_dataset(
            split=self.stored_split,
            shuffle_files=seed is not None,
            decoders={image: tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(
                try_autocache=False,
                shuffle_seed=numbers and numbers[0],
                interleave_cycle_length=1 if seed is None else 16,
                add_tfds_id=False,
            ),
        )
        options = tf.data.Options()
        options.deterministic = True
        dataset = dataset.with_options(options)
        if numbers:
            dataset = dataset.shuffle(_SHUFFLED, seed=numbers[1], reshuffle_each_iteration=False)
        return dataset.map(
            lambda example: (example[image], tf.cast(example[label], tf.int32))
        ).enumerate()
