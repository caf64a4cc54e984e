"""A search of 20 random trials around LeNet-5: wall time, memory by trial, and two workers.

    python -m benchmarks.search [--trials 20] [--output FILE]

One process after another, each on all cores: first alone, its resident memory read after every
trial; then the same search shared by two processes that train and one that chooses, each of the
two on half of the cores. `--alone-only` leaves that out.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "recipes" / "tuning" / "tune_lenet5_mnist.py"
ENVIRONMENT = {
    **os.environ,
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def search_alone(trials, epochs, directory):
    """Searches in this process; prints the seconds and the resident MiB after each trial."""
    import psutil

    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.training import vary
    from keras_classics.tuning import make_tuner

    searched = load_recipe("tune_lenet5_mnist")

    memory, process = [], psutil.Process()
    recipe = vary(searched.RECIPE, {} if epochs is None else {"epochs": epochs})
    tuner = make_tuner("random", recipe, searched.space, directory, trials=trials)
    end = tuner.on_trial_end

    def measured(trial):
        end(trial)
        memory.append(process.memory_info().rss / 2**20)

    tuner.on_trial_end = measured
    started = time.perf_counter()
    tuner.search(verbose=0)
    print(json.dumps({"seconds": time.perf_counter() - started, "memory": memory}))


def alone(trials, epochs):
    """Returns what `search_alone` printed in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "benchmarks.search",
            "--alone",
            f"{folder}/search",
            "--trials",
            str(trials),
        ]
        command += [] if epochs is None else ["--epochs", str(epochs)]
        result = subprocess.run(
            command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True
        )
    return json.loads(result.stdout.splitlines()[-1])


def shared(trials):
    """Returns the seconds of three processes, from the first start to the last end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    half = str(max(1, os.cpu_count() // 2))
    environment = {**ENVIRONMENT, "OMP_NUM_THREADS": half, "TF_NUM_INTRAOP_THREADS": half}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, str(SCRIPT), "--tuner", "random", "--trials", str(trials)),
            *("--directory", f"{folder}/search", "--oracle", f"127.0.0.1:{port}"),
        ]
        started = time.perf_counter()
        processes = [
            subprocess.Popen([*command, *which], env=environment, stdout=subprocess.DEVNULL)
            for which in ([], ["--worker", "1"], ["--worker", "2"])
        ]
        for process in processes[1:]:
            process.wait()
        seconds = time.perf_counter() - started
        processes[0].wait()
    return seconds


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, help="of a trial; the recipe's unless told")
    parser.add_argument("--alone-only", action="store_true", help="no shared search")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        options.trials, options.epochs, options.alone_only = 3, 1, True
    if options.alone:
        search_alone(options.trials, options.epochs, options.alone)
        return
    figures = alone(options.trials, options.epochs)
    memory = figures["memory"]
    each = (memory[-1] - memory[1]) / (len(memory) - 2)
    print(f"one process: {figures['seconds']:.0f} s for {options.trials} trials; resident "
          f"{memory[0]:.0f} MiB after the first, {memory[1]:.0f} after the second, "
          f"{memory[-1]:.0f} after the last: {each:.1f} a trial", flush=True)  # fmt: skip
    if options.alone_only:
        return
    figures["shared"] = shared(options.trials)
    print(f"two that train: {figures['shared']:.0f} s with the start of the processes, "
          f"{figures['shared'] / figures['seconds']:.2f} of one")  # fmt: skip
    if options.output:
        options.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
