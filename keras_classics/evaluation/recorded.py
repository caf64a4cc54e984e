"""What a run directory says that it was measured by -> the protocol or the transforms.

A run directory may come from anywhere. Of what it names, only what stands here is called, and what
its reader has imported by name: nothing that it names is imported for its sake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.color import RGBPCA, DivideAroundMean, PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomAreaCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.photometric import PhotometricDistortions
from keras_classics.data.transforms.resizing import RandomShorterSide, Resize, ResizeShorterSide
from keras_classics.errors import UserError
from keras_classics.evaluation.protocols import (
    CenterView,
    DenseEvaluation,
    GoogLeNetCrops,
    GridCrops,
    TenCrop,
)
from keras_classics.models.fully_convolutional import fully_convolutional
from keras_classics.schema import short
from keras_classics.training.fields import SOURCE_TEXT

if TYPE_CHECKING:
    from keras_classics.evaluation.measurement import EvaluationProtocol
    from keras_classics.types import Transforms

PROTOCOLS = (CenterView, DenseEvaluation, GoogLeNetCrops, GridCrops, TenCrop)
TRANSFORMS = (
    CenterCrop,
    DivideAroundMean,
    PCAColorJitter,
    PhotometricDistortions,
    RandomAffine,
    RandomAreaCrop,
    RandomCrop,
    RandomFlip,
    RandomShorterSide,
    Resize,
    ResizeShorterSide,
)
_PARTS = (fully_convolutional, RGBPCA)  # of them
# Runs from before the rooms were divided name these where they were.
_MOVED = {
    "keras_classics.training.protocols": "keras_classics.evaluation.protocols",
    "keras_classics.training.dense": "keras_classics.evaluation.dense_evaluation",
    "keras_classics.data.crops": "keras_classics.data.transforms.crops",
    "keras_classics.data.resizing": "keras_classics.data.transforms.resizing",
}
_RENAMED = {"Dense": "DenseEvaluation"}


def protocol_of(
    recipe: Mapping[str, Any], imported: Sequence[str] = ()
) -> EvaluationProtocol | None:
    """Returns the protocol of a described recipe, None where it has none.

    Args:
        recipe: the recipe's fields, as `describe` wrote them.
        imported: see `restored`.

    Raises:
        UserError: see `restored`; or if what it names is no protocol.
    """
    protocol = restored(recipe.get("protocol"), imported)
    if protocol is not None and not (callable(protocol) and hasattr(protocol, "check")):
        raise UserError(
            f"The run says that it is measured by {short(protocol, 60)}, which is no protocol; "
            "choose a --protocol."
        )
    return protocol


def transforms_of(recipe: Mapping[str, Any], imported: Sequence[str] = ()) -> Transforms:
    """Returns the transforms that a described recipe shows its test pictures by.

    Raises:
        UserError: see `restored`; or if what it names is no transform.
    """
    transforms = restored(recipe.get("test_transforms", []), imported)
    for transform in transforms:
        if not callable(transform) or getattr(transform, "is_random", False):
            raise UserError(
                f"The run says that its test pictures pass {short(transform, 60)}, which is no "
                "transform that draws nothing; choose a --protocol."
            )
    return transforms


def restored(description: Any, imported: Sequence[str] = ()) -> Any:
    """Returns the value that `describe` wrote into recipe.json: a protocol, or transforms.

    Args:
        description: JSON data.
        imported: modules whose own functions and classes may be called too.

    Raises:
        UserError: if it names anything else, or a class refuses its arguments.

    Example:
        >>> from keras_classics.evaluation.recorded import restored
        >>> restored({"call": "keras_classics.evaluation.protocols:TenCrop", "size": 28})
        TenCrop(size=28, shorter_side=256, of='square', interpolation='bilinear')
        >>> restored({"call": "os:system", "command": "ls"})
        Traceback (most recent call last):
        keras_classics.errors.UserError: The run is measured by os:system, which is no protocol or
        transform of this package; choose a --protocol, or name the file that defines it with
        --import.
    """
    return _restored(description, _known(imported))


def _known(imported):
    known = {_place(value): value for value in (*PROTOCOLS, *TRANSFORMS, *_PARTS)}
    for module in imported:
        for value in vars(module).values():
            if callable(value) and getattr(value, "__module__", None) == module.__name__:
                known[_place(value)] = value
                known[f"__main__:{value.__qualname__}"] = value  # where it was run as a script
    return known


def _place(value):
    return f"{value.__module__}:{value.__qualname__}"


def _restored(description, known):
    if isinstance(description, list):
        return tuple(_restored(item, known) for item in description)
    if not isinstance(description, dict):
        return description
    arguments = {key: _restored(value, known) for key, value in description.items()}
    if "call" not in arguments:
        return arguments
    place = str(arguments.pop("call"))
    arguments.pop(SOURCE_TEXT, None)
    value = known.get(_today(place))
    if value is None:
        raise UserError(
            f"The run is measured by {short(place, 80)}, which is no protocol or transform of this "
            "package; choose a --protocol, or name the file that defines it with --import."
        )
    positional = arguments.pop("args", ())
    try:
        if isinstance(value, type):
            return value(*positional, **arguments)
        return partial(value, *positional, **arguments) if positional or arguments else value
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f"The run is measured by {short(place, 80)}, which refuses what the run says of it "
            f"({short(error, 120)}); choose a --protocol."
        ) from error


def _today(place):
    module, _, name = place.partition(":")
    return f"{_MOVED.get(module, module)}:{_RENAMED.get(name, name)}"
