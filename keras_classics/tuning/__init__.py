"""Searches around a recipe by KerasTuner, whose trials are ordinary runs."""

from keras_classics.tuning.tuner import RecipeTuner, SearchError, make_tuner

__all__ = ["RecipeTuner", "SearchError", "make_tuner"]
