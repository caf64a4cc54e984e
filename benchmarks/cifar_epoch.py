"""Epochs of ResNet-20 on CIFAR-10: our recipe against the plain PyTorch loop, time and accuracy.

    python -m benchmarks.cifar_epoch --data-dir DIR [--seeds 0 1 2] [--epochs 3] [--output FILE]

Side by side, seed by seed, each in a process of its own on all cores: 45,000 pictures to train on,
5,000 held out (the same on both sides) and measured after every epoch, batches of 128, a border of
4 pixels and a crop of 32, flips, the mean image subtracted, SGD with momentum 0.9, rate 0.1, decay
1e-4 on everything.

    recipe    `train()` as recipes/cifar_resnet_cifar10.py --split 45k calls it, with its history,
              checkpoints and curves
    pytorch   the same network (the transcription that our tests judge it by), channels last; a
              Dataset in memory whose `__getitem__` pads, crops and flips, a DataLoader with two
              workers, and the loop that everybody writes

Prints the seconds of each epoch but the last, from the start of one to the start of the next, the
accuracy on the batches of each epoch as it trained and on the held-out pictures after it, and the
ratio of the medians.
"""

import argparse
import csv
import itertools
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent

BATCH = 128


def run_recipe(data_dir, seed, epochs, pictures, held_out):
    """Returns seconds of the epochs, and accuracies in percent: while training, held out after."""
    import keras

    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.runs import train
    from keras_classics.training import vary

    starts = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            starts.append(time.perf_counter())

    values = {"epochs": epochs, "seed": seed, "validation": held_out, "limit_train": pictures}
    recipe = vary(load_recipe("cifar_resnet_cifar10").RECIPE, values)
    with tempfile.TemporaryDirectory() as run_dir:
        train(recipe, run_dir, data_dir=data_dir, callbacks=[Clock()], verbose=0)
        rows = list(csv.DictReader(Path(run_dir, "history.csv").read_text().splitlines()))
    seconds = [after - before for before, after in itertools.pairwise(starts)]
    return seconds, *([100 - float(row[name]) for row in rows] for name in ("error", "val_error"))


def run_pytorch(data_dir, seed, epochs, pictures, held_out):
    """The same by the loop that everybody writes."""
    import torch

    from keras_classics.data.sources import hold_out, load
    from tests.models.torch_reference import REFERENCES

    torch.manual_seed(seed)
    train_source, held_out = hold_out(load("cifar10", "train", data_dir), held_out)
    if pictures is not None:
        _, train_source = hold_out(train_source, pictures)
    mean = train_source.images.mean(axis=0, dtype="float64").astype("float32")

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, source, augment):
            self.images, self.labels, self.augment = source.images, source.labels, augment

        def __len__(self):
            return len(self.images)

        def __getitem__(self, index):
            image = self.images[index]
            if self.augment:
                image = np.pad(image, ((4, 4), (4, 4), (0, 0)))
                top, left = torch.randint(9, (2,)).tolist()
                image = image[top : top + 32, left : left + 32]
                if torch.rand(()) < 0.5:
                    image = image[:, ::-1]
            pixels = image.astype("float32") - mean
            return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), int(self.labels[index])

    def loader(source, augment):
        return torch.utils.data.DataLoader(
            Pictures(source, augment), BATCH, shuffle=augment, num_workers=2
        )

    network = REFERENCES["cifar_resnet20"](10, 32)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    criterion, starts, accuracies, held_out_accuracies = torch.nn.CrossEntropyLoss(), [], [], []
    for _ in range(epochs):
        starts.append(time.perf_counter())
        network.train()
        right = 0
        for images, labels in loader(train_source, augment=True):
            images = images.contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            logits = network(images)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
            right += (logits.argmax(1) == labels).sum().item()
        accuracies.append(100 * right / len(train_source))
        network.eval()
        with torch.no_grad():
            right = sum(
                (network(images).argmax(1) == labels).sum().item()
                for images, labels in loader(held_out, augment=False)
            )
        held_out_accuracies.append(100 * right / len(held_out))
    seconds = [after - before for before, after in itertools.pairwise(starts)]
    return seconds, accuracies, held_out_accuracies


SIDES = {"recipe": run_recipe, "pytorch": run_pytorch}


def measure(side, seed, options):
    """Runs one side in a process of its own."""
    command = machine.command(
        "cifar_epoch", "--side", side, "--seeds", seed, "--epochs", options.epochs
    )
    command += ["--pictures", str(options.pictures)] if options.pictures else []
    command += ["--held-out", str(options.held_out)]
    command += ["--data-dir", options.data_dir] if options.data_dir else []
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--pictures", type=int, help="train on so many of the 45,000 only")
    parser.add_argument("--held-out", type=int, default=5000, help="pictures measured on")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        options.seeds, options.epochs, options.pictures = [0], 2, 256
        options.held_out = 100
    if options.side:
        sizes = options.epochs, options.pictures, options.held_out
        figures = SIDES[options.side](options.data_dir, options.seeds[0], *sizes)
        print(json.dumps(figures))
        return
    rows = []
    for seed in options.seeds:
        for side in SIDES:
            seconds, training, held_out = measure(side, seed, options)
            rows.append({"seed": seed, "side": side, "seconds": seconds,
                         "accuracy": training, "held_out_accuracy": held_out})  # fmt: skip
            print(f"seed {seed} {side:8} {[round(s) for s in seconds]} s, "
                  f"training {[round(a, 2) for a in training]} %, "
                  f"held out {[round(a, 2) for a in held_out]} %", flush=True)  # fmt: skip
            if options.output:
                options.output.write_text(json.dumps(rows, indent=2) + "\n")
    median = {
        side: statistics.median(s for row in rows if row["side"] == side for s in row["seconds"])
        for side in SIDES
    }
    print(f"pytorch / recipe = {median['pytorch'] / median['recipe']:.2f}, medians {median}")


if __name__ == "__main__":
    main()
