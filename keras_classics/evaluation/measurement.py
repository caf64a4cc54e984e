"""What a measurement found: one value, whatever measured it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sources.base import LabelledImages


class EvaluationProtocol(Protocol):
    """How a model is measured: called to do it, asked by `check` beforehand whether it can be."""

    def __call__(
        self,
        model: keras.Model,
        source: LabelledImages,
        batch_size: int = ...,
        bad: BadImages | None = None,
    ) -> Measurement: ...

    def check(self, model: keras.Model, source: LabelledImages) -> None: ...


@dataclass(frozen=True, eq=False)
class Measurement:
    """The classes and probabilities that a network gives to each picture of a source.

    Args:
        labels: int64 (n,), the right classes.
        predicted: int64 (n,), the most probable ones.
        probabilities: float32 (n, classes).
        indices: int64 (n,), the position of each picture in its source: bad ones are left out.
        logits: float32 (n, classes), or None where probabilities of several views were averaged.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.measurement import Measurement
        >>> shares = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], "float32")
        >>> found = Measurement(np.array([0, 2]), shares.argmax(-1), shares, np.arange(2))
        >>> found.wrong, found.error, found.top_k_error(3)
        (1, 50.0, 0.0)
    """

    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    indices: np.ndarray
    logits: np.ndarray | None = None

    @property
    def wrong(self) -> int:
        """How many predictions are wrong."""
        return int((self.labels != self.predicted).sum())

    @property
    def error(self) -> float:
        """The share of wrong predictions, in percent."""
        return 100 * float(np.mean(self.labels != self.predicted))

    def top_k_error(self, k: int) -> float:
        """Returns the share of labels that are not among the k most probable classes, in percent.

        Among equally probable classes the first counts as the more probable one, as in `predicted`,
        so that k = 1 is `error`.

        Args:
            k: how many classes may be named.
        """
        labels = self.labels[:, np.newaxis]
        own = np.take_along_axis(self.probabilities, labels, axis=1)
        not_before = np.arange(self.probabilities.shape[1]) >= labels
        # Not "greater than", so that NaN is never among the best.
        ahead = ~((self.probabilities < own) | ((self.probabilities == own) & not_before))
        return 100 * float(np.mean(ahead.sum(axis=1) >= k))


def ensemble(measurements: Sequence[Measurement]) -> Measurement:
    """Averages the probabilities of several measurements of the same pictures.

    Of several networks (AlexNet's five, GoogLeNet's seven), or of one network by several protocols
    (VGG's dense evaluation and 150 crops together).

    Args:
        measurements: a `Measurement` each.

    Returns:
        A `Measurement`, without logits.

    Raises:
        ValueError: if they are of other pictures or classes.
    """
    first = measurements[0]
    for other in measurements[1:]:
        if other.probabilities.shape != first.probabilities.shape or any(
            not np.array_equal(getattr(other, name), getattr(first, name))
            for name in ("labels", "indices")
        ):
            raise ValueError("An ensemble needs results of the same pictures and classes.")
    shares = np.mean([m.probabilities for m in measurements], axis=0, dtype="float64")
    return Measurement(first.labels, shares.argmax(-1), shares.astype("float32"), first.indices)
