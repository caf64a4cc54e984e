import re

import keras
import numpy as np
import pytest

from keras_classics.training import CorrectClassPenalty, MaximumAPosteriori

pytestmark = pytest.mark.backend

# A sum of eleven exponentials in float32, and its logarithm.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
LABELS = np.array([0, 3, 9, 3, 5])


def penalties():
    """As the RBF units give them: some near, most of them far."""
    y = np.random.default_rng(0).uniform(0, 400, (5, 10))
    y[0] = [0.3, 0.5, 0.1, 2, 4, 8, 16, 32, 64, 128]
    y[1, 3] = 0.0
    return y


def maximum_a_posteriori(y, labels, j):
    """Eq. 9, pattern by pattern."""
    return np.array(
        [
            row[label] + np.log(np.exp(-j) + np.exp(-row).sum())
            for row, label in zip(y, labels, strict=True)
        ]
    )


def value(loss, labels, y):
    return keras.ops.convert_to_numpy(loss(labels, (-y).astype("float32")))


@pytest.mark.parametrize("j", [0.1, 1.0, 30.0])
def test_maximum_a_posteriori_is_equation_9(j):
    y = penalties()
    expected = maximum_a_posteriori(y, LABELS, j)
    each = value(MaximumAPosteriori(j, reduction="none"), LABELS, y)
    np.testing.assert_allclose(each, expected, **CLOSE)
    np.testing.assert_allclose(value(MaximumAPosteriori(j), LABELS, y), expected.mean(), **CLOSE)


def test_correct_class_penalty_is_equation_8():
    y = penalties()
    expected = [y[pattern, label] for pattern, label in enumerate(LABELS)]
    each = value(CorrectClassPenalty(reduction="none"), LABELS, y)
    np.testing.assert_allclose(each, expected, **CLOSE)
    np.testing.assert_allclose(value(CorrectClassPenalty(), LABELS, y), np.mean(expected), **CLOSE)


def test_literal_cases():
    y = np.array([[2.0, 7.0]])
    # 2 + log(e^-3 + e^-2 + e^-7) = log(e^-1 + 1 + e^-5)
    assert value(MaximumAPosteriori(3.0), [0], y) == pytest.approx(0.318175, abs=1e-6)
    assert value(CorrectClassPenalty(), [1], y) == 7.0


def test_penalties_of_thousands_stay_finite():
    y = np.array([[5000.0, 9000.0]])  # e^-5000 is 0 in any precision
    assert value(MaximumAPosteriori(1.0), [0], y) == pytest.approx(4999.0, abs=1e-3)


def test_without_a_floor_it_is_cross_entropy():
    y = penalties()
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(
        value(MaximumAPosteriori(1e4), LABELS, y), value(cross_entropy, LABELS, y), **CLOSE
    )


@pytest.mark.parametrize(
    "loss", [MaximumAPosteriori(1.0), CorrectClassPenalty()], ids=["map", "penalty"]
)
@pytest.mark.parametrize(
    "labels",
    [LABELS[:, np.newaxis], LABELS.astype("uint8"), LABELS * 1.0],
    ids=["column", "uint8", "float"],
)
def test_labels_may_be_a_column_and_of_any_type(loss, labels):
    assert value(loss, labels, penalties()) == value(loss, LABELS, penalties())


@pytest.mark.parametrize("j", [1.0, 50.0])
def test_gradient_pulls_the_right_class_and_pushes_the_near_ones(j):
    y, label = penalties()[0], 3
    # Logits that are the bias of a layer: one descent step with rate 1 shows their gradient.
    layer = keras.layers.Dense(10, "linear", kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0), MaximumAPosteriori(j), run_eagerly=True)
    layer.bias.assign(-y)
    model.train_on_batch(np.ones((2, 1)), np.array([label, label]))
    share = np.exp(-y) / (np.exp(-j) + np.exp(-y).sum())
    expected = share - (np.arange(10) == label)
    # A difference of numbers up to 128 in float32: steps of 8e-6.
    np.testing.assert_allclose(-y - layer.get_weights()[1], expected, atol=2e-5)


@pytest.mark.parametrize(
    "loss",
    [MaximumAPosteriori(0.5, reduction="sum"), CorrectClassPenalty(name="penalty")],
    ids=["map", "penalty"],
)
def test_survives_its_configuration(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert value(again, LABELS, penalties()) == value(loss, LABELS, penalties())


@pytest.mark.parametrize("j", [0, -1.0, float("nan")])
def test_refuses_a_floor_that_is_not_positive(j):
    message = f"`j` must be a finite number above 0. Received: j={j!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        MaximumAPosteriori(j)
