"""Wall time of an epoch of the simplified LeNet-5 on MNIST: our recipe against plain PyTorch.

    python -m benchmarks.lenet5_epoch --data-dir DIR [--rounds 5]
    python -m benchmarks.lenet5_epoch --data-dir DIR --published [--rounds 2]
    python -m benchmarks.lenet5_epoch --data-dir DIR --before CHECKOUT [--rounds 20]

Side by side in one run, round by round, each in a process of its own that trains `--epochs` epochs
after one that is not counted:

    recipe    `train()` as recipes/lenet5_mnist.py calls it, simplified: history, checkpoint and
              figure of every epoch included
    executed  the same with `--steps-per-execution 16`
    batches   the same model and `fit` on batches that were made before: what the pipeline costs
    pytorch   the same network and batch the way tutorials write it: a Dataset of PIL pictures with
              a per-sample transform (pad, ToTensor, shift), DataLoader with 2 workers, SGD

Prints seconds per epoch, their medians and ratios, and writes them as JSON with --output.

`--published` compares twenty passes of the published recipe with the same with tf.data's autotuner
on, whose thread can sleep at the end of a pass: seconds of the whole of `train()`, and of a pass.

`--before` compares passes of the published recipe with those of another checkout's. Both processes
run at once and take turns, a pass each: one is stopped (SIGSTOP) while the other goes on, so that
the machine's slow minutes meet both.
"""

import argparse
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import machine

BATCH = 128


