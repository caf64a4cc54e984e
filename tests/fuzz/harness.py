"""Hostile arguments, and what counts as an answer to them: one sentence of ours.

A call with a hostile value is either accepted or refused. It is refused well by an exception that
is meant for users, raised by a line of this package, in one line of at
most 300 characters that names the argument. Everything else is a fault.
"""

import inspect
import math
import random
import signal
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import keras_classics
from keras_classics.checks import shown
from keras_classics.errors import UserError

PACKAGE = Path(keras_classics.__file__).parent
LONGEST = 300  # characters of a sentence
SECONDS = 20  # of a call


def nested(depth):
    """A list in a list in a list; Keras itself ends at 1,000, before a layer sees it."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = (
    *(None, True, False, -1, 0, 1.5, -0.5, math.nan, math.inf, 10**9, 10**30, 10**5000),
    *("", "foo", "10", "a/b", "\0", "x" * 5000, b"x", object(), np.zeros(2), np.zeros(())),
    *((), [], {}, {"a": 1}, (0, 0, 0), (None, None), (10**9, 10**9, 3), ("a",), nested(100)),
    *({"class_name": "foo", "config": {}}, {1, 2}, slice(None)),
)


class Hang(BaseException):
    """A call that does not come back; no `except Exception` swallows it."""


@contextmanager
def time_limit(seconds=SECONDS):
    def stop(*_):
        raise Hang(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault_of(call, names=()):
    """Returns what is wrong with how a call answers, None where nothing is.

    Args:
        call: function () that was given hostile arguments.
        names: of these arguments; the sentence has one of them in backticks.
    """
    try:
        with time_limit():
            call()
    except (Exception, Hang) as error:
        text = str(error)
        frame = error.__traceback__
        while frame.tb_next:
            frame = frame.tb_next
        where = Path(frame.tb_frame.f_code.co_filename)
        wrong = {
            "of a class that is not for users": not isinstance(
                error, ValueError | TypeError | FileNotFoundError | UserError
            ),
            f"raised by {where}": PACKAGE not in where.parents,
            "several lines": "\n" in text,
            f"{len(text)} characters": len(text) > LONGEST,
            "names no argument": bool(names) and not any(f"`{name}" in text for name in names),
        }
        faults = ", ".join(fault for fault, is_so in wrong.items() if is_so)
        return faults and f"{type(error).__name__}: {text[:400]} ({faults})"
    return None


def parameters_of(function):
    """Names of the arguments, but for those that are passed on to Keras."""
    kinds = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    found = inspect.signature(function).parameters.values()
    return [p.name for p in found if p.kind not in kinds]


def faults(function, legal, names):
    """Returns the faults of a function with each hostile value in the place of each argument.

    Args:
        function: called with keyword arguments.
        legal: arguments that it accepts.
        names: of the arguments to replace, one at a time.
    """
    return _collect(
        function, legal, ({name: value} for name in names for value in _values_for(name))
    )


def _values_for(name):
    # To Keras an array is an initializer: the values themselves, whose shape it checks in `build`.
    is_initializer = name.endswith("_initializer")
    return [one for one in HOSTILE if not (is_initializer and isinstance(one, np.ndarray))]


def faults_of_pairs(function, legal, names, count):
    """As `faults`, with `count` random pairs of arguments replaced."""
    drawn = random.Random(0)
    names = list(names)
    if len(names) < 2:
        return []
    pairs = (drawn.sample(names, 2) for _ in range(count))
    choices = ({name: drawn.choice(_values_for(name)) for name in pair} for pair in pairs)
    return _collect(function, legal, choices)


def _collect(function, legal, choices):
    found = []
    for hostile in choices:
        fault = fault_of(lambda hostile=hostile: function(**{**legal, **hostile}), hostile)
        if fault:
            given = ", ".join(f"{name}={shown(value)}" for name, value in hostile.items())
            found.append(f"{given}: {fault}")
    return found
