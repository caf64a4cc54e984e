"""Every training run behind the figures of LeNet-5 and the MNIST CNN.

    python -m benchmarks.mnist_runs tuning --data-dir DIR        # choose, on 55,000 / 5,000
    python -m benchmarks.mnist_runs published distorted sizes    # then train and test once per seed
    python -m benchmarks.mnist_runs --list

Runs go to runs/benchmarks/<group>/<name>, two at a time with one thread each (on two cores that is
twice the throughput of one run with two threads). Finished ones are skipped, interrupted ones
continue. `python -m benchmarks.mnist_tables` turns them into benchmarks/results/mnist.md.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "runs" / "benchmarks"
LENET, CNN = "recipes/lenet5_mnist.py", "recipes/mnist_cnn.py"
SEEDS = (0, 1, 2)


def _tuning(**fields):
    """One run on 55,000 training digits, measured on the 5,000 held out; no test digit is read."""
    return [LENET, "--set", "validation=5000", *_set(fields)]


def _set(fields):
    return [part for key, value in fields.items() for part in ("--set", f"{key}={value}")]


def _lenet(*arguments):
    # Tested once, after the last pass.
    return [LENET, "--set", "validation=0", *arguments]


SMOKE = ["--data", "mnist_5k", "--epochs", "1", *_set({"limit_train": 500})]

# Pixels in 0 … 1, without standardising them.
_UNIT_RANGE = {"normalization.low": 0.0, "normalization.high": 1.0}

GROUPS = {
    "tuning": {
        f"lr{rate}-j{j}-b{batch}": _tuning(
            **{"shuffle": "once", "learning_rate": rate, "loss.j": j, "batch_size": batch}
        )
        for rate, j, batch in (
            (0.002, 1.0, 32),
            (0.002, 10.0, 32),
            (0.004, 1.0, 32),
            (0.002, 0.1, 32),
            (0.002, 1.0, 16),
        )
    }
    | {
        "reshuffled": _tuning(shuffle="every_epoch"),
    },
    # Ranges of the distortions: translation in pixels, scale, squeeze, shear.
    "tuning_distortions": {
        f"t{translation}-s{scale}-q{squeeze}-h{shear}": [
            *_tuning(
                **{
                    f"train_transforms.0.{name}": value
                    for name, value in (
                        ("translation", translation),
                        ("scale", scale),
                        ("squeeze", squeeze),
                        ("shear", shear),
                    )
                }
            ),
            "--distort",
        ]
        for translation, scale, squeeze, shear in (
            (2.0, 0.15, 0.15, 0.2),
            (1.0, 0.1, 0.1, 0.1),
        )
    },
    "tuning_cnn": {
        f"{initializer}-seed{s}": [
            *(CNN, "--seed", str(s)),
            *_set({"validation": 5000, "model.kernel_initializer": initializer, **_UNIT_RANGE}),
        ]
        for s in SEEDS
        for initializer in ("glorot_uniform", "lecun_uniform", "he_uniform")
    }
    | {
        f"standardised-seed{s}": [CNN, "--seed", str(s), *_set({"validation": 5000})] for s in SEEDS
    },
    "published": {f"seed{s}": _lenet("--seed", str(s)) for s in SEEDS},
    "distorted": {f"seed{s}": _lenet("--distort", "--seed", str(s)) for s in SEEDS},
    "sizes": {
        f"{size}-seed{s}": _lenet("--limit-train", str(size), "--seed", str(s))
        for size in (15_000, 30_000)
        for s in SEEDS
    },
    # A batch of 4 and twice the rate: the smallest that finishes in half an hour here.
    "sdlm": {
        "seed0": _lenet(
            *("--optimizer", "sdlm", "--batch-size", "4"),
            *_set({"learning_rate": 0.001, "shuffle": "every_epoch"}),
        )
    },
    "cnn": {f"seed{s}": [CNN, "--seed", str(s)] for s in SEEDS},
    "cnn_unit_range": {f"seed{s}": [CNN, "--seed", str(s), *_set(_UNIT_RANGE)] for s in SEEDS},
}


def execute(group, name, data_dir, runs=RUNS, extra=()):
    """Runs or continues one experiment; its output goes to a log beside its folder."""
    folder = runs / group / name
    if (folder / "metrics.json").exists():
        return f"{group}/{name}: done before"
    command = [sys.executable, *GROUPS[group][name], *extra, "--run-dir", str(folder)]
    if data_dir:
        command += ["--data-dir", data_dir]
    folder.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
    }
    log_path = folder.parent / f"{folder.name}.log"
    with open(log_path, "a") as log:
        print(shlex.join(command), file=log, flush=True)
        code = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False
        ).returncode
    if code:
        return f"{group}/{name}: failed, see {log_path}"
    metrics = json.loads((folder / "metrics.json").read_text())
    return f"{group}/{name}: {metrics['split']} error {metrics['error']:.2f} %"


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("wanted", nargs="*", help="groups, or group/name; all unless told")
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--list", action="store_true", help="print the commands and stop")
    arguments = parser.parse_args()
    if arguments.smoke:
        with tempfile.TemporaryDirectory() as scratch:
            print(execute("cnn", "seed0", None, Path(scratch), SMOKE))
        return
    everything = [(group, name) for group in GROUPS for name in GROUPS[group]]
    wanted = [
        (group, name)
        for group, name in everything
        if not arguments.wanted or {group, f"{group}/{name}"} & set(arguments.wanted)
    ]
    if not wanted:
        parser.error(f"no such run; the groups are {', '.join(GROUPS)}, and --list names the runs")
    if arguments.list:
        for group, name in wanted:
            print(f"{group}/{name}: python {shlex.join(GROUPS[group][name])}")
        return
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for line in pool.map(lambda item: execute(*item, arguments.data_dir), wanted):
            print(line, flush=True)


if __name__ == "__main__":
    main()
