"""How long the commands take that only look, each in a process of its own.

    python -m benchmarks.command_time [--repeats 7]

Medians from the start of a process to its end. The bars: `list` in 0.3 s, without a backend;
`show alexnet` in 6 s, most of which TensorFlow and Keras need to be imported.
"""

import os
import statistics
import sys
import tempfile

from benchmarks import machine

COMMANDS = ("list", "show lenet5", "show alexnet", "show googlenet --depth 1", "show resnet152")


def seconds_of(command):
    """Seconds from the start of a process to its end."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    with tempfile.TemporaryDirectory() as elsewhere:
        words = [sys.executable, "-m", "keras_classics", *command.split()]
        return machine.seconds_of(words, environment, elsewhere)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="counted processes of each")
    options = parser.parse_args()
    commands = COMMANDS[:2] if options.smoke else COMMANDS
    repeats = 1 if options.smoke else options.repeats
    print("| `keras-classics` | s | smallest | largest |")
    print("|---|---|---|---|")
    for command in commands:
        # The first one warms the disk's cache.
        found = [seconds_of(command) for _ in range(1 + repeats)][1:]
        median, least, most = statistics.median(found), min(found), max(found)
        print(f"| {command} | {median:.2f} | {least:.2f} | {most:.2f} |", flush=True)


if __name__ == "__main__":
    main()
