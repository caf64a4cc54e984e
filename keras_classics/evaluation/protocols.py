"""The papers' ways of measuring: what a network is shown of a picture, and what is averaged.

A protocol is a frozen value that stands in a recipe, and a function

    (model, source, batch_size=…, bad=None) -> Measurement

that classifies every picture of a source exactly once. Each picture is read and decoded once,
however many views of it there are; pictures that cannot be decoded are left out and counted in
`bad`. Its method `check(model, source)` raises a ValueError where it cannot measure a model on the
pictures of a source; it is asked before anything is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_classics import checks
from keras_classics.data.bad_images import BadImages
from keras_classics.data.pipeline import in_order
from keras_classics.data.transforms.crops import CenterCrop
from keras_classics.data.transforms.resizing import (
    Resize,
    ResizeShorterSide,
    check_interpolation,
)
from keras_classics.data.transforms.transform import Transform
from keras_classics.evaluation.dense_evaluation import DenseEvaluation, check_shorter_sides
from keras_classics.evaluation.prediction import (
    check_classes,
    check_probabilities,
    check_shape,
    collect,
    in_chunks,
    measured,
)

if TYPE_CHECKING:
    import keras

    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.evaluation.measurement import Measurement
    from keras_classics.types import Interpolation, Seeds

_LARGEST_GRID = 32  # 6,144 views of a picture at three scales

__all__ = ["CenterView", "DenseEvaluation", "GoogLeNetCrops", "GridCrops", "TenCrop"]


class _Crops:
    """What the protocols have in common that average over crops of one size."""

    size: int
    interpolation: Interpolation

    @property
    def count(self) -> int:
        """Number of views."""
        raise NotImplementedError

    def crops(self, image: np.ndarray) -> np.ndarray:
        """Returns the views (count, size, size, channels) of one picture."""
        raise NotImplementedError

    def __call__(
        self,
        model: keras.Model,
        source: LabelledImages,
        batch_size: int = 128,
        bad: BadImages | None = None,
    ) -> Measurement:
        """Classifies a source; at most `batch_size` crops are in the network at once."""
        self.check(model, source)
        bad = BadImages() if bad is None else bad
        pictures = max(1, min(batch_size // self.count, len(source)))
        rounds = -(-pictures * self.count // batch_size)
        predict = in_chunks(model, -(-pictures * self.count // rounds))

        def average(stacks):
            probabilities = predict(stacks.reshape(-1, *stacks.shape[2:]))
            check_probabilities(probabilities)
            return probabilities.reshape(*stacks.shape[:2], -1).mean(axis=1, dtype="float64")

        batches = in_order(source, pictures, (_Views(self),), bad)
        return measured(*collect(batches, average, bad, source), source, bad)

    def check(self, model: keras.Model, source: LabelledImages) -> None:
        """Raises a ValueError unless the model takes these crops and has the source's classes."""
        check_classes(model, source)
        check_shape(
            model,
            (self.size, self.size, source.channels),
            f"{type(self).__name__} makes crops of",
        )

    def _resized(self, image, side):
        return ResizeShorterSide(side, self.interpolation).apply(image, 0)


@dataclass(frozen=True)
class CenterView(_Crops):
    """One view: the central square of the picture with a given shorter side.

    Args:
        size: side of the crop, the network's input.
        shorter_side: that the picture is resized to first.
        interpolation: see `ResizeShorterSide`.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.protocols import CenterView
        >>> CenterView().crops(np.zeros((300, 400, 3), "uint8")).shape
        (1, 224, 224, 3)
    """

    size: int = 224
    shorter_side: int = 256
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        _check_sizes(self, (self.shorter_side,))

    count = 1

    def crops(self, image: np.ndarray) -> np.ndarray:
        """Returns the views (1, size, size, channels) of one picture."""
        return CenterCrop(self.size).apply(self._resized(image, self.shorter_side), 0)[np.newaxis]


@dataclass(frozen=True)
class TenCrop(_Crops):
    """Ten views: four corners and the centre, and their mirror images; softmax averaged.

    The order is top left, top right, bottom left, bottom right, centre, then the five mirrored.

    Args:
        size: side of the crops, the network's input.
        shorter_side: that the picture is resized to first.
        of: what the corners are corners of: "square", the central square of the resized picture, as
            AlexNet's pictures were squares; or "picture", all of the resized picture, so that its
            ends are seen. VGG's and ResNet's papers compare by "10-crop testing" as in AlexNet's
            and say nothing else.
        interpolation: see `ResizeShorterSide`.

    Raises:
        ValueError: if the crop is larger than the resized picture, or `of` is unknown.

    Reference:
        Krizhevsky et al. 2012, section 4.1; He et al. 2015, section 3.4.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.protocols import TenCrop
        >>> TenCrop().crops(np.zeros((300, 400, 3), "uint8")).shape
        (10, 224, 224, 3)
    """

    size: int = 224
    shorter_side: int = 256
    of: str = "square"
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        _check_sizes(self, (self.shorter_side,))
        checks.choice("of", self.of, ("square", "picture"))

    count = 10

    def crops(self, image: np.ndarray) -> np.ndarray:
        """Returns the views (10, size, size, channels) of one picture."""
        image = self._resized(image, self.shorter_side)
        if self.of == "square":
            image = CenterCrop(self.shorter_side).apply(image, 0)
        return _with_mirrors(_corners_and_centre(image, self.size))


