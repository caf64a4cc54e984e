"""Convolution in which every unit sees its own choice of input maps (LeNet-5's C3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from keras import ops

from keras_classics import checks
from keras_classics.layers.common import WindowLayer, drawing_anew

if TYPE_CHECKING:
    from keras_classics.types import Shape, Tensor


def _checked(connections):
    if not isinstance(connections, tuple | list) or not connections:
        checks.refuse("connections", "a list of input maps for each output map", connections)
    for unit in connections:
        is_list = isinstance(unit, tuple | list) and bool(unit)
        if not is_list or not all(_is_map(i) for i in unit) or len(set(unit)) != len(unit):
            raise ValueError(
                "Each entry of `connections` must list one or more different input maps. "
                f"Received: {checks.shown(unit)}"
            )
    return tuple(tuple(map(int, unit)) for unit in connections)


def _is_map(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0


@keras.saving.register_keras_serializable(package="keras_classics")
class PartiallyConnectedConv2D(WindowLayer):
    """Convolves each output map with only the input maps listed for it.

    The weights are the existing connections, one kernel_size × kernel_size slice for each pair
    (output map, input map), not a full kernel with a mask: LeNet-5's C3 has 60 slices and
    60·25 + 16 = 1,516 parameters. For the arithmetic the slices are placed into a full kernel,
    which is as fast as a full convolution; sixteen small ones are several times slower.

    Args:
        connections: one sequence of input map numbers for each output map.
        kernel_size: side of the square kernel in pixels.
        strides: step in pixels.
        padding: "valid" or "same".
        activation: applied to the sum; None for the identity.
        use_bias: whether each output map has a bias.
        kernel_initializer: called once for each output map, with that map's own fan-in.
        bias_initializer: start of the biases.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, height, width, input maps) with channels last.

    Output shape:
        (batch, new height, new width, len(connections)) with channels last.

    Raises:
        ValueError: if `connections` are no lists of different integers from 0 on, or name
            a map that the input does not have; for a kernel size or stride that is not a positive
            integer, or another argument that is none of the above.

    Reference:
        LeCun et al. 1998, section II-B and Table I.

    Example:
        >>> import keras
        >>> from keras_classics.layers import PartiallyConnectedConv2D
        >>> layer = PartiallyConnectedConv2D([[0], [0, 1]], 3, data_format="channels_last")
        >>> layer(keras.ops.ones((1, 5, 5, 2))).shape == (1, 3, 3, 2)
        True
        >>> layer.count_params()    # (1 + 2)·9 weights and 2 biases
        29
    """

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel_size: int,
        strides: int = 1,
        padding: Literal["valid", "same"] = "valid",
        **kwargs: Any,
    ) -> None:
        super().__init__(kernel_size, strides, padding, **kwargs)
        self.connections = _checked(connections)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(input map, output map) of each slice of the kernel, in order."""
        return [(i, unit) for unit, maps in enumerate(self.connections) for i in maps]

    def build(self, input_shape: Shape) -> None:
        inputs, units = (
            input_shape[-1 if self.data_format == "channels_last" else 1],
            len(self.connections),
        )
        if max(map(max, self.connections)) >= inputs:
            raise ValueError(
                f"`connections` name input map {max(map(max, self.connections))}, but the input "
                f"has {inputs} maps. Received: input_shape={tuple(input_shape)}"
            )
        slices = sum(map(len, self.connections))
        self.kernel = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, slices),
            initializer=self._initialize_by_unit,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(units,), initializer=self.bias_initializer, name="bias"
            )
        # For every (input map, output map): the number of its slice, or `slices`, which is zeros.
        placement = np.full((inputs, units), slices)
        for number, pair in enumerate(self.pairs):
            placement[pair] = number
        self._placement = placement.ravel()

    def _initialize_by_unit(self, shape, dtype):
        """Draws the slices of each output map as a convolution of its own would."""
        initializer = drawing_anew(self.kernel_initializer)
        size = self.kernel_size
        slices = [initializer((size, size, len(maps), 1), dtype) for maps in self.connections]
        return ops.concatenate([ops.squeeze(s, -1) for s in slices], axis=-1)

    def full_kernel(self) -> Tensor:
        """Returns the kernel (size, size, input maps, output maps), zero where not connected."""
        padded = ops.pad(self.kernel, ((0, 0), (0, 0), (0, 1)))
        shape = (self.kernel_size, self.kernel_size, -1, len(self.connections))
        return ops.reshape(ops.take(padded, self._placement, axis=-1), shape)

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.conv(inputs, self.full_kernel(), self.strides, self.padding, self.data_format)
        if self.use_bias:
            shape = (1, 1, 1, -1) if self.data_format == "channels_last" else (1, -1, 1, 1)
            x = x + ops.reshape(self.bias, shape)
        return self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.output_shape_of(input_shape, len(self.connections))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "connections": self.connections}
