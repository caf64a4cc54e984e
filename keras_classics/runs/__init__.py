"""Recipes in, run directories out."""

from keras_classics.runs.assembly import assemble
from keras_classics.runs.compute import Compute
from keras_classics.runs.directory import RunDirectory, RunDirectoryError
from keras_classics.runs.loop import TrainingError, train
from keras_classics.runs.peers import Peers

__all__ = [
    "Compute",
    "Peers",
    "RunDirectory",
    "RunDirectoryError",
    "TrainingError",
    "assemble",
    "train",
]
