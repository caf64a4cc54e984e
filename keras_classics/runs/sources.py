"""The sources of a run: what it trains on, validates on and is measured on."""

from dataclasses import replace

from keras_classics.data.sources import hold_out, load
from keras_classics.training.recipe import RecipeError
from keras_classics.training.variation import changes_of


def load_sources(recipe, data_dir, cache):
    """Loads what a recipe trains on, validates on and is measured on.

    Args:
        recipe: a `Recipe`.
        data_dir: where TensorFlow Datasets keeps its data; None for its default.
        cache: what picture files are kept in: "ram", "disk", the user's cache, or "none".

    Returns:
        {"train": source, "validation": source or None, "final": source, "unlimited": source};
        the last is what there is to train on before `limit_train`.

    Raises:
        DataError: if the data cannot be had.
        RecipeError: if the recipe wants a part of it that it does not have.
    """
    train_source = load(recipe.dataset, "train", data_dir).cached(cache)
    validation = None
    if train_source.is_stream and (
        recipe.limit_train is not None or recipe.validation not in (0, "test")
    ):
        raise RecipeError(
            f"{recipe.dataset} is read as a stream, of which no part can be held out or left away; "
            'set `validation` to "test" or 0 and `limit_train` to None.'
        )
    if type(recipe.validation) is int and recipe.validation:
        # Held-out pictures are there to choose by; the test split is then left alone.
        train_source, validation = hold_out(train_source, recipe.validation)
        final = replace(validation, split="validation")
    else:
        final = load(recipe.dataset, "test", data_dir).cached(cache)
        validation = final if recipe.validation == "test" else None
    unlimited = train_source
    if recipe.limit_train is not None and recipe.limit_train != len(train_source):
        if recipe.limit_train > len(train_source):
            raise RecipeError(
                f"`limit_train` is {recipe.limit_train:,}, but only {len(train_source):,} training "
                f"pictures are there."
            )
        _, train_source = hold_out(train_source, recipe.limit_train)
    return {
        "train": train_source,
        "validation": validation,
        "final": final,
        "unlimited": unlimited,
    }


def facts_of(recipe, sources):
    """Returns what `recipe.json` says beside a recipe: what only the data could tell.

    Args:
        recipe: the `Recipe`.
        sources: those of `load_sources`.

    Returns:
        {"changed": what `changes_of` says, with the number of pictures that `limit_train` is a part
        of; "validated_on": what the pictures are that are measured after every epoch, or None}.
    """
    whole = len(sources["unlimited"])
    changed = [
        {**one, "published": whole} if one["field"] == "limit_train" else one
        for one in changes_of(recipe)
    ]
    validation = sources["validation"]
    return {
        "changed": [one for one in changed if one["here"] != one["published"]],
        "validated_on": None if validation is None else validation.split,
    }
