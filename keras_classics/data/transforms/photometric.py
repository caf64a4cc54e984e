"""Howard's photometric distortions: contrast, brightness and colour, as in GoogLeNet's training."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from keras_classics import checks
from keras_classics.data.randomness import integer, uniform
from keras_classics.data.transforms.color import ColorTransform, check_channels

if TYPE_CHECKING:
    from keras_classics.types import Seeds

# ITU-R 601-2, as the Python Imaging Library makes an image grey.
_GREY = np.array([19595, 38470, 7471]) / 65536
_ORDERS = np.array(list(itertools.permutations(range(3))))


@dataclass(frozen=True)
class PhotometricDistortions(ColorTransform):
    """Howard's distortions: contrast, brightness and colour of each image, in random order.

    Each is changed by a factor of its own, uniform in 1 ± `variation`, as the enhancers of the
    Python Imaging Library do, which Howard used: contrast moves pixels away from the image's mean
    grey, brightness from black, colour from the pixel's own grey. A factor of 1 changes nothing.
    Pixels are clipped to 0…255 after each of the three, as that library does: an assumption, since
    the paper does not say so. They are not rounded to whole numbers in between.

    GoogLeNet's paper names these distortions. Howard adds AlexNet's lighting noise afterwards: in a
    recipe, the `PCAColorJitter` that comes next.

    Args:
        variation: largest change of a factor; 0.5 is the paper's.

    Input shape:
        images (n, height, width, 3) of any type in 0…255 and seeds (n,), or one image
        (height, width, 3) and one seed.

    Output shape:
        as the input, float32.

    Raises:
        ValueError: if `variation` is not in [0, 1]; when called, if the images do not have three
            channels or a seed each.

    Reference:
        Howard 2013, "Some Improvements on Deep Convolutional Neural Network Based Image
        Classification": an order chosen at random, and for each a number between 0.5 and 1.5.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.photometric import PhotometricDistortions
        >>> distort = PhotometricDistortions()
        >>> distort(np.full((224, 224, 3), 100, "uint8"), seed := 7).shape
        (224, 224, 3)
    """

    variation: float = 0.5

    def __post_init__(self) -> None:
        checks.number("variation", self.variation, 0, 1)

    def draws(self, seeds: Seeds) -> tuple[np.ndarray, np.ndarray]:
        """Returns the factors of contrast, brightness and colour, and the order they act in.

        Args:
            seeds: of any shape (…), one seed for each image.

        Returns:
            float32 (…, 3) factors, and integer (…, 3) positions among the factors, the first to
            act first.
        """
        seeds = np.asarray(seeds)
        limits = 1 - self.variation, 1 + self.variation
        factors = uniform(seeds[..., np.newaxis], np.arange(3), *limits)
        return factors, _ORDERS[integer(seeds, 3, len(_ORDERS))]

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        check_channels(image.shape)
        return _enhance(image.astype(np.float32, order="C"), *self.draws(seed))


def _enhance(image, factors, order):
    """Changes an image, which it may overwrite, by its three factors in an order."""
    for which in order:
        image = _ENHANCERS[which](image, float(factors[which]))
        np.clip(image, 0, 255, out=image)
    return image


def _contrast(image, factor):
    mean = np.dot(cv2.mean(image)[:3], _GREY)
    image *= factor
    image += float((1 - factor) * mean)  # as a NumPy scalar it would be added in float64
    return image


def _brightness(image, factor):
    image *= factor
    return image


def _color(image, factor):
    # The grey that is blended in is made of the channels too: together a product with a matrix.
    return cv2.transform(image, factor * np.eye(3) + (1 - factor) * _GREY)


_ENHANCERS = (_contrast, _brightness, _color)
