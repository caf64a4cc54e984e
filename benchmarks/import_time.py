"""What `import keras_classics` costs beyond `import keras`, per backend.

    python -m benchmarks.import_time [--repeats 7] [--backends tensorflow jax torch]

Each figure is the median of processes of its own. The bar is 0.2 s, with TensorFlow loaded only as
the TensorFlow backend.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks import machine

PROBE = """
import json, sys, time
start = time.perf_counter()
import keras
between = time.perf_counter()
import keras_classics
end = time.perf_counter()
print(json.dumps([between - start, end - between, "tensorflow" in sys.modules]))
"""


def measure(backend: str, repeats: int) -> tuple[float, float, float, bool]:
    """Imports both packages in fresh processes.

    Args:
        backend: Keras backend.
        repeats: Number of processes, after one that warms the disk cache.

    Returns:
        Median seconds for `keras`, median and largest seconds for `keras_classics` after it, and
        whether TensorFlow was loaded in any of them.
    """
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    rows = []
    # Elsewhere than in the project's folder, so that the package is found as users find it.
    with tempfile.TemporaryDirectory() as elsewhere:
        for _ in range(1 + repeats):
            done = subprocess.run(
                [sys.executable, "-c", PROBE],
                env=environment,
                cwd=elsewhere,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                sys.exit(done.stderr)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
    keras, ours, tensorflow = zip(*rows[1:], strict=True)
    return statistics.median(keras), statistics.median(ours), max(ours), any(tensorflow)


def main() -> None:
    """Prints one row per backend."""
    parser = machine.parser(__doc__)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--repeats", type=int, default=7, help="counted processes of each")
    options = parser.parse_args()
    if options.smoke:
        options.backends, options.repeats = ["tensorflow"], 1
    print(
        "| backend | `import keras`, s | `import keras_classics` after it | largest | TensorFlow |"
    )
    print("|---|---|---|---|---|")
    for backend in options.backends:
        keras, ours, largest, tensorflow = measure(backend, options.repeats)
        loaded = "loaded" if tensorflow else "not loaded"
        print(f"| {backend} | {keras:.2f} | {ours:.3f} | {largest:.3f} | {loaded} |", flush=True)


if __name__ == "__main__":
    main()
