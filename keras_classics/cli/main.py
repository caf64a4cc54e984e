"""`keras-classics`: list the networks, and look at runs after they ended."""

import argparse
import gc
import importlib
import json
import sys
from pathlib import Path

from keras_classics import __version__
from keras_classics.errors import UserError
from keras_classics.zoo import list_models, model_card


def main(argv=None):
    """Runs the command line; ends the process with one sentence on an error.

    Args:
        argv: arguments; None for the process' own.
    """
    arguments = _parser().parse_args(argv)
    problem = None
    try:
        arguments.function(arguments)
    except UserError as error:
        problem = f"error: {error}"
    except BrokenPipeError:  # e.g. `keras-classics list | head`
        sys.stderr.close()
    if problem is not None:
        gc.collect()  # see `end_in_a_sentence`
        sys.exit(problem)


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

    command = commands.add_parser(
        "evaluate", help="measure runs, their kept epochs, or saved models, and their average"
    )
    command.add_argument(
        "models", type=Path, nargs="+", metavar="RUN_DIR|MODEL.keras", help="several: an ensemble"
    )
    command.add_argument("--split", choices=("validation", "test"), default="test")
    command.add_argument("--epochs", help="kept epochs, e.g. 5,10,20; else the final model")
    command.add_argument("--data", help="another data set than the run's")
    command.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    command.add_argument(
        "--protocol",
        help="center, ten_crop, dense, multi_scale_dense, grid_150, googlenet_144 or "
        "resnet_multi_scale, at the network's input size; else the run's own",
    )
    command.add_argument(
        "--batch-size", type=int, help="pictures or crops in the network at once: less memory"
    )
    command.set_defaults(function=_evaluate)

    command = commands.add_parser("predict", help="classify picture files with a run's model")
    command.add_argument("run_dir", type=Path)
    command.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    command.set_defaults(function=_predict)
    return parser


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
        raise UserError(f"{path} does not exist; is the run finished, and was this epoch kept?")
    try:
        return keras.models.load_model(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be loaded as a model: {reason}") from error


def _read_json(run_dir, name):
    try:
        return json.loads((run_dir / name).read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{run_dir} has no readable {name}; is it a finished run?") from error
    except ValueError as error:
        raise UserError(f"{run_dir / name} is damaged.") from error


def _evaluate(arguments):
    if arguments.batch_size is not None and arguments.batch_size < 1:
        raise UserError(
            f"`--batch-size` must be at least 1. Received: --batch-size {arguments.batch_size}"
        )
    measured = [entry for path in arguments.models for entry in _models_of(path, arguments)]
    from keras_classics.data.bad_images import BadImages
    from keras_classics.evaluation import ensemble, evaluate
    from keras_classics.evaluation.classification import check

    recipes = [recipe for _, _, recipe in measured]
    source = _source(recipes, arguments)
    jobs, bad, results = [], BadImages(), []
    for label, model, recipe in measured:
        try:
            protocol, transforms = _protocol(model, recipe, arguments.protocol)
            check(model, source, protocol, transforms)
        except ValueError as error:
            raise UserError(f"{label}: {error}" if len(measured) > 1 else str(error)) from error
        jobs.append((label, model, protocol, transforms))
    run = recipes[0] if len(arguments.models) == 1 else None
    whose = f"{run['name']}, seed {run['seed']}: " if run else ""
    how = ", " + (arguments.protocol or type(protocol).__name__) if protocol else ""
    print(f"{whose}{source.name}, {source.split}, {len(source):,} pictures{how}")
    width = max(12, *(len(label) for label, *_ in jobs))
    for label, model, protocol, transforms in jobs:
        try:
            options = {"transforms": transforms, "bad": bad}
            results.append(evaluate(model, source, protocol, arguments.batch_size, **options))
        except ValueError as error:  # what only the pictures or the outputs show
            raise UserError(f"{label}: {error}") from error
        print(f"  {label:<{width}} {_errors(results[-1])}")
    if len(arguments.models) > 1:
        print(f"  {'ensemble':<{width}} {_errors(ensemble(results))}")
    if len(bad):
        print(f"  {len(bad):,} pictures could not be decoded and are left out: "
              f"{', '.join(list(bad.reasons)[:3])}{', …' * (len(bad) > 3)}")  # fmt: skip


def _errors(result):
    line = f"error {result.error:.2f} %  ({result.wrong} wrong)"
    if result.probabilities.shape[1] > 5:
        line += f"  top-5 error {result.top_k_error(5):.2f} %"
    return line


def _models_of(path, arguments):
    """Returns (label, model, described recipe or None) for a run, its kept epochs, or a file."""
    alone = len(arguments.models) == 1
    if path.is_file():
        if arguments.epochs or arguments.split != "test":
            raise UserError(f"{path} is a model, not a run: it has no --epochs and no --split.")
        return [(str(path), _load_model(path), None)]
    recipe = _read_json(path, "recipe.json")["recipe"]
    if not arguments.epochs:
        return [("final model" if alone else str(path), _load_model(path / "model.keras"), recipe)]
    return [
        (
            f"epoch {epoch}" if alone else f"{path}, epoch {epoch}",
            _load_model(path / "snapshots" / f"epoch-{epoch:04d}.keras"),
            recipe,
        )
        for epoch in _epochs(arguments.epochs)
    ]


def _epochs(text):
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"`--epochs` takes epochs, e.g. 5,10,20. Received: {text}") from None


def _protocol(model, recipe, name):
    """Returns the protocol asked for, or the run's own, and the transforms where there is none."""
    recipe = recipe or {}
    if name is not None:
        from keras_classics.evaluation.by_name import protocol_for
        from keras_classics.models.fully_convolutional import fully_convolutional

        return protocol_for(name, model, fully_convolutional), ()
    protocol = _restored(recipe.get("protocol"))
    return protocol, () if protocol else _restored(recipe.get("test_transforms", []))


def _restored(description):
    """Returns the value that `describe` wrote into recipe.json: a protocol, or transforms."""
    if isinstance(description, list):
        return tuple(_restored(item) for item in description)
    if not isinstance(description, dict):
        return description
    arguments = {key: _restored(value) for key, value in description.items()}
    place = arguments.pop("call", "")
    module, _, name = place.partition(":")
    if module.split(".")[0] != "keras_classics":
        raise UserError(
            f"The run is measured by {place}, which is not of this package; choose a --protocol."
        )
    try:
        value = getattr(importlib.import_module(module), name)
        # A function stands for itself, a class for its instance.
        return value(**arguments) if isinstance(value, type) else value
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        raise UserError(
            f"The run is measured by {place}, which this version does not know ({error}); choose "
            "a --protocol."
        ) from error


def _source(recipes, arguments):
    from keras_classics.data.sources import hold_out, load

    names = {arguments.data or (recipe and recipe["dataset"]) for recipe in recipes}
    if None in names:
        raise UserError("A model does not say what it was trained on; name the data with --data.")
    if len(names) > 1:
        raise UserError(
            f"The runs are of several data sets ({', '.join(sorted(names))}); choose one with "
            "--data."
        )
    name = names.pop()
    if arguments.split == "test":
        return load(name, "test", arguments.data_dir)
    sizes = {recipe["validation"] for recipe in recipes}
    size = sizes.pop()
    if sizes or type(size) is not int or not size or arguments.data:
        run = ", ".join(map(str, arguments.models))
        raise UserError(
            f"{run} held no training pictures out{', or not the same ones' * bool(sizes)}; use "
            "--split test, or train with --set validation=5000."
        )
    import dataclasses

    _, held_out = hold_out(load(name, "train", arguments.data_dir), size)
    return dataclasses.replace(held_out, split="validation")


def _predict(arguments):
    metrics = _read_json(arguments.run_dir, "metrics.json")
    names, shape = metrics["class_names"], tuple(metrics["image_shape"])
    from keras_classics.data.image_files import read_image

    # Pictures of digits are prepared as MNIST's were.
    digits = names == [str(digit) for digit in range(10)] and shape[-1] == 1
    pictures, failures = [], []
    for path in arguments.images:
        try:
            pictures.append((path, *read_image(path, shape, digits)))
        except UserError as error:
            failures.append(str(error))
    if pictures:
        _print_predictions(_load_model(arguments.run_dir / "model.keras"), pictures, names)
    if failures:
        raise UserError(" ".join(failures))


def _print_predictions(model, pictures, names):
    import keras
    import numpy as np

    both = keras.Model(
        model.input, [model.get_layer("logits").output, model.get_layer("probabilities").output]
    )
    for path, pixels, done in pictures:
        row, shares = (np.asarray(out[0]) for out in both.predict_on_batch(pixels[np.newaxis]))
        best = int(shares.argmax())
        print(f"{path}: {names[best]}")
        for sentence in done:
            print(f"  {sentence}")
        for index in np.argsort(-shares, kind="stable")[:10]:
            print(f"  {names[index]:<16}{shares[index]:>9.4f}   logit {row[index]:.3f}")


if __name__ == "__main__":
    main()
