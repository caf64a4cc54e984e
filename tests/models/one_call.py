"""One call of a network on any backend: what tests that build many networks would wait for."""

from functools import partial

import keras


def numpy_of(outputs):
    """Returns NumPy arrays in place of Keras' tensors, also in a dict."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def of_keras(model, x, *, training=False):
    """Calls the model, moving averages included; JAX compiles it once, not each operation."""
    if keras.backend.backend() != "jax":
        return numpy_of(model(x, training=training))
    import jax

    call = jax.jit(partial(model.stateless_call, training=training))
    trained, others = model.trainable_variables, model.non_trainable_variables
    outputs, after = call([v.value for v in trained], [v.value for v in others], x)
    for variable, value in zip(others, after, strict=True):
        variable.assign(value)
    return numpy_of(outputs)
