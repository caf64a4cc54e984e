import keras
import numpy as np
import pytest

import keras_classics
from keras_classics import fully_convolutional
from tests.models.one_call import numpy_of, of_keras

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("nothing_drawn")]


def pictures(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def vgg():
    """VGG-11 for 64 pixels whose classes differ; its maps are 2×2 before the dense layers."""
    model = keras_classics.vgg11(
        5, input_shape=(64, 64, 3), kernel_initializer="zeros", classifier_activation=None
    )
    rng = np.random.default_rng(1)
    for weight in model.weights:
        spread = np.sqrt(2 / np.prod(weight.shape[:-1]))  # 1.4 for biases
        weight.assign(spread * rng.standard_normal(weight.shape, dtype="float32"))
    return model


def test_equals_the_original_at_its_size(vgg):
    x = pictures(2, 64, 64, 3)
    expected = of_keras(vgg, x)
    y = of_keras(fully_convolutional(vgg), x)
    assert y.shape == (2, 1, 1, 5)
    assert np.abs(y[:, 0, 0] - expected).max() <= 1e-5 * np.abs(expected).max()


def test_every_position_is_a_window_of_the_last_maps(vgg):
    # At 64×128 pixels the last maps are 2×4, over which the window of 2×2 has three positions.
    x = pictures(1, 64, 128, 3)
    dense = fully_convolutional(vgg)
    y = of_keras(dense, x)
    assert y.shape == (1, 1, 3, 5)
    maps = keras_classics.vgg11(include_top=False, input_shape=(None, None, 3))
    maps.set_weights(vgg.get_weights()[: len(maps.weights)])
    head = keras.Model(vgg.get_layer("flatten").input, vgg.output)
    last = of_keras(maps, x)
    for column in range(3):
        expected = numpy_of(head(last[:, :, column : column + 2]))
        assert np.abs(y[:, 0, column] - expected).max() <= 1e-5 * np.abs(expected).max()


def test_using_it_leaves_the_original_usable(vgg):
    x = pictures(1, 64, 64, 3)
    before = vgg.predict_on_batch(x)
    fully_convolutional(vgg).predict_on_batch(x)
    np.testing.assert_array_equal(vgg.predict_on_batch(x), before)


def test_shares_the_layers_before_the_dense_ones(vgg):
    dense = fully_convolutional(vgg)
    assert dense.get_layer("conv1_1") is vgg.get_layer("conv1_1")
    assert dense.get_layer("fc6").kernel.shape == (2, 2, 512, 4096)
    assert dense.get_layer("fc7").kernel.shape == (1, 1, 4096, 4096)


def test_a_dense_layer_as_wide_as_the_map_stays_1_by_1():
    # fc7 has 4096 inputs, and so has the flattened map of 4×4×256.
    model = keras_classics.alexnet(5, stem="cifar", towers="merged")
    dense = fully_convolutional(model)
    assert dense.get_layer("fc6").kernel.shape == (4, 4, 256, 4096)
    assert dense.get_layer("fc7").kernel.shape == (1, 1, 4096, 4096)


def test_needs_a_flattened_map():
    with pytest.raises(ValueError, match="`model` must have one Flatten layer"):
        fully_convolutional(keras_classics.cifar_resnet20())
