"""Keras' convolution without the copies that it makes on PyTorch, and in groups on many devices."""

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

GROUPS = "groups"  # the axis of a device mesh along which the groups are divided


@keras.saving.register_keras_serializable(package="keras_classics")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, faster on the PyTorch backend.

    There Keras copies every input into the order of channels first and back, every kernel out of
    Keras' order in each step, and adds the biases apart. PyTorch computes on channels last as they
    lie: the kernel of this layer lies in memory as PyTorch reads it, whatever its shape says, and
    nothing is copied (`python -m benchmarks.train_step --backend torch`). Weights and results are
    Keras' own.

    Args:
        filters: filters of all groups together.
        kernel_size, strides, padding, data_format, dilation_rate, groups: as in
            `keras.layers.Conv2D`, and so are all others.

    Input shape:
        (batch, rows, columns, channels) with channels last, or (batch, channels, rows, columns).

    Output shape:
        As of `keras.layers.Conv2D`.

    Raises:
        ValueError: for an argument that is none of these, or filters that do not divide among the
            groups.

    Example:
        >>> import keras
        >>> from keras_classics.layers import Conv2D
        >>> layer = Conv2D(64, 7, strides=2, padding="same", data_format="channels_last")
        >>> tuple(layer(keras.ops.ones((1, 224, 224, 3))).shape), tuple(layer.kernel.shape)
        ((1, 112, 112, 64), (7, 7, 3, 64))
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Literal["valid", "same"] = "valid",
        data_format: DataFormat = None,
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        **kwargs: Any,
    ) -> None:
        check_positive_integers(filters=filters, groups=groups)
        for name, sides in (
            ("kernel_size", kernel_size),
            ("strides", strides),
            ("dilation_rate", dilation_rate),
        ):
            check_sides(name, sides)
        checks.choice("padding", padding, ("valid", "same"))
        checks.flags(use_bias=use_bias)
        if filters % groups:
            raise ValueError(
                "`filters` must be evenly divisible by the number of groups. "
                f"Received: filters={filters}, groups={groups}"
            )
        super().__init__(
            *(filters, kernel_size, strides, padding, standardize_data_format(data_format)),
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation_of("activation", activation),
            use_bias=use_bias,
            kernel_initializer=initializer_of("kernel_initializer", kernel_initializer),
            bias_initializer=initializer_of("bias_initializer", bias_initializer),
            **kwargs,
        )

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        if keras.backend.backend() == "torch":
            parameter = self.kernel.value
            parameter.data = self._as_pytorch_reads(parameter.data).permute(2, 3, 1, 0)

    def call(self, inputs: Tensor) -> Tensor:
        if keras.backend.backend() != "torch":
            return super().call(inputs)
        from torch.nn import functional

        last = self.data_format == "channels_last"
        x = inputs.permute(0, 3, 1, 2) if last else inputs
        x, padding = self._padded(x)
        kernel = self._as_pytorch_reads(ops.convert_to_tensor(self.kernel))
        bias = ops.convert_to_tensor(self.bias) if self.use_bias else None
        x = functional.conv2d(
            x, kernel, bias, self.strides, padding, self.dilation_rate, self.groups
        )
        x = x.permute(0, 2, 3, 1) if last else x
        return x if self.activation is None else self.activation(x)

    def _as_pytorch_reads(self, kernel):
        """Returns the kernel as (filters, channels, rows, columns), copied unless it lies so."""
        import torch

        last = self.data_format == "channels_last"
        order = torch.channels_last if last else torch.contiguous_format
        return kernel.permute(3, 2, 0, 1).contiguous(memory_format=order)

    def _padded(self, x):
        """Returns the maps, and the padding that PyTorch has to add: as much on both sides."""
        if self.padding == "valid":
            return x, 0
        from torch.nn import functional

        windows = zip(x.shape[2:], self.kernel_size, self.strides, self.dilation_rate, strict=True)
        (top, bottom), (left, right) = (same_padding(*window) for window in windows)
        if (top, left) == (bottom, right):
            return x, (top, left)
        return functional.pad(x, (left, right, top, bottom)), 0


@keras.saving.register_keras_serializable(package="keras_classics")
class GroupedConv2D(Conv2D):
    """`Conv2D` with groups, which a mesh of devices can share.

    Where a `keras.distribution.ModelParallel` is active whose mesh has an axis named "groups", each
    device along it computes as many of the groups, from its part of the channels with its part of
    the kernel, and sends nothing to the others. Left to itself, XLA would gather all of both on
    each device and compute all groups on each. Elsewhere it is `Conv2D`.

    Args:
        filters, kernel_size: as in `Conv2D`, and so are all others.

    Input shape:
        As of `Conv2D`.

    Output shape:
        As of `Conv2D`.

    Raises:
        ValueError: as `Conv2D`, or for groups that do not divide among the devices.

    Reference:
        Krizhevsky et al. 2012, section 3.5 and Fig. 2.

    Example:
        >>> import keras
        >>> from keras_classics.layers import GroupedConv2D
        >>> layer = GroupedConv2D(256, 5, padding="same", groups=2, data_format="channels_last")
        >>> tuple(layer(keras.ops.ones((1, 27, 27, 96))).shape), tuple(layer.kernel.shape)
        ((1, 27, 27, 256), (5, 5, 48, 256))
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        mesh = _mesh_of_groups()
        if mesh is None:
            return super().convolution_op(inputs, kernel)
        import jax

        devices = mesh.shape[GROUPS]
        if self.groups % devices:
            raise ValueError(
                f"{self.groups} groups do not divide among {devices} devices. "
                f"Received: groups={self.groups}"
            )
        last = jax.sharding.PartitionSpec(None, None, None, GROUPS)
        second = jax.sharding.PartitionSpec(None, GROUPS)
        maps = last if self.data_format == "channels_last" else second
        own = jax.shard_map(  # Keras finds the groups that are left by the shapes
            super().convolution_op, mesh=mesh, in_specs=(maps, last), out_specs=maps
        )
        return own(inputs, keras.ops.convert_to_tensor(kernel))


def _mesh_of_groups():
    """The JAX mesh in use, if groups are divided along one of its axes."""
    distribution = keras.distribution.distribution()
    if distribution is None or GROUPS not in distribution.device_mesh.axis_names:
        return None
    return distribution.device_mesh.backend_mesh
