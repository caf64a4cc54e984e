"""How a trained network is measured: whole splits, and the papers' protocols."""

from keras_classics.evaluation.classification import evaluate
from keras_classics.evaluation.measurement import Measurement, ensemble
from keras_classics.evaluation.protocols import (
    CenterView,
    DenseEvaluation,
    GoogLeNetCrops,
    GridCrops,
    TenCrop,
)

__all__ = [
    "CenterView",
    "DenseEvaluation",
    "GoogLeNetCrops",
    "GridCrops",
    "Measurement",
    "TenCrop",
    "ensemble",
    "evaluate",
]
