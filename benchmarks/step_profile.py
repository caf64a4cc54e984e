"""Where a training step on the PyTorch backend spends its time, beside plain PyTorch's.

    python -m benchmarks.step_profile [--network resnet50] [--steps 3] [--threads 2]

The steps of benchmarks/train_step.py, those that warm up among them, each side under PyTorch's
profiler in a process of its own. Prints the operations that take longest, in milliseconds of a
step without what they call, and how often a step calls them. The profiler itself costs time: the
sums are larger than the seconds of train_step.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.train_step import NETWORKS, WARM_UP, run_subject

SIDES = ("ours", "pytorch")


def profile(side, arguments):
    """Returns {operation: [milliseconds, calls]} of a step."""
    from torch.profiler import ProfilerActivity, profile as profiled

    if side == "prepare":
        return run_subject(side, arguments.network, arguments)
    with profiled(activities=[ProfilerActivity.CPU]) as profiler:
        run_subject(side, arguments.network, arguments)
    steps = arguments.steps + WARM_UP
    return {
        event.key: [event.self_cpu_time_total / 1000 / steps, event.count / steps]
        for event in profiler.key_averages()
    }


def in_a_process(side, folder, arguments):
    """Returns what one side printed."""
    flags = [f"--{name}={getattr(arguments, name)}" for name in ("network", "steps", "threads")]
    command = machine.command("step_profile", *flags, "--side", side, "--folder", folder)
    environment = {**os.environ, "KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--network", choices=NETWORKS, default="resnet50")
    parser.add_argument("--steps", type=int, default=3, help="behind those that warm up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=14)
    parser.add_argument("--side", choices=("prepare", *SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.set_defaults(against="pytorch", compiled=False)  # as train_step reads them
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.network, arguments.steps = "cifar_resnet20", 1
    if arguments.side:
        print(json.dumps(profile(arguments.side, arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        in_a_process("prepare", folder, arguments)
        ours, theirs = (in_a_process(side, folder, arguments) for side in SIDES)
    print(
        f"| {arguments.network} | ours, ms | calls | PyTorch, ms | calls |\n|---|---|---|---|---|"
    )
    names, nothing = ours.keys() | theirs.keys(), [0.0, 0.0]
    rows = [(name, ours.get(name, nothing), theirs.get(name, nothing)) for name in names]
    rows.sort(key=lambda row: -max(milliseconds for milliseconds, _ in row[1:]))
    shown, others = rows[: arguments.rows], rows[arguments.rows :]
    shown.append(("all others", _sum(o for _, o, _ in others), _sum(t for _, _, t in others)))
    shown.append(("together", _sum(ours.values()), _sum(theirs.values())))
    for name, *sides in shown:
        cells = [f"{milliseconds:.1f} | {calls:,.0f}" for milliseconds, calls in sides]
        print(f"| {name} | {' | '.join(cells)} |")


def _sum(pairs):
    times, calls = zip(*pairs, strict=True)
    return sum(times), sum(calls)


if __name__ == "__main__":
    main()
