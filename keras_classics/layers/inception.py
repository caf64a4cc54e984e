"""The Inception module of GoogLeNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from keras_classics import checks
from keras_classics.layers.batch_normalization import BatchNormalization
from keras_classics.layers.common import (
    check_positive_integers,
    copy_of,
    initializer_of,
    standardize_data_format,
)
from keras_classics.layers.convolution import Conv2D
from keras_classics.layers.pooling import MaxPooling2D

if TYPE_CHECKING:
    from keras_classics.types import DataFormat, Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_classics")
class Inception(keras.layers.Layer):
    """Looks at a map at four scales at once and stacks what it finds.

    Four branches, joined along the channels in this order: 1×1 convolution; 1×1 reduction and 3×3
    convolution; 1×1 reduction and 5×5 convolution; 3×3 max-pooling and 1×1 projection. Every
    convolution is followed by ReLU, the reductions and the projection too. The arguments are the
    columns of Table 1 of the paper.

    The naive form of Fig. 2(a) has neither reductions nor projection: None for `reduce_3x3`,
    `reduce_5x5` and `pool_projection`. Its last branch is the pooled input itself, so that
    192 channels and filters of 64, 128, 32 give 416.

    Args:
        filters_1x1: filters of the 1×1 convolution.
        reduce_3x3: filters of the 1×1 convolution before the 3×3 one; None for no such layer.
        filters_3x3: filters of the 3×3 convolution.
        reduce_5x5: filters of the 1×1 convolution before the 5×5 one; None for no such layer.
        filters_5x5: filters of the 5×5 convolution.
        pool_projection: filters of the 1×1 convolution after the pooling; None for no such layer.
        batch_norm: whether each convolution is followed by batch normalisation, then ReLU.
        use_bias: whether the convolutions have biases; None for: unless `batch_norm`.
        kernel_initializer: start of the kernels.
        bias_initializer: start of the biases.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, height, width, channels) with channels last.

    Output shape:
        (batch, height, width, filters_1x1 + filters_3x3 + filters_5x5 + pool_projection) with
        channels last; without a projection the input's channels stand in its place.

    Raises:
        ValueError: for numbers of filters that are not positive integers, or any other argument
            that is none of the above.

    Reference:
        Szegedy et al. 2014, section 4, Fig. 2 and Table 1.

    Example:
        >>> import keras
        >>> from keras_classics.layers import Inception
        >>> layer = Inception(64, 96, 128, 16, 32, 32, data_format="channels_last")    # 3a
        >>> layer(keras.ops.ones((1, 28, 28, 192))).shape == (1, 28, 28, 256)
        True
        >>> layer.count_params()
        163696
    """

    def __init__(
        self,
        filters_1x1: int,
        reduce_3x3: int | None,
        filters_3x3: int,
        reduce_5x5: int | None,
        filters_5x5: int,
        pool_projection: int | None,
        *,
        batch_norm: bool = False,
        use_bias: bool | None = None,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        filters = {
            "filters_1x1": filters_1x1,
            "reduce_3x3": reduce_3x3,
            "filters_3x3": filters_3x3,
            "reduce_5x5": reduce_5x5,
            "filters_5x5": filters_5x5,
            "pool_projection": pool_projection,
        }
        optional = ("reduce_3x3", "reduce_5x5", "pool_projection")
        check_positive_integers(
            **{n: v for n, v in filters.items() if v is not None or n not in optional}
        )
        checks.flags(batch_norm=batch_norm)
        checks.choice("use_bias", use_bias, (None, True, False))
        self.filters = filters
        self.batch_norm = batch_norm
        self.use_bias = use_bias
        self.kernel_initializer = initializer_of("kernel_initializer", kernel_initializer)
        self.bias_initializer = initializer_of("bias_initializer", bias_initializer)
        self.data_format = standardize_data_format(data_format)
        self.pool = MaxPooling2D(
            3, 1, "same", data_format=self.data_format, dtype=self.dtype_policy, name="pool"
        )
        self._branches = [
            self._convolution(1, filters_1x1, "conv_1x1"),
            self._convolution(1, reduce_3x3, "conv_3x3_reduce")
            + self._convolution(3, filters_3x3, "conv_3x3"),
            self._convolution(1, reduce_5x5, "conv_5x5_reduce")
            + self._convolution(5, filters_5x5, "conv_5x5"),
            [self.pool, *self._convolution(1, pool_projection, "pool_projection")],
        ]

    def _convolution(self, kernel_size, filters, name):
        """Makes the layers of one convolution, none without filters, and names them in `self`."""
        if filters is None:
            return []
        use_bias = not self.batch_norm if self.use_bias is None else self.use_bias
        shared = {"data_format": self.data_format, "dtype": self.dtype_policy}
        convolution = Conv2D(
            filters,
            kernel_size,
            padding="same",
            activation=None if self.batch_norm else "relu",
            use_bias=use_bias,
            kernel_initializer=copy_of(self.kernel_initializer),
            bias_initializer=copy_of(self.bias_initializer),
            name=name,
            **shared,
        )
        setattr(self, name, convolution)
        if not self.batch_norm:
            return [convolution]
        axis = -1 if self.data_format == "channels_last" else 1
        norm = BatchNormalization(axis=axis, dtype=self.dtype_policy, name=f"{name}_bn")
        setattr(self, norm.name, norm)
        return [convolution, norm, layers.ReLU(dtype=self.dtype_policy, name=f"{name}_relu")]

    def build(self, input_shape: Shape) -> None:
        for branch in self._branches:
            shape = input_shape
            for layer in branch:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        outputs = []
        for branch in self._branches:
            x = inputs
            for layer in branch:
                x = (
                    layer(x, training=training)
                    if isinstance(layer, BatchNormalization)
                    else layer(x)
                )
            outputs.append(x)
        return ops.concatenate(outputs, axis=-1 if self.data_format == "channels_last" else 1)

    @property
    def paths(self) -> list[list[keras.layers.Layer]]:
        """The layers of each branch, in turn; their outputs are stacked in the branches' order.

        Example:
            >>> from keras_classics.layers import Inception
            >>> layer = Inception(64, 96, 128, 16, 32, 32, data_format="channels_last")
            >>> [[inner.name for inner in path] for path in layer.paths[1:3]]
            [['conv_3x3_reduce', 'conv_3x3'], ['conv_5x5_reduce', 'conv_5x5']]
        """
        return [list(branch) for branch in self._branches]

    def branches(self, inputs: Tensor, within: bool = False) -> dict[str, Tensor]:
        """Returns what each convolution gives behind its ReLU, and the pooling, by their names.

        Args:
            inputs: as for a call, symbolic ones included.
            within: whether another layer computes them, which then is the only one in the graph.

        Example:
            >>> import keras
            >>> from keras_classics.layers import Inception
            >>> layer = Inception(64, 96, 128, 16, 32, 32, data_format="channels_last")
            >>> maps = layer.branches(keras.Input((28, 28, 192)))
            >>> list(maps)
            ['conv_1x1', 'conv_3x3_reduce', 'conv_3x3', 'conv_5x5_reduce', 'conv_5x5', 'pool',
             'pool_projection']
            >>> maps["conv_5x5"].shape
            (None, 28, 28, 32)
        """
        if not within and isinstance(inputs, keras.KerasTensor):
            # As one layer: the parts of two modules have the same names.
            return _Branches(self, name=f"{self.name}_branches")(inputs)
        found = {}
        for branch in self._branches:
            x = inputs
            for layer in branch:
                x = layer(x)
                found[layer.name.removesuffix("_bn").removesuffix("_relu")] = x
        return found

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        axis = -1 if self.data_format == "channels_last" else 1
        shape = list(input_shape)
        filters: dict[str, Any] = self.filters
        shape[axis] = (
            filters["filters_1x1"]
            + filters["filters_3x3"]
            + filters["filters_5x5"]
            + (filters["pool_projection"] or shape[axis])
        )
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.filters,
            "batch_norm": self.batch_norm,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "data_format": self.data_format,
        }


class _Branches(keras.layers.Layer):
    """The branches of a module, one by one, with the module's own weights."""

    def __init__(self, module: Inception, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module = module

    def call(self, inputs: Tensor) -> dict[str, Tensor]:
        return self.module.branches(inputs, within=True)
