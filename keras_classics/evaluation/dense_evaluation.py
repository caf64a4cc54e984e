"""Dense evaluation: the network as a convolution over whole pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics import checks
from keras_classics.data.bad_images import BadImages
from keras_classics.data.pipeline import in_order
from keras_classics.data.transforms.resizing import ResizeShorterSide, check_interpolation
from keras_classics.evaluation.prediction import (
    check_classes,
    collect,
    in_chunks,
    measured,
)
from keras_classics.trained_model import network_of

if TYPE_CHECKING:
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.evaluation.measurement import Measurement
    from keras_classics.types import Interpolation

_MOST_ELONGATED = 16  # longer side / shorter side
_LARGEST_SIDE = 8192  # twelve times the largest of the papers
_MOST_SCALES = 20


@dataclass(frozen=True)
class DenseEvaluation:
    """The network on whole pictures, as a convolution, at one scale or several.

    The picture is resized to each shorter side Q, not cropped. The network's class scores (before
    the softmax) at all positions are averaged over the picture, the softmax is taken, and these
    probabilities are averaged over the picture, its mirror image and all scales.

    VGG's paper says all of this for networks whose dense layers become convolutions. ResNet's, and
    other networks that end in global average pooling and one dense layer, are fully convolutional
    as they are: averaging before a linear layer or after it is the same. Their paper says that "the
    scores" are averaged over scales; that these are probabilities, and that mirror images count,
    is our reading of its "as in [VGG]".

    Files and records are computed picture by picture, since their sizes differ; under JAX each new
    size is compiled once. Pictures more than 16 times as long as wide are cut to their middle, as
    no memory would hold their maps.

    Args:
        shorter_sides: the scales Q. VGG: 256 or 384; (S − 32, S, S + 32) or (256, 384, 512).
            ResNet: (224, 256, 384, 480, 640).
        mirror: whether mirror images are averaged too.
        convolutional: function that turns the dense layers of a network into convolutions, from
            the recipe: `keras_classics.fully_convolutional`; None for networks that end in global
            average pooling.
        interpolation: see `ResizeShorterSide`.

    Reference:
        Simonyan and Zisserman 2014, section 3.2; He et al. 2015, section 3.4.

    Example:
        >>> from keras_classics.evaluation.protocols import DenseEvaluation
        >>> DenseEvaluation(shorter_sides=(224, 256, 384, 480, 640)).mirror
        True
    """

    shorter_sides: tuple[int, ...] = (256,)
    mirror: bool = True
    convolutional: Callable | None = None
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        check_shorter_sides(self.shorter_sides)
        checks.choice("mirror", self.mirror, (True, False))
        check_interpolation(self.interpolation)
        if self.convolutional is not None and not callable(self.convolutional):
            checks.refuse("convolutional", "None or a function", self.convolutional)

    def __call__(
        self,
        model: keras.Model,
        source: LabelledImages,
        batch_size: int = 32,
        bad: BadImages | None = None,
    ) -> Measurement:
        """Classifies a source; `batch_size` counts mirror images, and is for pictures in memory."""
        self.check(model, source)
        bad = BadImages() if bad is None else bad
        views = 1 + self.mirror
        pictures = max(1, min(batch_size // views, len(source))) if source.in_memory else 1
        predict = in_chunks(any_size(model, self.convolutional), pictures * views)

        def average(images):
            images, total = [_not_too_long(image) for image in images], 0.0
            for side in self.shorter_sides:
                resize = ResizeShorterSide(side, self.interpolation)
                resized = np.stack([resize.apply(image, 0) for image in images])
                if self.mirror:
                    resized = np.concatenate([resized, resized[:, :, ::-1]])
                probabilities = predict(resized).reshape(views, len(images), -1)
                total = total + probabilities.mean(axis=0, dtype="float64")
            return total / len(self.shorter_sides)

        batches = in_order(source, pictures, bad=bad)
        return measured(*collect(batches, average, bad, source), source, bad)

    def check(self, model: keras.Model, source: LabelledImages) -> None:
        """Raises a ValueError unless the model can be made fully convolutional for the source."""
        check_classes(model, source)
        network = checked_network_of(model)
        if model.input_shape[-1] != source.channels:
            raise ValueError(
                f"The model takes pictures of {model.input_shape[-1]} channels, {source.name} has "
                f"{source.channels}."
            )
        smallest = max(model.input_shape[1:3]) if has_dense_layers_on_maps(network) else 1
        if min(self.shorter_sides) < smallest:
            raise ValueError(
                f"`shorter_sides` must be at least {smallest}, the input of {network.name}. "
                f"Received: shorter_sides={self.shorter_sides!r}"
            )
        any_size(model, self.convolutional)


def check_shorter_sides(sides: Any) -> None:
    """Raises a ValueError unless these are the scales of a protocol."""
    is_tuple = isinstance(sides, tuple) and 0 < len(sides) <= _MOST_SCALES
    if not is_tuple or any(
        type(side) is not int or not 0 < side <= _LARGEST_SIDE for side in sides
    ):
        rule = f"positive integers in a tuple, {_MOST_SCALES} at most, none above {_LARGEST_SIDE:,}"
        checks.refuse("shorter_sides", rule, sides)


def any_size(
    model: keras.Model, convolutional: Callable[[keras.Model], keras.Model] | None = None
) -> keras.Model:
    """Returns the model for pictures of any size: class scores averaged over space, then softmax.

    Args:
        model: a model saved by `train`; its weights are shared, those of dense layers on maps are
            copied.
        convolutional: see `DenseEvaluation`.

    Returns:
        A `keras.Model`, pixels (batch, height, width, channels) to probabilities (batch, classes).

    Raises:
        ValueError: if the model is none that `train` saved, or its network cannot do it.
    """
    network = checked_network_of(model)
    if has_dense_layers_on_maps(network):
        _check_layers_behind_maps(network, convolutional)
    x = pixels = keras.Input((None, None, model.input_shape[-1]), name="pixels")
    for layer in model.layers[1:-3]:
        x = _apply(layer, x)
    try:
        if has_dense_layers_on_maps(network):
            assert convolutional is not None  # checked above
            scores = convolutional(network)(x)
        else:
            channels = network.input_shape[-1]
            scores = keras.models.clone_model(
                network,
                input_tensors=keras.Input((None, None, channels)),
                clone_function=lambda layer: layer,  # the layers themselves, with their weights
            )(x)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{network.name} cannot be applied to pictures of any size: {reason}"
        ) from error
    scores = keras.ops.cast(scores, "float32")
    if len(scores.shape) == 4:
        scores = keras.ops.mean(scores, axis=(1, 2))
    probabilities = keras.layers.Activation("softmax", dtype="float32", name="probabilities")
    return keras.Model(pixels, probabilities(scores), name=model.name)


def checked_network_of(model: keras.Model) -> keras.Model:
    """Returns the network inside a model that `train` saved.

    Raises:
        ValueError: if this is another model.
    """
    network = network_of(model)
    if [layer.name for layer in model.layers[-3:]] != [network.name, "logits", "probabilities"]:
        raise ValueError(
            "Dense evaluation needs a model as `train` saves it, with a network between the pixels "
            f'and the layers "logits" and "probabilities". Received: model={model.name!r}'
        )
    return network


def has_dense_layers_on_maps(network: keras.Model) -> bool:
    """Whether a network flattens its maps, so that it takes pictures of one size only."""
    return any(isinstance(layer, keras.layers.Flatten) for layer in network.layers)


def _check_layers_behind_maps(network, convolutional):
    if convolutional is None:
        raise ValueError(
            f"{network.name} has dense layers on its maps, so DenseEvaluation needs "
            "`convolutional=fully_convolutional` to apply it to pictures of any size."
        )
    behind = False
    for layer in network.layers:
        if behind and layer.weights and not isinstance(layer, keras.layers.Dense):
            raise ValueError(
                f"{network.name} cannot be applied to pictures of any size: its {layer.name} is no "
                "dense layer, which could become a convolution."
            )
        behind = behind or isinstance(layer, keras.layers.Flatten)


def _apply(layer, x):
    if not isinstance(layer, keras.Sequential):
        return layer(x)
    for inner in layer.layers:  # the whole holds on to the size that it was built for
        x = _apply(inner, x)
    return x


def _not_too_long(image):
    height, width = image.shape[:2]
    most = _MOST_ELONGATED * min(height, width)
    top, left = max(height - most, 0) // 2, max(width - most, 0) // 2
    return image[top : top + most, left : left + most]
