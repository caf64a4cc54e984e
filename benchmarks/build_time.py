"""Time to build resnet50() and googlenet() beside keras.applications.ResNet50(weights=None).

    python -m benchmarks.build_time [--rounds 9]

In one process, in turns, on any backend; the first round warms up. Prints the median seconds.
"""

import gc
import statistics
import time

import keras

import keras_classics
from benchmarks import machine

BUILDERS = {
    "keras.applications.ResNet50": lambda: keras.applications.ResNet50(weights=None),
    "resnet50": keras_classics.resnet50,
    "googlenet": keras_classics.googlenet,
}


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="counted buildings of each")
    options = parser.parse_args()
    rounds = 1 if options.smoke else options.rounds
    seconds = {name: [] for name in BUILDERS}
    for number in range(rounds + 1):
        for name, build in BUILDERS.items():
            keras.backend.clear_session()
            gc.collect()
            start = time.perf_counter()
            build()
            if number:
                seconds[name].append(time.perf_counter() - start)
    print(f"| {keras.backend.backend()} | median, s |")
    print("|---|---|")
    for name, values in seconds.items():
        print(f"| {name} | {statistics.median(values):.2f} |")


if __name__ == "__main__":
    main()
