"""In what recipes differ, in the words of their flags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_classics.report.values import plain
from keras_classics.schema import short

DEFAULT = "default"  # what a builder or a layer takes where the recipe says nothing
# Words about an experiment, what it keeps, and which of its draws it is: no settings of it.
_NO_SETTINGS = ("call", "name", "paper", "deviations", "keep_epochs", "seed")
BACKEND, MEASURED_ON = "KERAS_BACKEND", "measured on"  # which stand in no recipe
_FLAGS = {
    BACKEND: BACKEND,
    MEASURED_ON: MEASURED_ON,
    "dataset": "--data",
    "gradient_accumulation_steps": "--accumulate",
    "initial_weights": "--after",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in (
            *("epochs", "batch_size", "limit_train", "limit_test", "early_stopping"),
            *("precision", "sync_batch_norm"),
        )
    },
}
_LONGEST = 60  # characters of a value
_UNSAID = object()


def settings_of(recipes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns the fields of described recipes that decide what is trained, but for the seed.

    Args:
        recipes: as `recipe.json` has them; a field that one leaves out has its default there.
    """
    found = [{n: v for n, v in one.items() if n not in _NO_SETTINGS} for one in recipes]
    names = {name for one in found for name in one}
    if any(names - set(one) for one in found):  # of a version that did not have some fields yet
        from keras_classics.training.fields import default_fields

        defaults = {n: v for n, v in default_fields().items() if n in names}
        found = [{**defaults, **one} for one in found]
    return found


def differing_settings(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Returns what differs between experiments.

    Args:
        settings: of each experiment, {name: described value}.

    Returns:
        {flag: a text for each experiment}; "default" where a recipe leaves an argument out.

    Example:
        >>> from keras_classics.comparison.settings import differing_settings
        >>> relu = {"epochs": 3, "model": {"call": "a:lenet5"}}
        >>> tanh = {"epochs": 3, "model": {"call": "a:lenet5", "activation": "tanh"}}
        >>> differing_settings([relu, tanh])
        {'--set model.activation': ['default', 'tanh']}
    """
    return {_flag(path): _texts(path, values) for path, values in _differences("", list(settings))}


def _differences(path: str, values: list) -> Iterator[tuple[str, list]]:
    """Yields (path, value of each) for the innermost values that are not the same for all."""
    if len(set(map(_key, values))) == 1:
        return
    parts = _common_parts(values)
    if not parts:
        yield path, values
    for name, inside in parts.items():
        yield from _differences(f"{path}.{name}" if path else name, inside)


def _common_parts(values):
    """Returns {name: value of each} where all are the same thing with other parts."""
    if all(isinstance(value, dict) for value in values):
        if len({_key(value.get("call")) for value in values}) > 1:
            return {}
        names = dict.fromkeys(name for value in values for name in value)
        return {name: [value.get(name, _UNSAID) for value in values] for name in names}
    are_lists = all(isinstance(value, list) for value in values)
    if not are_lists or len(set(map(len, values))) > 1:
        return {}
    if not all(isinstance(part, dict) for value in values for part in value):
        return {}  # numbers are changed together
    return {str(number): list(parts) for number, parts in enumerate(zip(*values, strict=True))}


def _key(value):
    return "" if value is _UNSAID else json.dumps(value, sort_keys=True)


def _flag(path):
    return _FLAGS.get(path, f"--set {path}")


def _texts(path, values):
    """A text for each value; of those that would read the same, each with what tells them apart."""
    texts = [_text(path, value) for value in values]
    meant = {text: set() for text in texts}
    for text, value in zip(texts, values, strict=True):
        meant[text].add(_key(value))
    return [
        text if len(meant[text]) == 1 or value is _UNSAID else f"{text} #{_code(value)}"
        for text, value in zip(texts, values, strict=True)
    ]


def _text(path, value):
    if value is _UNSAID:
        return DEFAULT
    if path.endswith(".source text"):  # of a function that a script defines
        return f"code {_code(value)}"
    return short(plain(value), _LONGEST)


def _code(value):
    return hashlib.sha256(_key(value).encode()).hexdigest()[:6]
