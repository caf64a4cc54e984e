"""Convolution whose kernels are different at every position (unshared weights)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import keras
from keras import ops

from keras_classics.layers.common import WindowLayer, check_positive_integers, drawing_anew

if TYPE_CHECKING:
    from keras_classics.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class LocallyConnected2D(WindowLayer):
    """Convolves with kernels and biases of its own at every position of the output.

    Keras 2 had such a layer, Keras 3 has none; the CIFAR-10 networks of the AlexNet paper end in
    two of them. The picture's size is therefore fixed once the layer is built.

    Args:
        filters: number of output channels.
        kernel_size: side of the square kernel in pixels.
        strides: step in pixels.
        padding: "valid" or "same".
        activation: applied to the sum; None for the identity.
        use_bias: whether there are biases, one for each filter and position.
        kernel_initializer: start of the kernels; its fan-in is that of one position.
        bias_initializer: start of the biases.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, height, width, channels) with channels last; height and width are known.

    Output shape:
        (batch, new height, new width, filters) with channels last.

    Raises:
        ValueError: for an argument that is none of the above, an unknown picture size, or a
            picture smaller than the kernel.

    Reference:
        The layers `local` of cuda-convnet, Krizhevsky 2011.

    Example:
        >>> import keras
        >>> from keras_classics.layers import LocallyConnected2D
        >>> layer = LocallyConnected2D(4, 3, data_format="channels_last")
        >>> layer(keras.ops.ones((1, 5, 5, 2))).shape == (1, 3, 3, 4)
        True
        >>> layer.count_params()    # 9 positions of 3·3·2·4 weights and 4 biases
        684
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: Literal["valid", "same"] = "valid",
        **kwargs: Any,
    ) -> None:
        super().__init__(kernel_size, strides, padding, **kwargs)
        check_positive_integers(filters=filters)
        self.filters = filters

    def build(self, input_shape: Shape) -> None:
        channels_last = self.data_format == "channels_last"
        *sizes, channels = input_shape[1:] if channels_last else (*input_shape[2:], input_shape[1])
        if None in sizes or min(self.windows(sizes)) < 1:
            raise ValueError(
                f"The pictures must have a known size of {self.kernel_size} pixels or more. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        rows, columns = self.windows(sizes)
        self.kernel = self.add_weight(
            shape=(rows * columns, self.kernel_size**2 * channels, self.filters),
            initializer=self._initialize_by_position,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(rows * columns, self.filters), initializer=self.bias_initializer, name="bias"
            )

    def _initialize_by_position(self, shape, dtype):
        """Draws the kernels of each position as a dense layer of its own would."""
        positions, inputs, filters = shape
        initializer = drawing_anew(self.kernel_initializer)
        return ops.stack([initializer((inputs, filters), dtype) for _ in range(positions)])

    def call(self, inputs: Tensor) -> Tensor:
        channels_last = self.data_format == "channels_last"
        x = inputs if channels_last else ops.transpose(inputs, (0, 2, 3, 1))
        rows, columns = self.windows(x.shape[1:3])
        patches = ops.reshape(self._patches(x), (-1, rows * columns, self.kernel.shape[1]))
        x = ops.einsum("npi,pif->npf", patches, self.kernel)
        if self.use_bias:
            x = x + self.bias
        x = self.activation(ops.reshape(x, (-1, rows, columns, self.filters)))
        return x if channels_last else ops.transpose(x, (0, 3, 1, 2))

    def _patches(self, x):
        """Returns (batch, rows, columns, kernel_size² · channels): what each position sees."""
        size, step = self.kernel_size, self.strides
        rows, columns = self.windows(x.shape[1:3])
        if self.padding == "same":
            missing = [
                max((new - 1) * step + size - old, 0)
                for new, old in zip((rows, columns), x.shape[1:3], strict=True)
            ]
            x = ops.pad(x, [(0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)])
        height, width = (rows - 1) * step + 1, (columns - 1) * step + 1
        return ops.concatenate(
            [
                x[:, top : top + height : step, left : left + width : step, :]
                for top in range(size)
                for left in range(size)
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.output_shape_of(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}
