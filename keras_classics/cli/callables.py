"""`--set optimizer=adam`: the function or class that a name means in a field of a recipe."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

import keras_classics
from keras_classics import list_models, training
from keras_classics.schema import short
from keras_classics.training.recipe import RecipeError

_PLACE = re.compile(r"[\w.]+:\w+")  # package.module:name


def resolved(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the changes of a recipe with names in the place of functions and classes looked up.

    Args:
        changes: {field: value} of `--set`. A text means: of `model`, a network of this package; of
            `optimizer` and `loss`, one of this package or of Keras; of `schedule` and
            `normalization`, one of this package; "package.module:name" in any of them.

    Raises:
        RecipeError: for a name that nothing has, which says the nearest, or one of another kind.

    Example:
        >>> from keras_classics.cli.callables import resolved
        >>> resolved({"optimizer": "adam", "epochs": 3})["optimizer"].__name__
        'Adam'
    """
    return {
        field: _find(field, value) if field in _FIELDS and isinstance(value, str) else value
        for field, value in changes.items()
    }


def _find(field, text):
    if _PLACE.fullmatch(text):
        return _checked(field, text, _imported(field, text))
    names = _FIELDS[field].names()
    by_lower = {name.lower(): name for name in names}
    name = by_lower.get(text.lower())
    if name is None:
        near = difflib.get_close_matches(text.lower(), by_lower, n=3, cutoff=0.5)
        shown = ", ".join(by_lower[one] for one in near)
        raise RecipeError(
            f"There is no {field} {text[:40]!r}"
            + (f"; similar: {shown}" if near else f", e.g. {next(iter(names))}")
            + f". Others are named as --set {field}=package.module:name."
        )
    return _checked(field, name, names[name])


def _imported(field, text):
    module, _, name = text.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever a person's own module does
        reason = short(error, 80)
        raise RecipeError(f"`{field}` cannot be {text[:60]}: {reason}.") from error


def _checked(field, text, found):
    """Returns what was found as the field holds it, or raises where it is of another kind."""
    try:
        value = _FIELDS[field].held(found)
        if callable(value) and _FIELDS[field].fits(value):
            return value
        reason = "it is something else"
    except Exception as error:  # called with what it does not take
        reason = short(error, 100)
    raise RecipeError(f"`{field}` cannot be {text[:60]}: it is no {field} as it is ({reason}).")


def _on_logits(found):
    """Recipes call losses without arguments, for logits."""
    takes = inspect.signature(found).parameters
    return functools.partial(found, from_logits=True) if "from_logits" in takes else found


def _instance(found):
    """Schedules and normalisations stand in a recipe as values, not as their classes."""
    if dataclasses.is_dataclass(found) and isinstance(found, type):
        return found()
    return found


def _classes(module, base):
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {
        name: one
        for name, one in found.items()
        if isinstance(one, type) and issubclass(one, base) and one is not base
    }


def _ours(names):
    return {name: getattr(training, name) for name in names}


_SCHEDULES = (
    *("Constant", "DivideOnPlateau", "ExponentialDecay", "PassTable"),
    *("Step", "StepAtIterations", "WarmUp"),
)


class _Field(NamedTuple):
    """What a field of a recipe takes.

    Attributes:
        names: function () -> {name: function or class} of those that are known by name.
        fits: function (value) -> whether a value is of the field's kind; it may raise.
        held: function (what a name means) -> what the recipe holds of it.
    """

    names: Callable[[], dict[str, Any]]
    fits: Callable[[Any], bool] = callable
    held: Callable[[Any], Any] = lambda found: found


_FIELDS = {
    "model": _Field(lambda: {name: getattr(keras_classics, name) for name in list_models()}),
    "optimizer": _Field(
        lambda: (
            _ours(["CoupledAdam", "CoupledSGD", "StochasticDiagonalLM"])
            | _classes(keras.optimizers, keras.optimizers.Optimizer)
        ),
        lambda value: isinstance(value(learning_rate=1e-3), keras.optimizers.Optimizer),
    ),
    "loss": _Field(
        lambda: (
            _ours(["MaximumAPosteriori", "CorrectClassPenalty"])
            | _classes(keras.losses, keras.losses.Loss)
        ),
        lambda value: isinstance(value(), keras.losses.Loss),
        _on_logits,
    ),
    "schedule": _Field(
        lambda: _ours(_SCHEDULES),
        lambda value: isinstance(value(0, [], 0), (int, float)),
        _instance,
    ),
    "normalization": _Field(
        lambda: _ours(["MeanColor", "MeanImage", "PixelRange"]), held=_instance
    ),
}
