"""What computes a run, as one value; and what a backend would refuse later, or get wrong."""

import contextlib
from dataclasses import dataclass

import keras

from keras_classics import checks
from keras_classics.choices import STRATEGIES
from keras_classics.runs.devices import DistributionError
from keras_classics.runs.peers import Peers
from keras_classics.training.description import RecipeError

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


def check_compilation(recipe, devices, compute):
    """Raises a RecipeError for what a backend would refuse later, or get wrong.

    Args:
        recipe: a `Recipe`.
        devices: what `distribute` returned.
        compute: the `Compute`.
    """
    if devices.name == "mirrored":
        wrong = {
            "`jit` on": compute.jit == "on",
            # Keras adds up under a condition, in which TensorFlow's replicas cannot meet.
            "`gradient_accumulation_steps`": recipe.gradient_accumulation_steps > 1,
            "`steps_per_execution`": compute.steps_per_execution > 1,
        }
        for what in (name for name, is_wrong in wrong.items() if is_wrong):
            raise RecipeError(f"{what} does not go with `strategy` mirrored; leave one out.")
    if compute.steps_per_execution > 1 and keras.backend.backend() == "torch":
        raise RecipeError(
            "`steps_per_execution` does not go with the PyTorch backend; leave it out."
        )


def check_looking(recipe, optimizer, devices, source, network):
    """Raises a RecipeError where an optimizer that looks at the run would not see it.

    Args:
        recipe: a `Recipe`.
        optimizer: a Keras optimizer; see `StochasticDiagonalLM.look`.
        devices: what `distribute` returned.
        source: the training source.
        network: the network inside the model.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # what float16 scales the loss for
    if not hasattr(optimizer, "look"):
        return
    name = type(optimizer).__name__
    if not source.in_memory or len(network.outputs) > 1:
        raise RecipeError(
            f"{name} needs its pictures in memory and a network with one output; choose another "
            "optimizer, data whose pictures have one size, or no auxiliary heads."
        )
    if (
        devices.replicas > 1
        or recipe.gradient_accumulation_steps > 1
        or recipe.precision != "float32"
    ):
        raise RecipeError(
            f"{name} trains in float32, on one device and in whole batches; leave out `strategy`, "
            "`gradient_accumulation_steps` and `precision`."
        )
