"""Pixels minus the mean of the training pictures, the first step of every network after LeNet-5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import keras
import numpy as np
from keras import ops

from keras_classics import checks
from keras_classics.layers.common import finite_numbers, standardize_data_format

if TYPE_CHECKING:
    import numpy.typing as npt

    from keras_classics.types import DataFormat, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class PixelNormalization(keras.layers.Layer):
    """Subtracts a mean colour or a mean image, and divides by a deviation per channel if given one.

    A mean image belongs to pictures of its own size; from pictures of another one, as in testing at
    several scales, the mean colour of that image is subtracted. Computes in float32, also under
    mixed precision: 16 bits have no room for both 255 and fractions of a grey level.

    Args:
        mean: array-like of shape (channels,) or (height, width, channels), in this order for
            either data format. It is a weight, but not trained; the configuration has its shape.
        deviation: None, or array-like of shape (channels,), all above 0; a weight as well.
        data_format: of the inputs: "channels_last", "channels_first" or None for Keras' setting.
        reverse_channels: whether the channels come out in the opposite order, as Caffe's networks
            want blue, green, red; `mean` and `deviation` are in the order of the inputs.

    Input shape:
        (batch, height, width, channels) with channels last; pixels of any type.

    Output shape:
        The input's.

    Raises:
        ValueError: if `mean` or `deviation` has another shape or is not finite, a deviation is not
            above 0, `reverse_channels` is no truth value, or the input has another number of
            channels.

    Reference:
        Krizhevsky et al. 2012, section 2, "subtracting the mean activity over the training set
        from each pixel"; Simonyan and Zisserman 2014, section 2.1, the mean RGB value; He et al.
        2015, section 3.4, per pixel again.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from keras_classics.layers import PixelNormalization
        >>> layer = PixelNormalization(mean=[100.0, 50.0, 0.0], data_format="channels_last")
        >>> pixels = np.full((1, 2, 2, 3), 100, "uint8")
        >>> keras.ops.convert_to_numpy(layer(pixels))[0, 0, 0].tolist()
        [0.0, 50.0, 100.0]
    """

    def __init__(
        self,
        mean: npt.ArrayLike,
        deviation: npt.ArrayLike | None = None,
        data_format: DataFormat = None,
        reverse_channels: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        checks.flags(reverse_channels=reverse_channels)
        self.reverse_channels = reverse_channels
        rule = "of shape (channels,) or (height, width, channels)"
        self.mean_value = finite_numbers("mean", mean, rule)
        if self.mean_value.ndim not in (1, 3):
            raise ValueError(
                "`mean` must have shape (channels,) or (height, width, channels). "
                f"Received: an array of shape {self.mean_value.shape}"
            )
        channels = self.mean_value.shape[-1]
        rule = f"None or {channels} numbers above 0, one for each channel"
        self.deviation_value = None
        if deviation is not None:
            self.deviation_value = finite_numbers("deviation", deviation, rule)
            if self.deviation_value.shape != (channels,) or (self.deviation_value <= 0).any():
                checks.refuse("deviation", rule, deviation)
        self.data_format = standardize_data_format(data_format)
        self._channel_axis = 3 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Shape) -> None:
        channels = self.mean_value.shape[-1]
        if len(input_shape) != 4 or input_shape[self._channel_axis] != channels:
            raise ValueError(
                f"The input must have {channels} channels, as `mean` has, in the format "
                f"{self.data_format}. Received: input_shape={tuple(input_shape)}"
            )
        self.mean = self._fixed_weight("mean", self.mean_value)
        self.deviation = None
        if self.deviation_value is not None:
            self.deviation = self._fixed_weight("deviation", self.deviation_value)

    def _fixed_weight(self, name, value):
        return self.add_weight(
            shape=value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            trainable=False,
            dtype="float32",
            autocast=False,
            name=name,
        )

    def _subtract(self, x, mean):
        if self.data_format == "channels_first":
            mean = ops.transpose(mean, (2, 0, 1)) if len(mean.shape) == 3 else mean[:, None, None]
        return x - mean

    def _subtract_mean(self, x):
        mean = ops.convert_to_tensor(self.mean)
        if len(mean.shape) == 1:
            return self._subtract(x, mean)
        color = ops.mean(mean, axis=(0, 1))
        first = 1 if self.data_format == "channels_last" else 2
        sizes = list(zip(ops.shape(x)[first : first + 2], mean.shape[:2], strict=True))
        known = [(size, side) for size, side in sizes if isinstance(size, int)]
        if any(size != side for size, side in known):
            return self._subtract(x, color)
        if len(known) == 2:
            return self._subtract(x, mean)
        same = ops.all(ops.stack([ops.equal(size, side) for size, side in sizes]))
        return ops.cond(same, lambda: self._subtract(x, mean), lambda: self._subtract(x, color))

    def call(self, inputs: Tensor) -> Tensor:
        x = self._subtract_mean(ops.cast(inputs, "float32"))
        if self.deviation is not None:
            deviation = ops.convert_to_tensor(self.deviation)
            x = x / (deviation if self.data_format == "channels_last" else deviation[:, None, None])
        if self.reverse_channels:
            x = ops.flip(x, axis=self._channel_axis)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def compute_output_spec(self, inputs: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mean_shape": list(self.mean_value.shape),
            "has_deviation": self.deviation_value is not None,
            "data_format": self.data_format,
            "reverse_channels": self.reverse_channels,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Returns the layer without its numbers, which are weights of the saved model."""
        config = dict(config)
        shape, has_deviation = config.pop("mean_shape"), config.pop("has_deviation")
        return cls(np.zeros(shape), np.ones(shape[-1:]) if has_deviation else None, **config)
