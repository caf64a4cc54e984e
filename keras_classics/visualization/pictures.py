"""What every look at a network begins with: a model of pictures, and a picture for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.compat import forget_tracings
from keras_classics.report import pixels
from keras_classics.trained_model import channels_first

if TYPE_CHECKING:
    import keras


_USUAL = 224  # pixels, ImageNet's


def check_model(model: keras.Model) -> None:
    """Raises a ValueError unless a model is a graph of layers with one input, of pictures."""
    import keras

    is_built = isinstance(model, keras.Model) and model.built
    inputs = getattr(model, "inputs", None) if is_built else None
    if not inputs:
        checks.refuse("model", "a Keras model that is a built graph of layers", model)
    shapes = [tuple(one.shape[1:]) for one in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 3:
        rule = "a model with one input, of pictures"
        raise ValueError(f"`model` must be {rule}. Received: inputs of the shapes {shapes}")


def checked_picture(model: keras.Model, image: Any) -> np.ndarray:
    """Returns a picture as floats (height, width, channels), once a model takes such.

    Args:
        model: a checked model.
        image: an array or a PIL image (height, width, channels), (height, width), or one of them as
            a batch of one.

    Raises:
        ValueError: if it is none of these, or of another size than the model takes.
    """
    try:
        picture = np.asarray(image)
    except Exception:  # lists of odd lengths, tensors that are none
        picture = np.array(None)
    if picture.ndim == 4 and len(picture) == 1:
        picture = picture[0]
    if picture.ndim == 2:
        picture = picture[..., np.newaxis]
    if picture.ndim != 3 or not picture.size or picture.dtype.kind not in "uif":
        came = f"an array of shape {picture.shape}" if picture.ndim else checks.shown(image)
        raise ValueError(f"`image` must be numbers (height, width, channels). Received: {came}")
    taken = tuple(model.inputs[0].shape[1:])
    if channels_first(model):
        taken = (*taken[1:], taken[0])
    if any(a not in (None, b) for a, b in zip(taken, picture.shape, strict=True)):
        raise ValueError(
            f"`image` must have the shape {taken} that {model.name!r} takes. "
            f"Received: image of the shape {picture.shape}"
        )
    if not np.isfinite(picture).all():
        raise ValueError("`image` must hold finite numbers. Received: NaN or infinity in it")
    return picture.astype("float32")


def picture_shape(model: keras.Model) -> tuple[int, int, int]:
    """Returns the (height, width, channels) that a model takes; 224 pixels where it takes any."""
    check_model(model)
    shape = tuple(model.inputs[0].shape[1:])
    height, width, channels = (*shape[1:], shape[0]) if channels_first(model) else shape
    return height or _USUAL, width or _USUAL, channels


def batch_of(model: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Returns a picture as the model takes it: alone in a batch, channels where they belong."""
    return (np.moveaxis(picture, -1, 0) if channels_first(model) else picture)[np.newaxis]


def outputs_of(model: keras.Model, batch: Any) -> Any:
    """Returns the outputs of a model that was made for one look, as NumPy arrays.

    Compiled as a whole: layer by layer JAX would compile every operation by itself.
    """
    forget_tracings()
    return model.predict_on_batch(batch)


def channels_last(model: keras.Model, maps: np.ndarray) -> np.ndarray:
    """Returns a layer's maps of one picture as (height, width, maps)."""
    return np.moveaxis(maps, 0, -1) if channels_first(model) else maps


def drawn(picture: np.ndarray) -> np.ndarray:
    """Returns a picture as RGB to look at, light ink on dark as dark on light.

    Values that are no pixels of 0 … 255, as those that a network without its preprocessing takes,
    are stretched to them.

    Args:
        picture: floats of shape (height, width, channels).

    Returns:
        uint8 array of shape (height, width, 3).
    """
    low, high = float(picture.min()), float(picture.max())
    if low < 0 or not 1 < high <= 255:
        picture = (picture - low) * (255 / ((high - low) or 1))
    return pixels.pictures(picture.round().astype("uint8")[np.newaxis])[0]
