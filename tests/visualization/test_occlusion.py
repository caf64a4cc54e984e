import keras
import numpy as np
import pytest
from keras import layers

import keras_classics
from keras_classics import occlusion
from keras_classics.visualization import occlusion_map
from keras_classics.visualization.occlusion import _windows

pytestmark = pytest.mark.backend


def of_one_pixel(row, column):
    """A model whose two logits are 0 and the value of one pixel of 8×8."""
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2), layers.Softmax()]
    )
    kernel = np.zeros((64, 2), "float32")
    kernel[8 * row + column, 1] = 1
    model.set_weights([kernel, np.zeros(2, "float32")])
    return model


def test_the_probability_falls_where_the_square_hides_what_counts():
    picture = np.zeros((8, 8))
    picture[2, 5] = 4
    found = occlusion_map(of_one_pixel(2, 5), picture, 1, patch_size=3, strides=1, fill=0)
    seen, hidden = np.exp(4) / (1 + np.exp(4)), 0.5
    expected = np.full((8, 8), seen)
    expected[1:4, 4:7] = hidden  # the middles of the squares that cover the pixel
    np.testing.assert_allclose(found.map, expected, atol=1e-6)
    assert found.class_index == 1 and abs(found.probability - seen) < 1e-6


def test_steps_and_grey():
    picture = np.zeros((8, 8))
    picture[3, 7] = 4
    found = occlusion_map(of_one_pixel(3, 7), picture, patch_size=2, strides=3)
    # The middles are 1, 4 and 7, and squares begin one before: rows 3 and 4, columns 6 and 7.
    expected = np.full((3, 3), np.exp(4) / (1 + np.exp(4)))
    expected[1, 2] = np.exp(2) / (1 + np.exp(2))  # grey is halfway: 2
    np.testing.assert_allclose(found.map, expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [7, 1000])
def test_batches_change_nothing(digits, batch_size):
    model = keras_classics.mnist_cnn(weights="mnist", with_preprocessing=True)
    usual = occlusion_map(model, digits[0][0], strides=4)
    other = occlusion_map(model, digits[0][0], strides=4, batch_size=batch_size)
    np.testing.assert_allclose(other.map, usual.map, atol=1e-5)  # float32, summed in other orders


def test_logits_become_probabilities(digits):
    shares = keras_classics.mnist_cnn(weights="mnist", with_preprocessing=True)
    pixels = keras.Input((28, 28, 1))
    logits = keras.Model(
        pixels, keras.ops.log(keras.ops.maximum(shares(pixels), 1e-30)), name="logits"
    )
    one, other = (occlusion_map(m, digits[0][3], strides=7) for m in (shares, logits))
    np.testing.assert_allclose(other.map, one.map, atol=1e-5)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("end", ["sigmoid", None])
@pytest.mark.parametrize("inside", [False, True])
def test_what_a_model_ends_in_says_what_its_values_are(units, end, inside):
    dense = layers.Dense(units, end, bias_initializer=keras.initializers.Constant(3.2))
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), dense])
    if inside:
        model = keras.Sequential([keras.Input((4, 4, 1)), layers.Rescaling(1 / 255), model])
    found = occlusion_map(model, np.zeros((4, 4)), 0, strides=4)
    of_three = end is None and units == 3
    expected = 1 / 3 if of_three else 1 / (1 + np.exp(-3.2))
    np.testing.assert_allclose([found.probability, *found.map.flat], expected, atol=1e-6)


def test_every_square_hides_something():
    picture = np.zeros((28, 28))
    picture[27, 27] = 4
    last = _windows(picture, 3, 9)[-1]
    assert picture[last].any() and picture[last].shape == (2, 2)


def test_hiding_strokes_lowers_the_probability_of_a_digit(digits):
    model = keras_classics.lenet5(weights="mnist", with_preprocessing=True)
    on, off = [], []
    for image, label in zip(digits[0][::2], digits[1][::2], strict=True):
        found = occlusion_map(model, image, label, fill=0, strides=4)
        ink = image[..., 0].reshape(7, 4, 7, 4).mean(axis=(1, 3))
        on.append(found.probability - found.map[ink > 100].mean())
        off.append(found.probability - found.map[[0, -1]].mean())  # MNIST's border is empty
    assert np.mean(on) > 0.05 > 10 * abs(np.mean(off))


def test_the_figure_shows_the_square_where_it_counts_most():
    picture = np.zeros((8, 8))
    picture[2, 5] = 4
    figure = occlusion(of_one_pixel(2, 5), picture, 1, patch_size=1, strides=1, fill=0)
    (square,) = figure.axes[0].patches
    assert square.get_xy() == (4.5, 1.5) and square.get_width() == 1
    assert figure.axes[0].get_title("left") == "1: probability 0.982"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patch_size": 0}, "`patch_size` must be a positive integer"),
        ({"patch_size": 9}, "`patch_size` must be at most 8"),
        ({"strides": 0.5}, "`strides` must be a positive integer"),
        ({"fill": "grey"}, "`fill` must be a finite number"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
        ({"class_index": 2}, "`class_index` must be at most 1"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        occlusion(of_one_pixel(0, 0), np.zeros((8, 8)), **arguments)
