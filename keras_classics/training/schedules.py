"""Learning-rate schedules: (epoch, history) -> factor of the recipe's learning rate.

A schedule keeps no state: whatever it needs to know of the past stands in the history, which a
continued run has too.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Constant:
    """Leaves the learning rate alone.

    Example:
        >>> from keras_classics.training.schedules import Constant
        >>> Constant()(7, [])
        1.0
    """

    def __call__(self, epoch, history):
        return 1.0


@dataclass(frozen=True)
class PassTable:
    """Holds each factor for a number of passes, and the last one from then on.

    Args:
        stages: pairs (passes, factor) in order.

    Reference:
        LeCun et al. 1998, section III-B: 0.0005 for two passes, 0.0002 for three, 0.0001 for
        three, 0.00005 for four, 0.00001 thereafter.

    Example:
        >>> from keras_classics.training.schedules import PassTable
        >>> schedule = PassTable(((2, 1.0), (3, 0.4)))
        >>> [schedule(epoch, []) for epoch in range(6)]
        [1.0, 1.0, 0.4, 0.4, 0.4, 0.4]
    """

    stages: tuple

    def __call__(self, epoch, history):
        end = 0
        for passes, factor in self.stages:
            end += passes
            if epoch < end:
                return factor
        return self.stages[-1][1]


@dataclass(frozen=True)
class Step:
    """Divides the learning rate at chosen epochs.

    Args:
        at: epochs, from 0, at whose start the rate is divided.
        by: the divisor.

    Example:
        >>> from keras_classics.training.schedules import Step
        >>> [Step(at=(2, 4), by=10)(epoch, []) for epoch in range(5)]
        [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    at: tuple
    by: float

    def __call__(self, epoch, history):
        return 1.0 / self.by ** sum(epoch >= e for e in self.at)
