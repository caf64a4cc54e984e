"""A schedule that reads like a log: rates from epoch to epoch, some for layers or biases alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_classics import checks


@dataclass(frozen=True)
class RateTable:
    """Sets the learning rate at chosen epochs, apart for the weights that a stage names.

    A schedule with the method `own_factors` is asked before each epoch which weights have rates of
    their own; the optimizer has to know what to do with them, as `CoupledSGD` does.

    Args:
        stages: (epoch, factor) or (epoch, factor, {pattern: factor}), in their order: what holds
            from the start of that epoch, counted from 0, until the next stage. The patterns are
            those of `CoupledSGD`, such as `"conv1/*"`; the first that matches counts; a factor
            of 0 there freezes. All factors are of the recipe's learning rate.
        biases: factor, in every stage, of the biases that none of its patterns matches; None for
            that of the weights.

    Raises:
        ValueError: if `stages` are not of these forms, the first one not at epoch 0 or a later one
            not behind it, or `biases` is not above 0.

    Reference:
        The 2012 code of AlexNet's authors, configuration 145 and its log.

    Example:
        >>> from keras_classics.training import RateTable
        >>> schedule = RateTable(((0, 1.0), (24, 0.1, {"conv1/*": 0.0})), biases=2.0)
        >>> schedule(24, []), schedule.own_factors(24)
        (0.1, {'conv1/*': 0.0, '*/bias': 2.0})
    """

    stages: tuple
    biases: float | None = None

    def __post_init__(self) -> None:
        rule = "stages (epoch, factor) or (epoch, factor, {pattern: factor}), the first at epoch 0"
        if not isinstance(self.stages, tuple | list) or not self.stages:
            checks.refuse("stages", rule, self.stages)
        for stage in self.stages:
            if not isinstance(stage, tuple | list) or len(stage) not in (2, 3):
                checks.refuse("stages", rule, self.stages)
            checks.integer("epoch", stage[0], 0)
            checks.number("factor", stage[1], 0)
            checks.patterns("stages", _own(stage))
        epochs = [stage[0] for stage in self.stages]
        if epochs[0] != 0 or epochs != sorted(set(epochs)):
            checks.refuse("stages", "in the order of their epochs, the first at 0", self.stages)
        if self.biases is not None:
            checks.positive("biases", self.biases)

    def __call__(
        self, epoch: int, history: Sequence[Mapping[str, float]], iteration: int = 0
    ) -> float:
        return self._stage(epoch)[1]

    def own_factors(self, epoch: int) -> dict[str, float]:
        """Returns {pattern: factor} of the weights that have a rate of their own in an epoch."""
        own = dict(_own(self._stage(epoch)))
        if self.biases is not None:
            own.setdefault("*/bias", self.biases)  # last: a stage's patterns come first
        return own

    def _stage(self, epoch):
        return [stage for stage in self.stages if stage[0] <= epoch][-1]


def _own(stage):
    return stage[2] if len(stage) == 3 else {}
