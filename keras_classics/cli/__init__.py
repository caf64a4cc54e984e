"""Command lines: `keras-classics`, and those of the recipe scripts."""

from keras_classics.cli.recipe_flags import run
from keras_classics.cli.search_flags import tune

__all__ = ["run", "tune"]
