import keras
import numpy as np
import pytest

from keras_classics.layers import FanInUniform

pytestmark = pytest.mark.backend


def draw(initializer, shape, dtype="float32"):
    return keras.ops.convert_to_numpy(initializer(shape, dtype=dtype))


@pytest.mark.parametrize(
    ("shape", "fan_in"),
    [((5, 5, 1, 400), 25), ((5, 5, 16, 120), 400), ((120, 84), 120), ((9000,), 1)],
)
@pytest.mark.parametrize("scale", [2.4, 1.0])
def test_is_uniform_up_to_scale_over_fan_in(shape, fan_in, scale):
    limit = scale / fan_in
    values = draw(FanInUniform(scale, seed=1), shape)
    assert values.shape == shape
    # The limit itself may round to the next float32.
    assert np.abs(values).max() <= limit * (1 + 1e-6)
    # 9,000 and more draws: each bin of ten has 10 ± 0.32 %; five standard deviations.
    share = np.histogram(values, 10, (-limit * 1.001, limit * 1.001))[0] / values.size
    np.testing.assert_allclose(share, 0.1, atol=0.016)


def test_integer_seed_repeats_itself():
    np.testing.assert_array_equal(
        draw(FanInUniform(seed=3), (4, 5)), draw(FanInUniform(seed=3), (4, 5))
    )
    assert not np.array_equal(
        draw(FanInUniform(seed=3), (4, 5)), draw(FanInUniform(seed=4), (4, 5))
    )


def test_no_seed_follows_the_global_one():
    first, second = draw(FanInUniform(), (4, 5)), draw(FanInUniform(), (4, 5))
    keras.utils.set_random_seed(0)  # as the suite's own fixture did before the first draw
    np.testing.assert_array_equal(draw(FanInUniform(), (4, 5)), first)
    assert not np.array_equal(first, second)


def test_dtype():
    values = FanInUniform(seed=0)((3, 4), dtype="float16")
    assert keras.backend.standardize_dtype(values.dtype) == "float16"


@pytest.mark.parametrize("seed", [None, 7])
def test_survives_its_configuration(seed):
    initializer = FanInUniform(scale=1.5, seed=seed)
    assert initializer.get_config() == {"scale": 1.5, "seed": seed}
    again = keras.initializers.get(keras.initializers.serialize(initializer))
    assert type(again) is FanInUniform
    assert again.get_config() == initializer.get_config()
