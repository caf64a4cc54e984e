"""The flags of recipes and of searches; nothing here needs what takes seconds to import."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from keras_classics.choices import PRECISIONS, STRATEGIES, TUNERS
from keras_classics.cli.sentences import Parser


def recipe_parser(recipe: Any, choices: Mapping[str, Any]) -> argparse.ArgumentParser:
    """Returns the parser of a recipe's command line.

    Args:
        recipe: a `Recipe`, or its outline.
        choices: see `keras_classics.cli.run`.
    """
    parser = Parser(description=f"Trains {recipe.name}, evaluates it and writes a report.")
    parser.add_argument("--data", help=f"data set (default: {recipe.dataset}); any TFDS name, "
                        "mnist_5k, idx:<directory>, or folder:<directory>")  # fmt: skip
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--run-dir", help="folder of the run; an interrupted run in it continues")
    parser.add_argument("--epochs", type=int, help=f"(default: {recipe.epochs})")
    parser.add_argument("--batch-size", type=int, help="(default: the recipe's)")
    parser.add_argument("--seed", type=int, help=f"(default: {recipe.seed})")
    parser.add_argument("--seeds", metavar="SEEDS",
                        help="a run for each, e.g. 0-4 or 0,3: mean and spread")  # fmt: skip
    parser.add_argument("--limit-train", type=int, help="train on this many pictures only")
    parser.add_argument("--limit-test", type=int, help="measure this many test pictures only")
    parser.add_argument(
        "--on-bad-image",
        choices=("skip", "stop"),
        default="skip",
        help="picture files that cannot be decoded: list them and go on, or stop",
    )
    parser.add_argument(
        "--cache",
        choices=("none", "ram", "disk"),
        default="none",
        help="keep the files of a folder: in memory, or copied to this machine's cache",
    )
    parser.add_argument("--keep-epochs", help="epochs whose model is kept, e.g. 5,10,20")
    parser.add_argument("--log-steps", type=int, metavar="STEPS",
                        help="write steps.csv, a row for every so many updates")  # fmt: skip
    parser.add_argument("--after", metavar="RUN_DIR",
                        help="another run, which starts from a finished run's weights")  # fmt: skip
    parser.add_argument("--early-stopping", type=int, metavar="EPOCHS",
                        help="stop after so many without a lower validation loss")  # fmt: skip
    parser.add_argument("--tensorboard", action="store_true",
                        help="write what TensorBoard shows into the run directory")  # fmt: skip
    _add_device_flags(parser)
    for flag, options in choices.items():
        if set(options) == {"off", "on"}:
            parser.add_argument(f"--{flag}", action="store_const", const="on", default="off")
        else:
            parser.add_argument(f"--{flag}", choices=list(options), default=next(iter(options)))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change any field, e.g. model.activation=tanh; may be repeated",
    )
    return parser


def _add_device_flags(parser):
    group = parser.add_argument_group("devices")
    group.add_argument("--strategy", choices=STRATEGIES, default="auto", help="what computes: see "
                       "keras_classics.runs.distribution (default: auto)")  # fmt: skip
    group.add_argument("--replicas", type=int, help="how many devices (default: all there are)")
    group.add_argument("--coordinator", metavar="HOST:PORT", help="multi_machine, where neither "
                       "SLURM nor Open MPI tells: process 0")  # fmt: skip
    group.add_argument("--processes", type=int, help="multi_machine: how many processes")
    group.add_argument("--process", type=int, help="multi_machine: number of this one, from 0")
    group.add_argument("--linear-scaling", action="store_true", help="multiply the learning rate "
                       "by what --batch-size multiplies the batch by")  # fmt: skip
    group.add_argument("--sync-batch-norm", action="store_true",
                       help="normalise the whole batch, not each replica's part")  # fmt: skip
    group.add_argument("--precision", choices=PRECISIONS, help="(default: the recipe's)")
    group.add_argument("--accumulate", type=int, metavar="PIECES",
                       help="compute each batch in so many pieces")  # fmt: skip
    group.add_argument("--jit", choices=("auto", "on", "off"), default="auto",
                       help="compile the step (default: as Keras chooses)")  # fmt: skip
    group.add_argument("--steps-per-execution", type=int, default=1, metavar="STEPS",
                       help="steps in one call of the backend")  # fmt: skip


def search_parser(recipe: Any) -> argparse.ArgumentParser:
    """Returns the parser of a search's command line.

    Args:
        recipe: a `Recipe`, or its outline.
    """
    parser = Parser(description=f"Searches around {recipe.name}.")
    add = parser.add_argument
    add("--tuner", choices=TUNERS, default="hyperband", help="(default: hyperband)")
    add("--trials", type=int, default=20, help="of random and bayesian (default: 20)")
    add("--directory", help="folder of the search; an interrupted search in it continues")
    add("--data", help=f"data set (default: {recipe.dataset})")
    add("--data-dir", help="where TensorFlow Datasets keeps its data")
    add("--epochs", type=int, help=f"of a whole trial (default: {recipe.epochs})")
    add("--validation", type=int, help=f"pictures held out (default: {recipe.validation})")
    add("--limit-train", type=int, help="train on this many pictures only")
    add("--seed", type=int, default=0, help="of the choices and the runs (default: 0)")
    add("--set", action="append", default=[], metavar="FIELD=VALUE", help="change any field")
    add("--oracle", metavar="HOST:PORT", help="share the search: where its trials are chosen")
    add(
        "--worker", help="with --oracle: a name for this process, which trains; without, it chooses"
    )
    return parser
