"""What computes a run, as one value; and what a backend would refuse later, or get wrong."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from keras_classics import checks
from keras_classics.choices import STRATEGIES
from keras_classics.errors import lacks_memory
from keras_classics.runs.devices import DistributionError
from keras_classics.runs.peers import Peers
from keras_classics.training.recipe import RecipeError
from keras_classics.words import plural

if TYPE_CHECKING:
    from keras_classics.data.sharding import Shard
    from keras_classics.training.recipe import Recipe

# Values and weights of a step, above which threads pay; LeNet-5 and 32 digits have 0.4 · 10⁶.
_SHARED_OUT = 2**20
JIT = {"auto": "auto", "on": True, "off": False}


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The devices of a run, and how they compute a step.

    Args:
        strategy: "none", "mirrored", "data_parallel", "two_towers", "multi_machine", or "auto"; see
            `keras_classics.runs.distribution`.
        replicas: how many devices, None for all that the strategy finds.
        peers: for "multi_machine", the `Peers`; None for those that SLURM, Open MPI or another
            cluster tells. Every process calls `train`; process 0 writes.
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

    def __post_init__(self) -> None:
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
def precision(policy: str) -> Iterator[None]:
    """Builds layers by one of Keras' policies, e.g. "mixed_float16", for the time of a run."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_memory(recipe: Recipe, network: keras.Model, shard: Shard, pictures: int) -> None:
    """Raises where a step on processors needs more memory than is free: the system would end it.

    At the very least it needs, for each picture, the values of the picture and behind each layer
    with weights, and as many gradients; in truth more, by half or several times. A GPU says itself
    when its memory is full, see `errors_of_memory`.

    Args:
        recipe: a `Recipe`.
        network: the network.
        shard: what `shard_of` returned.
        pictures: how many there are to train on.

    Raises:
        RecipeError: if they do not fit.
    """
    values = _values_of_a_picture(network)
    if values is None:
        return
    free = _free_memory()
    together = min(recipe.batch_size, pictures) // (shard.pieces * shard.processes)
    needed = 2 * values * together * (2 if "16" in recipe.precision else 4)
    if free is not None and needed > free:
        what = f"{needed / 1e9:,.0f} GB of memory or more, and {free / 1e9:,.0f} GB are free"
        raise RecipeError(_too_large(recipe, what, 2 ** math.ceil(math.log2(needed / free))))


@contextlib.contextmanager
def threads(recipe: Recipe, network: keras.Model, shard: Shard) -> Iterator[None]:
    """Gives small steps on PyTorch and a processor one thread, unless OMP_NUM_THREADS is set.

    Threads that share out a step of LeNet-5 wait for each other more than they compute: on two idle
    cores one alone takes a fifth longer, and beside a busy process a third of the time
    (`python -m benchmarks.beside_load`).

    Args:
        recipe: a `Recipe`.
        network: the network.
        shard: what `shard_of` returned.
    """
    values = None
    if keras.backend.backend() == "torch" and "OMP_NUM_THREADS" not in os.environ:
        values = _values_of_a_picture(network)
    together = recipe.batch_size // (shard.pieces * shard.processes)
    if values is None or values * together + network.count_params() > _SHARED_OUT:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _values_of_a_picture(network):
    """Those of itself and behind each layer with weights; None on a GPU, and without a graph."""
    if not network.variables or "cpu" not in str(network.variables[0].value.device).lower():
        return None
    try:
        behind = [
            layer.output
            for layer in network.layers
            if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
        ]
    except (AttributeError, ValueError):  # a network of somebody's own, which has no graph
        return None
    tensors = keras.tree.flatten([network.inputs, behind])
    return sum(math.prod(side or 1 for side in tensor.shape[1:]) for tensor in tensors)


@contextlib.contextmanager
def errors_of_memory(recipe: Recipe) -> Iterator[None]:
    """Raises a RecipeError in the place of what backends raise where a step finds no memory.

    Args:
        recipe: the `Recipe` that trains inside.
    """
    try:
        yield
    except Exception as error:
        if lacks_memory(error):
            raise RecipeError(_too_large(recipe, "more memory than there is", 2)) from error
        raise


def _too_large(recipe, needs, times):
    """Returns the sentence that says what to try: so many times fewer pictures at once."""
    size, pieces = recipe.batch_size, recipe.gradient_accumulation_steps
    fewer = size // pieces // times
    words = f"`batch_size` of {plural(size, 'picture')} needs {needs}; "
    if not fewer:
        return words + "take smaller pictures or a smaller network."
    words += f"try {fewer * pieces:,}"
    if size % (pieces * times) == 0:
        words += f", or each batch in {pieces * times:,} pieces (`gradient_accumulation_steps`)"
    return words + "."


def _free_memory():
    """The bytes that could be had; None where the system does not say, as others than Linux."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return None
    kilobytes = {
        name: value.split()[0] for name, _, value in (line.partition(":") for line in lines)
    }
    return 1024 * (int(kilobytes["MemAvailable"]) + int(kilobytes["SwapFree"]))
