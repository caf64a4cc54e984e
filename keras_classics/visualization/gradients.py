"""Gradients with respect to what goes into a function, on each backend: Keras has none itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

    from keras_classics.types import Tensor


def gradients(
    function: Callable[[list[Tensor]], Tensor],
    inputs: Sequence[np.ndarray],
    output: int,
    variables: Sequence[keras.Variable] = (),
) -> list[np.ndarray]:
    """Returns how fast one output of a function changes with each of its inputs.

    Args:
        function: of a list of tensors, such as a `keras.Function`, to (1, outputs).
        inputs: float32 arrays, one for each input, of a batch of one.
        output: which one, from 0.
        variables: what the function reads; JAX would compile others as constants.

    Returns:
        float32 arrays of the shapes of the inputs; zeros for one that does not count.

    Example:
        >>> import keras, numpy as np
        >>> from keras_classics.visualization.gradients import gradients
        >>> one, other = keras.Input((1,)), keras.Input((1,))
        >>> product = keras.Function([one, other], one * other)
        >>> [float(x[0, 0]) for x in gradients(product, [np.ones((1, 1)), np.full((1, 1), 3)], 0)]
        [3.0, 1.0]
    """
    import keras

    take = {"jax": _by_jax, "torch": _by_torch}.get(keras.backend.backend(), _by_tensorflow)
    found = take(function, [np.asarray(one, "float32") for one in inputs], output, variables)
    return [np.asarray(keras.ops.convert_to_numpy(one), "float32") for one in found]


def _by_jax(function, inputs, output, variables):
    import jax
    import keras

    def value(inputs, values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(inputs)[0, output].astype("float32")

    return jax.jit(jax.grad(value))(inputs, [variable.value for variable in variables])


def _by_torch(function, inputs, output, variables):
    import keras
    import torch

    tensors = [keras.ops.convert_to_tensor(one).requires_grad_() for one in inputs]
    value = function(tensors)[0, output]
    return torch.autograd.grad(value, tensors, allow_unused=True, materialize_grads=True)


def _by_tensorflow(function, inputs, output, variables):
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(one) for one in inputs]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value = function(tensors)[0, output]
    return tape.gradient(value, tensors, unconnected_gradients="zero")
