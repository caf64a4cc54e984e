"""The fields of a recipe, also those deep inside of its callables: as plain data, and changed."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import inspect
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from keras_classics import checks
from keras_classics.files import utf8
from keras_classics.training.consequences import consequences
from keras_classics.training.recipe import Recipe, RecipeError
from keras_classics.training.source_text import source_text

# What a run is called and shows, and which of the draws it is: no other experiment.
_UNDECIDING = ("name", "paper", "deviations", "keep_epochs", "seed")

SOURCE_TEXT = "source text"  # no argument can have this name
_LISTED, _LONGEST = 12, 40  # names in a sentence, and characters of one


def describe(value: Any) -> Any:
    """Returns a value of a recipe as plain JSON data, the same in every process.

    Args:
        value: a plain value, a tuple, list or dict of values, an importable function or class, a
            partial of one, or a dataclass.

    Returns:
        JSON data; functions as {"call": "module:name", argument: value, …}. What the script or
        notebook itself defines has its "source text" too, which is what it is.

    Raises:
        RecipeError: for a value that another process could not find again: a lambda, or a function
            inside a function.

    Example:
        >>> from functools import partial
        >>> from keras_classics.training.fields import describe
        >>> describe(partial(round, ndigits=2))
        {'call': 'builtins:round', 'ndigits': 2}
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, partial):
        positional = {"args": describe(value.args)} if value.args else {}
        return {**describe(value.func), **positional, **describe(value.keywords)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {**describe(type(value)), **describe(fields_of(value))}
    name = getattr(value, "__qualname__", None)
    if name is None or not name.isidentifier():
        raise RecipeError(
            f"A recipe may hold functions and classes of modules, scripts and notebooks, partials "
            f"of them and frozen dataclasses, but not {value!r}; give it a name of its own there."
        )
    called = {"call": f"{value.__module__}:{name}"}
    if value.__module__ == "__main__":
        called[SOURCE_TEXT] = source_text(value, describe)
    return called


def fields_of(value: Any) -> dict[str, Any]:
    """Returns {name: value} of the fields that make a dataclass what it is."""
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.compare}


