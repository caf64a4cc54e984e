"""What the papers' training sections name: recipes and the parts that stand in them."""

from keras_classics.training.description import RecipeError, describe
from keras_classics.training.initial_weights import CopyLayers
from keras_classics.training.losses import CorrectClassPenalty, MaximumAPosteriori
from keras_classics.training.optimizers import CoupledSGD, StochasticDiagonalLM
from keras_classics.training.pixels import MeanColor, MeanImage, PixelRange
from keras_classics.training.recipe import Deviation, Published, Recipe
from keras_classics.training.schedules import (
    Constant,
    DivideOnPlateau,
    ExponentialDecay,
    PassTable,
    Step,
    StepAtIterations,
    WarmUp,
)
from keras_classics.training.variation import as_published, changes_of, vary

__all__ = [
    "Constant", "CopyLayers", "CorrectClassPenalty", "CoupledSGD", "Deviation", "DivideOnPlateau",
    "ExponentialDecay", "MaximumAPosteriori", "MeanColor", "MeanImage", "PassTable", "PixelRange",
    "Published", "Recipe", "RecipeError", "Step", "StepAtIterations", "StochasticDiagonalLM",
    "WarmUp", "as_published", "changes_of", "describe", "vary",
]  # fmt: skip
