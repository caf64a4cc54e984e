"""How a step is computed: its precision, whether it is compiled, how many run in a row."""

import contextlib

import keras

from keras_classics.training.optimizers import StochasticDiagonalLM
from keras_classics.training.recipe import RecipeError

JIT = {"auto": "auto", "on": True, "off": False}


@contextlib.contextmanager
def precision(policy):
    """Builds layers by one of Keras' policies, e.g. "mixed_float16", for the time of a run."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_compilation(recipe, devices, jit, steps_per_execution):
    """Raises a RecipeError for what a backend would refuse later, or get wrong.

    Args:
        recipe: a `Recipe`.
        devices: what `distribute` returned.
        jit: "auto", "on" or "off".
        steps_per_execution: steps in one call of the backend.
    """
    backend = keras.backend.backend()
    if jit not in JIT:
        raise RecipeError(f"--jit must be one of {', '.join(JIT)}. Received: {jit}")
    if type(steps_per_execution) is not int or steps_per_execution < 1:
        raise RecipeError(
            f"--steps-per-execution must be at least 1. Received: {steps_per_execution}"
        )
    if jit == "on" and devices.name == "mirrored":
        raise RecipeError("--jit on does not go with --strategy mirrored; leave one out.")
    if recipe.gradient_accumulation_steps > 1 and devices.name == "mirrored":
        # Keras adds up under a condition, in which TensorFlow's replicas cannot meet.
        raise RecipeError("--accumulate does not go with --strategy mirrored; leave one out.")
    if steps_per_execution > 1 and (backend == "torch" or devices.name == "mirrored"):
        what = "the PyTorch backend" if backend == "torch" else "--strategy mirrored"
        raise RecipeError(f"--steps-per-execution does not go with {what}; leave it out.")


def check_optimizer(recipe, optimizer, devices):
    """Raises a RecipeError where the curvature would be estimated beside the devices or pieces."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # what float16 scales the loss for
    if isinstance(optimizer, StochasticDiagonalLM) and (
        devices.replicas > 1
        or recipe.gradient_accumulation_steps > 1
        or recipe.precision != "float32"
    ):
        raise RecipeError(
            "StochasticDiagonalLM trains in float32, on one device and in whole batches; leave out "
            "--strategy, --accumulate and --precision."
        )
