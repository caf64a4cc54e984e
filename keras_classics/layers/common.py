"""What several layers share: checks of their arguments, and the windows of a convolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np

from keras_classics import checks

if TYPE_CHECKING:
    from keras_classics.types import Activation, DataFormat, Initializer, Shape

# Of filters, pixels, …: far above any network's, and below what fills the memory by a slip.
_MOST = 2**20


def standardize_data_format(
    data_format: DataFormat,
) -> Literal["channels_last", "channels_first"]:
    """Returns "channels_last" or "channels_first", Keras' setting for None."""
    checks.choice("data_format", data_format, ("channels_last", "channels_first", None))
    return data_format or keras.config.image_data_format()


def check_positive_integers(**arguments: object) -> None:
    """Raises a ValueError that names the first argument that is not an integer above 0."""
    for name, value in arguments.items():
        checks.integer(name, value, most=_MOST)


def check_sides(name: str, value: object) -> None:
    """Raises a ValueError unless the value is an integer above 0, or one for each direction."""
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        checks.refuse(name, "a positive integer, or two", value)
    for side in pair:
        check_positive_integers(**{name: side})


def activation_of(name: str, value: object) -> Callable[..., Any]:
    """Returns the function that Keras knows by this name; None is the identity.

    Args:
        name: of the argument.
        value: what came: a name, a function, None, or what Keras made of a function in a file.

    Raises:
        ValueError: if it is none of these.
    """
    try:
        return keras.activations.get(value)
    except Exception:  # of a dict that is no configuration: KeyError, TypeError, …
        checks.refuse(name, "the name of a Keras activation, a function, or None", value)


def initializer_of(name: str, value: object) -> Callable[..., Any]:
    """Returns the initialiser that Keras knows by this name.

    Args:
        name: of the argument.
        value: what came: a name, an initialiser, a function (shape, dtype), or what Keras made of
            an initialiser in a file.

    Raises:
        ValueError: if it is none of these.
    """
    rule = "the name of a Keras initializer, an initializer, or a function (shape, dtype)"
    try:
        initializer = keras.initializers.get(value)
    except Exception:  # of a dict that is no configuration: KeyError, TypeError, …
        initializer = None
    if not callable(initializer):
        checks.refuse(name, rule, value)
    return initializer


def copy_of(initializer: Callable[..., Any]) -> Callable[..., Any]:
    """Returns an initialiser for another layer: one would give equal numbers to equal shapes."""
    return initializer.clone() if isinstance(initializer, keras.Initializer) else initializer


def finite_numbers(name: str, value: object, rule: str) -> np.ndarray:
    """Returns finite numbers as a float32 array, or raises a ValueError that names the rule."""
    try:
        array = np.asarray(value, "float32")
    except Exception:  # of texts, lists of several lengths, objects, …
        checks.refuse(name, rule, value)
    if not array.size or not np.isfinite(array).all():
        checks.refuse(name, f"{rule}, finite numbers", value)
    return array


def drawing_anew(initializer: Any) -> Callable[..., Any]:
    """Returns the initialiser with a generator in place of an integer seed.

    An integer seed gives the same numbers at every call; a generator moves on.
    """
    seed = getattr(initializer, "seed", None)
    if not isinstance(seed, int):
        return initializer
    config = {**initializer.get_config(), "seed": keras.random.SeedGenerator(seed)}
    return type(initializer).from_config(config)


def same_padding(size: int, window: int, strides: int, dilation: int = 1) -> tuple[int, int]:
    """Returns the pixels that padding "same" adds before and behind a side of a picture."""
    seen = (-(-size // strides) - 1) * strides + (window - 1) * dilation + 1
    total = max(seen - size, 0)
    return total // 2, total - total // 2


class WindowLayer(keras.layers.Layer):
    """A layer that looks at square windows of its input, as a convolution does.

    Args:
        kernel_size: side of the square kernel in pixels.
        strides: step in pixels.
        padding: "valid" or "same".
        activation: applied to the sum; None for the identity.
        use_bias: whether there are biases.
        kernel_initializer, bias_initializer: start of the kernels and of the biases.
        data_format: "channels_last", "channels_first" or None for Keras' setting.

    Raises:
        ValueError: for an argument that is none of the above.
    """

    def __init__(
        self,
        kernel_size: int,
        strides: int = 1,
        padding: Literal["valid", "same"] = "valid",
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        data_format: DataFormat = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(kernel_size=kernel_size, strides=strides)
        checks.choice("padding", padding, ("valid", "same"))
        checks.flags(use_bias=use_bias)
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.activation = activation_of("activation", activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializer_of("kernel_initializer", kernel_initializer)
        self.bias_initializer = initializer_of("bias_initializer", bias_initializer)
        self.data_format = standardize_data_format(data_format)

    def windows(self, sizes: Sequence[Any]) -> Shape:
        """Returns how many windows there are along each side of a picture; None stays None."""
        shrink = self.kernel_size - 1 if self.padding == "valid" else 0
        return tuple(size and -(-(size - shrink) // self.strides) for size in sizes)

    def output_shape_of(self, input_shape: Shape, filters: int) -> Shape:
        """Returns the shape of the output for that of the input, both in the data format."""
        batch, *rest = input_shape
        if self.data_format == "channels_last":
            return (batch, *self.windows(rest[:-1]), filters)
        return (batch, filters, *self.windows(rest[1:]))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "data_format": self.data_format,
        }
