"""SIGKILL at random instants: does a run end as one that was never killed?

    python -m benchmarks.robustness.kills [--kills 12] [--tasks lenet5 cifar_resnet search]
    python -m benchmarks.robustness.kills --backends jax --output FILE

For each task and backend an undisturbed run comes first. Then, as often as `--kills` says, the same
in a new directory is killed at an instant drawn uniformly from the time that took, and continued by
the same command. Equal means: the history, every array of the last checkpoint (weights, optimizer,
metrics) and the final figures are those of the undisturbed run, value by value; in a search those
of each trial, and the order of the trials. The exit status says whether all were.

Every run is a process of its own, and the clock starts when it has imported everything; the
pictures of the residual network are random ones in a folder.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import machine

TASKS = ("lenet5", "cifar_resnet", "search")
BACKENDS = ("tensorflow", "jax", "torch")
_CHECKPOINTS = 1 / 600  # minutes between two inside an epoch


def random_pictures(folder):
    """Writes 96 pictures of 32×32 to train on, and 20 to measure."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 96), ("val", 20)):
        for number in range(count):
            path = Path(folder, split, "ab"[number % 2], f"{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), "uint8")).save(path)


def tasks(folder):
    """Returns {name: function of a directory} of what is killed."""
    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.data.transforms.crops import CenterCrop
    from keras_classics.runs import train
    from keras_classics.training import vary
    from keras_classics.tuning import make_tuner

    digits = {"dataset": "mnist_5k", "validation": 100, "limit_train": 480, "epochs": 3}
    lenet5 = vary(load_recipe("lenet5_mnist").RECIPE, digits)
    pictures = {
        "dataset": f"folder:{folder}", "epochs": 3, "batch_size": 16, "model.depth": 8,
        # The pictures of a folder have any size until a transform says which.
        "test_transforms": (CenterCrop(32),),
    }  # fmt: skip
    residual = vary(load_recipe("cifar_resnet_cifar10").RECIPE, pictures)

    def run(recipe):
        return lambda path: train(recipe, path, verbose=0, checkpoint_minutes=_CHECKPOINTS)

    def space(hp):
        hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")

    def search(path):
        make_tuner(
            "random", lenet5, space, path, trials=2, checkpoint_minutes=_CHECKPOINTS
        ).search(verbose=0)  # fmt: skip

    return {"lenet5": run(lenet5), "cifar_resnet": run(residual), "search": search}


def started(task, folder, path):
    """Starts a task in a process of its own, and waits until it has imported everything."""
    words = ("--tasks", task, "--folder", folder, "--directory", path)
    with open(Path(folder, "log"), "a") as log:
        process = subprocess.Popen(
            machine.command("robustness.kills", *words),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    process.stdout.readline()
    return process


def ended(process):
    """Waits for a process; returns its exit status, −9 where it was killed."""
    process.communicate()
    return process.returncode


def outcome(directory):
    """Returns what must be equal, of a run or of all runs of a search."""
    runs = sorted(Path(directory).glob("trial_*/run")) or [Path(directory)]
    scores = [
        json.loads(path.read_text())["score"] for path in sorted(directory.glob("trial_*/*.json"))
    ]
    found = {"scores": scores}
    for number, run in enumerate(runs):
        for name in ("history.csv", "metrics.json"):
            found[f"{number}/{name}"] = (run / name).read_text()
        with np.load(sorted((run / "checkpoints").glob("epoch-*.npz"))[-1]) as file:
            for name in set(file.files) - {"state", "checksum"}:  # which hold times
                found[f"{number}/{name}"] = (str(file[name].dtype), file[name].tobytes())
    return found


def cell(task, kills, seed, folder):
    """Kills one task so often; returns how often it continued, and ended equal."""
    random_pictures(Path(folder, "pictures"))
    rng, whole, path = random.Random(seed), Path(folder, "whole"), Path(folder, "killed")
    process, begun = started(task, folder, whole), time.perf_counter()
    if ended(process):
        sys.exit(Path(folder, "log").read_text())
    duration = time.perf_counter() - begun
    killed = continued = equal = 0
    while killed < kills:
        shutil.rmtree(path, ignore_errors=True)
        process = started(task, folder, path)
        time.sleep(rng.uniform(0, duration))
        process.kill()
        if ended(process) != -signal.SIGKILL:
            continue  # it had ended before
        killed += 1
        if ended(started(task, folder, path)) == 0:
            continued += 1
            equal += outcome(path) == outcome(whole)
    return {"kills": killed, "continued": continued, "equal": equal, "seconds": duration}


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--kills", type=int, default=12, help="of each task on each backend")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--output", type=Path, help="also write the table there")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        options.kills, options.tasks, options.backends = 1, ("lenet5",), ("tensorflow",)
    if options.directory:
        function = tasks(Path(options.folder, "pictures"))[options.tasks[0]]
        print("begun", flush=True)
        function(options.directory)
        return
    lines = [
        "| task | backend | kills | continued | equal | undisturbed, s |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    all_equal = True
    for task in options.tasks:
        for backend in options.backends:
            os.environ["KERAS_BACKEND"] = backend
            with tempfile.TemporaryDirectory() as folder:
                found = cell(task, options.kills, options.seed, folder)
            all_equal &= found["equal"] == found["kills"]
            figures = f"{found['kills']} | {found['continued']} | {found['equal']}"
            lines.append(f"| {task} | {backend} | {figures} | {found['seconds']:.1f} |")
            print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")
    sys.exit(not all_equal)


if __name__ == "__main__":
    main()
