"""What the benchmarks share: flags, pictures to try them with, and how busy the machine is."""

import argparse
import datetime
import importlib.metadata
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python-headless")


def parser(docstring):
    """An argument parser with the first line of a docstring, the rest below, and `--smoke`."""
    first, _, rest = docstring.partition("\n")
    made = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--smoke", action="store_true", help="see in seconds that it runs; its figures say nothing"
    )
    return made


def photographs(folder, count=8):
    """Writes a few small pictures as folders of classes; returns the folder."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype="uint8")
    picture = Image.fromarray(pixels).resize((400, 300))
    for split in ("train", "val"):
        for number in range(count):
            path = Path(folder, "pictures", split, f"class_{number % 2}", f"{number}.JPEG")
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
    return str(Path(folder, "pictures"))


def command(name, *words):
    """The words that start a benchmark in a process of its own."""
    return [sys.executable, "-m", f"benchmarks.{name}", *map(str, words)]


def described():
    """The date, the versions and the cores, in one line."""
    found = {name: _version(name) for name in _PACKAGES}
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    today = datetime.date.today().isoformat()
    return f"{today}; Python {platform.python_version()}, {versions}; {os.cpu_count()} cores."


def _version(name):
    """Returns the version of a package; None where it is not installed, as TensorFlow may not."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def spin(seconds=2.0):
    """Returns how many turns of a loop all cores do in a second when they spin at once.

    The share of a busy or throttled machine that is left for a benchmark, by comparison with the
    same number when it is idle.
    """
    cores = os.cpu_count()
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(_turns, [0.01] * cores, chunksize=1)  # the processes are there
        return sum(pool.map(_turns, [seconds] * cores, chunksize=1)) / seconds


def _turns(seconds):
    end, turns = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        turns += 1
    return turns


def load_average():
    """The number of busy processes of the last minute."""
    return os.getloadavg()[0]


def seconds_of(words, environment, folder):
    """Seconds from the start of a process to its end; where it fails, this one ends with why."""
    start = time.perf_counter()
    done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    return seconds


def spread(values):
    """Returns (largest − smallest) / median."""
    return (max(values) - min(values)) / statistics.median(values)


def tune_pipelines(calls=None):
    """Makes the package's pipelines in this process as they were with tf.data's autotuner.

    Args:
        calls: a number of parallel calls in place of the tuner's choice; then it stays off.
    """
    import tensorflow as tf

    from keras_classics.data import encoded, pipeline

    for module in (encoded, pipeline):
        module.parallel_calls = lambda: calls or tf.data.AUTOTUNE
        if calls is None:
            module.without_autotuning = lambda dataset: dataset
