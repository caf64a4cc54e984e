"""`keras-classics evaluate`: runs, their kept epochs and saved models, measured again."""

from __future__ import annotations

import re
from argparse import Namespace

from keras_classics import checks, shipped
from keras_classics.cli.recipe_files import load_module
from keras_classics.errors import UserError
from keras_classics.schema import short
from keras_classics.trained_model import load_model
from keras_classics.words import pictures


def evaluate_command(arguments: Namespace) -> None:
    """Measures what the command line names, and prints a line for each."""
    if arguments.batch_size is not None:
        checks.integer("batch_size", arguments.batch_size, error=UserError, most=2**31 - 1)
    imported = [load_module(path) for path in arguments.imports]
    chosen = [entry for path in arguments.models for entry in _chosen_of(path, arguments)]
    own = [_own_way(recipe, imported) for *_, recipe in chosen] if not arguments.protocol else []
    models = [load_model(path) for _, path, _ in chosen]
    from keras_classics.data.bad_images import BadImages
    from keras_classics.evaluation import ensemble, evaluate
    from keras_classics.evaluation.classification import check

    recipes = [recipe for *_, recipe in chosen]
    source = _source(recipes, arguments)
    jobs, bad, results = [], BadImages(), []
    for number, (label, _, _) in enumerate(chosen):
        model = models[number]
        try:
            protocol, transforms = own[number] if own else _named(arguments.protocol, model)
            check(model, source, protocol, transforms)
        except ValueError as error:
            where = [label] * (len(chosen) > 1) + [f"`protocol` {arguments.protocol}"] * (not own)
            raise UserError(": ".join([*where, str(error)])) from error
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


def _chosen_of(path, arguments):
    """Returns (label, file, described recipe or None) for a run, its kept epochs, or a model."""
    alone = len(arguments.models) == 1
    if path.is_file():
        if arguments.epochs or arguments.split != "test":
            raise UserError(f"{path} is a model, not a run: it has no --epochs and no --split.")
        return [(str(path), path, None)]
    from keras_classics.report.run_files import read_recipe

    folder = shipped.run_directory(path)
    recipe = read_recipe(folder)
    if not arguments.epochs:
        return [("final model" if alone else str(path), folder / "model.keras", recipe)]
    return [
        (
            f"epoch {epoch}" if alone else f"{path}, epoch {epoch}",
            folder / "snapshots" / f"epoch-{epoch:04d}.keras",
            recipe,
        )
        for epoch in _epochs(arguments.epochs)
    ]


def _epochs(text):
    try:
        epochs = [int(part) for part in text.split(",")]
        if min(epochs) < 1:
            raise ValueError
        return epochs
    except ValueError:
        raise UserError(f"`--epochs` takes epochs, e.g. 5,10,20. Received: {text}") from None


def _own_way(recipe, imported):
    """Returns a run's own protocol, and its transforms where it has none."""
    if recipe is None:
        return None, ()
    from keras_classics.evaluation.recorded import protocol_of, transforms_of

    protocol = protocol_of(recipe, imported)
    return protocol, () if protocol else transforms_of(recipe, imported)


def _named(name, model):
    from keras_classics.evaluation.by_name import protocol_for
    from keras_classics.models.fully_convolutional import fully_convolutional

    return protocol_for(name, model, fully_convolutional), ()


# What is downloaded by such a name is data, not the code of a stranger's data set (owner:name).
_DATA = re.compile(r"(idx|folder):.+|\w+(/[\w.+-]+)*(:\d+\.\d+\.\d+)?", re.DOTALL)


def _data_of(recipe):
    name = recipe["dataset"]
    if not _DATA.fullmatch(name):
        raise UserError(
            f"The run says that its data set is {short(name, 80)}, which is not loaded for a run "
            "directory's sake; name the data with --data."
        )
    return name


def _source(recipes, arguments):
    from keras_classics.data.sources import hold_out, load

    names = {arguments.data or (recipe and _data_of(recipe)) for recipe in recipes}
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
    sizes = {recipe.get("validation") for recipe in recipes}
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
