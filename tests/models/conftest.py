"""What the tests of networks share."""

import keras
import numpy as np
import pytest


@pytest.fixture
def nothing_drawn(monkeypatch):
    """For tests that set every weight: what builders draw only takes time, on JAX most of it."""

    def zeros(initializer, shape, dtype=None):
        return keras.ops.convert_to_tensor(np.zeros(shape, dtype or "float32"))

    for initializer in (keras.initializers.VarianceScaling, keras.initializers.RandomNormal):
        monkeypatch.setattr(initializer, "__call__", zeros)
