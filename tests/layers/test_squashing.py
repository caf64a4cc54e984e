import keras
import numpy as np
import pytest

from keras_classics.layers import FanInUniform, scaled_tanh

pytestmark = pytest.mark.backend

# float32 rounds to 6e-8; a few roundings and the backend's own tanh.
CLOSE = {"rtol": 1e-6, "atol": 1e-6}


def squash(values):
    x = keras.ops.convert_to_tensor(np.asarray(values, "float32"))
    return keras.ops.convert_to_numpy(scaled_tanh(x))


def test_is_the_formula_of_the_paper():
    a = np.linspace(-6, 6, 101)
    p = np.exp(4 * a / 3)
    np.testing.assert_allclose(squash(a), 1.7159 * (p - 1) / (p + 1), **CLOSE)


def test_maps_the_targets_to_themselves():
    # 1.7159 has five digits: f(1) = 1.0000 to within 2e-5.
    np.testing.assert_allclose(squash([-1, 0, 1]), [-1, 0, 1], atol=2e-5)


def test_has_the_slopes_of_the_paper():
    x = np.array([0, 1], "float32")
    # A difference quotient in float32: 1e-7 / (2·0.01) of rounding, f'''·0.01²/6 of curvature.
    slopes = (squash(x + 0.01) - squash(x - 0.01)) / 0.02
    np.testing.assert_allclose(slopes, [1.1439, 0.7554], atol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_keeps_shape_and_dtype(dtype):
    y = scaled_tanh(keras.ops.ones((2, 3, 4), dtype))
    assert tuple(y.shape) == (2, 3, 4)
    assert keras.backend.standardize_dtype(y.dtype) == dtype


def test_survives_configuration_and_file(reloaded):
    config = keras.activations.serialize(scaled_tanh)
    assert keras.activations.get(config) is scaled_tanh
    layer = reloaded(keras.layers.Dense(2, activation=scaled_tanh), np.zeros((1, 3)))
    assert layer.activation is scaled_tanh


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
