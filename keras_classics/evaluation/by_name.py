"""The papers' protocols by name, for a network of any input size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_classics import checks
from keras_classics.evaluation.dense_evaluation import (
    DenseEvaluation,
    checked_network_of,
    has_dense_layers_on_maps,
)
from keras_classics.evaluation.protocols import CenterView, GoogLeNetCrops, GridCrops, TenCrop

if TYPE_CHECKING:
    import keras

PROTOCOLS: dict[str, Any] = {
    "center": CenterView(),
    "ten_crop": TenCrop(),
    "dense": DenseEvaluation(),
    "multi_scale_dense": DenseEvaluation(shorter_sides=(256, 384, 512)),
    "grid_150": GridCrops(),
    "googlenet_144": GoogLeNetCrops(),
    "resnet_multi_scale": DenseEvaluation(shorter_sides=(224, 256, 384, 480, 640)),
}


def protocol_for(
    name: str, model: keras.Model, convolutional: Callable[[keras.Model], keras.Model] | None = None
) -> Any:
    """Returns a protocol of the papers for a model's input size.

    The papers' sizes belong to crops of 224 pixels (AlexNet's 227 are the same crops); for another
    input they are scaled in proportion and rounded.

    Args:
        name: a key of `PROTOCOLS`.
        model: pixels in, probabilities out.
        convolutional: see `DenseEvaluation`; used where the network needs it.

    Raises:
        ValueError: if there is no such protocol, the model's input is no square, or its network
            cannot be evaluated densely.

    Example:
        >>> import keras
        >>> from keras_classics.evaluation.by_name import protocol_for
        >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
        >>> protocol_for("ten_crop", model)
        TenCrop(size=32, shorter_side=37, of='square', interpolation='bilinear')
    """
    checks.choice("protocol", name, tuple(PROTOCOLS))
    sides = set(model.input_shape[1:3])
    if len(sides) != 1 or None in sides:
        raise ValueError(
            f"The model takes pictures of shape {tuple(model.input_shape[1:])}; {name} needs the "
            "side of a square."
        )
    size, protocol = sides.pop(), PROTOCOLS[name]

    def scaled(side):
        return side if size in (224, 227) else round(side * size / 224)

    if isinstance(protocol, CenterView | TenCrop):
        return replace(protocol, size=size, shorter_side=scaled(protocol.shorter_side))
    shorter_sides = tuple(scaled(side) for side in protocol.shorter_sides)
    if not isinstance(protocol, DenseEvaluation):
        return replace(protocol, size=size, shorter_sides=shorter_sides)
    if not has_dense_layers_on_maps(checked_network_of(model)):
        return replace(protocol, shorter_sides=shorter_sides)
    # Dense layers see nothing smaller than the network's own input.
    shorter_sides = tuple(max(size, side) for side in shorter_sides)
    return replace(protocol, shorter_sides=shorter_sides, convolutional=convolutional)
