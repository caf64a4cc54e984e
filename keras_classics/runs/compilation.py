"""How a step is computed: its precision, whether it is compiled, how many run in a row."""

import contextlib

import keras

from keras_classics.training.recipe import RecipeError


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
