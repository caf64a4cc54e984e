"""The squashing function of LeNet-5."""

import keras
from keras import ops

AMPLITUDE = 1.7159
SLOPE = 2 / 3


@keras.saving.register_keras_serializable(package="keras_classics")
def scaled_tanh(x):
    """Squashes with f(a) = 1.7159 · tanh(2a/3), so that f(±1) = ±1.

    Its curvature is largest at ±1, where the targets of LeNet-5 lie: units work in their
    non-linear range without saturating.

    Args:
        x: tensor of any shape.

    Returns:
        Tensor of the same shape, in (−1.7159, 1.7159).

    Reference:
        LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", appendix A.

    Example:
        >>> from keras_classics.layers import scaled_tanh
        >>> round(float(scaled_tanh(1.0)), 4)
        1.0
    """
    return AMPLITUDE * ops.tanh(SLOPE * x)
