"""What a training set's pixels are like: the mean image, computed once and kept beside the data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.encoded import errors_of_pipeline
from keras_classics.data.pipeline import in_order
from keras_classics.data.sources.local_copies import user_cache
from keras_classics.files import written_beside
from keras_classics.progress import tracked
from keras_classics.words import pictures

if TYPE_CHECKING:
    from keras_classics.types import Transforms


@dataclass(frozen=True, eq=False)
class PixelStatistics:
    """The statistics of a source's pixels behind transforms that draw nothing.

    Args:
        source: the training `Source`, `FileSource` or `RecordSource`.
        transforms: what brings its images to one size, e.g. a resize and a central crop.
        bad: `BadImages`, for files.
    """

    source: Any
    transforms: Transforms = ()
    bad: BadImages | None = None

    def mean_image(self) -> np.ndarray:
        """Returns the mean of all images, float32 (height, width, channels), in 0 … 255.

        Sums are float64. The mean of files and records is kept beside them in a folder
        `.keras_classics`, or where they cannot be written to, in the user's cache; its name is a
        hash of what it was computed from.

        Raises:
            DataError: if too many images cannot be decoded.

        Example:
            >>> from keras_classics.data.sources import load
            >>> from keras_classics.data.statistics import PixelStatistics
            >>> PixelStatistics(load("mnist_5k", "train")).mean_image().shape
            (28, 28, 1)
        """
        if self.source.in_memory:
            return self._compute() if self.transforms else self.source.mean_image()
        kept = [folder / f"mean-{self._key()}.npz" for folder in self._folders()]
        for path in kept:
            mean = _read(path)
            if mean is not None:
                return mean
        mean = self._compute()
        for path in kept:
            if _write(path, mean):
                break
        return mean

    def _compute(self):
        total, count = 0.0, 0
        bad = BadImages() if self.bad is None else self.bad
        with errors_of_pipeline(bad, self.source.name):
            batches = in_order(self.source, 128, self.transforms, bad)
            number = len(self.source)
            what = f"the mean of {pictures(number, self.source.split)}"
            for images, _ in tracked(batches, what, number):
                total = total + images.numpy().sum(axis=0, dtype=np.float64)
                count += len(images)
        return np.float32(total / count)

    def _folders(self):
        return Path(self.source.directory) / ".keras_classics", user_cache()

    def _key(self):
        source, transforms = self.source, list(map(repr, self.transforms))
        content = [source.name, source.split, len(source), source.names, transforms]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _read(path):
    """Returns a mean that was kept; None where it is missing or damaged, to be computed anew."""
    try:
        with np.load(path, allow_pickle=False) as file:  # an archive, which knows its checksums
            return file["mean"]
    except Exception:  # a damaged archive raises nearly anything
        return None


def _write(path, array):
    try:
        with written_beside(path) as beside, open(beside, "wb") as file:
            np.savez(file, mean=array)
    except OSError:
        return False
    return True
