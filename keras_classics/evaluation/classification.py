"""A trained model on a whole split: every picture once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.pipeline import in_order
from keras_classics.evaluation.prediction import (
    check_classes,
    check_probabilities,
    check_shape,
    collect,
    in_chunks,
    measured,
)

if TYPE_CHECKING:
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.evaluation.measurement import EvaluationProtocol, Measurement
    from keras_classics.types import Shape, Transforms

_NOT_ALIKE = "and without a protocol that crops, a picture of {} has"


def evaluate(
    model: keras.Model,
    source: LabelledImages,
    protocol: EvaluationProtocol | None = None,
    batch_size: int | None = None,
    *,
    transforms: Transforms = (),
    bad: BadImages | None = None,
) -> Measurement:
    """Classifies a whole source.

    Args:
        model: a model saved by `train`: pixels in, class probabilities out.
        source: a `Source`, `FileSource` or `RecordSource` with the same classes.
        protocol: see `keras_classics.evaluation.protocols`; None for each picture as it is, or as
            the transforms make it.
        batch_size: pictures or crops at once, None for a number that suits their size; does not
            change the result beyond float rounding.
        transforms: where there is no protocol, functions (images, seeds) -> images that draw
            nothing and bring the pictures to the model's size.
        bad: `BadImages`, for files; those that cannot be decoded are left out.

    Returns:
        A `Measurement`, with logits if there is no protocol and the model has a layer `logits`.

    Raises:
        ValueError: if the model takes other pictures or has other classes, or cannot be measured by
            the protocol.
        DataError: if too many pictures cannot be decoded.
    """
    check(model, source, protocol, transforms)
    bad = BadImages() if bad is None else bad
    if protocol is not None:
        options = {} if batch_size is None else {"batch_size": batch_size}
        return protocol(model, source, bad=bad, **options)
    batch_size = min(batch_size or evaluation_batch_size(model.input_shape), len(source))
    batches = _of_one_size(source, batch_size, model, transforms, bad)
    has_logits = any(layer.name == "logits" for layer in model.layers)
    if not has_logits:
        labels, probabilities = collect(batches, in_chunks(model, batch_size), bad, source)
        check_probabilities(probabilities)
        return measured(labels, probabilities, source, bad)
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    labels, logits = collect(batches, in_chunks(to_logits, batch_size), bad, source)
    exact = logits.astype("float64")
    shares = np.exp(exact - exact.max(-1, keepdims=True))
    return measured(labels, shares / shares.sum(-1, keepdims=True), source, bad, logits)


def check(
    model: keras.Model,
    source: LabelledImages,
    protocol: EvaluationProtocol | None = None,
    transforms: Transforms = (),
) -> None:
    """Raises the ValueError that `evaluate` would raise, before any picture is read."""
    if protocol is not None:
        protocol.check(model, source)
        return
    check_classes(model, source)
    pictures = in_order(source, 1, transforms)
    shape = pictures.element_spec[0].shape[1:]
    check_shape(model, shape, f"{source.name} has")
    if not shape.is_fully_defined():
        for image, _ in pictures.take(1):
            check_shape(model, image.shape[1:], _NOT_ALIKE.format(source.name))


def evaluation_batch_size(input_shape: Shape) -> int:
    """Returns how many pictures of an input (batch, height, width, channels) to take at once."""
    height, width = input_shape[1:3]
    return max(1, min(500, 128 * 224**2 // ((height or 224) * (width or 224))))


def _of_one_size(source, batch_size, model, transforms, bad):
    """Batches of pictures that all have the model's size, or a ValueError at the first other."""
    together = in_order(source, batch_size, transforms, bad)
    if together.element_spec[0].shape[1:].is_fully_defined():
        yield from together
        return
    images, labels = [], []
    for image, label in in_order(source, 1, transforms, bad):
        check_shape(model, image.shape[1:], _NOT_ALIKE.format(source.name))
        images.append(image)
        labels.append(label)
        if len(images) == batch_size:
            yield np.concatenate(images), np.concatenate(labels)
            images, labels = [], []
    if images:
        yield np.concatenate(images), np.concatenate(labels)
