"""The sources of a run: what it trains on, validates on and is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_classics.data.sources import hold_out, load
from keras_classics.training.fields import changes_of
from keras_classics.training.recipe import RecipeError
from keras_classics.words import pictures

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import AnyPath


def load_sources(recipe: Recipe, data_dir: AnyPath | None, cache: str) -> dict[str, Any]:
    """Loads what a recipe trains on, validates on and is measured on.

    Args:
        recipe: a `Recipe`.
        data_dir: where TensorFlow Datasets keeps its data; None for its default.
        cache: what picture files are kept in: "ram", "disk", the user's cache, or "none".

    Returns:
        {"train": source, "validation": source or None, "final": source, "whole": {field: number of
        pictures that `limit_train`, `limit_test` is a part of}}.

    Raises:
        DataError: if the data cannot be had.
        RecipeError: if the recipe wants a part of it that it does not have.
    """
    held_out = recipe.validation not in ("test", 0)
    # Held-out pictures are there to choose by; the test split is then left alone.
    splits = ("train",) if held_out else ("train", "test")
    train_source: Any  # of one of the classes that `load` returns
    validation: Any = None
    whole: dict[str, int] = {}
    train_source, *test = (load(recipe.dataset, split, data_dir).cached(cache) for split in splits)
    limited = (recipe.limit_train, recipe.limit_test) != (None, None)
    if train_source.is_stream and (limited or held_out):
        raise RecipeError(
            f"{recipe.dataset} is read as a stream, of which no part can be held out or left away; "
            'set `validation` to "test" or 0 and leave out `limit_train` and `limit_test`.'
        )
    if held_out and recipe.limit_test is not None:
        raise RecipeError(
            "`limit_test` is of test pictures, and with held-out training pictures none of them is "
            "measured; leave one out, `limit_test` or `validation`."
        )
    if held_out:
        size = _held_out(train_source, recipe.validation)
        _check_part(train_source, size, "validation")
        train_source, validation = hold_out(train_source, size)
        final = replace(validation, split="validation")
    else:
        final = _limited(test[0], recipe, "limit_test")
        validation = final if recipe.validation == "test" else None
        whole["limit_test"] = len(test[0])
    whole["limit_train"] = len(train_source)
    return {
        "train": _limited(train_source, recipe, "limit_train"),
        "validation": validation,
        "final": final,
        "whole": whole,
    }


def _limited(source, recipe, field):
    """Returns as much of a source as a field of the recipe says."""
    size = getattr(recipe, field)
    if size is None or size == len(source):
        return source
    _check_part(source, size, field)
    return replace(hold_out(source, size)[1], split=source.split)


def _held_out(source, validation):
    """How many pictures a recipe's `validation` is: a share has at least one of each class."""
    if type(validation) is float:
        return max(round(validation * len(source)), source.num_classes)
    return validation


def _check_part(source, size, field):
    there = pictures(len(source), source.split)
    if size > len(source):
        raise RecipeError(f"`{field}` is {size:,}, but only {there} are there.")
    if size < source.num_classes:
        raise RecipeError(
            f"`{field}` is {size:,}, but {source.name} has {source.num_classes:,} classes; take at "
            "least one picture of each."
        )
    if size == len(source):  # of `validation`: the others may take all
        raise RecipeError(f"`{field}` is {size:,}, which leaves none of {there} to train on.")


def facts_of(recipe: Recipe, sources: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `recipe.json` says beside a recipe: what only the data could tell.

    Args:
        recipe: the `Recipe`.
        sources: those of `load_sources`.

    Returns:
        {"changed": what `changes_of` says, with the number of pictures that a limit is a part of;
        "validated_on": what the pictures are that are measured after every epoch, or None}.
    """
    whole = sources["whole"]
    changed = [
        {**one, "published": whole.get(one["field"], one["published"])}
        for one in changes_of(recipe)
    ]
    validation = sources["validation"]
    return {
        "changed": [one for one in changed if one["here"] != one["published"]],
        "validated_on": None if validation is None else validation.split,
    }
