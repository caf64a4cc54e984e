"""Batch normalisation as in Keras, by the operations that TensorFlow and PyTorch have for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_classics import checks

if TYPE_CHECKING:
    from keras_classics.types import Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' `BatchNormalization` with the constants of the papers' code, in one operation.

    y = γ · (x − mean) / √(variance + ε) + β. Weights, states and results are those of
    `keras.layers.BatchNormalization`; only the defaults differ. Keras computes it from single
    operations; here pictures with channels last go through the one that TensorFlow and PyTorch
    have for it, on TensorFlow forward and backward in a third to a half of the time on a CPU
    (benchmarks/results/networks.md). Every other case is Keras' own.

    Args:
        momentum: of the moving averages; PyTorch and Caffe's ports write it as 1 − 0.9 = 0.1.
        epsilon: ε.
        **kwargs: those of `keras.layers.BatchNormalization`.

    Input shape:
        Any; fused for (batch, height, width, channels).

    Output shape:
        The input's.

    Raises:
        ValueError: if `momentum` is not in 0 … 1, or `epsilon` is not above 0.

    Reference:
        Ioffe and Szegedy 2015; He et al. 2015, section 3.4, for its place after each convolution.

    Example:
        >>> import keras
        >>> from keras_classics.layers import BatchNormalization
        >>> layer = BatchNormalization()
        >>> layer(keras.ops.ones((2, 4, 4, 8)), training=True).shape == (2, 4, 4, 8)
        True
    """

    def __init__(self, *, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
        checks.number("momentum", momentum, 0, 1)
        checks.positive("epsilon", epsilon)
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        fused = _FUSED.get(keras.backend.backend())
        if fused is None or not self._can_be_fused(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        return self._call_fused(fused, inputs, bool(training and self.trainable))

    def _can_be_fused(self, inputs, mask):
        return (
            len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.scale
            and self.center
            and mask is None
            and not (self.renorm or self.synchronized)
            and keras.backend.standardize_dtype(inputs.dtype) != "float64"
            # Of one number a map there is no variance to divide by n − 1.
            and not (keras.backend.backend() == "torch" and inputs.shape[:3].numel() == 1)
        )

    def _call_fused(self, fused, inputs, batch_statistics):
        weights = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        gamma, beta, *moving = (ops.cast(weight, "float32") for weight in weights)
        y, mean, variance = fused(inputs, gamma, beta, *moving, self.epsilon, batch_statistics)
        if batch_statistics:
            # The variance is divided by n − 1; Keras' moving average is of the one divided by n.
            n = ops.cast(ops.size(inputs) / inputs.shape[-1], "float32")
            variance = variance * (ops.maximum(n - 1.0, 1.0) / n)
            keep = self.momentum
            self.moving_mean.assign(moving[0] * keep + mean * (1.0 - keep))
            self.moving_variance.assign(moving[1] * keep + variance * (1.0 - keep))
        return ops.cast(y, self.compute_dtype)


def _by_tensorflow(x, gamma, beta, mean, variance, epsilon, batch_statistics):
    """Returns what is normalised, and the mean and variance of a batch in training."""
    import tensorflow as tf

    if not x.dtype.is_floating:
        x = tf.cast(x, tf.float32)
    result = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=batch_statistics,
    )
    return result.y, result.batch_mean, result.batch_variance


def _by_pytorch(x, gamma, beta, mean, variance, epsilon, batch_statistics):
    import torch
    from torch.nn import functional

    if not x.is_floating_point():
        x = x.float()
    if batch_statistics:  # with a momentum of 1 they become those of the batch
        mean, variance = torch.zeros_like(mean), torch.zeros_like(variance)
    y = functional.batch_norm(
        x.permute(0, 3, 1, 2), mean, variance, gamma, beta, batch_statistics, 1.0, epsilon
    )
    return y.permute(0, 2, 3, 1), mean, variance


_FUSED = {"tensorflow": _by_tensorflow, "torch": _by_pytorch}
