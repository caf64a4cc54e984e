"""Recipes, the loop that trains them, and the parts that the papers' training sections name."""

from keras_classics.cli.recipe_flags import run
from keras_classics.evaluation.classification import evaluate
from keras_classics.evaluation.protocols import (
    CenterView,
    Dense,
    GoogLeNetCrops,
    GridCrops,
    TenCrop,
)
from keras_classics.runs.assembly import assemble, network_of
from keras_classics.runs.directory import RunDirectory, RunDirectoryError
from keras_classics.runs.loop import TrainingError, train
from keras_classics.training.initial_weights import CopyLayers
from keras_classics.training.losses import CorrectClassPenalty, MaximumAPosteriori
from keras_classics.training.optimizers import CoupledSGD, StochasticDiagonalLM
from keras_classics.training.pixels import MeanColor, MeanImage, PixelRange
from keras_classics.training.recipe import Published, Recipe, RecipeError, describe
from keras_classics.training.schedules import (
    Constant,
    DivideOnPlateau,
    ExponentialDecay,
    PassTable,
    Step,
    StepAtIterations,
    WarmUp,
)
from keras_classics.training.variation import vary

__all__ = [
    "CenterView", "Constant", "CopyLayers", "CorrectClassPenalty", "CoupledSGD", "Dense",
    "DivideOnPlateau", "ExponentialDecay", "GoogLeNetCrops", "GridCrops", "MaximumAPosteriori",
    "MeanColor", "MeanImage", "PassTable", "PixelRange", "Published", "Recipe", "RecipeError",
    "RunDirectory", "RunDirectoryError", "Step", "StepAtIterations", "StochasticDiagonalLM",
    "TenCrop", "TrainingError", "WarmUp", "assemble", "describe", "evaluate", "network_of", "run",
    "train", "vary",
]  # fmt: skip
