"""An epoch of LeNet-5 on 5,000 digits beside one busy process, against the same on an idle machine.

    python -m benchmarks.beside_load [--repeats 5] [--backends tensorflow jax torch]

Pairs of processes in turns, each the command line of `recipes/lenet5_mnist.py --data mnist_5k` for
two epochs, the second of which is timed: first alone, then beside a process that spins on one core.
Medians, and the median of the pairs' ratios; the bar is 3. `--set` passes a variation on, and a
variable as OMP_WAIT_POLICY=active in the environment shows what waiting costs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent
BUSY = "while True: pass"
LIMIT = 600  # seconds for a run; longer is written down as that

# The recipe's own command line, with a callback that says how long the last epoch took.
RECIPE = """
import runpy, sys, time
import keras
from keras_classics.cli import recipe_flags

class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        print("seconds", time.perf_counter() - self.start, flush=True)

train = recipe_flags.train
recipe_flags.train = lambda *values, **options: train(
    *values, **options | {"callbacks": (Clock(),)}
)
words = ["--data", "mnist_5k", "--epochs", "2", "--run-dir", *sys.argv[1:]]
sys.argv = ["recipes/lenet5_mnist.py", *words]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def seconds_of_epoch(backend, flags):
    """Seconds of the second epoch of a run in a process of its own; infinite past the limit."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", RECIPE, str(Path(folder, "run")), *flags]
        try:
            done = subprocess.run(
                words, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            return float("inf")
    if done.returncode:
        sys.exit(done.stderr)
    return [float(line.split()[1]) for line in done.stdout.splitlines() if "seconds" in line][-1]


def seconds_beside_load(backend, flags):
    """The same beside a process that spins on one core."""
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        return seconds_of_epoch(backend, flags)
    finally:
        busy.kill()
        busy.wait()


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--repeats", type=int, default=5, help="pairs of each")
    parser.add_argument("--set", action="append", default=[], help="of the recipe, field=value")
    options = parser.parse_args()
    if options.smoke:
        options.backends, options.repeats = ["tensorflow"], 1
    flags = [word for one in options.set for word in ("--set", one)]
    print("| backend | alone, s | beside one busy process, s | ratio | smallest | largest |")
    print("|---|---|---|---|---|---|")
    for backend in options.backends:
        pairs = [
            (seconds_of_epoch(backend, flags), seconds_beside_load(backend, flags))
            for _ in range(options.repeats)
        ]
        alone, beside = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratios = [loaded / idle for idle, loaded in pairs]
        print(
            f"| {backend} | {alone:.2f} | {beside:.2f} | {statistics.median(ratios):.2f} | "
            f"{min(ratios):.2f} | {max(ratios):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
