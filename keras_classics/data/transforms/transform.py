"""What every transform has in common: (image, seed) -> image, on arrays or inside a pipeline."""

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in


class Transform:
    """A function (image, seed) -> image that depends on nothing else.

    A subclass computes with NumPy and OpenCV: one image in `apply`, and images of one size,
    each with its own seed, in `apply_batch` where that can be faster than one after the other.
    Called with tensors, as in a `map` of `tf.data`, it runs as a `tf.numpy_function`.

        dataset = dataset.enumerate().map(lambda n, image: RandomFlip()(image, n))

    Raises:
        ValueError: when called, if a random transform gets no seed, or one for several images.
    """

    # What leaves the transform: None is the type that came.
    dtype = None
    # Whether the seed makes a difference.
    is_random = True

    def apply(self, image, seed):
        """Transforms one image (height, width, channels)."""
        raise NotImplementedError

    def apply_batch(self, images, seeds):
        """Transforms images (n, height, width, channels), each by its own seed."""
        return np.stack([self.apply(*pair) for pair in zip(images, seeds, strict=True)])

    def sides(self, height, width):
        """Returns the result's (height, width), None where they are not known beforehand."""
        return height, width

    def __call__(self, images, seeds=None):
        is_tensor = type(images).__module__.startswith("tensorflow")
        images = images if is_tensor else np.asarray(images)
        shape = static_shape(images)
        if shape is None or len(shape) not in (3, 4):
            raise ValueError(
                "`images` must be (height, width, channels) or (n, height, width, channels). "
                f"Received: shape={shape}"
            )
        if self.is_random:
            _check_seeds(seeds, shape)
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
        if not self.is_random:
            seeds = np.zeros(len(images), np.uint64)
        return self.apply_batch(images, np.asarray(seeds, np.uint64))


def static_shape(value):
    """Returns a tuple, or None in a pipeline that does not know the number of dimensions."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return np.shape(value)
    return None if getattr(shape, "rank", 0) is None else tuple(shape)


def _check_seeds(seeds, shape):
    rule = "`seeds` must hold one seed for each image. Received: "
    if seeds is None:
        raise ValueError(f"{rule}none")
    own, batch = static_shape(seeds), shape[:-3]
    fits = own is None or (
        len(own) == len(batch)
        and all(None in pair or pair[0] == pair[1] for pair in zip(own, batch, strict=True))
    )
    if not fits:
        raise ValueError(f"{rule}images of shape {shape}, seeds of shape {own}")


def in_turn(transforms, seed):
    """Yields each transform with a seed of its own, so that they draw independently.

    Args:
        transforms: the transforms.
        seed: of the image, or seeds of images.
    """
    for number, transform in enumerate(transforms):
        # Above all numbers of draws; the first transform takes the image's seed as it is.
        yield transform, fold_in(seed, 2**32 + number) if number else seed
