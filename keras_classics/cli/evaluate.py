"""`keras-classics evaluate`: runs, their kept epochs and saved models, measured again."""

import importlib

from keras_classics import checks
from keras_classics.cli.saved_runs import load_model, read_json
from keras_classics.errors import UserError
from keras_classics.words import pictures


def evaluate_command(arguments):
    """Measures what the command line names, and prints a line for each."""
    if arguments.batch_size is not None:
        checks.integer("batch_size", arguments.batch_size, error=UserError)
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
    print(f"{whose}{source.name}, {pictures(len(source), source.split)}{how}")
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
        return [(str(path), load_model(path), None)]
    recipe = read_json(path, "recipe.json")["recipe"]
    if not arguments.epochs:
        return [("final model" if alone else str(path), load_model(path / "model.keras"), recipe)]
    return [
        (
            f"epoch {epoch}" if alone else f"{path}, epoch {epoch}",
            load_model(path / "snapshots" / f"epoch-{epoch:04d}.keras"),
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


# Runs from before the rooms were divided name these where they were.
_MOVED = {
    "keras_classics.training.protocols": "keras_classics.evaluation.protocols",
    "keras_classics.training.dense": "keras_classics.evaluation.dense_evaluation",
    "keras_classics.data.crops": "keras_classics.data.transforms.crops",
    "keras_classics.data.resizing": "keras_classics.data.transforms.resizing",
}
_RENAMED = {"Dense": "DenseEvaluation"}


def _restored(description):
    """Returns the value that `describe` wrote into recipe.json: a protocol, or transforms."""
    if isinstance(description, list):
        return tuple(_restored(item) for item in description)
    if not isinstance(description, dict):
        return description
    arguments = {key: _restored(value) for key, value in description.items()}
    place = arguments.pop("call", "")
    module, _, name = place.partition(":")
    module, name = _MOVED.get(module, module), _RENAMED.get(name, name)
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
