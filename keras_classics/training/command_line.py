"""The command line that every recipe script shares."""

import argparse
import ast
import sys
from datetime import datetime
from pathlib import Path

from keras_classics.data.errors import DataError
from keras_classics.training.loop import TrainingError, train
from keras_classics.training.recipe import RecipeError, vary
from keras_classics.training.run_directory import RunDirectoryError

_ERRORS = (DataError, RecipeError, RunDirectoryError, TrainingError)


def run(recipe, choices=None, argv=None):
    """Trains a recipe as its command line says; ends the process with one sentence on an error.

    Args:
        recipe: a `Recipe`.
        choices: flags of this recipe alone, {flag: {choice: {field: value}}}, e.g.
            {"optimizer": {"sgd": {}, "sdlm": {"batch_size": 1}}}; the first choice is the default.
            A flag whose choices are only "off" and "on" is a switch.
        argv: arguments; None for the process' own.
    """
    choices = choices or {}
    arguments = _parser(recipe, choices).parse_args(argv)
    try:
        recipe = _apply(recipe, choices, arguments)
        run_dir = arguments.run_dir or _new_run_dir(recipe)
        print(f"Run directory: {run_dir}", flush=True)
        metrics = train(
            recipe,
            run_dir,
            data_dir=arguments.data_dir,
            on_bad_image=arguments.on_bad_image,
            cache=arguments.cache,
        )
    except _ERRORS as error:
        sys.exit(f"error: {' '.join(str(error).split())}")  # one line, also of Keras' own
    except KeyboardInterrupt:
        sys.exit(f"Stopped. The same command with --run-dir {run_dir} continues the run.")
    print(_table(recipe, metrics))
    print(f"Report: {Path(run_dir) / 'report.html'}")


def _parser(recipe, choices):
    parser = argparse.ArgumentParser(
        description=f"Trains {recipe.name}, evaluates it and writes a report."
    )
    parser.add_argument("--data", help=f"data set (default: {recipe.dataset}); any TFDS name, "
                        "mnist_5k, idx:<directory>, or folder:<directory>")  # fmt: skip
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--run-dir", help="folder of the run; an interrupted run in it continues")
    parser.add_argument("--epochs", type=int, help=f"(default: {recipe.epochs})")
    parser.add_argument("--batch-size", type=int, help="(default: the recipe's)")
    parser.add_argument("--seed", type=int, help=f"(default: {recipe.seed})")
    parser.add_argument("--limit-train", type=int, help="train on this many pictures only")
    parser.add_argument(
        "--on-bad-image",
        choices=("skip", "stop"),
        default="skip",
        help="picture files that cannot be decoded: list them and go on, or stop",
    )
    parser.add_argument(
        "--cache",
        choices=("none", "ram"),
        default="none",
        help="keep the files of a folder: in memory",
    )
    parser.add_argument("--keep-epochs", help="epochs whose model is kept, e.g. 5,10,20")
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


def _apply(recipe, choices, arguments):
    changes = {}
    for flag, options in choices.items():
        changes |= options[getattr(arguments, flag.replace("-", "_"))]
    direct = ("epochs", "batch_size", "seed", "limit_train")
    given = {name: getattr(arguments, name) for name in direct}
    given |= {"dataset": arguments.data, "keep_epochs": _epochs(arguments.keep_epochs)}
    changes |= {name: value for name, value in given.items() if value is not None}
    for setting in arguments.set:
        name, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(f"`--set` takes FIELD=VALUE. Received: --set {setting}")
        changes[name] = _value(text)
    return vary(recipe, changes)


def _epochs(text):
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise RecipeError(
            f"`--keep-epochs` takes epochs, e.g. 5,10,20. Received: --keep-epochs {text}"
        ) from None


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _new_run_dir(recipe):
    return Path("runs") / recipe.name / f"{datetime.now():%Y%m%d-%H%M%S}-{recipe.seed}"


def _table(recipe, metrics):
    paper = metrics["paper"] or {}
    rows = [("", "paper", "this run")]
    kinds = (
        ("test_error", "error", "test error"),
        ("top5_error", "top5_error", "top-5 error"),
        ("train_error", "train_error", "training error"),
    )
    for name, key, label in kinds:
        published, ours = paper.get(name), metrics.get(key)
        if ours is None or (name == "top5_error" and published is None):
            continue
        rows.append((label, "–" if published is None else f"{published} %", f"{ours:.2f} %"))
    lines = [f"  {a:<16}{b:>10}{c:>12}" for a, b, c in rows]
    return "\n".join(["", f"{recipe.name}, {metrics['note']}", *lines, ""])
