"""What follows from a change of a recipe: the pixels of other weights, the size of photographs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from keras_classics.data.transforms.crops import CenterCrop
from keras_classics.data.transforms.resizing import Resize, ResizeShorterSide
from keras_classics.training.pixels import WeightsPixels, pixels_of_weights

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe

# Side of the pictures of a data set in colour, which a recipe for them takes as they are.
_SIDES = {"cifar10": 32, "cifar100": 32, "svhn_cropped": 32}
_TRANSFORMS = ("train_transforms", "test_transforms")


def consequences(recipe: Recipe, fields: dict[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    """Returns the fields that follow from changes, each unless it is itself changed.

    - A `model` with `weights` that tell their pixels bring these as `normalization`.
    - A `dataset` of photographs in a recipe for small pictures brings transforms to their size.

    Args:
        recipe: before the changes.
        fields: after them.
        changed: the paths of the changes, as `vary` takes them.
    """
    roots = {path.split(".")[0] for path in changed}
    found = {}
    if {"model", "model.weights"} & set(changed) and "normalization" not in roots:
        found["normalization"] = _normalization(recipe, fields)
    side = _SIDES.get((recipe.published or recipe).dataset)
    if "dataset" in roots and side and str(fields["dataset"]).startswith("folder:"):
        to_size = (ResizeShorterSide(side), CenterCrop(side))
        for name in _TRANSFORMS:
            if name not in roots and not _resizes(fields[name]):
                found[name] = (*to_size, *fields[name])
    return found


def _normalization(recipe, fields):
    found = pixels_of_weights(fields["model"])
    if found is None and isinstance(fields["normalization"], WeightsPixels):
        return (recipe.published or recipe).normalization
    return found or fields["normalization"]


def _resizes(transforms) -> bool:
    return bool(transforms) and isinstance(transforms[0], Resize | ResizeShorterSide)
