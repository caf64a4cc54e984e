"""The source text of what a person's own script or notebook defines.

A function of a package is found again by its name. One of a script or a notebook cell may be
another the next time under the same name: what it is, is its text, and the text of all that it
uses from there.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import types
from collections.abc import Callable
from typing import Any

from keras_classics.training.recipe import RecipeError

_OWN = "__main__"


def source_text(value: Any, describe: Callable[[Any], Any]) -> str:
    """Returns the text of a definition and of what it uses of its script or notebook.

    Args:
        value: a function or class that the process' main module defines.
        describe: function that makes plain data of the constants that it uses; it may raise
            RecipeError for what is no constant.

    Returns:
        str, one definition after the other, in the order in which they are met.

    Raises:
        RecipeError: if the text of a definition cannot be had.
    """
    texts: dict[str, str] = {}
    _collect(value, texts, describe)
    return "\n".join(texts.values())


def _collect(value, texts, describe):
    if value.__qualname__ in texts:
        return
    try:
        texts[value.__qualname__] = _text(value)
    except (OSError, SyntaxError, TypeError) as error:
        raise RecipeError(
            f"The source text of {value.__qualname__} cannot be found, and without it nobody knows "
            "what has run; write it into a file or a notebook cell."
        ) from error
    for name, used in _used(value):
        if name in texts or isinstance(used, types.ModuleType):
            continue
        if isinstance(used, (type, types.FunctionType)):
            if used.__module__ == _OWN:
                _collect(used, texts, describe)
            continue
        try:
            texts[name] = f"{name} = {describe(used)!r}\n"
        except RecipeError:
            continue  # no constant: a logger, an open file


def _text(value):
    """Returns the lines of a definition; of a class in a notebook Python itself finds none."""
    if isinstance(value, type):
        for code in (function.__code__ for function in _methods(value)):
            lines = linecache.getlines(code.co_filename)
            for node in ast.parse("".join(lines)).body:
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
                if (
                    isinstance(node, ast.ClassDef)
                    and first < code.co_firstlineno <= node.end_lineno
                ):
                    return "".join(lines[first - 1 : node.end_lineno])
    return inspect.getsource(value)


def _methods(owner):
    parts = [
        getattr(part, "__func__", getattr(part, "fget", part)) for part in vars(owner).values()
    ]
    return [part for part in parts if isinstance(part, types.FunctionType)]


def _used(value):
    """Yields (name, value) of the names of its own module that a function or a class uses."""
    functions = [value]
    if isinstance(value, type):
        yield from ((base.__name__, base) for base in value.__bases__)
        functions = _methods(value)
    for function in functions:
        if function.__defaults__ or function.__kwdefaults__:  # evaluated when it was defined
            defaults = [function.__defaults__, function.__kwdefaults__]
            yield f"{function.__qualname__} defaults", defaults
        there = function.__globals__
        for name in _names(function.__code__):
            if name in there and not hasattr(builtins, name):
                yield name, there[name]


def _names(code):
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
