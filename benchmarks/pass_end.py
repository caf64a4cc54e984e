"""How long after its last batch a pass over each kind of pipeline ends.

    python -m benchmarks.pass_end FOLDER [--passes 50] [--data mnist --data-dir DIR]
    python -m benchmarks.pass_end FOLDER --memory

FOLDER holds train/<class>/*.JPEG, listed five times over. Of every kind of pipeline that the
package builds, `--passes` passes are taken of three lengths, with and without transforms, in turns;
every fifth is left half-way. The clock runs from the last batch to the end of the iterator:

    memory     pictures in memory, an epoch of training: in whole batches, as the share of one
               process of two, and in four pieces a batch
    copies     a pass over distorted copies
    order      pictures in memory in their stored order, as they are measured
    files      picture files, an epoch of training; without transforms one by one in their order,
               as the mean image reads them
    records    the same from record files of TensorFlow Datasets
    mirrored   an epoch from memory, distributed by MirroredStrategy over two processors

"tuned" is the same pass with tf.data's autotuner on. The bar is 0.1 s; the exit status says whether
it was kept. `--memory` prints the resident memory over 200 passes of each kind.
"""

import io
import itertools
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import machine
from benchmarks.pipeline import repeated
from keras_classics.compat import untuned_device_iterators
from keras_classics.data.pipeline import in_order, one_epoch, one_pass_of_copies
from keras_classics.data.sharding import Shard
from keras_classics.data.sources import load
from keras_classics.data.sources.records import RecordSource
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.crops import RandomAreaCrop, RandomFlip

BAR = 0.1  # seconds
LENGTHS = 1.0, 0.5, 0.1  # of the whole source
DISTORT = (RandomAffine(translation=1.0, scale=0.1, squeeze=0.1, shear=0.1),)
CROP = (RandomAreaCrop(224), RandomFlip())


def record_source(files, folder):
    """Puts the pictures of a `FileSource` into record files of TensorFlow Datasets."""
    import tensorflow_datasets as tfds

    class BenchmarkPictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            label = tfds.features.ClassLabel(names=list(files.class_names))
            features = {"image": tfds.features.Image(encoding_format="jpeg"), "label": label}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, _):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for number, (path, label) in enumerate(zip(files.paths, files.labels, strict=True)):
                content = io.BytesIO(Path(path).read_bytes())
                yield number, {"image": content, "label": int(label)}

    builder = BenchmarkPictures(data_dir=folder)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=4))
    return RecordSource(
        "benchmark_pictures", "train", files.class_names, builder, "train", ("image", "label")
    )


def kinds(memory, files, records):
    """Returns {kind: function (pass, share of the source, transforms?) -> dataset}."""
    strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
    shards = {
        "memory": Shard(),
        "memory, share of two": Shard(process=1, processes=2, multiple=2),
        "memory, four pieces": Shard(multiple=4, pieces=4),
    }

    def part(source, length):
        size = int(length * len(source))
        return source.part(np.arange(len(source)) < size, source.split)

    def epoch(shard):
        return lambda number, length, transforms: one_epoch(
            part(memory, length), 64, seed=0, epoch=number, shard=shard, transforms=transforms
        )

    def streamed(source, number, transforms):
        if not transforms:  # of different sizes
            return in_order(source, 1)
        return one_epoch(source, 64, seed=0, epoch=number, transforms=CROP)

    return {
        **{name: epoch(shard) for name, shard in shards.items()},
        "copies": lambda number, length, transforms: one_pass_of_copies(
            part(memory, length), 64, seed=0, epoch=number, copies=10, transforms=transforms
        ),
        "order": lambda number, length, transforms: in_order(part(memory, length), 500, transforms),
        "files": lambda number, length, transforms: streamed(
            part(files, length), number, transforms
        ),
        "records": lambda number, length, transforms: streamed(records, number, transforms).take(
            max(1, int(length * len(records) / (64 if transforms else 1)))
        ),
        "mirrored": lambda number, length, transforms: strategy.experimental_distribute_dataset(
            epoch(Shard(multiple=2))(number, length, transforms)
        ),
    }


def seconds_of(dataset, leave_after=None):
    """Returns the seconds of a pass to its last batch, and from there to its end."""
    start = time.perf_counter()
    iterator = iter(dataset)
    count = sum(1 for _ in itertools.islice(iterator, leave_after))
    last = time.perf_counter()
    del iterator
    return last - start, time.perf_counter() - last, count


def take_passes(make, passes):
    """Returns (seconds, seconds to the end) of passes of all lengths, some left half-way."""
    found = []
    for number in range(passes):
        length, transforms = LENGTHS[number % 3], DISTORT * (number % 2)
        dataset = make(number, length, transforms)
        seconds, end, count = seconds_of(dataset)
        if number % 5 == 4:
            seconds, end, _ = seconds_of(dataset, leave_after=count // 2)
        found.append((seconds, end))
    return found


def tuned(make):
    """The same pipelines with tf.data's autotuner on."""
    options = tf.data.Options()
    options.autotune.enabled = True
    return lambda *arguments: make(*arguments).with_options(options)


def compare(found, passes):
    """Prints the table; returns whether the bar was kept."""
    kept = True
    print(
        "| pipeline | longest pass, s | latest end, s | over 0.1 s | tuned: latest | over 0.1 s |"
    )
    print("|---|---|---|---|---|---|")
    for name, make in found.items():
        with untuned_device_iterators():
            ours = take_passes(make, passes)
        theirs = [] if name == "mirrored" else take_passes(tuned(make), passes)
        columns = [f"{max(seconds for seconds, _ in ours):.2f}"]
        for side in (ours, theirs):
            ends = [end for _, end in side]
            late = sum(end > BAR for end in ends)
            columns += [f"{max(ends):.3f}", f"{late} of {passes}"] if ends else ["–", "–"]
        kept &= max(end for _, end in ours) <= BAR
        print(f"| {name} | {' | '.join(columns)} |", flush=True)
    return kept


def memory_of(found, passes):
    """Prints the resident memory over the passes of each kind."""
    import psutil

    process = psutil.Process()
    print(f"| pipeline | MiB resident after {passes // 4} passes | half | three quarters | all |")
    print("|---|---|---|---|---|")
    for name, make in found.items():
        resident = []
        for quarter in range(4):
            for number in range(quarter * passes // 4, (quarter + 1) * passes // 4):
                seconds_of(make(number, 0.1, DISTORT))
            resident.append(f"{process.memory_info().rss / 2**20:,.0f}")
        print(f"| {name} | {' | '.join(resident)} |", flush=True)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--data", default="mnist_5k", help="pictures in memory")
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--passes", type=int, default=50, help="of each kind")
    parser.add_argument("--memory", action="store_true", help="resident memory over 200 passes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    processor = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, two)
    with tempfile.TemporaryDirectory() as scratch:
        folder = machine.photographs(scratch) if options.smoke else options.folder
        if folder is None:
            parser.error("name a folder of pictures")
        files = repeated(folder, 1 if options.smoke or options.memory else 5)
        memory = load(options.data, "train", options.data_dir)
        if options.smoke:
            memory = memory.part(np.arange(len(memory)) < 640, "train")
        found = kinds(memory, files, record_source(files, Path(scratch, "tfds")))
        if options.memory:
            memory_of(found, 8 if options.smoke else 200)
            return 0
        in_time = compare(found, 2 if options.smoke else options.passes)
        return 0 if in_time or options.smoke else 1  # a smoke's figures say nothing


if __name__ == "__main__":
    sys.exit(main())
