"""A recipe with some of its fields changed, also those deep inside of its callables."""

import dataclasses
import difflib
import inspect
from functools import partial

from keras_classics import checks
from keras_classics.training.recipe import Recipe, RecipeError

_LISTED, _LONGEST = 12, 40  # names in a sentence, and characters of one


def vary(recipe, changes):
    """Returns the recipe with some fields changed.

    Args:
        recipe: a `Recipe`.
        changes: {field: value}; dots reach into builders, transforms and the like:
            `model.activation`, `train_transforms.0.scale`.

    Returns:
        A new `Recipe`.

    Raises:
        RecipeError: for a field that does not exist, or a value out of range; or if `recipe` is no
            recipe, or `changes` no dict of texts.
    """
    if not isinstance(recipe, Recipe):
        checks.refuse("recipe", "a `Recipe`", recipe, RecipeError)
    if not isinstance(changes, dict) or not all(isinstance(path, str) for path in changes):
        checks.refuse("changes", "a dict of fields and values", changes, RecipeError)
    fields = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    for path, value in changes.items():
        try:
            fields = _replace(fields, path.split("."), value, path)
        except RecipeError:
            raise
        except (TypeError, ValueError) as error:  # a transform or the like refused its value
            raise RecipeError(f"`{path}` cannot be {checks.shown(value)}: {error}") from error
    return Recipe(**fields)  # checked once, when all the changes are in


def _replace(owner, names, value, path):
    """Returns a copy of `owner` with the value at the end of the path `names` replaced."""
    name, *rest = names
    if isinstance(owner, tuple) and name.isdigit() and int(name) < len(owner):
        items = list(owner)
        items[int(name)] = _replace(items[int(name)], rest, value, path) if rest else value
        return tuple(items)
    legal = _names_of(owner)
    if name not in legal:
        # All of them where they are few; else those that the name may have meant.
        near = difflib.get_close_matches(name, legal) if len(legal) > _LISTED else legal
        raise RecipeError(
            f"`{path[:_LONGEST]}` cannot be set: there is no {name[:_LONGEST]!r}"
            + (f"; there are {', '.join(near or [*legal[:_LISTED], '…'])}." if legal else ".")
        )
    if isinstance(owner, dict):
        return {**owner, name: _replace(owner[name], rest, value, path) if rest else value}
    if dataclasses.is_dataclass(owner):
        new = _replace(getattr(owner, name), rest, value, path) if rest else value
        return dataclasses.replace(owner, **{name: new})
    keywords = getattr(owner, "keywords", {})
    new = _replace(keywords.get(name), rest, value, path) if rest else value
    arguments = getattr(owner, "args", ())
    return partial(getattr(owner, "func", owner), *arguments, **{**keywords, name: new})


def _names_of(owner):
    if isinstance(owner, dict):
        return list(owner)
    if dataclasses.is_dataclass(owner):
        return [field.name for field in dataclasses.fields(owner)]
    if not callable(owner):
        return []
    parameters = inspect.signature(getattr(owner, "func", owner)).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
