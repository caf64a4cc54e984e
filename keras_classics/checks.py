"""Checks of arguments: what is legal, and what came, in one sentence."""

import math


def integer(name, value, least=1, error=ValueError):
    """Raises unless the value is an integer of at least so much.

    Args:
        name: of the argument.
        value: what came.
        least: the smallest legal value.
        error: class of the exception.

    Example:
        >>> from keras_classics import checks
        >>> checks.integer("epochs", 0)
        Traceback (most recent call last):
        ValueError: `epochs` must be a positive integer. Received: epochs=0
    """
    if type(value) is not int or value < least:
        rule = "a positive integer" if least == 1 else f"an integer of at least {least}"
        refuse(name, rule, value, error)


def choice(name, value, legal, error=ValueError):
    """Raises unless the value is one of the legal ones, also by its type: True is not 1.

    Example:
        >>> from keras_classics import checks
        >>> checks.choice("pooling", "sum", (None, "avg", "max"))
        Traceback (most recent call last):
        ValueError: `pooling` must be one of None, "avg", "max". Received: pooling='sum'
    """
    if not any(value == one and type(value) is type(one) for one in legal):
        listed = ", ".join(f'"{one}"' if isinstance(one, str) else repr(one) for one in legal)
        refuse(name, f"one of {listed}", value, error)


def rate(name, value, error=ValueError):
    """Raises unless the value is a rate of dropout: 0 or more, and below 1."""
    if type(value) not in (int, float) or not 0 <= value < 1:
        refuse(name, "in 0 … 1, without 1", value, error)


def positive(name, value, error=ValueError):
    """Raises unless the value is a finite number above 0."""
    if not is_positive(value):
        refuse(name, "a finite number above 0", value, error)


def is_positive(value):
    """Whether a value is a finite number above 0."""
    return type(value) in (int, float) and 0 < value < math.inf


def refuse(name, rule, value, error=ValueError):
    """Raises the sentence that every check ends in."""
    raise error(f"`{name}` must be {rule}. Received: {name}={value!r}")
