"""The squashing function of LeNet-5 and the start of the weights that suits it (appendix A)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_classics import checks

if TYPE_CHECKING:
    from keras_classics.types import Tensor

AMPLITUDE = 1.7159
SLOPE = 2 / 3


@keras.saving.register_keras_serializable(package="keras_classics")
def scaled_tanh(x: Tensor) -> Tensor:
    """Squashes with f(a) = 1.7159 · tanh(2a/3), so that f(±1) = ±1.

    Its curvature is largest at ±1, where the targets of LeNet-5 lie: units work in their
    non-linear range without saturating.

    Args:
        x: tensor of any shape.

    Returns:
        Tensor of the same shape, in (−1.7159, 1.7159).

    Reference:
        LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", appendix A.

    Example:
        >>> from keras_classics.layers import scaled_tanh
        >>> round(float(scaled_tanh(1.0)), 4)
        1.0
    """
    return AMPLITUDE * ops.tanh(SLOPE * x)


@keras.saving.register_keras_serializable(package="keras_classics")
class FanInUniform(keras.initializers.RandomUniform):
    """Draws uniformly from ±scale/F, F being the fan-in of the unit.

    This is not `VarianceScaling`, whose limit goes with 1/√F.

    Args:
        scale: numerator of the limit. The paper uses 2.4.
        seed: integer, or None for one drawn from Keras' global seed.

    Raises:
        ValueError: if `scale` is not a number above 0, or `seed` none of the above.

    Reference:
        LeCun et al. 1998, appendix A: "the weights are initialized with random values using a
        uniform distribution between −2.4/F_i and 2.4/F_i".

    Example:
        >>> import keras
        >>> from keras_classics.layers import FanInUniform
        >>> kernel = FanInUniform(seed=0)((5, 5, 1, 6))   # F = 25, so the limit is 0.096
        >>> float(keras.ops.max(keras.ops.abs(kernel))) <= 0.096
        True
    """

    def __init__(
        self, scale: float = 2.4, seed: int | keras.random.SeedGenerator | None = None
    ) -> None:
        checks.positive("scale", scale)
        if isinstance(seed, int):
            checks.integer("seed", seed, 0, most=2**32 - 1)
        try:  # a dict, which a file may hold, is a generator's or nothing
            super().__init__(seed=seed)
            is_seed = isinstance(self.seed, int | keras.random.SeedGenerator)
        except Exception:
            is_seed = False
        if not is_seed:
            checks.refuse("seed", "an integer, a `keras.random.SeedGenerator` or None", seed)
        self.scale = scale

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        # Keras kernels are (…, inputs, units): everything but the last axis is fan-in.
        limit = self.scale / max(math.prod(shape[:-1]), 1)
        return keras.random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "seed": super().get_config()["seed"]}
