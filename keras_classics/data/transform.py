"""What every transform has in common: (image, seed) -> image, on arrays or inside a pipeline."""

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.randomness import fold_in


class Transform:
    """A function (image, seed) -> image that depends on nothing else.

    A subclass computes with NumPy and OpenCV: one picture in `apply`, and pictures of one size,
    each with its own seed, in `apply_batch` where that can be faster than one after the other.
    Called with tensors, as in a `map` of `tf.data`, it runs as a `tf.numpy_function`.

        dataset = dataset.enumerate().map(lambda n, image: RandomFlip()(image, n))
    """

    # What leaves the transform: None is the type that came.
    dtype = None

    def apply(self, image, seed):
        """Transforms one picture (height, width, channels)."""
        raise NotImplementedError

    def apply_batch(self, images, seeds):
        """Transforms pictures (n, height, width, channels), each by its own seed."""
        return np.stack([self.apply(*pair) for pair in zip(images, seeds, strict=True)])

    def sides(self, height, width):
        """Returns the result's (height, width), None where they are not known beforehand."""
        return height, width

    def __call__(self, images, seeds=0):
        if not _is_tensor(images):
            return self._on_arrays(np.asarray(images), seeds)
        tf = import_tensorflow()
        images = tf.convert_to_tensor(images)
        dtype = tf.as_dtype(self.dtype or images.dtype)
        result = tf.numpy_function(self._on_arrays, [images, seeds], dtype, stateful=False)
        *batch, height, width, channels = images.shape
        return tf.ensure_shape(result, (*batch, *self.sides(height, width), channels))

    def _on_arrays(self, images, seeds):
        if images.ndim == 3:
            return self.apply(images, seeds)
        seeds = np.broadcast_to(np.asarray(seeds, np.uint64), len(images))
        return self.apply_batch(images, seeds)


def _is_tensor(images):
    return type(images).__module__.startswith("tensorflow")


def in_turn(transforms, seed):
    """Yields each transform with a seed of its own, so that they draw independently.

    Args:
        transforms: the transforms.
        seed: of the picture, or seeds of pictures.
    """
    for number, transform in enumerate(transforms):
        # Above all numbers of draws; the first transform takes the picture's seed as it is.
        yield transform, fold_in(seed, 2**32 + number) if number else seed
