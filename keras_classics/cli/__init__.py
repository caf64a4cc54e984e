"""Command lines: `keras-classics`, and those of the recipe scripts."""

import sys


def run(recipe, choices=None, argv=None):
    """Trains a recipe as its command line says; ends the process with one sentence on an error.

    Args:
        recipe: a `Recipe`.
        choices: flags of this recipe alone, {flag: {choice: {field: value}}}, e.g.
            {"optimizer": {"sgd": {}, "sdlm": {"batch_size": 1}}}; the first choice is the default.
            A flag whose choices are only "off" and "on" is a switch.
        argv: arguments; None for the process' own.
    """
    from keras_classics.cli import recipe_flags

    recipe_flags.run(recipe, choices, argv)


def tune(recipe, space, argv=None):
    """Searches around a recipe as the command line says; ends with one sentence on an error.

    Args:
        recipe: a `Recipe` that holds training pictures out.
        space: function of a `keras_tuner.HyperParameters` that declares the fields to vary.
        argv: arguments; None for the process' own.
    """
    from keras_classics.errors import UserError

    try:
        from keras_classics.cli import search_flags
    except UserError as error:  # without KerasTuner
        sys.exit(f"error: {error}")

    search_flags.tune(recipe, space, argv)
