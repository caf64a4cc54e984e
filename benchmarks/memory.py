"""Peak memory of a process that trains: our networks on each backend against plain PyTorch.

    python -m benchmarks.memory [--networks resnet50 alexnet] [--backends torch jax] [--steps 3]

Each figure is the largest resident memory of a process of its own, in MiB, as Linux counts it
(`VmHWM`). It imports what it needs, builds the network of `benchmarks.train_step` with random
weights and trains a few steps on one batch in host memory, by SGD with momentum 0.9: ours by `fit`,
PyTorch's by the usual loop with everything in the channels-last format. More steps than a few
change little. Two rows more for each backend say what the imports alone take.

The ratio for the PyTorch backend leaves out what importing Keras takes over importing PyTorch:
(ours − import of Keras + import of PyTorch) / PyTorch. Its bar is 1.3, the goal 1.1. Those of
TensorFlow and JAX are to the peaks of version 0.1.0 on the same batches, with a bar of 1.0.

Memory hardly depends on what else the machine does, but on how many cores it has: each thread has
memory of its own.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks import machine, train_step

NETWORKS = ("resnet50", "alexnet", "googlenet")
BACKENDS = ("torch", "tensorflow", "jax")
# Peaks in MiB of version 0.1.0, on two cores.
BEFORE = {
    "tensorflow": {"resnet50": 3334, "alexnet": 2503, "googlenet": 1935},
    "jax": {"resnet50": 3169, "alexnet": 2452, "googlenet": 2969},
}


def peak():
    """Returns the largest resident memory of this process so far, in MiB."""
    # Not `ru_maxrss`, which begins with the memory of the process that started this one.
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def train_ours(network, steps):
    """A few steps of `fit` on one batch; an epoch is a step."""
    import keras

    from keras_classics.training import CoupledSGD

    model = train_step.build_ours(network, "pytorch")
    model.compile(
        optimizer=CoupledSGD(train_step.LEARNING_RATE, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x, labels = train_step.batch(network)
    history = model.fit(x, labels, len(x), epochs=steps, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def train_pytorch(network, steps):
    """The same in PyTorch's own words."""
    import torch

    model = train_step.build_pytorch(network).train().to(memory_format=torch.channels_last)
    x, labels = map(torch.from_numpy, train_step.batch(network))
    x, labels = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), labels.long()
    optimizer = torch.optim.SGD(model.parameters(), lr=train_step.LEARNING_RATE, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        assert np.isfinite(loss.item())


def run_subject(subject, network, steps):
    """What one process does; returns its peak."""
    if subject == "pytorch":
        import torch  # noqa: F401
    else:
        import keras  # noqa: F401
    if network:
        (train_pytorch if subject == "pytorch" else train_ours)(network, steps)
    return peak()


def in_a_process(subject, network, steps):
    """Peak of a process that trains the network, or only imports where there is none."""
    command = machine.command("memory", "--subject", subject, "--steps", steps)
    if network:
        command += ["--networks", network]
    backend = {"KERAS_BACKEND": subject} if subject != "pytorch" else {}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **backend}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(network or "imports", subject, round(found), file=sys.stderr, flush=True)
    return found


def ratio(backend, network, peaks, imports):
    """Returns the ratio that has a bar, None where nothing is known to compare with."""
    if backend == "torch":
        keras = imports["torch"] - imports["pytorch"]
        return (peaks["torch"] - keras) / peaks["pytorch"]
    before = BEFORE[backend].get(network)
    return before and peaks[backend] / before


def row(name, batch, peaks, ratios):
    cells = [f"{peaks['pytorch']:,.0f}"]
    for backend, value in ratios.items():
        cells += [f"{peaks[backend]:,.0f}", f"{value:.2f}" if value else "–"]
    print(f"| {name} | {batch} | {' | '.join(cells)} |", flush=True)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--networks", nargs="+", choices=train_step.NETWORKS)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--subject", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.subject:
        network = options.networks[0] if options.networks else None
        print(json.dumps(run_subject(options.subject, network, options.steps)))
        return
    if options.smoke:
        options.networks, options.backends, options.steps = ["cifar_resnet20"], ["torch"], 1
    sides = ("pytorch", *options.backends)
    imports = {side: in_a_process(side, None, options.steps) for side in sides}
    heads = "".join(f" ours, {backend} | ratio |" for backend in options.backends)
    print(f"| MiB | batch | PyTorch |{heads}")
    print("|---|---|---|" + "---|---|" * len(options.backends))
    row("imports alone", "–", imports, dict.fromkeys(options.backends))
    for network in options.networks or NETWORKS:
        peaks = {side: in_a_process(side, network, options.steps) for side in sides}
        ratios = {side: ratio(side, network, peaks, imports) for side in options.backends}
        row(network, train_step.NETWORKS[network][0], peaks, ratios)


if __name__ == "__main__":
    main()