@dataclass(frozen=True)
class GridCrops(_Crops):
    """VGG's multi-crop evaluation: a regular grid of crops at several scales; softmax averaged.

    5×5 crops, mirrored, at three scales are 150 views. The order is scale by scale and row by row;
    then all of them mirrored. The first and last rows and columns lie at the picture's edges. The
    paper says "5 × 5 regular grid with 2 flips" for each scale; that the grid spans the whole
    resized picture, not a square of it, is our reading.

    Together with `DenseEvaluation`, averaged by `ensemble`, these are the paper's best figures.

    Args:
        size: side of the crops, the network's input.
        shorter_sides: the scales Q.
        grid: crops in a row and in a column.
        interpolation: see `ResizeShorterSide`.

    Raises:
        ValueError: if the crop is larger than a resized picture.

    Reference:
        Simonyan and Zisserman 2014, section 3.2 and Table 5.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.protocols import GridCrops
        >>> GridCrops().crops(np.zeros((300, 400, 3), "uint8")).shape
        (150, 224, 224, 3)
    """

    size: int = 224
    shorter_sides: tuple[int, ...] = (256, 384, 512)
    grid: int = 5
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        _check_sizes(self, self.shorter_sides)
        checks.integer("grid", self.grid, 2)
        if self.grid > _LARGEST_GRID:
            checks.refuse("grid", f"{_LARGEST_GRID} at most", self.grid)

    @property
    def count(self) -> int:
        """Number of views."""
        return 2 * len(self.shorter_sides) * self.grid**2

    def crops(self, image: np.ndarray) -> np.ndarray:
        """Returns the views (count, size, size, channels) of one picture."""
        views = []
        for side in self.shorter_sides:
            resized = self._resized(image, side)
            rows, columns = (
                [number * (length - self.size) // (self.grid - 1) for number in range(self.grid)]
                for length in resized.shape[:2]
            )
            views += [_cut(resized, row, column, self.size) for row in rows for column in columns]
        return _with_mirrors(views)


@dataclass(frozen=True)
class GoogLeNetCrops(_Crops):
    """GoogLeNet's 144 views; softmax averaged.

    At each of four scales the left, central and right square of the picture (of an upright one the
    top, central and bottom square), of each square its four corners and centre and the square
    itself resized to the crops' size: 4·3·6 = 72 views in this order; then all of them mirrored. In
    a square picture the three squares are the same.

    Args:
        size: side of the crops, the network's input.
        shorter_sides: the scales.
        interpolation: see `ResizeShorterSide`.

    Raises:
        ValueError: if the crop is larger than a resized picture.

    Reference:
        Szegedy et al. 2014, section 7.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.protocols import GoogLeNetCrops
        >>> GoogLeNetCrops().crops(np.zeros((300, 400, 3), "uint8")).shape
        (144, 224, 224, 3)
    """

    size: int = 224
    shorter_sides: tuple[int, ...] = (256, 288, 320, 352)
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        _check_sizes(self, self.shorter_sides)

    @property
    def count(self) -> int:
        """Number of views."""
        return 36 * len(self.shorter_sides)

    def crops(self, image: np.ndarray) -> np.ndarray:
        """Returns the views (count, size, size, channels) of one picture."""
        views, whole = [], Resize(self.size, self.interpolation)
        for side in self.shorter_sides:
            resized = self._resized(image, side)
            height, width = resized.shape[:2]
            for third in range(3):
                top, left = (height - side) * third // 2, (width - side) * third // 2
                square = _cut(resized, top, left, side)
                views += [*_corners_and_centre(square, self.size), whole.apply(square, 0)]
        return _with_mirrors(views)


class _Views(Transform):
    """The crops of each picture, stacked, in a pipeline: one decoded picture in, all views out."""

    def __init__(self, protocol: _Crops) -> None:
        self.protocol = protocol

    def sides(self, height: int | None, width: int | None) -> tuple[int | None, ...]:
        return self.protocol.count, self.protocol.size, self.protocol.size

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        return self.protocol.crops(image)


def _cut(image, top, left, size):
    return image[top : top + size, left : left + size]


def _corners_and_centre(image, size):
    bottom, right = (length - size for length in image.shape[:2])
    places = ((0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2))
    return [_cut(image, *place, size) for place in places]


def _with_mirrors(views):
    return np.stack([*views, *(view[:, ::-1] for view in views)])


def _check_sizes(protocol, shorter_sides):
    checks.integer("size", protocol.size)
    check_shorter_sides(shorter_sides)
    check_interpolation(protocol.interpolation)
    if protocol.size > min(shorter_sides):
        raise ValueError(f"`size` must not be above the shorter side. Received: {protocol!r}")
