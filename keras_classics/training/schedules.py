"""Learning-rate schedules: (epoch, history, iteration) -> factor of the recipe's learning rate.

The loop asks before every update: `epoch` counts finished epochs, `history` has one row for each
of them, and `iteration` counts the updates since the start of the run. A schedule keeps no state:
whatever it needs to know of the past stands in the history and the counters, which a continued run
has too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from keras_classics import checks


def _check_divisor(by):
    # Its powers fit into a float.
    checks.number("by", by, 1e-6, 1e6)


def _check_steps(at, by):
    if not isinstance(at, tuple | list):
        checks.refuse("at", "a tuple of integers", at)
    for step in at:
        checks.integer("at", step, 0)
    _check_divisor(by)


@dataclass(frozen=True)
class Constant:
    """Leaves the learning rate alone.

    Example:
        >>> from keras_classics.training.schedules import Constant
        >>> Constant()(7, [])
        1.0
    """

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        return 1.0


@dataclass(frozen=True)
class PassTable:
    """Holds each factor for a number of passes, and the last one from then on.

    Args:
        stages: pairs (passes, factor) in order.

    Raises:
        ValueError: if there is no stage, or one is not a positive integer and a number from 0 on.

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

    def __post_init__(self) -> None:
        rule = "pairs (passes, factor), at least one"
        if not isinstance(self.stages, tuple | list) or not self.stages:
            checks.refuse("stages", rule, self.stages)
        for stage in self.stages:
            if not isinstance(stage, tuple | list) or len(stage) != 2:
                checks.refuse("stages", rule, self.stages)
            checks.integer("passes", stage[0])
            checks.number("factor", stage[1], 0)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
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

    Raises:
        ValueError: if `at` are not integers from 0 on, or `by` is not a number above 0.

    Example:
        >>> from keras_classics.training.schedules import Step
        >>> [Step(at=(2, 4), by=10)(epoch, []) for epoch in range(5)]
        [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    at: tuple
    by: float

    def __post_init__(self) -> None:
        _check_steps(self.at, self.by)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        return 1.0 / self.by ** sum(epoch >= e for e in self.at)


@dataclass(frozen=True)
class StepAtIterations:
    """Divides the learning rate at chosen updates, also inside an epoch.

    Args:
        at: updates, counted from 0 over the whole run, from which on the rate is divided.
        by: the divisor.

    Raises:
        ValueError: if `at` are not integers from 0 on, or `by` is not a number above 0.

    Reference:
        He et al. 2015, section 4.2: divided by 10 at 32k and 48k iterations.

    Example:
        >>> from keras_classics.training.schedules import StepAtIterations
        >>> schedule = StepAtIterations(at=(32_000, 48_000), by=10)
        >>> [schedule(90, [], iteration) for iteration in (31_999, 32_000, 48_000)]
        [1.0, 0.1, 0.01]
    """

    at: tuple
    by: float

    def __post_init__(self) -> None:
        _check_steps(self.at, self.by)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        return 1.0 / self.by ** sum(iteration >= i for i in self.at)


@dataclass(frozen=True)
class ExponentialDecay:
    """Multiplies the learning rate by a factor every few epochs.

    Args:
        factor: of each decrease.
        every: epochs between decreases.

    Raises:
        ValueError: if `factor` is not in 0 … 1, or `every` is not a positive integer.

    Reference:
        Szegedy et al. 2014, section 6: "decreasing the learning rate by 4 % every 8 epochs".

    Example:
        >>> from keras_classics.training.schedules import ExponentialDecay
        >>> schedule = ExponentialDecay(factor=0.96, every=8)
        >>> [round(schedule(epoch, []), 4) for epoch in (0, 7, 8, 16)]
        [1.0, 1.0, 0.96, 0.9216]
    """

    factor: float = 0.96
    every: int = 8

    def __post_init__(self) -> None:
        checks.number("factor", self.factor, 0, 1)
        checks.integer("every", self.every)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        return self.factor ** (epoch // self.every)


@dataclass(frozen=True)
class DivideOnPlateau:
    """Divides the learning rate when the validation error has stopped improving.

    The rate is divided after `patience` epochs in a row, counted anew from each division, whose
    error was not below the least one before. The error is `val_error` of the history, or the
    training error where nothing is validated during training.

    Args:
        by: the divisor.
        patience: epochs without improvement that make a plateau. The papers divided by hand and
            give no number: 5 of about 90 epochs is assumed.
        times: how often at most.

    Raises:
        ValueError: if `by` is not a number above 0, `patience` not a positive integer, or `times`
            not an integer from 0 on.

    Reference:
        Krizhevsky et al. 2012, section 5: divided by 10, three times, "when the validation error
        rate stopped improving with the current learning rate". So also Simonyan and Zisserman
        2014, section 3.1, and He et al. 2015, section 3.4.

    Example:
        >>> from keras_classics.training.schedules import DivideOnPlateau
        >>> schedule = DivideOnPlateau(by=10, patience=2, times=3)
        >>> errors = [50.0, 40.0, 41.0, 40.0, 30.0]
        >>> rows = [{"val_error": error} for error in errors]
        >>> [schedule(epoch, rows[:epoch]) for epoch in range(6)]
        [1.0, 1.0, 1.0, 1.0, 0.1, 0.1]
    """

    by: float = 10
    patience: int = 5
    times: int = 3

    def __post_init__(self) -> None:
        _check_divisor(self.by)
        checks.integer("patience", self.patience)
        checks.integer("times", self.times, 0)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        least, waited, divided = math.inf, 0, 0
        for row in history:
            error = row["val_error"] if "val_error" in row else row["error"]
            waited = 0 if error < least else waited + 1
            least = min(least, error)
            if waited == self.patience:
                waited, divided = 0, divided + 1
        return 1.0 / self.by ** min(divided, self.times)


@dataclass(frozen=True)
class WarmUp:
    """Holds the learning rate low until the training error has come down, then follows another.

    The error is the mean over an epoch, as in the history, so that the warm-up lasts whole
    epochs: one of CIFAR-10 has 391 updates of 128 pictures, and the paper's took "about 400".

    Args:
        then: the schedule afterwards; it counts epochs and updates from the start of the run.
        factor: of the learning rate during the warm-up.
        until_error: training error in percent below which it ends, for good.

    Raises:
        ValueError: if `then` is no schedule, `factor` no number from 0 on, or `until_error` not in
            0 … 100.

    Reference:
        He et al. 2015, section 4.2, for 110 layers: "we use 0.01 to warm up the training until the
        training error is below 80 % (about 400 iterations), and then go back to 0.1".

    Example:
        >>> from keras_classics.training.schedules import StepAtIterations, WarmUp
        >>> schedule = WarmUp(then=StepAtIterations((32_000, 48_000), by=10))
        >>> schedule(0, []), schedule(1, [{"error": 79.0}], 391)
        (0.1, 1.0)
    """

    then: Callable
    factor: float = 0.1
    until_error: float = 80.0

    def __post_init__(self) -> None:
        if not callable(self.then) or isinstance(self.then, type):
            checks.refuse("then", "a schedule", self.then)
        if hasattr(self.then, "own_factors"):
            checks.refuse("then", "a schedule of one rate for all weights", self.then)
        checks.number("factor", self.factor, 0)
        checks.number("until_error", self.until_error, 0, 100)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        if any(row["error"] < self.until_error for row in history):
            return self.then(epoch, history, iteration)
        return self.factor
