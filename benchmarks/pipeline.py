"""Pictures per second of the ImageNet pipelines, on photographs in a folder.

    python -m benchmarks.pipeline FOLDER [--rounds 5] [--repeat 5] [--sides decode alexnet …]
    python -m benchmarks.pipeline FOLDER --calls 1 2 4 8
    python -m benchmarks.pipeline FOLDER --memory

FOLDER holds train/<class>/*.JPEG; its pictures are listed `--repeat` times over. Each figure is of
a process of its own, in turns; inside it one pass warms up and one is counted, in batches of 128,
from the files to the finished batch, with as many cores as there are. The pass ends when its
iterator does.

    decode            read and decode every picture, nothing else: tf.io.decode_jpeg, the same DCT
    alexnet           decode, shorter side to 256, central 256, random 224, flip, colour jitter
    alexnet_tuned     the same with tf.data's autotuner, whose end can be a sleep; to the last batch
    alexnet_uint8     the same without the jitter, which makes the pixels float32
    pytorch           the same as `alexnet` in the usual PyTorch way: DataLoader with a worker for
                      each core, Pillow, NumPy
    googlenet         random area and aspect, 224, flip; decodes the window that is cut out
    googlenet_whole   the same, decoding whole pictures

`--calls` compares numbers of pictures that AlexNet's pipeline makes at a time.

`--memory` runs three epochs of 20,000 pictures through AlexNet's pipeline and prints the resident
memory after each.
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

from benchmarks import machine

BATCH = 128
SIDES = (
    "decode",
    "alexnet",
    "alexnet_tuned",
    "alexnet_uint8",
    "pytorch",
    "googlenet",
    "googlenet_whole",
)


def tensorflow_passes(folder, repeat, side):
    """Yields the pictures of one pass, then of the next, as tf.data batches."""
    import tensorflow as tf

    from keras_classics.data import decoding
    from keras_classics.data.parallelism import parallel_calls, without_autotuning
    from keras_classics.data.pipeline import one_epoch
    from keras_classics.data.transforms import crops
    from keras_classics.data.transforms.color import PCAColorJitter
    from keras_classics.data.transforms.resizing import ResizeShorterSide
    from keras_classics.data.transforms.transform import Transform

    if side == "alexnet_tuned":
        machine.tune_pipelines()
    elif side.startswith("calls_"):
        machine.tune_pipelines(int(side.removeprefix("calls_")))
    source = repeated(folder, repeat)

    @dataclasses.dataclass(frozen=True)
    class Nothing(Transform):
        """Stands before a crop, which then is given whole pictures."""

        def apply(self, image, seed):
            return image

    to_256 = (ResizeShorterSide(256), crops.CenterCrop(256))
    random_224 = (crops.RandomCrop(224), crops.RandomFlip())
    area = (crops.RandomAreaCrop(224), crops.RandomFlip())
    alexnet = (*to_256, *random_224, PCAColorJitter(std=0.1))
    transforms = {
        "alexnet_uint8": (*to_256, *random_224),
        "googlenet": area,
        "googlenet_whole": (Nothing(), *area),
    }
    for epoch in range(1_000_000):
        if side == "decode":
            paths = np.random.default_rng(epoch).permutation(source.paths)
            yield without_autotuning(
                tf.data.Dataset.from_tensor_slices(paths)
                .map(
                    lambda path: tf.io.decode_jpeg(
                        tf.io.read_file(path), channels=3, dct_method=decoding.DCT_METHOD
                    ),
                    num_parallel_calls=parallel_calls(),
                    deterministic=True,
                )
                .prefetch(2)
            )
        else:
            yield one_epoch(
                source, BATCH, seed=0, epoch=epoch, transforms=transforms.get(side, alexnet)
            )


def repeated(folder, repeat):
    """The training pictures of the folder, listed so many times."""
    from keras_classics.data.sources import load

    source = load(f"folder:{folder}", "train")
    return dataclasses.replace(
        source, paths=np.tile(source.paths, repeat), labels=np.tile(source.labels, repeat)
    )


def pytorch_passes(folder, repeat):
    """The usual way, written as in PyTorch's ImageNet example, with AlexNet's jitter."""
    import torch
    from PIL import Image

    torch.set_num_threads(1)
    vectors = np.float32([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140],
                          [-0.5836, -0.6948, 0.4203]])  # fmt: skip
    values = np.float32([0.2175, 0.0188, 0.0045])

    class Pictures(torch.utils.data.Dataset):
        def __init__(self):
            root = os.path.join(folder, "train")
            self.paths = repeat * sorted(
                os.path.join(root, name, file)
                for name in os.listdir(root)
                for file in os.listdir(os.path.join(root, name))
            )

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, index):
            with Image.open(self.paths[index]) as file:
                image = file.convert("RGB")
            scale = 256 / min(image.size)
            width, height = (max(256, round(side * scale)) for side in image.size)
            image = image.resize((width, height), Image.Resampling.BILINEAR)
            left, top = (width - 256) // 2, (height - 256) // 2
            image = image.crop((left, top, left + 256, top + 256))
            left, top = torch.randint(33, (2,)).tolist()
            image = image.crop((left, top, left + 224, top + 224))
            if torch.rand(()) < 0.5:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            alpha = 0.1 * torch.randn(3).numpy()
            pixels = np.asarray(image, "float32") + 255 * vectors @ (alpha * values)
            return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), index

    loader = torch.utils.data.DataLoader(
        Pictures(), BATCH, shuffle=True, num_workers=os.cpu_count(), persistent_workers=True
    )
    while True:
        yield loader


def measure(folder, repeat, side):
    """Returns pictures per second of the second pass."""
    passes = (
        pytorch_passes(folder, repeat)
        if side == "pytorch"
        else tensorflow_passes(folder, repeat, side)
    )
    for _ in range(2):
        count, dataset = 0, next(passes)
        start = time.perf_counter()
        iterator = iter(dataset)
        for element in iterator:
            count += 1 if side == "decode" else len(element[1])
        if side != "alexnet_tuned":
            del iterator
        seconds = time.perf_counter() - start
    return count / seconds


def memory(folder):
    """Prints the resident memory after each of three epochs of 20,000 pictures."""
    import psutil

    process = psutil.Process()
    repeat = -(-20_000 // len(repeated(folder, 1)))
    passes = tensorflow_passes(folder, repeat, "alexnet")
    for epoch in range(3):
        pictures = sum(len(labels) for _, labels in next(passes))
        resident = process.memory_info().rss / 2**20
        print(f"epoch {epoch + 1}: {pictures:,} pictures, {resident:,.0f} MiB resident")


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--calls", nargs="+", type=int, metavar="N", help="compare these numbers")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each pipeline")
    parser.add_argument("--repeat", type=int, default=5, help="how often a picture is listed")
    parser.add_argument("--memory", action="store_true", help="resident memory of three epochs")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.measure:
        return print(json.dumps(measure(options.folder, options.repeat, options.measure)))
    if options.smoke:
        with tempfile.TemporaryDirectory() as scratch:
            options.folder, options.rounds = machine.photographs(scratch), 1
            options.sides = ("decode", "alexnet_tuned", "pytorch", "googlenet_whole")
            return compare(options)
    if options.folder is None:
        parser.error("name a folder of pictures")
    if options.memory:
        return memory(options.folder)
    if options.calls:
        options.sides = [f"calls_{number}" for number in options.calls]
    return compare(options)


def compare(options):
    """Measures each side in turns, each time in a process of its own, and prints the table."""
    found = {side: [] for side in options.sides}
    for number in range(options.rounds):
        for side, rates in found.items():
            words = options.folder, "--measure", side, "--repeat", options.repeat
            command = machine.command("pipeline", *words)
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rates.append(json.loads(output.splitlines()[-1]))
        done = {side: round(rates[-1]) for side, rates in found.items()}
        print(f"round {number + 1}", done, file=sys.stderr, flush=True)
    print("| pipeline | pictures/s, median | of decoding alone | rounds |")
    print("|---|---|---|---|")
    alone = statistics.median(found.get("decode") or [float("nan")])
    for side, rates in found.items():
        median = statistics.median(rates)
        listed = ", ".join(f"{rate:.0f}" for rate in rates)
        print(f"| {side} | {median:.0f} | {100 * median / alone:.0f} % | {listed} |")


if __name__ == "__main__":
    main()
