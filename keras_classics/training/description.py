"""A recipe as plain data, which says what ran and whether two runs are the same experiment."""

import dataclasses
import hashlib
import json
from functools import partial

from keras_classics.errors import UserError
from keras_classics.files import utf8


class RecipeError(UserError, ValueError):
    """A recipe that cannot be run; the message is one sentence for its user."""


def describe(value):
    """Returns a value of a recipe as plain JSON data, the same in every process.

    Args:
        value: a plain value, a tuple, list or dict of values, an importable function or class, a
            partial of one, or a dataclass.

    Returns:
        JSON data; functions as {"call": "module:name", argument: value, …}.

    Raises:
        RecipeError: for a value that another process could not find again: a lambda, a function
            inside a function, or one that the recipe script itself defines.

    Example:
        >>> from functools import partial
        >>> from keras_classics.training.description import describe
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
    if name is None or not name.isidentifier() or value.__module__ == "__main__":
        raise RecipeError(
            f"A recipe may hold importable functions and classes, partials of them and frozen "
            f"dataclasses, but not {value!r}; move it into a module."
        )
    return {"call": f"{value.__module__}:{name}"}


def fields_of(value):
    """Returns {name: value} of the fields that make a dataclass what it is."""
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.compare}


def identity(recipe):
    """Returns the sha256 of what decides a run's result: equal for equal experiments.

    Args:
        recipe: a `Recipe`.

    Returns:
        str of 64 hexadecimal digits.
    """
    text = json.dumps(deciding_fields(recipe), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(utf8(text)).hexdigest()


def deciding_fields(recipe):
    """Returns the described fields that `identity` is made of.

    The published figures and the list of deviations are words about it, and may be reworded.
    """
    words = ("paper", "deviations")
    return {name: value for name, value in describe(recipe).items() if name not in words}