def identity(recipe: Recipe) -> str:
    """Returns the sha256 of what decides a run's result: equal for equal experiments.

    Args:
        recipe: a `Recipe`.

    Returns:
        str of 64 hexadecimal digits.
    """
    text = json.dumps(deciding_fields(recipe), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(utf8(text)).hexdigest()


def deciding_fields(recipe: Recipe) -> dict[str, Any]:
    """Returns the described fields that `identity` is made of.

    The published figures and the list of deviations are words about it, and may be reworded.
    """
    return _deciding(describe(recipe))


def _deciding(described):
    words = ("paper", "deviations")
    return {name: value for name, value in described.items() if name not in words}


def differing_fields(recipe: Recipe, stored: Mapping[str, Any]) -> list[str]:
    """Returns the names of the deciding fields in which a recipe is not that of a file.

    Args:
        recipe: a `Recipe`.
        stored: what `describe` once said of another, in a run's or a search's JSON file. Fields
            that recipes did not have then count as their default.

    Returns:
        List of names, empty for equal experiments.

    Raises:
        RecipeError: as `describe`.
    """
    ours, theirs = deciding_fields(recipe), _deciding({**default_fields(), **stored})
    text = partial(json.dumps, sort_keys=True)  # in which NaN is equal to itself
    return [name for name in ours | theirs if text(ours.get(name)) != text(theirs.get(name))]


def default_fields() -> dict[str, Any]:
    """Returns the described defaults of a recipe's fields: what a file means that has none."""
    return {
        f.name: describe(f.default)
        for f in dataclasses.fields(Recipe)
        if f.compare and f.default is not dataclasses.MISSING
    }


def vary(recipe: Recipe, changes: Mapping[str, Any] | None = None, /, **fields: Any) -> Recipe:
    """Returns the recipe with some fields changed, e.g. `vary(recipe, epochs=2)`.

    The deviations that a change makes untrue are left out, and what follows from one comes with it
    (see `keras_classics.training.consequences`), unless they are changed too.

    Args:
        recipe: a `Recipe`.
        changes: {field: value}; dots reach into builders, transforms and the like:
            `model.activation`, `train_transforms.0.scale`.
        **fields: changes of whole fields, after those.

    Returns:
        A new `Recipe`, which knows the published one.

    Raises:
        RecipeError: for a field that does not exist, or a value out of range; or if `recipe` is no
            recipe, or `changes` no dict of texts.
    """
    if not isinstance(recipe, Recipe):
        checks.refuse("recipe", "a `Recipe`", recipe, RecipeError)
    changes = {} if changes is None else changes
    if not isinstance(changes, dict) or not all(isinstance(path, str) for path in changes):
        checks.refuse("changes", "a dict of fields and values", changes, RecipeError)
    changes = {**changes, **fields}
    fields = fields_of(recipe)
    for path, value in changes.items():
        try:
            fields = _replace(fields, path.split("."), value, path)
        except RecipeError:
            raise
        except (TypeError, ValueError) as error:  # a transform or the like refused its value
            raise RecipeError(f"`{path}` cannot be {checks.shown(value)}: {error}") from error
    fields |= consequences(recipe, fields, changes)
    # Checked once, when all the changes are in.
    varied = Recipe(**fields, published=recipe.published or recipe)
    if "deviations" in changes:
        return varied
    true = tuple(d for d in varied.deviations if _is_still_true(d, recipe, varied))
    return dataclasses.replace(varied, deviations=true)


def as_published(recipe: Recipe) -> Recipe:
    """Returns a recipe that is a published experiment of its own, not the change of another."""
    return dataclasses.replace(recipe, published=None)


def scaled_linearly(recipe: Recipe) -> Recipe:
    """Returns the recipe with k times the learning rate, where its batches are k times as large.

    "Accurate, Large Minibatch SGD", Goyal et al. 2017, section 2.1; k counts from the published
    recipe. Their warm-up is a schedule of its own, `WarmUp`.

    Args:
        recipe: a `Recipe`.

    Example:
        >>> from lenet5_mnist import RECIPE
        >>> from keras_classics.training import scaled_linearly, vary
        >>> scaled_linearly(vary(RECIPE, {"batch_size": 128})).learning_rate
        0.008
    """
    factor = recipe.batch_size / (recipe.published or recipe).batch_size
    return vary(recipe, {"learning_rate": recipe.learning_rate * factor})


def changes_of(recipe: Recipe) -> list[dict[str, Any]]:
    """Returns what a recipe changes in the published one and thereby in the result.

    Args:
        recipe: a `Recipe`.

    Returns:
        list of {"field": name, "published": value, "here": value}, the values described; the fields
        are named as `vary` names them. Empty for a published recipe.

    Example:
        >>> from lenet5_mnist import RECIPE
        >>> from keras_classics.training import changes_of, vary
        >>> changes_of(vary(RECIPE, {"loss.j": 10.0, "seed": 3}))
        [{'field': 'loss.j', 'published': 1.0, 'here': 10.0}]
    """
    return [
        {"field": path, "published": describe(before), "here": describe(after)}
        for path, before, after in _differences("", recipe.published or recipe, recipe)
        if path.split(".")[0] not in _UNDECIDING
    ]


def _replace(owner, names, value, path):
    """Returns a copy of `owner` with the value at the end of the path `names` replaced."""
    name, *rest = names
    if isinstance(owner, tuple) and name.isdigit() and int(name) < len(owner):
        items = list(owner)
        items[int(name)] = _replace(items[int(name)], rest, value, path) if rest else value
        return tuple(items)
    parts = _parts_of(owner)
    if name not in parts:
        legal = list(parts)
        # All of them where they are few; else those that the name may have meant.
        near = difflib.get_close_matches(name, legal) if len(legal) > _LISTED else legal
        raise RecipeError(
            f"`{path[:_LONGEST]}` cannot be set: there is no {name[:_LONGEST]!r}"
            + (f"; there are {', '.join(near or [*legal[:_LISTED], '…'])}." if legal else ".")
        )
    new = _replace(parts[name], rest, value, path) if rest else value
    if isinstance(owner, dict):
        return {**owner, name: new}
    if dataclasses.is_dataclass(owner):
        return dataclasses.replace(owner, **{name: new})
    arguments, keywords = getattr(owner, "args", ()), getattr(owner, "keywords", {})
    return partial(getattr(owner, "func", owner), *arguments, **{**keywords, name: new})


def _parts_of(owner):
    """Returns {name: value} of what can be changed inside of a value; None where none is given."""
    if isinstance(owner, dict):
        return owner
    if dataclasses.is_dataclass(owner) and not isinstance(owner, type):
        return fields_of(owner)
    if not callable(owner):
        return {}
    parameters = inspect.signature(getattr(owner, "func", owner)).parameters.values()
    defaults = {
        p.name: None if p.default is p.empty else p.default
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    return defaults | getattr(owner, "keywords", {})


def _differences(path, before, after):
    """Yields (path, before, after) for the innermost values in which two values differ."""
    if before is after or describe(before) == describe(after):
        return
    inside = _common_parts(before, after)
    if not inside:
        yield path, before, after
    for name, (one, other) in inside.items():
        yield from _differences(f"{path}.{name}" if path else name, one, other)


def _common_parts(before, after):
    """Returns {name: (value, value)} where two values are the same thing with other parts."""
    if isinstance(before, tuple) and isinstance(after, tuple):
        if len(before) != len(after) or not all(map(callable, before + after)):
            return {}  # numbers are changed together
        return {str(n): pair for n, pair in enumerate(zip(before, after, strict=True))}
    if _kind(before) != _kind(after) or getattr(before, "args", ()) != getattr(after, "args", ()):
        return {}
    ours, theirs = _parts_of(before), _parts_of(after)
    return {name: (ours.get(name), theirs.get(name)) for name in {**ours, **theirs}}


def _kind(value):
    is_plain = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return type(value) if is_plain or isinstance(value, dict) else getattr(value, "func", value)


def _is_still_true(deviation, before, after):
    fields = getattr(deviation, "about", ())
    return not any(list(_differences("", _at(before, f), _at(after, f))) for f in fields)


def _at(value, path):
    """Returns the value at the end of a path, None where it leads nowhere."""
    for name in path.split("."):
        is_item = isinstance(value, tuple) and int(name) < len(value)
        value = value[int(name)] if is_item else _parts_of(value).get(name)
    return value
