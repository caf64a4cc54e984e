"""Wall time of an epoch of the simplified LeNet-5 on MNIST: our recipe against plain PyTorch.

    python benchmarks/lenet5_epoch.py --data-dir DIR [--rounds 5]

Side by side in one run, round by round, each in a process of its own that trains `--epochs` epochs
after one that is not counted:

    recipe    `train()` as recipes/lenet5_mnist.py calls it, simplified: history, checkpoint and
              figure of every epoch included
    batches   the same model and `fit` on batches that were made before: what the pipeline costs
    pytorch   the same network and batch the way tutorials write it: a Dataset of PIL pictures with
              a per-sample transform (pad, ToTensor, shift), DataLoader with 2 workers, SGD

Prints seconds per epoch, and the ratios of each round, and writes them as JSON with --output.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "recipes"))

BATCH = 128


def simplified():
    """The recipe with every usual simplification: 61,706 parameters, softmax, plain SGD."""
    import keras
    from lenet5_mnist import RECIPE

    from keras_classics.training import vary

    simple = {"connections": "full", "subsampling": "average", "activation": "tanh"}
    return vary(
        RECIPE,
        {
            **{f"model.{name}": value for name, value in simple.items()},
            "model.output": "softmax",
            "loss": partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
            "learning_rate": 0.05,
            "batch_size": BATCH,
            "shuffle": "every_epoch",
            "validation": 0,
        },
    )


def time_recipe(data_dir, epochs):
    """Seconds of each epoch of `train()`, from the end of the one before it to its own end."""
    import keras

    from keras_classics.training import loop, vary

    ends = []

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):  # once an epoch: `train` calls fit for each
            ends.append(time.perf_counter())

    recipe = vary(simplified(), {"epochs": epochs + 2})
    with tempfile.TemporaryDirectory() as run_dir:
        loop.train(recipe, run_dir, data_dir=data_dir, callbacks=[Clock()], verbose=0)
    return [after - before for before, after in itertools.pairwise(ends[1:])]


def time_batches(data_dir, epochs):
    """Seconds of each epoch of `fit` on pre-made batches in memory."""
    import tensorflow as tf

    from keras_classics.data.pipeline import one_epoch
    from keras_classics.data.sources import load
    from keras_classics.training import assemble

    source = load("mnist", "train", data_dir)
    training, _ = assemble(simplified(), source)
    made = list(one_epoch(source, BATCH, seed=0, epoch=0))
    full = [tf.stack([batch[part] for batch in made[:-1]]) for part in (0, 1)]
    dataset = tf.data.Dataset.from_tensor_slices(tuple(full))
    last = tf.data.Dataset.from_tensors(made[-1])
    seconds = []
    for _ in range(epochs + 1):
        start = time.perf_counter()
        training.fit(dataset.concatenate(last).prefetch(2), verbose=0, shuffle=False)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def time_pytorch(data_dir, epochs):
    """Seconds of each epoch of the loop that PyTorch tutorials show."""
    import numpy as np
    import torch
    from PIL import Image

    from keras_classics.data.sources import load

    source = load("mnist", "train", data_dir)

    class Digits(torch.utils.data.Dataset):
        """As torchvision's MNIST: a PIL picture per sample, then the transform."""

        def __len__(self):
            return len(source)

        def __getitem__(self, index):
            picture = Image.fromarray(source.images[index, :, :, 0])
            # ToTensor: to a float tensor in 0 … 1 with the channel first.
            pixels = torch.from_numpy(np.array(picture)).unsqueeze(0).float().div(255)
            pixels = torch.nn.functional.pad(pixels, (2, 2, 2, 2))
            return pixels * 1.275 - 0.1, int(source.labels[index])

    torch.manual_seed(0)
    nn = torch.nn
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten()),
        *(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )
    assert sum(p.numel() for p in network.parameters()) == 61_706
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    loader = torch.utils.data.DataLoader(Digits(), BATCH, shuffle=True, num_workers=2)
    criterion, seconds = nn.CrossEntropyLoss(), []
    for _ in range(epochs + 1):
        start = time.perf_counter()
        correct = 0
        for images, labels in loader:
            optimizer.zero_grad()
            outputs = network(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            correct += (outputs.argmax(1) == labels).sum().item()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


SUBJECTS = {"recipe": time_recipe, "batches": time_batches, "pytorch": time_pytorch}


def measure(subject, arguments):
    """Runs one subject in a process of its own and returns its median epoch in seconds."""
    command = [sys.executable, __file__, "--subject", subject, "--epochs", str(arguments.epochs)]
    command += ["--data-dir", arguments.data_dir] if arguments.data_dir else []
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return statistics.median(json.loads(result.stdout.splitlines()[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3, help="counted epochs of each process")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    parser.add_argument("--subject", choices=SUBJECTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.subject:
        print(json.dumps(SUBJECTS[arguments.subject](arguments.data_dir, arguments.epochs)))
        return
    rounds = []
    for number in range(arguments.rounds):
        row = {subject: measure(subject, arguments) for subject in SUBJECTS}
        row["pytorch / recipe"] = row["pytorch"] / row["recipe"]
        row["(recipe - batches) / recipe"] = (row["recipe"] - row["batches"]) / row["recipe"]
        rounds.append(row)
        print(number + 1, {name: round(value, 3) for name, value in row.items()}, flush=True)
    median = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
    print("median", {name: round(value, 3) for name, value in median.items()})
    if arguments.output:
        text = json.dumps({"median": median, "rounds": rounds}, indent=2)
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
