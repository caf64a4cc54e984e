"""The shortcut without parameters of residual networks (option A)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import keras
from keras import ops

from keras_classics import checks
from keras_classics.layers.common import check_positive_integers, standardize_data_format

if TYPE_CHECKING:
    from keras_classics.types import DataFormat, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class ZeroPadShortcut(keras.layers.Layer):
    """Takes every `strides`-th pixel and adds channels of zeros.

    Option A of the paper: "the shortcut still performs identity mapping, with extra zero entries
    padded for increasing dimensions". On which side of the channels the zeros go is not said.

    Args:
        filters: number of output channels.
        strides: step in pixels, in both directions.
        where: "end", all zeros after the old channels, as in fb.resnet.torch; "both", one half
            before them and one after, as in a widespread implementation for CIFAR-10.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, height, width, channels) with channels last; at most `filters` channels.

    Output shape:
        (batch, ⌈height / strides⌉, ⌈width / strides⌉, filters) with channels last.

    Raises:
        ValueError: for an argument that is none of the above, or more channels than `filters`.

    Reference:
        He et al. 2015, sections 3.3 and 4.1.

    Example:
        >>> import keras
        >>> from keras_classics.layers import ZeroPadShortcut
        >>> layer = ZeroPadShortcut(3, strides=2, data_format="channels_last")
        >>> y = keras.ops.convert_to_numpy(layer(keras.ops.ones((1, 2, 2, 1))))
        >>> y[0, 0, 0].tolist()
        [1.0, 0.0, 0.0]
    """

    def __init__(
        self,
        filters: int,
        strides: int = 1,
        where: Literal["end", "both"] = "end",
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(filters=filters, strides=strides)
        checks.choice("where", where, ("end", "both"))
        self.filters = filters
        self.strides = strides
        self.where = where
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        if channels > self.filters:
            raise ValueError(
                f"`filters` must be at least the number of input channels, {channels}. "
                f"Received: filters={self.filters}"
            )
        zeros = self.filters - channels
        before = zeros // 2 if self.where == "both" else 0
        self._zeros = (before, zeros - before)

    def call(self, inputs: Tensor) -> Tensor:
        step, none = self.strides, (0, 0)
        if self.data_format == "channels_last":
            return ops.pad(inputs[:, ::step, ::step, :], (none, none, none, self._zeros))
        return ops.pad(inputs[:, :, ::step, ::step], (none, self._zeros, none, none))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        def shrink(sizes):
            return tuple(size and -(-size // self.strides) for size in sizes)

        if self.data_format == "channels_last":
            return (input_shape[0], *shrink(input_shape[1:3]), self.filters)
        return (input_shape[0], self.filters, *shrink(input_shape[2:4]))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "where": self.where,
            "data_format": self.data_format,
        }
