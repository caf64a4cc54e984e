"""Time of one training step: our networks on each backend against the same ones written by hand.

    python -m benchmarks.train_step [--networks resnet50 vgg16] [--rounds 5] [--steps 5]
    python -m benchmarks.train_step --backend torch [--compiled]
    python -m benchmarks.train_step --backend jax --against jax
    python -m benchmarks.train_step --against applications

The same network on both sides: PyTorch's is the transcription that the tests judge ours by, in
the channels-last memory format; AlexNet's towers are its groups of convolutions there. Same
weights, same batch in memory, same number of threads, SGD with momentum 0.9 on both sides; ours by
`fit`, PyTorch's by the loop that everybody writes. `--compiled` compiles both by `torch.compile`.
`--against jax` compares with benchmarks/jax_networks.py in its place, and `--against applications`
with `keras.applications`, ResNet-50 and VGG-16, `fit` on both sides.

First a process compares the logits and keeps the weights. Then each side runs in processes of its
own, in turns: a few steps that are not counted, and the median of `--steps` that are. Local
response normalisation is written out in PyTorch, faster than its own `LocalResponseNorm`.

Prints seconds per step, medians and rounds, and the ratio of the medians, and writes them as JSON
with --output. A ratio above 1 says that ours is faster.
"""

import argparse
import itertools
import json
import os
import pickle
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent

# Batch, side of the pictures, classes.
NETWORKS = {
    "alexnet": (32, 224, 1000),
    "vgg16": (8, 224, 1000),
    "googlenet": (16, 224, 1000),
    "resnet50": (16, 224, 1000),
    "cifar_resnet20": (128, 32, 10),
}
APPLICATIONS = {"resnet50": "ResNet50", "vgg16": "VGG16"}
THEIRS = {
    "pytorch": "PyTorch channels-last",
    "jax": "by hand in jax.lax",
    "applications": "keras.applications",
}
LEARNING_RATE = 1e-4  # small: the numbers stay where they began
TOLERANCE = 1e-4  # of the largest logit
WARM_UP = 2


def batch(network):
    """Pictures with the contrast of photographs in grey levels, and labels."""
    count, side, classes = NETWORKS[network]
    rng = np.random.default_rng(0)
    x = 60 * rng.standard_normal((count, side, side, 3), dtype="float32")
    return x, rng.integers(classes, size=count).astype("int32")


def build_ours(network, against):
    import keras_classics

    _, side, classes = NETWORKS[network]
    options = {"input_shape": (side, side, 3), "classifier_activation": None}
    if (network, against) == ("vgg16", "applications"):
        options["dropout"] = 0  # theirs has none
    return getattr(keras_classics, network)(classes, **options)


def build_application(network):
    import keras

    _, side, classes = NETWORKS[network]
    return getattr(keras.applications, APPLICATIONS[network])(
        weights=None, input_shape=(side, side, 3), classes=classes, classifier_activation=None
    )


def build_pytorch(network):
    from tests.models.torch_reference import REFERENCES, GroupedAlexNet

    _, side, classes = NETWORKS[network]
    return (GroupedAlexNet if network == "alexnet" else REFERENCES[network])(classes, side)


def set_weights(model, weights):
    """Sets the weights of a Keras model from {layer: arrays}; a dot leads into a layer."""
    for name, arrays in weights.items():
        outer, _, inner = name.partition(".")
        layer = model.get_layer(outer)
        (getattr(layer, inner) if inner else layer).set_weights(arrays)


