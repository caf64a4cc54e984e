"""Stateless random numbers: each draw is a hash of where it belongs, not of what came before.

A number depends on (recipe seed, epoch, example, draw) alone. Batch size, number of workers and
where a run was interrupted change nothing, and an epoch can be replayed from its middle.
The hash is SplitMix64 (Steele, Lea, Flood 2014), computed for whole arrays in TensorFlow.
"""

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def _mix(z):
    tf = import_tensorflow()
    for shift, factor in zip((30, 27), _FACTORS, strict=True):
        z = tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, np.uint64(shift))) * factor
    return tf.bitwise.bitwise_xor(z, tf.bitwise.right_shift(z, np.uint64(31)))


def fold_in(seed, number):
    """Derives a new seed from a seed and a number (an epoch, an example, a copy, …).

    Args:
        seed: integer or uint64 tensor of any shape.
        number: non-negative integer or integer tensor that broadcasts with `seed`.

    Returns:
        uint64 tensor.

    Example:
        >>> from keras_classics.data.randomness import fold_in
        >>> int(fold_in(0, 1)) == int(fold_in(0, 1)) != int(fold_in(1, 0))
        True
    """
    tf = import_tensorflow()
    seed, number = (tf.cast(value, tf.uint64) for value in (seed, number))
    return _mix(_mix(seed + _INCREMENT) + (number + np.uint64(1)) * _INCREMENT)


def uniform(seeds, draw, low, high):
    """Draws one float32 between low and high for each seed.

    Args:
        seeds: uint64 tensor of any shape, one seed for each picture.
        draw: which of the picture's draws this is: 0, 1, 2, …
        low: lower end.
        high: upper end; reached only where float32 rounds up to it.

    Returns:
        float32 tensor of the shape of `seeds`.

    Example:
        >>> from keras_classics.data.randomness import uniform
        >>> 2.0 <= float(uniform(7, 0, 2.0, 3.0)) < 3.0
        True
    """
    tf = import_tensorflow()
    # The upper 24 bits fill a float32's mantissa: exactly representable, never rounded up to 1.
    bits = tf.bitwise.right_shift(fold_in(seeds, draw), np.uint64(40))
    return low + tf.cast(bits, tf.float32) * np.float32((high - low) / 2**24)


def permutation(seed, size):
    """Returns the numbers 0 … size − 1 in a random order.

    Args:
        seed: integer or uint64 scalar.
        size: how many.

    Returns:
        int64 array of shape (size,).

    Example:
        >>> from keras_classics.data.randomness import permutation
        >>> sorted(permutation(0, 4).tolist())
        [0, 1, 2, 3]
    """
    keys = fold_in(seed, np.arange(size, dtype=np.uint64)).numpy()
    return np.argsort(keys, kind="stable")
