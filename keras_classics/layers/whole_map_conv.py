"""A convolution whose kernel covers the whole map (layer C5 of LeNet-5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_classics.layers.common import (
    activation_of,
    check_positive_integers,
    initializer_of,
    standardize_data_format,
)

if TYPE_CHECKING:
    from keras_classics.types import Activation, DataFormat, Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class WholeMapConv2D(keras.layers.Layer):
    """A convolution with one position, computed as the product of two matrices.

    Its maps are of 1×1: the paper calls C5 a convolution, and not a full connection, for what it
    would be on a larger picture. Written as `keras.layers.Conv2D` the same numbers cost a step of
    LeNet-5 on a processor a fifth more time; see benchmarks/results/mnist.md.

    Args:
        filters: number of maps.
        activation: function of the outputs; None for the identity.
        kernel_initializer: start of the kernel, (rows, columns, channels, filters).
        bias_initializer: start of the biases.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, rows, columns, channels) with channels last, of one known size.

    Output shape:
        (batch, 1, 1, filters) with channels last.

    Raises:
        ValueError: if `filters` is not a positive integer, another argument none of the above, or
            the size of the maps is not known.

    Reference:
        LeCun et al. 1998, section II-B.

    Example:
        >>> import keras
        >>> from keras_classics.layers import WholeMapConv2D
        >>> layer = WholeMapConv2D(120, data_format="channels_last")
        >>> tuple(layer(keras.ops.ones((1, 5, 5, 16))).shape), layer.count_params()
        ((1, 1, 1, 120), 48120)
    """

    strides, padding = (1, 1), "valid"  # of the convolution that it is

    def __init__(
        self,
        filters: int,
        activation: Activation = None,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(filters=filters)
        self.filters = filters
        self.activation = activation_of("activation", activation)
        self.kernel_initializer = initializer_of("kernel_initializer", kernel_initializer)
        self.bias_initializer = initializer_of("bias_initializer", bias_initializer)
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: Shape) -> None:
        rows, columns, channels = self._map(input_shape)
        if None in (rows, columns, channels):
            raise ValueError(
                f"WholeMapConv2D needs maps of one known size. Received: input_shape={input_shape}"
            )
        self.kernel = self.add_weight(
            shape=(rows, columns, channels, self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer=self.bias_initializer, name="bias"
        )

    def _map(self, shape):
        """Returns (rows, columns, channels) of an input shape."""
        _, *sizes = shape
        return sizes if self.data_format == "channels_last" else [*sizes[1:], sizes[0]]

    def call(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_first":
            inputs = ops.transpose(inputs, (0, 2, 3, 1))
        size = math.prod(self.kernel.shape[:3])
        kernel = ops.reshape(self.kernel, (size, self.filters))
        x = ops.matmul(ops.reshape(inputs, (-1, size)), kernel) + self.bias
        return self.activation(ops.reshape(x, self.compute_output_shape((-1, *inputs.shape[1:]))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        ones = (1, 1)
        if self.data_format == "channels_last":
            return (input_shape[0], *ones, self.filters)
        return (input_shape[0], self.filters, *ones)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "data_format": self.data_format,
        }
