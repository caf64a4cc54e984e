"""Recipes in, run directories out."""

from keras_classics.runs.assembly import assemble
from keras_classics.runs.directory import RunDirectory, RunDirectoryError
from keras_classics.runs.loop import TrainingError, train

__all__ = ["RunDirectory", "RunDirectoryError", "TrainingError", "assemble", "train"]