def simplified():
    """The recipe with every usual simplification: 61,706 parameters, softmax, plain SGD."""
    import keras

    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.training import vary

    simple = {"connections": "full", "subsampling": "average", "activation": "tanh"}
    return vary(
        load_recipe("lenet5_mnist").RECIPE,
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


def time_train(recipe, data_dir, compute=None):
    """Seconds of each epoch of `train()`, from its start to the start of the next, but the last."""
    import keras

    from keras_classics.runs import loop

    starts = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            starts.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as run_dir:
        options = {"callbacks": [Clock()], "verbose": 0, "compute": compute}
        loop.train(recipe, run_dir, data_dir=data_dir, **options)
    return [after - before for before, after in itertools.pairwise(starts)]


def time_recipe(data, data_dir, epochs, steps_per_execution=1):
    """Seconds of the epochs of the simplified recipe but the first."""
    from keras_classics.runs import Compute
    from keras_classics.training import vary

    recipe = vary(simplified(), {"epochs": epochs + 2, "dataset": data})
    return time_train(recipe, data_dir, Compute(steps_per_execution=steps_per_execution))[1:]


def time_published(data, data_dir, epochs):
    """Seconds of the passes of the published recipe but the first; and of all with the report."""
    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.training import vary

    recipe = vary(load_recipe("lenet5_mnist").RECIPE, {"epochs": epochs, "dataset": data})
    start = time.perf_counter()
    passes = time_train(recipe, data_dir)
    return [*passes[1:], time.perf_counter() - start]


def time_tuned(data, data_dir, epochs):
    machine.tune_pipelines()
    return time_published(data, data_dir, epochs)


def time_batches(data, data_dir, epochs):
    """Seconds of each epoch of `fit` on pre-made batches in memory."""
    import tensorflow as tf

    from keras_classics.data.parallelism import without_autotuning
    from keras_classics.data.pipeline import one_epoch
    from keras_classics.data.sources import load
    from keras_classics.runs import assemble

    source = load(data, "train", data_dir)
    training, _ = assemble(simplified(), source)
    made = list(one_epoch(source, BATCH, seed=0, epoch=0))
    full = [tf.stack([batch[part] for batch in made[:-1]]) for part in (0, 1)]
    dataset = tf.data.Dataset.from_tensor_slices(tuple(full))
    last = tf.data.Dataset.from_tensors(made[-1])
    seconds = []
    for _ in range(epochs + 1):
        start = time.perf_counter()
        whole = without_autotuning(dataset.concatenate(last).prefetch(2))
        training.fit(whole, verbose=0, shuffle=False)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def time_pytorch(data, data_dir, epochs):
    """Seconds of each epoch of the loop that PyTorch tutorials show."""
    import numpy as np
    import torch
    from PIL import Image

    from keras_classics.data.sources import load

    source = load(data, "train", data_dir)

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


SUBJECTS = {
    "recipe": time_recipe,
    "executed": partial(time_recipe, steps_per_execution=16),
    "batches": time_batches,
    "pytorch": time_pytorch,
    "published": time_published,
    "tuned": time_tuned,
}


def measure(subject, arguments):
    """Runs one subject in a process of its own and returns the seconds that it prints."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.lenet5_epoch",
        "--subject",
        subject,
        "--epochs",
        str(arguments.epochs),
    ]
    command += ["--data", arguments.data]
    command += ["--data-dir", arguments.data_dir] if arguments.data_dir else []
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def epoch_row(number, arguments):
    """Seconds of an epoch of each side, and their ratios."""
    row = {name: statistics.median(measure(name, arguments)) for name in list(SUBJECTS)[:4]}
    return {
        **row,
        "pytorch / recipe": row["pytorch"] / row["recipe"],
        "pytorch / executed": row["pytorch"] / row["executed"],
        "(recipe - batches) / recipe": (row["recipe"] - row["batches"]) / row["recipe"],
    }


def published_row(number, arguments):
    """Seconds of the published recipe, of all passes and of a median one, tuned and not."""
    turn = ("published", "tuned")[:: 1 if number % 2 else -1]
    seconds = {side: measure(side, arguments) for side in turn}
    whole = {side: found.pop() for side, found in seconds.items()}
    return {
        "whole": whole["published"],
        "whole, tuned": whole["tuned"],
        "tuned / not": whole["tuned"] / whole["published"],
        "a pass": statistics.median(seconds["published"]),
        "a pass, tuned": statistics.median(seconds["tuned"]),
    }


def write_turns(arguments):
    """Prints the seconds of the passes of two checkouts, which take turns."""
    sides = {"before": arguments.before, "now": Path(__file__).resolve().parent.parent}
    with tempfile.TemporaryDirectory() as folder:
        processes = {side: _started(side, root, folder, arguments) for side, root in sides.items()}
        try:
            rows = []
            for number in range(arguments.rounds):
                turn = tuple(sides)[:: 1 if number % 2 else -1]
                row = {side: _one_pass(processes[side], Path(folder, side)) for side in turn}
                seconds = {side: row[side] for side in sides}
                rows.append({**seconds, "before / now": row["before"] / row["now"]})
        finally:
            for process in processes.values():
                process.kill()
                process.wait()
    print_table(rows, arguments)


def _started(side, root, folder, arguments):
    """Starts a recipe and stops it behind its first pass, in which it is compiled."""
    data = ["--data", arguments.data, "--epochs", str(arguments.rounds + 2)]
    data += ["--data-dir", arguments.data_dir] if arguments.data_dir else []
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "recipes/lenet5_mnist.py", *data, "--run-dir", str(Path(folder, side))],
        cwd=root,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for_a_pass(process, Path(folder, side), passes=1)
    return process


def _one_pass(process, run_dir):
    passes, start = _passes(run_dir), time.perf_counter()
    process.send_signal(signal.SIGCONT)
    _wait_for_a_pass(process, run_dir, passes + 1)
    return time.perf_counter() - start


def _wait_for_a_pass(process, run_dir, passes):
    while _passes(run_dir) < passes:
        if process.poll() is not None:
            sys.exit(f"error: the run in {run_dir} ended with status {process.returncode}")
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)


def _passes(run_dir):
    timings = run_dir / "timings.csv"
    return len(timings.read_text().splitlines()) - 1 if timings.exists() else 0


def print_table(rows, arguments):
    """Prints rows of seconds, their medians and spreads; --output also writes them."""
    print("| seconds | " + " | ".join(rows[0]) + " |")
    print("|---" * (len(rows[0]) + 1) + "|")
    for number, row in enumerate(rows):
        print(f"| round {number + 1} | " + " | ".join(f"{v:.2f}" for v in row.values()) + " |")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    median = {name: statistics.median(values) for name, values in columns.items()}
    print("| median | " + " | ".join(f"{value:.2f}" for value in median.values()) + " |")
    spreads = [f"{100 * machine.spread(v):.0f} %" if min(v) > 0 else "" for v in columns.values()]
    print("| spread, (largest − smallest) / median | " + " | ".join(spreads) + " |")
    if arguments.output:
        text = json.dumps({"median": median, "rounds": rows}, indent=2)
        arguments.output.write_text(text + "\n")


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--data", default="mnist", help="a data set of digits")
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--before", type=Path, help="another checkout, to take turns with")
    parser.add_argument("--rounds", type=int, default=5, help="processes, or passes, of each side")
    parser.add_argument("--epochs", type=int, help="counted epochs of each process, 3; passes, 20")
    parser.add_argument("--published", action="store_true", help="the published recipe, tuned too")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    parser.add_argument("--subject", choices=SUBJECTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.data, arguments.rounds, arguments.epochs = "mnist_5k", 1, 1
    arguments.epochs = arguments.epochs or (20 if arguments.published else 3)
    if arguments.subject:
        time_it = SUBJECTS[arguments.subject]
        print(json.dumps(time_it(arguments.data, arguments.data_dir, arguments.epochs)))
        return
    if arguments.before:
        write_turns(arguments)
        return
    make, rows = published_row if arguments.published else epoch_row, []
    for number in range(arguments.rounds):
        rows.append(make(number, arguments))
        print(f"round {number + 1}", rows[-1], file=sys.stderr, flush=True)
    print_table(rows, arguments)


if __name__ == "__main__":
    main()
