"""What every transform has in common: (image, seed) -> image, on arrays or inside a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in

if TYPE_CHECKING:
    from keras_classics.types import Seeds, Shape, Transforms


class Transform:
    """A function (image, seed) -> image that depends on nothing else.

    A subclass computes with NumPy and OpenCV: one image in `apply`, and images of one size,
    each with its own seed, in `apply_batch` where that can be faster than one after the other.
    Called with tensors, as in a `map` of `tf.data`, it runs as a `tf.numpy_function`.

        dataset = dataset.enumerate().map(lambda n, image: RandomFlip()(image, n))

    Raises:
        ValueError: when called, if `images` are no pictures, or a random transform gets no seed,
            or one for several images.
    """

    # What leaves the transform: None is the type that came.
    dtype: Any = None
    # Whether the seed makes a difference.
    is_random = True

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        """Transforms one image (height, width, channels)."""
        raise NotImplementedError

    def apply_batch(self, images: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Transforms images (n, height, width, channels), each by its own seed."""
        return stacked(self.apply(*pair) for pair in zip(images, seeds, strict=True))

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, ...]:
        """Returns the result's (height, width), None where they are not known beforehand."""
        return height, width

    def __call__(self, images: Any, seeds: Any = None) -> Any:
        images = as_pictures(images)
        is_tensor = _is_tensor(images)
        shape: Any = static_shape(images)
        check_pictures(shape, images.dtype)
        if self.is_random:
            check_seeds(seeds, shape)
        else:
            seeds = 0
        if not is_tensor:
            return self._on_arrays(images, seeds)
        tf = import_tensorflow()
        dtype = tf.as_dtype(self.dtype or images.dtype)
        result = tf.numpy_function(self._on_arrays, [images, seeds], dtype, stateful=False)
        *batch, height, width, channels = shape
        return tf.ensure_shape(result, (*batch, *self.sides(height, width), channels))

    def _on_arrays(self, images, seeds):
        if images.ndim == 3:
            return self.apply(images, seeds)
        if not len(images):
            return self._nothing(images)
        if not self.is_random:
            seeds = np.zeros(len(images), np.uint64)
        return self.apply_batch(images, np.asarray(seeds, np.uint64))

    def _nothing(self, images):
        """What becomes of a batch without images."""
        sides = self.sides(*images.shape[1:3])
        if None in sides:
            raise ValueError(
                f"`images` must hold at least one image: what {type(self).__name__} makes of none "
                f"has no size. Received: shape={images.shape}"
            )
        return np.empty((0, *sides, images.shape[-1]), self.dtype or images.dtype)


def stacked(images: Iterable[np.ndarray]) -> np.ndarray:
    """Returns images as one array, or raises a ValueError where they have several sizes."""
    images = list(images)
    if len({image.shape for image in images}) > 1:
        raise ValueError(
            "The `images` of a batch must come out in one and the same shape; transform them one "
            f"by one, e.g. in a `map`. Received: {len(images)} images that come out in several"
        )
    return np.stack(images)


def static_shape(value: Any) -> Shape | None:
    """Returns a tuple, or None in a pipeline that does not know the number of dimensions."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return np.shape(value)
    return None if getattr(shape, "rank", 0) is None else tuple(shape)


def _is_tensor(value):
    """Whether a value is TensorFlow's, which is not imported to find out."""
    return type(value).__module__.startswith("tensorflow")


def as_pictures(images: Any) -> Any:
    """Returns tensors as they are, anything else as an array."""
    try:
        return images if _is_tensor(images) else np.asarray(images)
    except ValueError:  # rows of several lengths
        checks.refuse("images", "(height, width, channels), or several of the same shape", images)


def check_pictures(shape: Shape | None, dtype: Any) -> None:
    """Raises a ValueError unless a shape is that of pictures with pixels, and these are numbers."""
    if shape is None or len(shape) not in (3, 4):
        raise ValueError(
            "`images` must be (height, width, channels) or (n, height, width, channels). "
            f"Received: shape={shape}"
        )
    if 0 in shape[-3:]:
        raise ValueError(f"`images` must have at least one pixel each. Received: shape={shape}")
    if getattr(dtype, "kind", "f") not in "biuf":
        raise ValueError(f'`images` must hold numbers. Received: dtype="{dtype}"')


def check_seeds(seeds: Any, shape: Shape) -> None:
    """Raises a ValueError unless there is a seed for each of the images of this shape."""
    rule = "`seeds` must hold one seed for each image. Received: "
    if seeds is None:
        raise ValueError(f"{rule}none")
    if not _is_tensor(seeds):
        _check_are_seeds(seeds)
    own, batch = static_shape(seeds), shape[:-3]
    fits = own is None or (
        len(own) == len(batch)
        and all(None in pair or pair[0] == pair[1] for pair in zip(own, batch, strict=True))
    )
    if not fits:
        raise ValueError(f"{rule}images of shape {shape}, seeds of shape {own}")


def _check_are_seeds(seeds):
    try:
        numbers = np.asarray(seeds)
    except ValueError:  # lists of several lengths
        numbers = np.asarray(None)
    # No seed at all has the type float64.
    if numbers.size and not (numbers.dtype.kind in "iu" and numbers.min() >= 0):
        checks.refuse("seeds", "integers in 0 … 2⁶⁴ − 1, one for each image", seeds)


def in_turn(
    transforms: Transforms, seed: Seeds, of_chunk: Callable[[int], Seeds] | None = None
) -> Iterator[tuple[Any, Any]]:
    """Yields each transform with a seed of its own, so that they draw independently.

    Args:
        transforms: the transforms.
        seed: of the image, or seeds of images.
        of_chunk: function of a number of images that share a draw -> the same of their chunk; for
            `SharedByChunk`.
    """
    for number, transform in enumerate(transforms):
        chunk = getattr(transform, "crop_chunk", None)
        own = of_chunk(chunk) if of_chunk and chunk else seed
        # Above all numbers of draws; the first transform takes the image's seed as it is.
        yield transform, fold_in(own, 2**32 + number) if number else own


def seeds_of_chunks(seed: int, places: Seeds) -> Callable[[int], Seeds]:
    """Returns what `in_turn` takes as `of_chunk`.

    Args:
        seed: of an epoch's transforms; that of an image is made of it and the image's index.
        places: of images in the order of the epoch.
    """
    # Above all indices of images, whose seeds are made of the same one.
    return lambda chunk: fold_in(fold_in(seed, 2**32), np.asarray(places) // chunk)
