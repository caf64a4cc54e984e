"""What computes a run, as one value; and what a backend would refuse later, or get wrong."""

import contextlib
from dataclasses import dataclass

import keras

from keras_classics import checks
from keras_classics.choices import STRATEGIES
from keras_classics.runs.devices import DistributionError
from keras_classics.runs.peers import Peers

JIT = {"auto": "auto", "on": True, "off": False}


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The devices of a run, and how they compute a step.

    Args:
        strategy: "none", "mirrored", "data_parallel", "two_towers", "multi_machine", or "auto"; see
            `keras_classics.runs.distribution`.
        replicas: how many devices, None for all that the strategy finds.
        peers: for "multi_machine", the `Peers`. Every process calls `train`; process 0 writes.
        jit: "auto", "on" or "off": whether the step is compiled (XLA), "auto" is Keras' choice.
        steps_per_execution: pieces of batches between two looks at the step: on TensorFlow and
            JAX a little faster, but the rate, the checkpoints and NaN wait for the last of them.

    Raises:
        DistributionError: if a value is none of these, or they do not go together.

    Example:
        >>> from keras_classics.runs import Compute
        >>> Compute(strategy="mirrored", replicas=2).jit
        'auto'
    """

    strategy: str = "auto"
    replicas: int | None = None
    peers: Peers | None = None
    jit: str = "auto"
    steps_per_execution: int = 1

    def __post_init__(self):
        checks.choice("strategy", self.strategy, STRATEGIES, DistributionError)
        checks.choice("jit", self.jit, tuple(JIT), DistributionError)
        checks.integer("steps_per_execution", self.steps_per_execution, error=DistributionError)
        if self.steps_per_execution >= 2**31:  # the libraries cannot count them
            rule, what = "below 2**31", self.steps_per_execution
            checks.refuse("steps_per_execution", rule, what, DistributionError)
        if self.replicas is not None:
            checks.integer("replicas", self.replicas, error=DistributionError)
        if self.replicas is not None and self.strategy in ("two_towers", "multi_machine"):
            takes = "two devices" if self.strategy == "two_towers" else "all devices"
            raise DistributionError(
                f"`strategy` {self.strategy} takes {takes}; leave out `replicas`."
            )
        if self.replicas not in (None, 1) and self.strategy == "none":
            raise DistributionError(
                f"`replicas` {self.replicas} needs `strategy` mirrored (TensorFlow) or "
                "data_parallel (JAX)."
            )


@contextlib.contextmanager
def precision(policy):
    """Builds layers by one of Keras' policies, e.g. "mixed_float16", for the time of a run."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
