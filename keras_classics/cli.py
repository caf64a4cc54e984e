"""`keras-classics`: list the networks, and look at runs after they ended."""

import argparse
import json
import sys
from pathlib import Path

from keras_classics import __version__
from keras_classics.zoo import list_models, model_card


class _UserError(Exception):
    """Something the user can mend; the message is one sentence."""


def main(argv=None):
    """Runs the command line; ends the process with one sentence on an error.

    Args:
        argv: arguments; None for the process' own.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.function(arguments)
    except (_UserError, *_known_errors()) as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:  # e.g. `keras-classics list | head`
        sys.stderr.close()


def _parser():
    parser = argparse.ArgumentParser(prog="keras-classics", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="the networks of this package")
    command.add_argument("pattern", nargs="?", default="*", help='e.g. "lenet*"')
    command.set_defaults(function=_list)

    command = commands.add_parser("report", help="draw a run's report again")
    command.add_argument("run_dir", type=Path)
    command.set_defaults(function=_report)

    command = commands.add_parser("evaluate", help="measure a run, or its kept epochs, on a split")
    command.add_argument("run_dir", type=Path)
    command.add_argument("--split", choices=("validation", "test"), default="test")
    command.add_argument("--epochs", help="kept epochs, e.g. 5,10,20; else the final model")
    command.add_argument("--data", help="another data set than the run's")
    command.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    command.set_defaults(function=_evaluate)

    command = commands.add_parser("predict", help="classify picture files with a run's model")
    command.add_argument("run_dir", type=Path)
    command.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    command.set_defaults(function=_predict)
    return parser


def _known_errors():
    """The errors of the modules that a command has imported; `list` imports none of them."""
    names = {"keras_classics.data.errors": "DataError", "keras_classics.report": "ReportError"}
    return tuple(getattr(sys.modules[m], name) for m, name in names.items() if m in sys.modules)


def _list(arguments):
    for name in list_models(arguments.pattern):
        card = model_card(name)
        print(f"{name:<18}{card.year or '–':<6}{card.parameters:>12,} parameters  {card.paper}")


def _report(arguments):
    from keras_classics.report import write_report

    print(write_report(arguments.run_dir))


def _load_model(path):
    import keras

    if not path.exists():
        raise _UserError(f"{path} does not exist; is the run finished, and was this epoch kept?")
    try:
        return keras.models.load_model(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise _UserError(f"{path} cannot be loaded as a model: {reason}") from error


def _read_json(run_dir, name):
    try:
        return json.loads((run_dir / name).read_text("utf-8"))
    except OSError as error:
        raise _UserError(f"{run_dir} has no readable {name}; is it a finished run?") from error
    except ValueError as error:
        raise _UserError(f"{run_dir / name} is damaged.") from error


def _evaluate(arguments):
    recipe = _read_json(arguments.run_dir, "recipe.json")["recipe"]
    paths = [(None, arguments.run_dir / "model.keras")]
    if arguments.epochs:
        paths = [
            (epoch, arguments.run_dir / "snapshots" / f"epoch-{epoch:04d}.keras")
            for epoch in _epochs(arguments.epochs)
        ]
    models = [(epoch, _load_model(path)) for epoch, path in paths]
    from keras_classics.training.evaluation import error_percent, evaluate

    source = _source(recipe, arguments)
    print(f"{recipe['name']}, seed {recipe['seed']}: {source.name}, {source.split}, "
          f"{len(source):,} pictures")  # fmt: skip
    for epoch, model in models:
        try:
            result = evaluate(model, source)
        except ValueError as error:
            raise _UserError(str(error)) from error
        wrong = int((result["labels"] != result["predicted"]).sum())
        label = "final model" if epoch is None else f"epoch {epoch}"
        print(f"  {label:<12} error {error_percent(result):.2f} %  ({wrong} wrong)")


def _epochs(text):
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise _UserError(f"`--epochs` takes epochs, e.g. 5,10,20. Received: {text}") from None


def _source(recipe, arguments):
    from keras_classics.data.sources import hold_out, load

    name = arguments.data or recipe["dataset"]
    if arguments.split == "test":
        return load(name, "test", arguments.data_dir)
    if type(recipe["validation"]) is not int or not recipe["validation"] or arguments.data:
        raise _UserError(
            f"{arguments.run_dir} held no training pictures out; use --split test, or train with "
            "--set validation=5000."
        )
    import dataclasses

    _, held_out = hold_out(load(name, "train", arguments.data_dir), recipe["validation"])
    return dataclasses.replace(held_out, split="validation")


def _predict(arguments):
    metrics = _read_json(arguments.run_dir, "metrics.json")
    names, shape = metrics["class_names"], tuple(metrics["image_shape"])
    from keras_classics.data.pictures import read_picture

    # Pictures of digits are prepared as MNIST's were.
    digits = names == [str(digit) for digit in range(10)] and shape[-1] == 1
    pictures, failures = [], []
    for path in arguments.images:
        try:
            pictures.append((path, *read_picture(path, shape, digits)))
        except _known_errors() as error:
            failures.append(str(error))
    if pictures:
        _print_predictions(_load_model(arguments.run_dir / "model.keras"), pictures, names)
    if failures:
        raise _UserError(" ".join(failures))


def _print_predictions(model, pictures, names):
    import keras
    import numpy as np

    both = keras.Model(
        model.input, [model.get_layer("logits").output, model.get_layer("probabilities").output]
    )
    batch = np.stack([pixels for _, pixels, _ in pictures])
    logits, probabilities = both.predict(batch, verbose=0)
    for (path, _, done), row, shares in zip(pictures, logits, probabilities, strict=True):
        best = int(shares.argmax())
        print(f"{path}: {names[best]}")
        for sentence in done:
            print(f"  {sentence}")
        for index in np.argsort(-shares, kind="stable")[:10]:
            print(f"  {names[index]:<16}{shares[index]:>9.4f}   logit {row[index]:.3f}")


if __name__ == "__main__":
    main()
