"""What the papers' training sections name: recipes and the parts that stand in them."""

from keras_classics.training.fields import as_published, changes_of, describe, scaled_linearly, vary
from keras_classics.training.initial_weights import CopyLayers
from keras_classics.training.losses import CorrectClassPenalty, MaximumAPosteriori
from keras_classics.training.optimizers import CoupledAdam, CoupledSGD, StochasticDiagonalLM
from keras_classics.training.pixels import MeanColor, MeanImage, PixelRange
from keras_classics.training.rate_tables import RateTable
from keras_classics.training.recipe import Deviation, Published, Recipe, RecipeError
from keras_classics.training.schedules import (
    Constant,
    DivideOnPlateau,
    ExponentialDecay,
    PassTable,
    Step,
    StepAtIterations,
    WarmUp,
)

__all__ = [
    "Constant", "CopyLayers", "CorrectClassPenalty", "CoupledAdam", "CoupledSGD", "Deviation",
    "DivideOnPlateau", "ExponentialDecay", "MaximumAPosteriori", "MeanColor", "MeanImage",
    "PassTable", "PixelRange", "Published", "RateTable", "Recipe", "RecipeError", "Step",
    "StepAtIterations", "StochasticDiagonalLM", "WarmUp", "as_published", "changes_of", "describe",
    "scaled_linearly", "vary",
]  # fmt: skip
