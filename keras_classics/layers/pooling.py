"""The trainable sub-sampling of LeNet-5 (layers S2 and S4), and maxima without copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import keras
from keras import ops

from keras_classics import checks
from keras_classics.layers.common import (
    activation_of,
    check_positive_integers,
    check_sides,
    initializer_of,
    same_padding,
    standardize_data_format,
)

if TYPE_CHECKING:
    from keras_classics.types import Activation, DataFormat, Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class MaxPooling2D(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D`, faster on the PyTorch backend.

    There Keras copies what it pools into the order of channels first, in which PyTorch takes about
    ten times as long on a processor, and pads it for "same". Results are Keras' own.

    Args:
        pool_size, strides, padding, data_format and all others: as in `keras.layers.MaxPooling2D`.

    Input shape:
        (batch, rows, columns, channels) with channels last, or (batch, channels, rows, columns).

    Output shape:
        As of `keras.layers.MaxPooling2D`.

    Raises:
        ValueError: for an argument that is none of these.

    Example:
        >>> import keras
        >>> from keras_classics.layers import MaxPooling2D
        >>> layer = MaxPooling2D(3, 2, padding="same", data_format="channels_last")
        >>> tuple(layer(keras.ops.ones((1, 112, 112, 64))).shape)
        (1, 56, 56, 64)
    """

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        strides: int | tuple[int, int] | None = None,
        padding: Literal["valid", "same"] = "valid",
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        check_sides("pool_size", pool_size)
        if strides is not None:
            check_sides("strides", strides)
        checks.choice("padding", padding, ("valid", "same"))
        super().__init__(
            pool_size, strides, padding, standardize_data_format(data_format), **kwargs
        )

    def call(self, inputs: Tensor) -> Tensor:
        if keras.backend.backend() != "torch":
            return super().call(inputs)
        from torch.nn import functional

        last = self.data_format == "channels_last"
        x = inputs.permute(0, 3, 1, 2) if last else inputs
        pads = [(0, 0), (0, 0)]
        if self.padding == "same":
            windows = zip(x.shape[2:], self.pool_size, self.strides, strict=True)
            pads = [same_padding(*window) for window in windows]
        if all(before == behind for before, behind in pads):
            padding, at_the_end = tuple(before for before, _ in pads), False
        elif all(pad == (0, 1) for pad in pads) and min(self.strides) > 1:
            padding, at_the_end = (0, 0), True  # a last window that reaches one pixel over the end
        else:
            return super().call(inputs)
        x = functional.max_pool2d(x, self.pool_size, self.strides, padding, ceil_mode=at_the_end)
        return x.permute(0, 2, 3, 1) if last else x


@keras.saving.register_keras_serializable(package="keras_classics")
class Subsampling(keras.layers.Layer):
    """Averages non-overlapping squares, then applies one coefficient and one bias per map.

    y = f(c · mean(x over pool_size × pool_size) + b), with c and b trained, one pair for each map.
    Section II-A of the paper words it as the average of the four inputs, section II-B as their
    sum: the same functions, with coefficients four times smaller.

    Args:
        pool_size: side of the square in pixels, also the stride.
        activation: the squashing function f; None for the identity.
        coefficient_initializer: start of c. The paper does not give one.
        bias_initializer: start of b.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, height, width, maps) with channels last.

    Output shape:
        (batch, height // pool_size, width // pool_size, maps) with channels last.

    Raises:
        ValueError: if `pool_size` is not a positive integer, or another argument none of the above.

    Reference:
        LeCun et al. 1998, sections II-A and II-B.

    Example:
        >>> import keras
        >>> from keras_classics.layers import Subsampling
        >>> layer = Subsampling(data_format="channels_last")
        >>> layer(keras.ops.ones((1, 28, 28, 6))).shape == (1, 14, 14, 6)
        True
        >>> layer.count_params()
        12
    """

    def __init__(
        self,
        pool_size: int = 2,
        activation: Activation = None,
        coefficient_initializer: Initializer = "ones",
        bias_initializer: Initializer = "zeros",
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(pool_size=pool_size)
        self.pool_size = pool_size
        self.activation = activation_of("activation", activation)
        self.coefficient_initializer = initializer_of(
            "coefficient_initializer", coefficient_initializer
        )
        self.bias_initializer = initializer_of("bias_initializer", bias_initializer)
        self.data_format = standardize_data_format(data_format)

    @property
    def _channel_axis(self):
        return -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Shape) -> None:
        maps = (input_shape[self._channel_axis],)
        self.coefficient = self.add_weight(
            shape=maps, initializer=self.coefficient_initializer, name="coefficient"
        )
        self.bias = self.add_weight(shape=maps, initializer=self.bias_initializer, name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.average_pool(
            inputs, self.pool_size, self.pool_size, "valid", data_format=self.data_format
        )
        shape = (1, 1, 1, -1) if self.data_format == "channels_last" else (1, -1, 1, 1)
        x = ops.reshape(self.coefficient, shape) * x + ops.reshape(self.bias, shape)
        return self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels_last = self.data_format == "channels_last"
        spatial = (1, 2) if channels_last else (2, 3)
        return tuple(
            size // self.pool_size if axis in spatial and size is not None else size
            for axis, size in enumerate(input_shape)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "activation": keras.activations.serialize(self.activation),
            "coefficient_initializer": keras.initializers.serialize(self.coefficient_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "data_format": self.data_format,
        }
