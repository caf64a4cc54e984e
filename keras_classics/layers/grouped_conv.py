"""Convolution in groups, each of which may lie on a device of its own (AlexNet's two towers)."""

import keras

GROUPS = "groups"  # the axis of a device mesh along which the groups are divided


@keras.saving.register_keras_serializable(package="keras_classics")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with groups, which a mesh of devices can share.

    Where a `keras.distribution.ModelParallel` is active whose mesh has an axis named "groups", each
    device along it computes as many of the groups, from its part of the channels with its part of
    the kernel, and sends nothing to the others. Left to itself, XLA would gather all of both on
    each device and compute all groups on each. Elsewhere it is Keras' own layer.

    Args:
        filters: filters of all groups together.
        kernel_size, groups and all others: as in `keras.layers.Conv2D`.

    Input shape:
        (batch, rows, columns, channels) with channels last, or (batch, channels, rows, columns).

    Output shape:
        As of `keras.layers.Conv2D`.

    Raises:
        ValueError: if the filters do not divide among the groups, or the groups among the devices.

    Reference:
        Krizhevsky et al. 2012, section 3.5 and Fig. 2.

    Example:
        >>> import keras
        >>> from keras_classics.layers import GroupedConv2D
        >>> layer = GroupedConv2D(256, 5, padding="same", groups=2, data_format="channels_last")
        >>> tuple(layer(keras.ops.ones((1, 27, 27, 96))).shape), tuple(layer.kernel.shape)
        ((1, 27, 27, 256), (5, 5, 48, 256))
    """

    def convolution_op(self, inputs, kernel):
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
