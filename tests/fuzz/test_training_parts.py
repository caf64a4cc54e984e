"""Transforms, schedules, optimizers, losses and recipes with hostile arguments."""

import dataclasses

import numpy as np
import pytest

from keras_classics import training
from keras_classics.data.transforms import affine, color, crops, photometric, resizing, wrappers
from keras_classics.training.recipe import Published
from tests.fuzz.harness import HOSTILE, fault_of, faults, faults_of_pairs, parameters_of
from tests.runs import small_recipes

IMAGES = np.full((2, 12, 12, 3), 100, "uint8")
SEEDS = np.arange(2, dtype="uint64")
AMOUNTS = {"translation": 1.0, "scale": 0.1, "squeeze": 0.1, "shear": 0.1}
TRANSFORMS = [
    (affine.RandomAffine, AMOUNTS),
    (color.DivideAroundMean, {}),
    (color.PCAColorJitter, {}),
    (crops.CenterCrop, {"size": 6}),
    (crops.RandomAreaCrop, {"size": 6}),
    (crops.RandomCrop, {"size": 6, "padding": 1}),
    (crops.RandomFlip, {}),
    (photometric.PhotometricDistortions, {}),
    (resizing.RandomShorterSide, {"low": 6, "high": 6}),
    (resizing.Resize, {"size": 6}),
    (resizing.ResizeShorterSide, {"size": 6}),
    (wrappers.SharedByChunk, {"transform": crops.RandomFlip(), "crop_chunk": 2}),
    (wrappers.UntilEpoch, {"transform": crops.RandomFlip(), "epoch": 2}),
]
SCHEDULES = [
    (training.DivideOnPlateau, {}),
    (training.ExponentialDecay, {}),
    (training.PassTable, {"stages": ((2, 1.0),)}),
    (training.RateTable, {"stages": ((0, 1.0), (2, 0.1, {"a/*": 0.0}))}),
    (training.Step, {"at": (1, 2), "by": 10}),
    (training.StepAtIterations, {"at": (1, 2), "by": 10}),
    (training.WarmUp, {"then": training.Constant()}),
]
OTHERS = [
    (color.RGBPCA, {"eigenvalues": (1, 0, 0), "eigenvectors": ((1, 0, 0), (0, 1, 0), (0, 0, 1))}),
    (training.MaximumAPosteriori, {"j": 1.0}),
    (training.CoupledSGD, {}),
    (training.StochasticDiagonalLM, {}),
    (training.CopyLayers, {"source": "run", "layers": ("a",)}),
    (training.PixelRange, {"low": 0.0, "high": 1.0}),
    (training.MeanColor, {}),
    (Published, {"test_error": 1.0, "train_error": None, "dataset": "mnist", "examples": 1}
     | {"what": "digits", "where": "Table 1"}),
]  # fmt: skip
RECIPE = small_recipes.FRAGILE
FIELDS = {field.name: getattr(RECIPE, field.name) for field in dataclasses.fields(RECIPE)}
OTHERS.append((training.Recipe, FIELDS))


def name_of(one):
    return getattr(one, "__name__", "")


by_class = pytest.mark.parametrize(
    ("kind", "legal"), [*TRANSFORMS, *SCHEDULES, *OTHERS], ids=name_of
)


def using(kind):
    """Makes one and uses it."""

    def call(**arguments):
        made = kind(**arguments)
        if kind in dict(TRANSFORMS):
            made(IMAGES, SEEDS)
        if kind in dict(SCHEDULES):
            made(3, [{"error": 50.0}, {"error": 60.0}], 7)

    return call


def names_of(kind):
    # Keras names its optimizers and losses; nothing of ours reads these names.
    return [name for name in parameters_of(kind) if name != "name" or kind is training.Recipe]


@by_class
def test_each_argument(kind, legal):
    assert faults(using(kind), legal, names_of(kind)) == []


@pytest.mark.slow
@by_class
def test_pairs_of_arguments(kind, legal):
    assert faults_of_pairs(using(kind), legal, names_of(kind), 1000) == []


STRANGE = [
    *HOSTILE,
    *(np.zeros(shape, "uint8") for shape in ((0, 9, 9, 3), (9, 9), (2, 0, 9, 3), (9, 9, 0))),
    *(np.zeros((9, 9, 3), dtype) for dtype in ("complex64", "bool", "float16", "int64", "uint32")),
    *(np.full((9, 9, 3), value) for value in ("a", None, np.nan, np.inf)),
    np.zeros((9, 9, 3), "datetime64[s]"),
]


@pytest.mark.parametrize(("kind", "legal"), TRANSFORMS, ids=name_of)
def test_strange_pictures_and_seeds(kind, legal):
    transform = kind(**legal)
    found = []
    for images in STRANGE:
        seeds = np.zeros(len(images), "uint64") if getattr(images, "ndim", 0) == 4 else 0
        found += [fault_of(lambda i=images, s=seeds: transform(i, s))]
    if getattr(transform, "is_random", True):
        found += [fault_of(lambda s=seeds: transform(IMAGES, s), ["seeds"]) for seeds in HOSTILE]
    assert [fault for fault in found if fault] == []