def prepare(network, against, folder, threads):
    """Compares the logits of both sides, and keeps the weights of each in the folder."""
    import keras

    from tests.models.torch_reference import load_weights, merge_towers, weights_by_name

    x, _ = batch(network)
    if against == "jax":
        from benchmarks.jax_networks import NETWORKS as BY_HAND

        model = build_ours(network, against)
        weights = weights_by_name(model)
        theirs = merge_towers(weights)
        expected = np.asarray(BY_HAND[network](theirs, x, None)[0])
    elif against == "pytorch":
        import torch

        torch.set_num_threads(threads)
        model = build_ours(network, against)
        weights = weights_by_name(model)
        theirs = merge_towers(weights)
        other = load_weights(build_pytorch(network), theirs).eval()
        with torch.no_grad():
            expected = other(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()
    else:
        other = build_application(network)
        expected = other.predict_on_batch(x)
        theirs = weights_by_name(other)
        model, weights = build_ours(network, against), {}
        for name, arrays in theirs.items():
            ours, is_bias_before_norm = in_our_names(network, name)
            # Theirs begin at zero.
            weights[ours] = arrays[:1] if is_bias_before_norm else arrays
        set_weights(model, weights)
    logits = keras.ops.convert_to_numpy(model.predict_on_batch(x))
    difference = np.abs(logits - expected).max() / np.abs(expected).max()
    assert difference < TOLERANCE, difference
    for side, kept in (("ours", weights), (against, theirs)):
        (folder / f"{side}.pickle").write_bytes(pickle.dumps(kept))
    return float(difference)


def in_our_names(network, name):
    """Returns our name for a layer of keras.applications, and whether its bias is left out."""
    if network == "resnet50":
        return ("fc" if name == "predictions" else name), name.endswith("_conv")
    dense = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
    return dense.get(name, re.sub(r"block(\d)_conv(\d)", r"conv\1_\2", name)), False


def time_keras(model, weights, network, steps, compiled):
    """Median seconds of a step of `fit` on a batch in memory."""
    import keras

    from keras_classics.training import CoupledSGD

    set_weights(model, weights)
    model.compile(
        optimizer=CoupledSGD(LEARNING_RATE, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=compiled or "auto",
    )
    ends = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert np.isfinite(logs["loss"])
            ends.append(time.perf_counter())

    count = WARM_UP + steps
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        batches = tf.data.Dataset.from_tensors(batch(network)).repeat(count)
    else:
        batches = (one for one in [batch(network)] for _ in range(count))
    model.fit(batches, steps_per_epoch=count, verbose=0, callbacks=[Clock()])
    return median_step(ends)


def median_step(ends):
    """Returns the median seconds of the steps after those that warm up."""
    return statistics.median(b - a for a, b in itertools.pairwise(ends[WARM_UP - 1 :]))


def time_jax(network, weights, steps):
    """Median seconds of a step by hand, on a batch in memory."""
    import jax

    from benchmarks.jax_networks import step

    x, labels = batch(network)
    key = jax.random.key(0)
    weights = jax.tree.map(jax.numpy.asarray, weights)
    velocities = jax.tree.map(jax.numpy.zeros_like, weights)
    ends = []
    for number in range(WARM_UP + steps):
        loss, weights, velocities = step(
            *(network, LEARNING_RATE, weights, velocities, x, labels),
            jax.random.fold_in(key, number),
        )
        assert np.isfinite(float(loss))
        ends.append(time.perf_counter())
    return median_step(ends)


def time_pytorch(network, weights, steps, threads, compiled):
    """Median seconds of a step of a plain loop, with everything in the channels-last format."""
    import torch

    from tests.models.torch_reference import load_weights

    torch.set_num_threads(threads)
    model = load_weights(build_pytorch(network), weights).train()
    model = model.to(memory_format=torch.channels_last)
    model = torch.compile(model) if compiled else model
    x, labels = map(torch.from_numpy, batch(network))
    x, labels = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), labels.long()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    ends = []
    for _ in range(WARM_UP + steps):
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        assert np.isfinite(loss.item())
        ends.append(time.perf_counter())
    return median_step(ends)


def run_subject(subject, network, arguments):
    """What one process does; returns the figure that it prints."""
    folder, threads = arguments.folder, arguments.threads
    if subject != "pytorch":
        set_threads(threads)
    if subject == "prepare":
        return prepare(network, arguments.against, folder, threads)
    weights = pickle.loads((folder / f"{subject}.pickle").read_bytes())
    if subject == "pytorch":
        return time_pytorch(network, weights, arguments.steps, threads, arguments.compiled)
    if subject == "jax":
        return time_jax(network, weights, arguments.steps)
    against = arguments.against
    model = build_ours(network, against) if subject == "ours" else build_application(network)
    return time_keras(model, weights, network, arguments.steps, arguments.compiled)


def set_threads(threads):
    """Of TensorFlow or PyTorch; XLA, behind JAX, takes all cores that the process may run on."""
    import keras

    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    else:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def in_a_process(subject, network, folder, arguments):
    command = [
        sys.executable,
        "-m",
        "benchmarks.train_step",
        "--subject",
        subject,
        "--networks",
        network,
    ]
    for name in ("against", "steps", "threads", "backend"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--compiled"] * arguments.compiled
    # Theirs of keras.applications run on the backend too; by hand none is used.
    environment = {**os.environ, "KERAS_BACKEND": arguments.backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command += ["--folder", str(folder)]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def compare(network, arguments):
    """Returns the difference of the logits, the seconds of each round, medians and their ratio."""
    sides = ("ours", arguments.against)
    with tempfile.TemporaryDirectory() as folder:
        difference = in_a_process("prepare", network, folder, arguments)
        rounds = []
        for number in range(arguments.rounds):
            turn = sides if number % 2 == 0 else sides[::-1]
            seconds = {side: in_a_process(side, network, folder, arguments) for side in turn}
            rounds.append({side: seconds[side] for side in sides})
            shown = {side: round(time, 4) for side, time in rounds[-1].items()}
            print(network, number + 1, shown, file=sys.stderr, flush=True)
    median = {side: statistics.median(row[side] for row in rounds) for side in sides}
    ratio = median[arguments.against] / median["ours"]
    shown = ", ".join(" / ".join(f"{row[side]:.3f}" for side in sides) for row in rounds)
    print(f"| {network} | {NETWORKS[network][0]} | {median['ours']:.3f} | "
          f"{median[arguments.against]:.3f} | {ratio:.2f} | {shown} |", flush=True)  # fmt: skip
    return {"ratio": ratio, "median": median, "rounds": rounds, "logits differ by": difference}


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS)
    parser.add_argument("--backend", choices=("tensorflow", "torch", "jax"), default="tensorflow")
    parser.add_argument("--against", choices=THEIRS, default="pytorch")
    parser.add_argument("--compiled", action="store_true", help="both sides by torch.compile")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each side")
    parser.add_argument("--steps", type=int, default=5, help="counted steps of each process")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="write the figures there as JSON")
    parser.add_argument("--subject", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.networks, arguments.rounds, arguments.steps = ["cifar_resnet20"], 1, 1
    if arguments.subject:
        print(json.dumps(run_subject(arguments.subject, arguments.networks[0], arguments)))
        return
    possible = APPLICATIONS if arguments.against == "applications" else NETWORKS
    networks = arguments.networks or possible
    if not set(networks) <= set(possible):
        parser.error(f"--against {arguments.against} knows {', '.join(possible)} only")
    if arguments.compiled and (arguments.backend, arguments.against) != ("torch", "pytorch"):
        parser.error("--compiled goes with --backend torch --against pytorch")
    theirs = THEIRS[arguments.against]
    print(
        f"| network | batch | ours, {arguments.backend}, s | {theirs}, s | theirs / ours | rounds |"
    )
    print("|---|---|---|---|---|---|")
    results = {network: compare(network, arguments) for network in networks}
    if arguments.output:
        figures = {"threads": arguments.threads, "steps": arguments.steps, **results}
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
