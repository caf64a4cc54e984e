"""Local response normalisation: across channels (AlexNet, VGG A-LRN, GoogLeNet), within a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from keras import ops

from keras_classics import checks
from keras_classics.layers.common import check_positive_integers, standardize_data_format

if TYPE_CHECKING:
    from keras_classics.types import DataFormat, Shape, Tensor


class _ResponseNormalization(keras.layers.Layer):
    """a / (k + α · Σ a²)^β; which neighbours the sum is over, the layers below say."""

    def __init__(
        self, bias: float, alpha: float, beta: float, data_format: DataFormat, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        checks.positive("bias", bias)
        checks.number("alpha", alpha, 0)
        checks.number("beta", beta)
        # Integers of Python may be larger than those of PyTorch and JAX.
        self.bias, self.alpha, self.beta = float(bias), float(alpha), float(beta)
        self.data_format = standardize_data_format(data_format)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        x = ops.cast(inputs, dtype)
        base = self.bias + self._sum_over_neighbours(ops.square(x), dtype)
        return ops.cast(x * self._to_minus_beta(base), self.compute_dtype)

    def _sum_over_neighbours(self, squares, dtype):
        raise NotImplementedError

    def _to_minus_beta(self, base):
        # Two square roots take a third of the time of a power.
        if self.beta == 0.75:
            root = ops.rsqrt(base)
            return root * ops.sqrt(root)
        return ops.power(base, -self.beta)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@keras.saving.register_keras_serializable(package="keras_classics")
class LocalResponseNormalization(_ResponseNormalization):
    """Divides each activation by the strength of its neighbours in the channels beside it.

    b_i = a_i / (k + α · Σ_j a_j²)^β, the sum over j from i − n/2 to i + n/2 where there are such
    channels, at one position of the picture. The defaults are AlexNet's: n = 5, k = 2, α = 10⁻⁴,
    β = 0.75. α is not divided by n, as in the paper and TensorFlow; Caffe, PyTorch, ONNX and the
    author's own cuda-convnet2 divide it, which `alpha_convention="mean"` does.

    The sum is one product with a banded channels × channels matrix of ones, which is faster on
    two CPU cores than the backends' own operations. Under a mixed precision policy the arithmetic
    is float32, so that squares do not overflow.

    Args:
        depth_radius: n // 2, the number of neighbours on either side.
        bias: k.
        alpha: α.
        beta: β.
        alpha_convention: "sum", as in the formula, or "mean", which divides α by n.
        groups: into how many equal parts the channels are divided; a channel has its neighbours in
            its own part (AlexNet's two towers in one layer).
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, ..., channels) with channels last, (batch, channels, ...) with channels first.

    Output shape:
        The input's.

    Raises:
        ValueError: for a negative or fractional radius, a bias that is not positive, a negative
            `alpha`, a `beta` that is no number, an unknown convention or data format, or channels
            that do not divide into `groups`.

    Reference:
        Krizhevsky et al. 2012, section 3.3.

    Example:
        Five neighbours of 100 each: 2 + 10⁻⁴ · 5 · 100² = 7.

        >>> import keras
        >>> from keras_classics.layers import LocalResponseNormalization
        >>> layer = LocalResponseNormalization(data_format="channels_last", beta=1.0)
        >>> round(float(layer(100 * keras.ops.ones((1, 1, 1, 5)))[0, 0, 0, 2]), 3)    # 100 / 7
        14.286
    """

    def __init__(
        self,
        depth_radius: int = 2,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        alpha_convention: Literal["sum", "mean"] = "sum",
        groups: int = 1,
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(bias, alpha, beta, data_format, **kwargs)
        checks.integer("depth_radius", depth_radius, 0)
        checks.choice("alpha_convention", alpha_convention, ("sum", "mean"))
        check_positive_integers(groups=groups)
        self.depth_radius = depth_radius
        self.alpha_convention = alpha_convention
        self.groups = groups

    def build(self, input_shape: Shape) -> None:
        axis = -1 if self.data_format == "channels_last" else 1
        if input_shape[axis] % self.groups:
            raise ValueError(
                f"{input_shape[axis]} channels do not divide into {self.groups} groups. Received: "
                f"groups={self.groups}"
            )
        channels = np.arange(input_shape[axis] // self.groups)
        near = np.abs(channels[:, None] - channels) <= self.depth_radius
        divisor = 2 * self.depth_radius + 1 if self.alpha_convention == "mean" else 1
        self._band = near * (self.alpha / divisor)

    def _sum_over_neighbours(self, squares, dtype):
        band = ops.convert_to_tensor(self._band, dtype)
        last = self.data_format == "channels_last"
        if self.groups > 1:
            shape, parts = ops.shape(squares), (self.groups, len(self._band))
            apart = (*shape[:-1], *parts) if last else (shape[0], *parts, *shape[2:])
            squares = ops.reshape(squares, apart)
        if last:
            sums = ops.matmul(squares, band)
        else:
            equation = "bc...,cd->bd..." if self.groups == 1 else "bgc...,cd->bgd..."
            sums = ops.einsum(equation, squares, band)
        return sums if self.groups == 1 else ops.reshape(sums, shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_radius": self.depth_radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
            "alpha_convention": self.alpha_convention,
            "groups": self.groups,
            "data_format": self.data_format,
        }


@keras.saving.register_keras_serializable(package="keras_classics")
class SpatialResponseNormalization(_ResponseNormalization):
    """Divides each activation by the strength of its neighbours around it in the same map.

    b = a / (k + α / size² · Σ a²)^β, the sum over a window of size × size pixels with a in the
    middle, as far as it lies on the map. The defaults are those of the second normalisation behind
    conv2 in AlexNet's code of 2012, of which the paper does not speak: size = 5, k = 1, α = 10⁻³,
    β = 0.75. α is divided by the number of pixels in a whole window, also at the edges.

    The sum is a product with a banded matrix of ones along the columns and one along the rows:
    sums over the window itself, which pooling gives, take three times as long on PyTorch. Under a
    mixed precision policy the arithmetic is float32, so that squares do not overflow.

    Args:
        size: side of the window in pixels, an odd number.
        bias: k.
        alpha: α.
        beta: β.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Input shape:
        (batch, rows, columns, channels) with channels last, or (batch, channels, rows, columns).

    Output shape:
        The input's.

    Raises:
        ValueError: for a size that is even or no positive integer, a bias that is not positive, a
            negative `alpha`, a `beta` that is no number, or an unknown data format.

    Reference:
        Krizhevsky 2012, the code of AlexNet: layers/layers-145.cfg, `cnorm2a` and `cnorm2b`.

    Example:
        In the corner 3×3 pixels of the window are on the map: 1 + 10⁻³ / 25 · 9 · 100² = 4.6.

        >>> import keras
        >>> from keras_classics.layers import SpatialResponseNormalization
        >>> layer = SpatialResponseNormalization(data_format="channels_last", beta=1.0)
        >>> round(float(layer(100 * keras.ops.ones((1, 8, 8, 1)))[0, 0, 0, 0]), 3)    # 100 / 4.6
        21.739
    """

    def __init__(
        self,
        size: int = 5,
        bias: float = 1.0,
        alpha: float = 1e-3,
        beta: float = 0.75,
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(bias, alpha, beta, data_format, **kwargs)
        check_positive_integers(size=size)
        if size % 2 == 0:
            checks.refuse("size", "odd, so that the window has a middle", size)
        self.size = size
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def _sum_over_neighbours(self, squares, dtype):
        last = self.data_format == "channels_last"
        rows, columns = ops.shape(squares)[1:3] if last else ops.shape(squares)[2:]
        down = self._band(rows, dtype)
        across = self._band(columns, dtype) * (self.alpha / self.size**2)
        if not last:
            return ops.matmul(ops.matmul(down, squares), across)
        # Channels stay an axis of their own: devices that share them have nothing to exchange.
        sums = ops.swapaxes(ops.matmul(across, squares), 1, 2)
        return ops.swapaxes(ops.matmul(down, sums), 1, 2)

    def _band(self, length, dtype):
        """Returns length × length, ones where one pixel is in the window around the other."""
        pixels = ops.arange(length)
        near = ops.abs(pixels[:, None] - pixels) <= self.size // 2
        return ops.cast(near, dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
            "data_format": self.data_format,
        }
