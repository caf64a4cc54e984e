"""Command lines: `keras-classics`, and those of the recipe scripts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe

_is_ours = False


def start(name: str) -> None:
    """Begins a recipe's script, before its imports, which take seconds.

    Reads the command line: with `--help` or a mistake, the process ends here. From here on it also
    ends with one sentence when it is interrupted, and shows no notices of the libraries.

    Args:
        name: `__name__` of the script; does nothing where it is imported.

    Example:
        >>> from keras_classics.cli import start
        >>> start(__name__)
    """
    if name == "__main__" and own_process():
        from keras_classics.cli.outline import check_flags

        check_flags(sys.argv[0], sys.argv[1:])


def own_process() -> bool:
    """Prepares output and signals where this process is a command's, and returns whether it is.

    A notebook's is not, nor that of a program that passes arguments itself.
    """
    global _is_ours
    if not _is_ours and hasattr(sys.modules["__main__"], "__file__"):
        from keras_classics.cli import output, signals

        # PyTorch's threads spin while they wait for each other: beside another busy process, which
        # keeps one of them off its core, a step of LeNet-5 then takes 18 times as long.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        output.protect()
        if os.name == "posix":  # elsewhere the libraries' notices and Python's own stops remain
            output.hush()
            signals.end_on_signals()
        _is_ours = True
    return _is_ours


def run(
    recipe: Recipe, choices: Mapping[str, Any] | None = None, argv: Sequence[str] | None = None
) -> None:
    """Trains a recipe as its command line says; ends the process with one sentence on an error.

    Args:
        recipe: a `Recipe`.
        choices: flags of this recipe alone, {flag: {choice: {field: value}}}, e.g.
            {"optimizer": {"sgd": {}, "sdlm": {"batch_size": 1}}}; the first choice is the default.
            A flag whose choices are only "off" and "on" is a switch.
        argv: arguments; None for the process' own.
    """
    if argv is None:
        own_process()
    from keras_classics.cli import recipe_flags

    recipe_flags.run(recipe, choices, argv)


def tune(recipe: Recipe, space: Callable[[Any], Any], argv: Sequence[str] | None = None) -> None:
    """Searches around a recipe as the command line says; ends with one sentence on an error.

    Args:
        recipe: a `Recipe` that holds training pictures out.
        space: function of a `keras_tuner.HyperParameters` that declares the fields to vary.
        argv: arguments; None for the process' own.
    """
    if argv is None:
        own_process()
    from keras_classics.errors import UserError

    try:
        from keras_classics.cli import search_flags
    except UserError as error:  # without KerasTuner
        sys.exit(f"error: {error}")

    search_flags.tune(recipe, space, argv)
