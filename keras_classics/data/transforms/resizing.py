"""How an image is resized.

Each transform is a function (image, seed) -> image on one image or on a batch of equal sizes, by
itself or in a `map` of `tf.data` (see `Transform`). The pixels keep their type.

Resizing is OpenCV's, bilinear unless told otherwise: it is what Caffe resized ImageNet with, and
its list of interpolations is the one that GoogLeNet's first version names. None of the papers says
how it resized. OpenCV's bilinear does not smooth before it makes an image smaller; "area" does,
and is close to "nearest" where it makes one larger. It resizes pixels of the types uint8, uint16,
int16, float32 and float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from keras_classics import checks
from keras_classics.data.randomness import integer
from keras_classics.data.transforms.transform import Transform

if TYPE_CHECKING:
    import numpy as np

    from keras_classics.types import Interpolation, Seeds

INTERPOLATIONS = {
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "cubic": cv2.INTER_CUBIC,
}
_RESIZABLE = ("uint8", "uint16", "int16", "float32", "float64")
# Of a resized image: enough for one of 30,000×30 at twice VGG's 256.
_MOST_PIXELS = 2**28


def check_size(name: str, value: object) -> None:
    """Raises a ValueError unless a square with this side is a picture that may come out."""
    checks.integer(name, value, most=math.isqrt(_MOST_PIXELS))


def check_interpolation(value: object, *others: str) -> None:
    """Raises a ValueError unless OpenCV, or the caller by `others`, knows the interpolation."""
    checks.choice("interpolation", value, (*INTERPOLATIONS, *others))


def resized(image: np.ndarray, height: int, width: int, interpolation: str) -> np.ndarray:
    """Returns an image (height, width, channels) in another size."""
    if image.shape[:2] == (height, width):
        return image
    if height * width > _MOST_PIXELS:
        raise ValueError(
            f"An image of {image.shape[0]}×{image.shape[1]} is too long to be resized to "
            f"{height:,}×{width:,}."
        )
    if image.dtype not in _RESIZABLE:
        legal = ", ".join(f'"{name}"' for name in _RESIZABLE)
        raise ValueError(f'Pixels must be one of {legal}. Received: dtype="{image.dtype}"')
    pixels = cv2.resize(image, (width, height), interpolation=INTERPOLATIONS[interpolation])
    return pixels.reshape(height, width, image.shape[-1])  # OpenCV drops a single channel


def _resize_shorter_side(image, size, interpolation):
    height, width = image.shape[:2]
    scale = size / min(height, width)
    sides = (max(round(side * scale), 1) for side in (height, width))
    return resized(image, *sides, interpolation)


@dataclass(frozen=True)
class _ToOneSize(Transform):
    size: int
    interpolation: Interpolation = "bilinear"
    is_random = False

    def __post_init__(self) -> None:
        check_size("size", self.size)
        check_interpolation(self.interpolation)


@dataclass(frozen=True)
class Resize(_ToOneSize):
    """Resizes to a square, whatever that does to the proportions.

    Args:
        size: side of the result in pixels.
        interpolation: "bilinear", "area", "nearest" or "cubic".

    Input shape:
        (height, width, channels), or a batch of such.

    Output shape:
        (size, size, channels).

    Raises:
        ValueError: if `size` is no positive integer, or the interpolation is unknown; when called,
            if the pixels have a type that OpenCV does not resize.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.resizing import Resize
        >>> Resize(227)(np.zeros((28, 28, 1), "uint8")).shape
        (227, 227, 1)
    """

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return self.size, self.size

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        return resized(image, self.size, self.size, self.interpolation)


@dataclass(frozen=True)
class ResizeShorterSide(_ToOneSize):
    """Resizes so that the shorter side has a given length; proportions stay.

    Args:
        size: length of the shorter side in pixels; the longer one is rounded to a pixel.
        interpolation: "bilinear", "area", "nearest" or "cubic".

    Input shape:
        (height, width, channels).

    Output shape:
        (size, width · size / height, channels), or the other way round.

    Raises:
        ValueError: if `size` is no positive integer, or the interpolation is unknown; when called,
            if the pixels have a type that OpenCV does not resize.

    Reference:
        Krizhevsky et al. 2012, section 2 (256); Simonyan and Zisserman 2014, section 3.1 (S).

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.resizing import ResizeShorterSide
        >>> ResizeShorterSide(256)(np.zeros((300, 400, 3), "uint8")).shape
        (256, 341, 3)
    """

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return None, None

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        return _resize_shorter_side(image, self.size, self.interpolation)


@dataclass(frozen=True)
class RandomShorterSide(Transform):
    """Resizes so that the shorter side has a random length: scale jitter.

    Args:
        low: least length in pixels.
        high: greatest length; every integer from `low` to it is as likely.
        interpolation: "bilinear", "area", "nearest" or "cubic".

    Input shape:
        (height, width, channels) and a seed.

    Output shape:
        as of `ResizeShorterSide`.

    Raises:
        ValueError: if the lengths are no positive integers or the first is the greater one; when
            called, if there is no seed for each image.

    Reference:
        Simonyan and Zisserman 2014, section 3.1: [256, 512]; He et al. 2015, section 3.4:
        [256, 480].

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.resizing import RandomShorterSide
        >>> image = RandomShorterSide(256, 512)(np.zeros((300, 400, 3), "uint8"), seed := 7)
        >>> 256 <= min(image.shape[:2]) <= 512
        True
    """

    low: int
    high: int
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        check_size("low", self.low)
        check_size("high", self.high)
        check_interpolation(self.interpolation)
        if self.low > self.high:
            raise ValueError(
                f"`low` must not be above `high`. Received: low={self.low}, high={self.high}"
            )

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return None, None

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        size = self.low + int(integer(seed, 0, self.high - self.low + 1))
        return _resize_shorter_side(image, size, self.interpolation)
