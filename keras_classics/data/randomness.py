"""Stateless random numbers: each draw is a hash of where it belongs, not of what came before.

A number depends on (recipe seed, epoch, example, draw) alone. Batch size, number of workers and
where a run was interrupted change nothing, and an epoch can be replayed from its middle.
The hash is SplitMix64 (Steele, Lea, Flood 2014), computed for whole arrays in NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from keras_classics.types import Seeds

_STEP, _MASK = 0x9E3779B97F4A7C15, 2**64 - 1
_INCREMENT = np.uint64(_STEP)
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def _mix(z):
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        z = (z ^ (z >> shift)) * factor
    return z ^ (z >> _SHIFTS[2])


def _mix_one(z):
    """As `_mix`: for one number, Python's integers take a sixth of the time of NumPy's."""
    z &= _MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def _is_single(value):
    return isinstance(value, (int, np.integer)) or (
        isinstance(value, np.ndarray) and not value.ndim
    )


def fold_in(seed: Seeds, number: Seeds) -> Any:
    """Derives a new seed from a seed and a number (an epoch, an example, a copy, …).

    Args:
        seed: non-negative integer, or array of any shape.
        number: non-negative integer, or array that broadcasts with `seed`.

    Returns:
        uint64, an array if one of them is.

    Example:
        >>> from keras_classics.data.randomness import fold_in
        >>> bool(fold_in(0, 1) == fold_in(0, 1) != fold_in(1, 0))
        True
    """
    if _is_single(seed) and _is_single(number):
        return np.uint64(_mix_one(_mix_one(int(seed) + _STEP) + (int(number) + 1) * _STEP))
    seed, number = np.asarray(seed, np.uint64), np.asarray(number, np.uint64)
    with np.errstate(over="ignore"):  # the hash wraps around; NumPy warns where it is a scalar
        return _mix(_mix(seed + _INCREMENT) + (number + np.uint64(1)) * _INCREMENT)


def uniform(seeds: Seeds, draw: Seeds, low: float, high: float) -> Any:
    """Draws one float32 between low and high for each seed.

    Args:
        seeds: uint64 of any shape, one seed for each image.
        draw: which of the image's draws this is, 0, 1, 2, …; an array that broadcasts with
            `seeds` draws several.
        low: lower end.
        high: upper end; reached only where float32 rounds up to it.

    Returns:
        float32 of the shape of `seeds`.

    Example:
        >>> from keras_classics.data.randomness import uniform
        >>> bool(2.0 <= uniform(7, 0, 2.0, 3.0) < 3.0)
        True
    """
    # The upper 24 bits fill a float32's mantissa: exactly representable, never rounded up to 1.
    share = (fold_in(seeds, draw) >> np.uint64(40)).astype(np.float32)
    return np.float32(low) + share * np.float32((high - low) / 2**24)


def integer(seeds: Seeds, draw: Seeds, count: Seeds) -> Any:
    """Draws one of 0 … count − 1 for each seed.

    Args:
        seeds: uint64 of any shape, one seed for each image.
        draw: which of the image's draws this is, 0, 1, 2, …; an array that broadcasts with
            `seeds` draws several.
        count: how many there are, below 2³²: an integer, or an array that broadcasts.

    Returns:
        int64 of the shape of `seeds`.

    Example:
        >>> from keras_classics.data.randomness import integer
        >>> bool(0 <= integer(7, 0, 6) <= 5)
        True
    """
    # As many of 2³² for each, but for one more or less.
    share = (fold_in(seeds, draw) >> np.uint64(32)) * np.asarray(count, np.uint64)
    return (share >> np.uint64(32)).astype(np.int64)


def normal(seeds: Seeds, draw: Seeds, mean: float, stddev: float) -> Any:
    """Draws one float32 from a normal distribution for each seed.

    One hash gives both uniform numbers of Box and Muller (1958), 32 bits each; the farthest draw is
    6.7 standard deviations from the mean.

    Args:
        seeds: uint64 of any shape, one seed for each image.
        draw: which of the image's draws this is, none that `uniform` takes too; an array of
            numbers that broadcasts with `seeds` draws several.
        mean: centre of the distribution.
        stddev: its standard deviation.

    Returns:
        float32 of the shape of `seeds`.

    Example:
        >>> from keras_classics.data.randomness import normal
        >>> bool(-7.0 < normal(7, 0, 0.0, 1.0) < 7.0)
        True
    """
    bits = fold_in(seeds, draw)
    # In float64, whose last digit, other in a vector than alone, is lost in rounding to float32.
    upper = (bits >> np.uint64(32)).astype(np.float64)
    lower = (bits & np.uint64(2**32 - 1)).astype(np.float64)
    # One more than the bits say, since log(0) is no number.
    radius = np.sqrt(-2 * np.log((upper + 1) / 2**32))
    return np.float32(mean + stddev * radius * np.cos(lower * (2 * np.pi / 2**32)))


def permutation(seed: int, size: int) -> np.ndarray:
    """Returns the numbers 0 … size − 1 in a random order.

    Args:
        seed: non-negative integer.
        size: how many.

    Returns:
        int64 array of shape (size,).

    Example:
        >>> from keras_classics.data.randomness import permutation
        >>> sorted(permutation(0, 4).tolist())
        [0, 1, 2, 3]
    """
    keys = fold_in(seed, np.arange(size, dtype=np.uint64))
    return np.argsort(keys, kind="stable")
