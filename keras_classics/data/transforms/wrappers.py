"""Transforms around a transform: until an epoch only, or with one draw for several pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_classics import checks
from keras_classics.data.transforms.transform import Transform

if TYPE_CHECKING:
    import numpy as np

    from keras_classics.types import Seeds, Transforms


def in_epoch(transforms: Transforms, epoch: int) -> tuple[Callable[..., Any], ...]:
    """Returns the transforms as they are in an epoch, each in its place.

    Args:
        transforms: functions (images, seeds) -> images; those with a method `in_epoch` are asked.
        epoch: number of the epoch, from 0.
    """
    return tuple(one.in_epoch(epoch) if hasattr(one, "in_epoch") else one for one in transforms)


@dataclass(frozen=True)
class Unchanged(Transform):
    """Leaves images alone, in the place of a transform: those behind it draw as they did."""

    is_random = False

    def __call__(self, images: Any, seeds: Any = None) -> Any:
        return images

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        return image


class _Around(Transform):
    """A transform that does what its field `transform` does."""

    transform: Transform

    @property
    def dtype(self) -> Any:
        """See `Transform`."""
        return self.transform.dtype

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """See `Transform`."""
        return self.transform.is_random

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, ...]:
        return self.transform.sides(height, width)

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        return self.transform.apply(image, seed)

    def apply_batch(self, images: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        return self.transform.apply_batch(images, seeds)


@dataclass(frozen=True)
class UntilEpoch(_Around):
    """Applies a transform in the first epochs of a training, and nothing afterwards.

    Called by itself, or on pictures that are no epoch's, it is the transform.

    Args:
        transform: a `Transform` that keeps the size of a picture.
        epoch: the first epoch, counted from 0, without it.

    Raises:
        ValueError: if `transform` is none or changes sizes, or `epoch` is no positive integer.

    Reference:
        The 2012 code of AlexNet's authors, log of configuration 145: the colour noise goes off in
        epoch 67 of 90.

    Example:
        >>> from keras_classics.data.transforms.crops import RandomFlip
        >>> from keras_classics.data.transforms.wrappers import UntilEpoch
        >>> flip = UntilEpoch(RandomFlip(), epoch=2)
        >>> [flip.in_epoch(epoch) for epoch in (0, 1, 2)]
        [RandomFlip(), RandomFlip(), Unchanged()]
    """

    transform: Transform
    epoch: int

    def __post_init__(self) -> None:
        # Any two sides: where they change, the network's input would.
        if not isinstance(self.transform, Transform) or self.transform.sides(7, 9) != (7, 9):
            checks.refuse("transform", "one that keeps the pictures' size", self.transform)
        checks.integer("epoch", self.epoch)

    def in_epoch(self, epoch: int) -> Callable[..., Any]:
        """Returns what happens in an epoch, counted from 0."""
        return in_epoch((self.transform,), epoch)[0] if epoch < self.epoch else Unchanged()

    @property
    def crop_chunk(self) -> int:
        """Pictures that share a draw, see `SharedByChunk`."""
        return getattr(self.transform, "crop_chunk", 1)


@dataclass(frozen=True)
class SharedByChunk(_Around):
    """Draws once for so many pictures that follow each other in the order of an epoch.

    What is drawn depends on the recipe's seed, the epoch, and the chunk's place in the epoch's
    order, in which pictures that cannot be decoded count too. Batches, and the parts of them that
    several processes make, change nothing. Called by itself, it is the transform.

    Args:
        transform: a `Transform` that draws.
        crop_chunk: pictures that share a draw; no more than the recipe's batches have.

    Raises:
        ValueError: if `transform` is none or draws nothing, or `crop_chunk` is no positive integer.

    Reference:
        The 2012 code of AlexNet's authors, convdata.py: "crop_chunk", 32 pictures with one crop
        and one flip.

    Example:
        >>> from keras_classics.data.transforms.crops import RandomCrop
        >>> from keras_classics.data.transforms.wrappers import SharedByChunk
        >>> SharedByChunk(RandomCrop(224), crop_chunk=32).sides(256, 256)
        (224, 224)
    """

    transform: Transform
    crop_chunk: int

    def __post_init__(self) -> None:
        if not isinstance(self.transform, Transform) or not self.transform.is_random:
            checks.refuse("transform", "one that draws, such as RandomFlip()", self.transform)
        if hasattr(self.transform, "in_epoch"):
            checks.refuse("transform", "inside of `UntilEpoch`, not around it", self.transform)
        checks.integer("crop_chunk", self.crop_chunk, most=2**31)
