"""How much a figure varies from seed to seed, and where its mean lies."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from keras_classics import checks

# The 97.5 % quantiles of Student's t for 1, 2, … 30 degrees of freedom, and what they tend to.
_STUDENT = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
)
_NORMAL = 1.959964

# What a run measures, in percent, as metrics.json and a table call it.
FIGURES = {"error": "error", "top5_error": "top-5 error", "train_error": "training error"}


class Spread(NamedTuple):
    """A figure over several runs; of one run alone there is no more than its mean.

    Attributes:
        mean: of the runs.
        deviation: the sample standard deviation σ, or None.
        low: where the 95 % interval of the mean begins, or None.
        high: where it ends, or None.
    """

    mean: float
    deviation: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def figure(self) -> str:
        """Mean and deviation as a table has them, e.g. `0.99 ± 0.05`."""
        return f"{self.mean:.2f}" + ("" if self.deviation is None else f" ± {self.deviation:.2f}")

    @property
    def interval(self) -> str:
        """The 95 % interval, e.g. `0.86 … 1.11`; a dash for one run."""
        return "–" if self.low is None else f"{self.low:.2f} … {self.high:.2f}"


def spread_of(values: Sequence[float]) -> Spread:
    """Returns mean, deviation and the 95 % interval of the mean, by Student's t.

    Args:
        values: the figure of each run, e.g. the errors of several seeds.

    Returns:
        A `Spread`.

    Raises:
        ValueError: if there is no value, or one is no finite number.

    Example:
        >>> from keras_classics.comparison.spread import spread_of
        >>> spread = spread_of([0.98, 1.04, 0.94])
        >>> [round(figure, 2) for figure in spread]
        [0.99, 0.05, 0.86, 1.11]
        >>> spread.figure, spread.interval
        ('0.99 ± 0.05', '0.86 … 1.11')
    """
    values = list(values)
    if not values or not all(map(checks.is_number, values)):
        checks.refuse("values", "at least one finite number", values)
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Spread(mean)
    deviation = statistics.stdev(map(float, values))
    reach = _student(len(values) - 1) * deviation / math.sqrt(len(values))
    return Spread(mean, deviation, mean - reach, mean + reach)


def _student(freedom):
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    # The first two terms in which the quantiles differ from those of the normal distribution.
    z = _NORMAL
    first = (z**3 + z) / (4 * freedom)
    return z + first + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
