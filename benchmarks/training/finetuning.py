"""Fine-tuning against training from scratch, on two classes that a network has not seen.

    python -m benchmarks.training.finetuning --data-dir DIR --runs FOLDER [--epochs 10] [--seeds 3]

A ResNet-20 learns eight classes of CIFAR-10 (40,000 training pictures, `--epochs`). Of the other
two, ship and truck, 200 training pictures each become a folder, as a person's photographs are.
From there `recipes/finetune.py` goes on, and `recipes/cifar_resnet_cifar10.py` starts anew with as
many epochs of the same batches, so in the same time, at the rates 0.1 of its paper and 0.01, of
which the held-out pictures choose. Both are measured on the 2,000 test pictures of these classes.
Finished runs are not run again. The table is written to benchmarks/results/finetuning.md.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "benchmarks" / "results" / "finetuning.md"
NEW = ("ship", "truck")
EACH = 200  # photographs of a new class
EPOCHS = 30  # of both ways
RATES = (0.1, 0.01)


def write_pictures(source, folder, classes, each=None):
    """Writes pictures of some classes as PNG files, one folder for each class."""
    for name in classes:
        chosen = np.flatnonzero(source.labels == source.class_names.index(name))[:each]
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in chosen:
            Image.fromarray(source.images[index]).save(folder / name / f"{index:05d}.png")


def prepare(folder, data_dir, each=None):
    """Writes the folders of the eight and of the two classes, once."""
    from keras_classics.data.sources import load

    if (folder / "ready").exists():
        return
    train, test = (load("cifar10", split, data_dir) for split in ("train", "test"))
    old = [name for name in train.class_names if name not in NEW]
    for classes, name, count in ((old, "eight", each), (NEW, "two", each or EACH)):
        write_pictures(train, folder / name / "train", classes, count)
        write_pictures(test, folder / name / "val", classes, each)
    (folder / "ready").touch()


def trained(recipe, run_dir, *flags):
    """Trains in a process of its own, unless that is done; returns the run's metrics."""
    if not (run_dir / "metrics.json").exists():
        words = [sys.executable, f"recipes/{recipe}.py", *flags, "--run-dir", str(run_dir)]
        start = time.perf_counter()
        subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        (run_dir / "seconds.txt").write_text(f"{time.perf_counter() - start:.1f}")
    return json.loads((run_dir / "metrics.json").read_text())


def test_error(run_dir, folder):
    """Percent of the test pictures that the run's model reads wrong."""
    from keras_classics.data.sources import load
    from keras_classics.trained_model import load_model

    source = load(f"folder:{folder}", "test")
    pixels = np.stack([np.asarray(Image.open(path)) for path in source.paths])
    rows = load_model(run_dir / "model.keras").predict(pixels, batch_size=500, verbose=0)
    return 100 * float(np.mean(rows.argmax(-1) != source.labels))


def compare(seed, runs, rates, epochs):
    """Trains both ways with a seed; returns (errors in percent, seconds, the chosen rate)."""
    tuned, seed = runs / f"tuned-{seed}", str(seed)
    shared = ("--data", f"folder:{runs / 'two'}", "--epochs", str(epochs), "--batch-size", "32")
    shared += ("--set", "validation=0.1", "--seed", seed)
    trained(
        *("finetune", tuned, *shared, "--model", "cifar_resnet20"),
        *("--set", f"model.weights={runs / 'body'}", "--set", "early_stopping=None"),
    )
    scratch = {}
    for rate in rates:
        run = runs / f"scratch-{rate}-{seed}"
        steps = ("--set", f"learning_rate={rate}", "--set", "schedule.at=(165, 253)")
        metrics = trained("cifar_resnet_cifar10", run, *shared, *steps)
        scratch[rate] = (metrics["error"], run)
    rate, (_, chosen) = min(scratch.items(), key=lambda item: item[1][0])
    errors = [test_error(run, runs / "two") for run in (tuned, chosen)]
    return errors, [(run / "seconds.txt").read_text() for run in (tuned, chosen)], rate


def train_body(runs, epochs):
    """Trains ResNet-20 on the eight classes; returns its error in percent."""
    pictures = sum(1 for _ in (runs / "eight" / "train").glob("*/*.png"))
    updates = epochs * pictures // 128
    steps = f"schedule.at=({max(updates // 2, 1)}, {max(3 * updates // 4, 2)})"
    data = ("--data", f"folder:{runs / 'eight'}", "--epochs", str(epochs))
    return trained("cifar_resnet_cifar10", runs / "body", *data, "--set", steps)["error"]


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--runs", type=Path, help="folder of the runs")
    parser.add_argument("--epochs", type=int, default=10, help="of the eight classes")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    rates, epochs, each = RATES, EPOCHS, None
    if options.smoke:
        options.runs = Path(tempfile.mkdtemp())
        options.epochs, options.seeds, rates, epochs, each = 1, 1, RATES[1:], 1, 32
    runs = options.runs.resolve()
    prepare(runs, options.data_dir, each)
    error = train_body(runs, options.epochs)
    lines = [
        f"ResNet-20 on eight classes of CIFAR-10, {options.epochs} epochs: {error:.2f} % wrong.\n",
        "| seed | fine-tuned, % | s | from scratch, % | rate | s | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    differences = []
    for seed in range(options.seeds):
        (tuned, scratch), seconds, rate = compare(seed, runs, rates, epochs)
        differences.append(scratch - tuned)
        lines.append(
            f"| {seed} | {tuned:.2f} | {seconds[0]} | {scratch:.2f} | {rate} | {seconds[1]} | "
            f"{differences[-1]:.2f} |"
        )
        print(lines[-1], flush=True)
    lines.append(f"\nMean difference: {statistics.mean(differences):.2f} points.")
    print(lines[-1])
    if options.smoke:
        shutil.rmtree(runs)
        return
    command = f"python -m benchmarks.training.finetuning --epochs {options.epochs}"
    command += f" --seeds {options.seeds} --data-dir DIR --runs FOLDER"
    head = (
        f"# Fine-tuning against training from scratch\n\n`{command}`\n\n{machine.described()}\n\n"
    )
    about = "\n".join(__doc__.strip().splitlines()[4:-1]) + "\n\n"
    PAGE.write_text(head + about + "\n".join(lines) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
