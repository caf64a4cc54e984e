"""Averages of the weights over the updates (Polyak averaging), kept beside the weights.

A recipe asks for them with its optimizer's own arguments, e.g. `partial(CoupledSGD, momentum=0.9,
use_ema=True, ema_momentum=0.9999)`. Training goes on from the weights; what is validated and saved
are the averages. They are exponential, over the last 1 / (1 − `ema_momentum`) updates or so.
Moving statistics of batch normalisation are averages already and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


def keep_averages_apart(optimizer: keras.optimizers.Optimizer) -> None:
    """Keeps `fit` from overwriting the weights with their averages at its end.

    With one `fit` per epoch, training would go on from the averages.

    Args:
        optimizer: a Keras optimizer, with averages or without; it is changed.
    """
    optimizer.finalize_variable_values = lambda variables: None


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Puts the averages in the place of a model's weights, and the weights back afterwards.

    Keras' callback `SwapEMAWeights` swaps by additions, whose rounding moves the weights; this
    copies. Does nothing where the optimizer keeps no averages.

    Args:
        model: a compiled model, whose optimizer went through `keep_averages_apart`. Models that
            share its weights see the averages too.

    Example:
        >>> import keras
        >>> from keras_classics.runs.weight_averages import averaged_weights
        >>> layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((1,)), layer])
        >>> model.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5))
        >>> for gradient in (0.0, 1.0):     # the weight becomes 1, 0; the average 1, 0.5
        ...     model.optimizer.apply([keras.ops.full((1, 1), gradient)], layer.trainable_variables)
        >>> with averaged_weights(model):
        ...     print(float(layer.kernel[0, 0]))
        0.5
        >>> float(layer.kernel[0, 0])
        0.0
    """
    # Mixed precision wraps the optimizer in another that scales the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not optimizer.use_ema:
        yield
        return
    variables = model.trainable_variables
    weights = _copies(variables)
    type(optimizer).finalize_variable_values(optimizer, variables)
    # Under JAX they now are the averages themselves, and an evaluation would use them up.
    _assign(variables, _copies(variables))
    try:
        yield
    finally:
        _assign(variables, weights)


def _copies(variables):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
