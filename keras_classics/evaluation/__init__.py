"""How a trained network is measured: whole splits, and the papers' protocols."""

from keras_classics.evaluation.classification import evaluate
from keras_classics.evaluation.protocols import (
    CenterView,
    Dense,
    GoogLeNetCrops,
    GridCrops,
    TenCrop,
)

__all__ = ["CenterView", "Dense", "GoogLeNetCrops", "GridCrops", "TenCrop", "evaluate"]
