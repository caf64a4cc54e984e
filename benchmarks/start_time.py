"""Time from starting a recipe to the end of its first step, against importing its libraries.

    python -m benchmarks.start_time [--repeats 7] [--backends tensorflow jax torch]

Pairs of processes in turns, each timed from its start: one that imports Keras with its backend, and
TensorFlow, which reads the pictures of every backend; and one that runs `recipes/lenet5_mnist.py
--data mnist_5k` until its first step is taken. Medians, and the median of the pairs' ratios; the
bar is 1.3 on TensorFlow.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent

LIBRARIES = "import os, keras, tensorflow; os._exit(0)"

# The recipe's own command line, with a callback that ends the process.
RECIPE = """
import os, runpy, sys
import keras
from keras_classics.cli import recipe_flags

class FirstStep(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])
        os._exit(0)

train = recipe_flags.train
recipe_flags.train = lambda *values, **options: train(
    *values, **options | {"callbacks": (FirstStep(),)}
)
sys.argv = ["recipes/lenet5_mnist.py", "--data", "mnist_5k", "--run-dir", sys.argv[1]]
runpy.run_path(sys.argv[0], run_name="__main__")
raise SystemExit("error: it took no step")
"""


def seconds_of(probe, backend):
    """Seconds from the start of a process to its end."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", probe, str(Path(folder, "run"))]
        return machine.seconds_of(words, environment, ROOT)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--repeats", type=int, default=7, help="counted pairs of each")
    options = parser.parse_args()
    if options.smoke:
        options.backends, options.repeats = ["tensorflow"], 1
    print("| backend | libraries, s | to the first step, s | ratio | smallest | largest |")
    print("|---|---|---|---|---|---|")
    for backend in options.backends:
        pairs = []
        for _ in range(options.repeats + (not options.smoke)):
            pairs.append([seconds_of(probe, backend) for probe in (LIBRARIES, RECIPE)])
        pairs = pairs[-options.repeats :]  # the first warms the disk's cache
        libraries, recipe = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratios = [ours / theirs for theirs, ours in pairs]
        print(
            f"| {backend} | {libraries:.2f} | {recipe:.2f} | {statistics.median(ratios):.2f} | "
            f"{min(ratios):.2f} | {max(ratios):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
