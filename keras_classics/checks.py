"""Checks of arguments: what is legal, and what came, in one sentence."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

_LONGEST = 80  # characters of what came


def integer(
    name: str,
    value: Any,
    least: int = 1,
    error: type[Exception] = ValueError,
    most: int | None = None,
) -> None:
    """Raises unless the value is an integer of at least, and at most, so much.

    Args:
        name: of the argument.
        value: what came.
        least: the smallest legal value.
        error: class of the exception.
        most: the greatest legal value; None for any.

    Example:
        >>> from keras_classics import checks
        >>> checks.integer("epochs", 0)
        Traceback (most recent call last):
        ValueError: `epochs` must be a positive integer. Received: epochs=0
    """
    if type(value) is not int or value < least:
        rule = "a positive integer" if least == 1 else f"an integer of at least {least}"
        refuse(name, rule, value, error)
    if most is not None and value > most:
        refuse(name, f"at most {most:,}", value, error)


def choice(
    name: str, value: Any, legal: Iterable[object], error: type[Exception] = ValueError
) -> None:
    """Raises unless the value is one of the legal ones, also by its type: True is not 1.

    Example:
        >>> from keras_classics import checks
        >>> checks.choice("pooling", "sum", (None, "avg", "max"))
        Traceback (most recent call last):
        ValueError: `pooling` must be one of None, "avg", "max". Received: pooling='sum'
    """
    # The type first: an array has no answer to whether it equals.
    if not any(type(value) is type(one) and value == one for one in legal):
        refuse(name, f"one of {', '.join(map(_typed, legal))}", value, error)


def needs(option: str, name: str, wanted: object, value: object) -> None:
    """Raises a ValueError unless an argument has the value that an option needs beside it.

    Example:
        >>> from keras_classics import checks
        >>> checks.needs("halve_kernels=True", "towers", "merged", "grouped")
        Traceback (most recent call last):
        ValueError: `halve_kernels=True` needs `towers="merged"`. Received: towers="grouped"
    """
    if value != wanted:
        came = _typed(value) if isinstance(value, str) else shown(value)
        raise ValueError(f"`{option}` needs `{name}={_typed(wanted)}`. Received: {name}={came}")


def _typed(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def flags(error: type[Exception] = ValueError, /, **arguments: object) -> None:
    """Raises a sentence on the first argument that is neither True nor False."""
    for name, value in arguments.items():
        choice(name, value, (True, False), error)


def number(
    name: str,
    value: Any,
    least: float | None = None,
    most: float | None = None,
    error: type[Exception] = ValueError,
) -> None:
    """Raises unless the value is a finite number, and not beyond the bounds that are given.

    Example:
        >>> from keras_classics import checks
        >>> checks.number("momentum", 1.5, 0, 1)
        Traceback (most recent call last):
        ValueError: `momentum` must be a finite number in 0 … 1. Received: momentum=1.5
    """
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    if not (is_number(value) and low <= value <= high):
        bounds = f" in {least:,} … {most:,}" if most is not None else f" of at least {least}"
        refuse(name, f"a finite number{'' if least is None else bounds}", value, error)


def rate(name: str, value: Any, error: type[Exception] = ValueError) -> None:
    """Raises unless the value is a rate of dropout: 0 or more, and below 1."""
    if not (is_number(value) and 0 <= value < 1):
        refuse(name, "in 0 … 1, without 1", value, error)


def positive(name: str, value: Any, error: type[Exception] = ValueError) -> None:
    """Raises unless the value is a finite number above 0."""
    if not is_positive(value):
        refuse(name, "a finite number above 0", value, error)


def patterns(name: str, value: Any) -> None:
    """Raises a ValueError unless the value is a dict of names' patterns and numbers from 0 on."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value):
        refuse(name, 'a dict of patterns, such as "conv*/kernel", and numbers', value)
    for pattern, one in value.items():
        number(f"{name}[{pattern!r}]", one, 0)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number that fits into a float; True and False are none."""
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_real and bool(abs(value) <= sys.float_info.max)


def is_positive(value: Any) -> bool:
    """Whether a value is a finite number above 0."""
    return is_number(value) and bool(value > 0)


def refuse(name: str, rule: str, value: Any, error: type[Exception] = ValueError) -> NoReturn:
    """Raises the sentence that every check ends in."""
    raise error(f"`{name}` must be {rule}. Received: {name}={shown(value)}")


def shown(value: Any) -> str:
    """Returns a value as it is typed, short enough for a sentence.

    Example:
        >>> from keras_classics import checks
        >>> checks.shown([1] * 99), checks.shown(10**5000)
        ('[1, 1, ... 1…', 'a value of the type int')
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of 5,000 digits, a list in a list in a list, …
        return f"a value of the type {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
