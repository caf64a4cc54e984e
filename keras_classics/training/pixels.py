"""What stands between the pixels 0 … 255 and the network, as a layer of the trained model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from keras_classics import checks
from keras_classics.errors import UserError
from keras_classics.layers import PixelNormalization
from keras_classics.weights.pixels import check_pixels_known, preprocessing

if TYPE_CHECKING:
    from keras_classics.data.sources.memory import Source
    from keras_classics.data.statistics import PixelStatistics

_MOST_PADDING = 1000  # pixels; more is a slip, and fills the memory


@dataclass(frozen=True)
class PixelRange:
    """Maps pixel 0 to `low` and pixel 255 to `high`, after a border of background pixels.

    Args:
        low: value of the background.
        high: value of the ink.
        padding: pixels of value 0 added on every side.

    Raises:
        ValueError: if `low` or `high` is no number, or `padding` no integer from 0 on.

    Example:
        >>> import numpy as np
        >>> from keras_classics.training.pixels import PixelRange
        >>> layer = PixelRange(low=-0.1, high=1.175, padding=2)(source=None)
        >>> out = layer(np.full((1, 28, 28, 1), 255.0))
        >>> out.shape == (1, 32, 32, 1), round(float(out[0, 9, 9, 0]), 3)
        (True, 1.175)
    """

    low: float
    high: float
    padding: int = 0

    def __post_init__(self) -> None:
        checks.number("low", self.low)
        checks.number("high", self.high)
        checks.integer("padding", self.padding, 0, most=_MOST_PADDING)

    def __call__(self, source: PixelStatistics | Source | None) -> keras.Sequential:
        steps = [keras.layers.ZeroPadding2D(self.padding)] if self.padding else []
        steps.append(keras.layers.Rescaling((self.high - self.low) / 255, offset=self.low))
        return keras.Sequential(steps, name="normalization")


@dataclass(frozen=True)
class MeanColor:
    """Subtracts the mean colour of the training pictures, one number for each channel.

    Args:
        value: the numbers, or None to compute them from the training source.

    Raises:
        ValueError: if `value` is neither None nor numbers.

    Reference:
        Simonyan and Zisserman 2014, section 2.1: "subtracting the mean RGB value, computed on the
        training set, from each pixel".

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.sources import Source
        >>> from keras_classics.training.pixels import MeanColor
        >>> images = np.stack([np.full((2, 2, 1), 100, "uint8"), np.full((2, 2, 1), 50, "uint8")])
        >>> source = Source("grey", "train", images, np.array([0, 1]), ("light", "dark"))
        >>> float(MeanColor()(source)(images)[0, 0, 0, 0])
        25.0
    """

    value: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.value is None:
            return
        numbers = self.value if isinstance(self.value, tuple | list) else ()
        if not numbers or not all(map(checks.is_number, numbers)):
            checks.refuse("value", "None or a tuple of numbers, one for each channel", self.value)

    def __call__(self, source: PixelStatistics | Source) -> PixelNormalization:
        mean = self.value
        if mean is None:
            mean = source.mean_image().mean(axis=(0, 1), dtype="float64")
        return PixelNormalization(mean, name="normalization")


@dataclass(frozen=True)
class MeanImage:
    """Subtracts the mean of the training pictures pixel by pixel.

    At another input size than the training's it subtracts the mean colour of that image. A crop
    is taken before this, in the pipeline, so the image is that of the central crops, as in the code
    of AlexNet's authors, and not the part of a larger mean image that lies under the crop, as in
    Caffe.

    Reference:
        Krizhevsky et al. 2012, section 2; He et al. 2015, sections 3.4 and 4.2.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.sources import Source
        >>> from keras_classics.training.pixels import MeanImage
        >>> images = np.array([[[[0], [10]]], [[[20], [90]]]], "uint8")
        >>> source = Source("grey", "train", images, np.array([0, 1]), ("light", "dark"))
        >>> np.array(MeanImage()(source)(images)).reshape(2, 2).tolist()
        [[-10.0, -40.0], [10.0, 40.0]]
    """

    def __call__(self, source: PixelStatistics | Source) -> PixelNormalization:
        return PixelNormalization(source.mean_image(), name="normalization")


@dataclass(frozen=True)
class WeightsPixels:
    """What trained weights expect of pixels, whatever the training pictures are.

    A recipe gets this in the place of its own when its `model.weights` becomes such weights.

    Args:
        network: as in `list_models()`.
        weights: as for `preprocessing`.

    Raises:
        ValueError: if `weights` do not tell their pixels.

    Example:
        >>> import numpy as np
        >>> from keras_classics.training.pixels import WeightsPixels
        >>> pixels = np.zeros((1, 2, 2, 3), "uint8")
        >>> layer = WeightsPixels("resnet50", "imagenet")(source=None)
        >>> np.array(layer(pixels))[0, 0, 0].round(3).tolist()
        [-103.939, -116.779, -123.68]
    """

    network: str
    weights: str

    def __post_init__(self) -> None:
        check_pixels_known(self.network, self.weights)

    def __call__(self, source: PixelStatistics | Source | None) -> keras.layers.Layer:
        return preprocessing(self.network, self.weights)


def pixels_of_weights(model: Callable[..., keras.Model]) -> WeightsPixels | None:
    """Returns the pixels of the weights that a recipe's model starts from, where these tell them.

    Those that come with the package tell them in their cards.

    Args:
        model: a builder, or a partial of one.
    """
    options = getattr(model, "keywords", {})
    # A builder around another has its name as an option.
    name = options.get("network", getattr(getattr(model, "func", model), "__name__", ""))
    weights: Any = options.get("weights")
    try:
        found = WeightsPixels(name, str(weights) if isinstance(weights, Path) else weights)
        found(None)  # a file may hold the network alone
    except (UserError, ValueError):
        return None
    return found
