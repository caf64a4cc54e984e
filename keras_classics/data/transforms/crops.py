"""Where an image is cut.

Each transform is a function (image, seed) -> image on one image or on a batch of equal sizes, by
itself or in a `map` of `tf.data` (see `Transform`). The pixels keep their type.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from keras_classics import checks
from keras_classics.data.randomness import fold_in, integer, uniform
from keras_classics.data.transforms.resizing import (
    INTERPOLATIONS,
    check_interpolation,
    check_size,
    resized,
)
from keras_classics.data.transforms.transform import Transform

if TYPE_CHECKING:
    from keras_classics.types import Interpolation, Seeds


def _is_range(value):
    """Whether a value is two numbers above 0, the greater one last."""
    is_pair = isinstance(value, tuple | list) and len(value) == 2
    return is_pair and all(map(checks.is_positive, value)) and value[0] <= value[1]


def _check_large_enough(image, size):
    if min(image.shape[:2]) < size:
        raise ValueError(
            f"An image of {image.shape[0]}×{image.shape[1]} has no {size}×{size} to crop; crop "
            "less, or resize to more before."
        )


@dataclass(frozen=True)
class CenterCrop(Transform):
    """Keeps the central square; where it cannot be central, it lies half a pixel up or left.

    Args:
        size: its side in pixels.

    Input shape:
        (height, width, channels), or a batch of such.

    Output shape:
        (size, size, channels).

    Raises:
        ValueError: if `size` is no positive integer, or an image is smaller.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.crops import CenterCrop
        >>> CenterCrop(2)(np.arange(16).reshape(4, 4, 1))[..., 0].tolist()
        [[5, 6], [9, 10]]
    """

    size: int
    is_random = False

    def __post_init__(self) -> None:
        check_size("size", self.size)

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return self.size, self.size

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        _check_large_enough(image, self.size)
        top, left = ((side - self.size) // 2 for side in image.shape[:2])
        return image[top : top + self.size, left : left + self.size]


@dataclass(frozen=True)
class RandomCrop(Transform):
    """Keeps a square at a random place; every place is as likely.

    Args:
        size: its side in pixels.
        padding: pixels of border added on every side first (CIFAR: 4).
        fill: what the border is made of: 0, black, as the networks' authors had it before they
            subtracted the mean; or a number in 0 … 255 for each channel, such as the mean colour,
            which becomes zero behind the mean's subtraction.

    Input shape:
        (height, width, channels) and a seed, or a batch of such and as many seeds.

    Output shape:
        (size, size, channels); `fill` is rounded where the pixels are integers.

    Raises:
        ValueError: if `size` is no positive integer, `padding` is negative or above `size`, `fill`
            is outside of 0 … 255 or has other channels, or an image with its border is
            smaller than the crop; when called, if there is no seed for each image.

    Reference:
        Krizhevsky et al. 2012, section 4.1 (224 of 256; the paper counts 32 · 32 places, there
        are 33 · 33, which the author's code draws from); He et al. 2015, section 4.2 (32 of 40).

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.crops import RandomCrop
        >>> RandomCrop(32, padding=4)(np.zeros((2, 32, 32, 3), "uint8"), [5, 6]).shape
        (2, 32, 32, 3)
    """

    size: int
    padding: int = 0
    fill: float | tuple = 0

    def __post_init__(self) -> None:
        check_size("size", self.size)
        # A wider border would make crops of nothing else.
        checks.integer("padding", self.padding, 0, most=self.size)
        fill = self.fill if isinstance(self.fill, tuple | list) else [self.fill]
        if not fill or not all(checks.is_number(value) and 0 <= value <= 255 for value in fill):
            checks.refuse("fill", "in 0 … 255", self.fill)

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return self.size, self.size

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        image = self._with_border(image)
        _check_large_enough(image, self.size)
        top, left = (
            int(integer(seed, draw, side - self.size + 1))
            for draw, side in enumerate(image.shape[:2])
        )
        return image[top : top + self.size, left : left + self.size]

    def apply_batch(self, images: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        images = self._with_border(images)
        _check_large_enough(images[0], self.size)
        rows, columns = (
            integer(seeds, draw, side - self.size + 1)[:, np.newaxis] + np.arange(self.size)
            for draw, side in enumerate(images.shape[1:3])
        )
        numbers = np.arange(len(images))[:, np.newaxis, np.newaxis]
        return images[numbers, rows[:, :, np.newaxis], columns[:, np.newaxis]]

    def _with_border(self, images):
        if not self.padding:
            return images
        *batch, height, width, channels = images.shape
        sides = (height + 2 * self.padding, width + 2 * self.padding)
        fill = np.asarray(self.fill)
        if fill.ndim and len(fill) not in (1, channels):
            checks.refuse("fill", f"one number, or one for each of {channels} channels", self.fill)
        fill = np.rint(fill) if images.dtype.kind in "iu" else fill
        bordered = np.empty((*batch, *sides, channels), images.dtype)
        bordered[...] = fill
        inner = slice(self.padding, -self.padding)
        bordered[..., inner, inner, :] = images
        return bordered


@dataclass(frozen=True)
class RandomFlip(Transform):
    """Changes left and right with probability one half.

    Input shape:
        (height, width, channels) and a seed, or a batch of such and as many seeds.

    Output shape:
        the input's.

    Reference:
        Krizhevsky et al. 2012, section 4.1.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.crops import RandomFlip
        >>> row = np.arange(3, dtype="uint8").reshape(1, 3, 1)
        >>> sorted({str(RandomFlip()(row, seed).ravel()) for seed in range(9)})
        ['[0 1 2]', '[2 1 0]']
    """

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        if not integer(seed, 0, 2):
            return image
        # OpenCV takes a thirtieth of NumPy's time, and would halve 64-bit integers.
        flipped = cv2.flip(image, 1) if image.itemsize < 8 else image[:, ::-1]
        return flipped.reshape(image.shape)

    def apply_batch(self, images: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        flipped = images.copy()
        chosen = integer(seeds, 0, 2) == 1
        flipped[chosen] = images[chosen, :, ::-1]
        return flipped


@dataclass(frozen=True)
class RandomAreaCrop(Transform):
    """Cuts a patch of random area and proportions at a random place, and resizes it to a square.

    The area is uniform in a range of shares of the image's, the aspect ratio (width / height)
    uniform in a range. A patch that does not fit into the image is drawn anew, ten times at most;
    then the central square as large as the image allows is taken. The paper gives the two ranges
    and nothing else.

    Args:
        size: side of the result in pixels.
        area: least and greatest share of the image's area.
        aspect: least and greatest aspect ratio.
        interpolation: "bilinear", "area", "nearest" or "cubic", or "random" for one of these four
            with equal odds.

    Input shape:
        (height, width, channels) and a seed.

    Output shape:
        (size, size, channels).

    Raises:
        ValueError: if `size` is no positive integer, or a range is none; when called, if there is
            no seed for each image.

    Reference:
        Szegedy et al. 2014, section 6: 8 to 100 %, 3/4 to 4/3; its first version on arXiv adds
        the random interpolation.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.crops import RandomAreaCrop
        >>> RandomAreaCrop(224)(np.zeros((300, 400, 3), "uint8"), seed := 7).shape
        (224, 224, 3)
    """

    size: int
    area: tuple = (0.08, 1.0)
    aspect: tuple = (3 / 4, 4 / 3)
    interpolation: Interpolation | Literal["random"] = "bilinear"

    def __post_init__(self) -> None:
        check_size("size", self.size)
        check_interpolation(self.interpolation, "random")
        if not (_is_range(self.area) and self.area[1] <= 1):
            checks.refuse("area", "a range of shares in 0 … 1", self.area)
        if not _is_range(self.aspect):
            checks.refuse("aspect", "a range above 0", self.aspect)

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return self.size, self.size

    def patch(self, height: int, width: int, seed: Seeds) -> tuple[int, int, int, int]:
        """Returns the (top, left, height, width) that an image of this size is cut to."""
        height, width = int(height), int(width)
        for attempt in range(10):
            own = fold_in(seed, attempt)
            share, ratio, down, right = (float(uniform(own, draw, 0.0, 1.0)) for draw in range(4))
            area = height * width * (self.area[0] + share * (self.area[1] - self.area[0]))
            aspect = self.aspect[0] + ratio * (self.aspect[1] - self.aspect[0])
            high, wide = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
            if 0 < high <= height and 0 < wide <= width:
                # `uniform` stays below 1, so the patch stays inside.
                return int(down * (height - high + 1)), int(right * (width - wide + 1)), high, wide
        side = min(height, width)
        return (height - side) // 2, (width - side) // 2, side, side

    def resize(self, patch: np.ndarray, seed: Seeds) -> np.ndarray:
        """Resizes what `patch` cut out."""
        interpolation: str = self.interpolation
        if interpolation == "random":
            interpolation = list(INTERPOLATIONS)[int(integer(seed, 10, len(INTERPOLATIONS)))]
        return resized(patch, self.size, self.size, interpolation)

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        top, left, height, width = self.patch(image.shape[0], image.shape[1], seed)
        return self.resize(image[top : top + height, left : left + width], seed)
