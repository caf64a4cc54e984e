"""Random planar affine distortions of images (LeNet-5, section III-A).

The paper names the family (horizontal and vertical translation, scaling, squeezing, horizontal
shear; no rotation) and not the ranges: those here were chosen on held-out training digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_classics import checks
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import uniform
from keras_classics.data.transforms.transform import (
    as_pictures,
    check_pictures,
    check_seeds,
    static_shape,
)


@dataclass(frozen=True)
class RandomAffine:
    """Translates, scales, squeezes and shears each image by amounts of its own.

    Every amount is uniform in ± the given range and a pure function of the image's seed. New
    pixels are bilinear; what comes from outside the image is 0, the background.

    Args:
        translation: in pixels, horizontally and vertically, each drawn by itself.
        scale: both sides grow by 1 + s.
        squeeze: width grows by 1 + q while height shrinks by 1 / (1 + q), or the other way.
        shear: a row moves sideways by this many pixels for each pixel above the centre.

    Input shape:
        images (n, height, width, channels) of any type and seeds (n,), or one image
        (height, width, channels) and one seed.

    Output shape:
        as the input, float32.

    Raises:
        ValueError: if an amount is no number, or `scale` or `squeeze` is not in [0, 1); when
            called, if `images` are no pictures or have no seed each.

    Reference:
        LeCun et al. 1998, section III-A: "combinations of the following planar affine
        transformations: horizontal and vertical translations, scaling, squeezing (simultaneous
        horizontal compression and vertical elongation, or the reverse), and horizontal shearing".

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.affine import RandomAffine
        >>> distort = RandomAffine(translation=2.0, scale=0.1, squeeze=0.1, shear=0.2)
        >>> distort(np.ones((1, 28, 28, 1)), np.uint64([7])).shape.as_list()
        [1, 28, 28, 1]
    """

    translation: float
    scale: float
    squeeze: float
    shear: float

    def __post_init__(self) -> None:
        for name in ("translation", "scale", "squeeze", "shear"):
            checks.number(name, getattr(self, name))
        if not (0 <= self.scale < 1 and 0 <= self.squeeze < 1):
            raise ValueError(
                "`scale` and `squeeze` must be in [0, 1), or an image could vanish. "
                f"Received: scale={self.scale!r}, squeeze={self.squeeze!r}"
            )

    def matrices(self, seeds: Any, height: int, width: int) -> np.ndarray:
        """Returns (n, 8) rows a0 … c1 that map output pixels to input pixels."""
        right, down, scale, squeeze, shear = (
            uniform(seeds, draw, -limit, limit)
            for draw, limit in enumerate(
                (self.translation, self.translation, self.scale, self.squeeze, self.shear)
            )
        )
        # An image grown by s is read at positions 1/s as far from its centre.
        across = 1 / ((1 + scale) * (1 + squeeze))
        along = (1 + squeeze) / (1 + scale)
        x, y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
        zero = np.zeros_like(right)
        rows = (
            *(across, shear, x - across * (x + right) - shear * (y + down)),
            *(zero, along, y - along * (y + down)),
            *(zero, zero),
        )
        return np.stack(rows, axis=-1)

    def __call__(self, images: Any, seeds: Any) -> Any:
        tf = import_tensorflow()
        images = as_pictures(images)
        shape: Any = static_shape(images)
        check_pictures(shape, images.dtype)
        check_seeds(seeds, shape)
        images, seeds = tf.cast(images, tf.float32), tf.cast(seeds, tf.uint64)
        if images.shape.rank == 3:
            return self(images[tf.newaxis], seeds[tf.newaxis])[0]
        height, width = images.shape[1:3]
        matrices = tf.numpy_function(
            lambda s: self.matrices(s, height, width), [seeds], tf.float32, stateful=False
        )
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=matrices,
            output_shape=(height, width),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="CONSTANT",
        )
