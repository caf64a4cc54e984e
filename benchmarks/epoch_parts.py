"""What an epoch of ResNet-20 on CIFAR-10 takes beside its training and its forward passes.

    python -m benchmarks.epoch_parts --data-dir DIR [--backends tensorflow jax torch] [--epochs 4]

`recipes/cifar_resnet_cifar10.py --split 45k` on each backend, in a process of its own on all
cores: 45,000 pictures to train on and 5,000 held out, or --pictures and a ninth of them. The parts
of each epoch but the first:

    training   Keras' `fit` on the pipeline, with the looks for NaN
    forward    the passes of the held-out pictures through the network
    rest       the pipeline of the held-out pictures and their loss, the checkpoint, the history and
               the curves, which are not drawn in every epoch and stand apart once more

Prints medians over the epochs in seconds, and the share of the rest in the whole: the bar is 3 %.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

from benchmarks import machine

BACKENDS = ("tensorflow", "jax", "torch")
PARTS = ("whole", "training", "forward", "curves")


def run(options):
    """Trains; returns a dictionary of seconds for each epoch but the first."""
    from keras_classics.cli.recipe_files import load_recipe
    from keras_classics.runs import run as run_module, train
    from keras_classics.training import vary

    epochs = []

    def timed(part, function):
        def wrapped(*arguments, **named):
            if part == "whole":
                epochs.append(dict.fromkeys(PARTS, 0.0))
            before = time.perf_counter()
            result = function(*arguments, **named)
            epochs[-1][part] += time.perf_counter() - before
            return result

        return wrapped

    in_chunks = run_module.in_chunks
    # No measuring in the end, which is of no epoch, uses these names of the module of runs.
    run_module.in_chunks = lambda *arguments: timed("forward", in_chunks(*arguments))
    run_module.draw_curves = timed("curves", run_module.draw_curves)
    run_module.Run._fit = timed("training", run_module.Run._fit)
    run_module.Run._epoch = timed("whole", run_module.Run._epoch)
    values = {"epochs": options.epochs + 1, "validation": options.pictures // 9}
    recipe = vary(
        load_recipe("cifar_resnet_cifar10").RECIPE, {**values, "limit_train": options.pictures}
    )
    with tempfile.TemporaryDirectory() as run_dir:
        train(recipe, run_dir, data_dir=options.data_dir, verbose=0)
    return epochs[1:]


def in_a_process(backend, options):
    words = ("epochs", "pictures", "data_dir")
    given = [(f"--{w.replace('_', '-')}", str(getattr(options, w))) for w in words]
    flags = [word for pair in given if pair[1] != "None" for word in pair]
    command = machine.command("epoch_parts", "--subject", *flags)
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--epochs", type=int, default=4, help="counted ones")
    parser.add_argument("--pictures", type=int, default=45_000)
    parser.add_argument("--subject", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        options.backends, options.epochs, options.pictures = ["tensorflow"], 1, 900
    if options.subject:
        print(json.dumps(run(options)))
        return
    print("| backend | an epoch, s | training | forward | rest | curves | rest of the whole |")
    print("|---|---|---|---|---|---|---|")
    for backend in options.backends:
        epochs = in_a_process(backend, options)
        rests = [e["whole"] - e["training"] - e["forward"] for e in epochs]
        shares = [rest / e["whole"] for rest, e in zip(rests, epochs, strict=True)]
        whole, training, forward, curves = (
            statistics.median(e[part] for e in epochs) for part in PARTS
        )
        print(
            f"| {backend} | {whole:.1f} | {training:.1f} | {forward:.2f} | "
            f"{statistics.median(rests):.2f} | {curves:.2f} | "
            f"{100 * statistics.median(shares):.1f} % (largest {100 * max(shares):.1f} %) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
