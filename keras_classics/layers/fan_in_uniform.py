"""The weight initialisation of LeNet-5."""

import math

import keras

from keras_classics import checks


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

    def __init__(self, scale=2.4, seed=None):
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

    def __call__(self, shape, dtype=None):
        # Keras kernels are (…, inputs, units): everything but the last axis is fan-in.
        limit = self.scale / max(math.prod(shape[:-1]), 1)
        return keras.random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)

    def get_config(self):
        return {"scale": self.scale, "seed": super().get_config()["seed"]}
