"""Names for what many functions take and give, in their annotations; nothing here computes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np

AnyPath: TypeAlias = str | os.PathLike[str]
# Of an array or a tensor: integers, and None for a side that is not known.
Shape: TypeAlias = tuple[Any, ...]
# Of Keras' backend or of TensorFlow; symbolic while a network is built.
Tensor: TypeAlias = Any
Pooling: TypeAlias = Literal["avg", "max"] | None
# Of a builder: None, a name that the network's card lists, or the path of a file.
Weights: TypeAlias = str | Path | None
DataFormat: TypeAlias = Literal["channels_last", "channels_first"] | None
# By Keras' name, as a function, or None for the identity.
Activation: TypeAlias = str | Callable[..., Any] | None
# By Keras' name, as an initialiser, or a function (shape, dtype).
Initializer: TypeAlias = str | Callable[..., Any]
Interpolation: TypeAlias = Literal["bilinear", "area", "nearest", "cubic"]
# Functions (images, seeds) -> images, applied in turn.
Transforms: TypeAlias = Sequence[Callable[..., Any]]
# One for each image: integers, or arrays of any shape.
Seeds: TypeAlias = "int | np.integer | np.ndarray"
