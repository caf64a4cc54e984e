import keras
import numpy as np
import pytest

from keras_classics.visualization.gradients import gradients

pytestmark = pytest.mark.backend


def test_gradients_are_those_of_finite_differences():
    left, right = keras.Input((3, 3, 2)), keras.Input((4,))
    x = keras.layers.Conv2D(3, 2, activation="tanh")(left)
    x = keras.layers.Concatenate()([keras.layers.Flatten()(x), right])
    x = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(x))  # both as in inference
    outputs = keras.layers.Dense(2)(keras.layers.Dense(5, "tanh")(x))
    model = keras.Model([left, right], outputs)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(1, 3, 3, 2)), rng.normal(size=(1, 4))]
    found = gradients(keras.Function([left, right], outputs), inputs, 1, model.variables)
    for place, values in enumerate(inputs):
        for index in np.ndindex(values.shape):
            sides = []
            for step in (-0.01, 0.01):
                moved = [value.astype("float32") for value in inputs]
                moved[place][index] += step
                sides.append(float(model(moved, training=False)[0, 1]))
            # 0.01² times a third derivative near 1, and float32's rounding over 0.02.
            assert abs((sides[1] - sides[0]) / 0.02 - found[place][index]) < 1e-3


def test_what_does_not_count_has_a_gradient_of_zero():
    one, other = keras.Input((2,)), keras.Input((3,))
    function = keras.Function([one, other], keras.layers.Dense(2)(one))
    slopes = gradients(function, [np.ones((1, 2)), np.ones((1, 3))], 0)
    assert slopes[0].any() and slopes[1].tolist() == [[0, 0, 0]]


def test_weights_that_are_not_trained_do_not_stop_it():
    one, other = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([one, other], keras.layers.Dense(1)(keras.layers.Add()([one, other])))
    model.trainable = False
    inputs = [np.ones((1, 2)), np.ones((1, 2))]
    slopes = gradients(keras.Function(model.inputs, model.output), inputs, 0, model.variables)
    np.testing.assert_allclose(slopes[1][0], model.get_weights()[0][:, 0], rtol=1e-6)
