"""Sizes of maps, and what a unit sees: by hand, and by looking which pixels reach it."""

import re

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics import output_size, receptive_field


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((32, 5), 28),  # C1 of LeNet-5
        ((28, 5, 1, 2), 28),
        ((227, 11, 4), 55),  # conv1 of AlexNet; 224 pixels give 54.25
        ((224, 11, 4), 54),
        ((224, 11, 4, "same"), 56),
        ((55, 3, 2), 27),
        ((224, 7, 2, 3), 112),  # conv1 of ResNet
        ((5, 5), 1),
        ((1, 3, 1, 1), 1),
        ((7, 9, 2, "same"), 4),
        ((7, 3, 2, "valid"), 3),
    ],
)
def test_output_size(arguments, expected):
    assert output_size(*arguments) == expected


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_output_size_is_that_of_keras(padding):
    for size in range(5, 12):
        for kernel_size in (1, 2, 3, 5):
            for strides in (1, 2, 3):
                layer = keras.layers.Conv2D(1, kernel_size, strides, padding)
                (_, found, _, _) = layer.compute_output_shape((None, size, size, 1))
                assert output_size(size, kernel_size, strides, padding) == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "`size` must be a positive integer. Received: size=0"),
        ((8, 3.0), "`kernel_size` must be a positive integer"),
        ((8, 3, 0), "`strides` must be a positive integer"),
        ((8, 3, 1, -1), "`padding` must be an integer of at least 0"),
        ((8, 3, 1, "full"), '`padding` must be one of "same", "valid"'),
        ((8, 11), "`kernel_size` must be at most 8, the size with its padding. Received: kernel_"),
        ((8, 11, 1, 1), "`kernel_size` must be at most 10"),
    ],
)
def test_output_size_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        output_size(*arguments)


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([], 1),
        ([(3, 1)], 3),
        ([(3, 1)] * 2, 5),  # Simonyan and Zisserman, section 2.3
        ([(3, 1)] * 3, 7),
        ([(7, 2), (3, 2)], 11),
        # conv1, pool1, conv2, pool2, conv3, conv4, conv5, pool5 of AlexNet.
        ([(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)], 195),
        ([[2, 2], [2, 2]], 4),
    ],
)
def test_receptive_field_of_windows(windows, expected):
    assert receptive_field(windows) == expected


def test_receptive_field_of_networks():
    alexnet = keras_classics.alexnet(input_shape=(67, 67, 3), num_classes=2)
    assert receptive_field(alexnet) == receptive_field(alexnet, "pool5") == 195
    assert receptive_field(alexnet, "conv2_b") == 51
    assert receptive_field(alexnet, "fc8") == 67  # the whole picture
    lenet = keras_classics.lenet5()
    assert [receptive_field(lenet, name) for name in ("C1", "S2", "C3", "S4", "C5")] == [
        *(5, 6, 14, 16, 32)
    ]
    vgg = keras_classics.vgg16(include_top=False, input_shape=(None, None, 3))
    assert receptive_field(vgg) == 212
    assert receptive_field(vgg, "conv1_2") == 5
    assert receptive_field(vgg, "conv3_3") == 40


def test_receptive_field_inside_modules_and_blocks():
    inputs = keras.Input((28, 28, 8))
    x = keras_classics.layers.Inception(2, 2, 2, 2, 2, 2, name="3a")(inputs)
    model = keras.Model(inputs, x)
    named = {"conv_1x1": 1, "conv_3x3": 3, "conv_5x5": 5, "pool_projection": 3}
    assert {name: receptive_field(model, f"3a/{name}") for name in named} == named
    assert receptive_field(model, "3a") == 5
    resnet = keras_classics.cifar_resnet20()
    assert receptive_field(resnet, "conv2_block1") == 7  # 3×3 behind 3×3 behind 3×3


def seen(model, side, axis):
    """The largest extent, over the units, of the pixels that change them: by changing each."""
    inputs = np.zeros((side, side, side, 1), "float32")
    for pixel in range(side):  # all pixels of one row, or column, at once
        inputs[(pixel, pixel) if axis == 0 else (pixel, slice(None), pixel)] = 1
    changed = model.predict_on_batch(inputs) != model.predict_on_batch(0 * inputs)
    changed = changed.reshape(side, -1)
    pixels = np.arange(side)[:, None]
    last = np.where(changed, pixels, -1).max(0)
    first = np.where(changed, pixels, side).min(0)
    return int((last - first + 1)[changed.any(0)].max())


LAYERS = keras.layers
STACKS = {
    "convolutions": [LAYERS.Conv2D(1, 3), LAYERS.Conv2D(1, (5, 3), (2, 1)), LAYERS.Conv2D(1, 3)],
    "dilated": [LAYERS.Conv2D(1, 3, dilation_rate=2), LAYERS.Conv2D(1, 3, padding="same")],
    "pooled": [LAYERS.AveragePooling2D(3, 2), LAYERS.DepthwiseConv2D(3), LAYERS.Conv2D(1, 2, 2)],
    "separable": [LAYERS.SeparableConv2D(1, 5), LAYERS.ZeroPadding2D(1), LAYERS.Conv2D(1, 3)],
}


@pytest.mark.parametrize("name", STACKS)
def test_receptive_field_is_what_reaches_a_unit(name):
    """All weights are ones, so that nothing cancels."""
    model = keras.Sequential([keras.Input((24, 24, 1)), *STACKS[name]])
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    found = receptive_field(model)
    sides = found if isinstance(found, tuple) else (found, found)
    assert sides == (seen(model, 24, 0), seen(model, 24, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None,), "`network` must be a Keras model. Received: network=None"),
        (("lenet5",), "`network` must be a Keras model. Received: network='lenet5'"),
        (([3, 3],), "`network` must be a model, or pairs (kernel size, stride)"),
        (([(3, 1, 1)],), "`network` must be a model, or pairs"),
        (([(3, 0)],), "`strides` must be a positive integer"),
        (([(3, 1)], "C1"), "`layer` must be None with windows"),
    ],
)
def test_receptive_field_refuses(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        receptive_field(*arguments)


def test_receptive_field_names_the_nearest_layer():
    with pytest.raises(ValueError, match=r"`layer` must be a layer of 'lenet5' \(nearest: C3"):
        receptive_field(keras_classics.lenet5(), "C33")


def test_receptive_field_that_is_not_known():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Lambda(lambda x: x[:, ::2], name="half")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, name="behind")(x), name="mine")
    with pytest.raises(ValueError, match="What 'behind' sees is not known: it lies behind a layer"):
        receptive_field(model, "behind")
    for enlarging in (keras.layers.UpSampling2D(2), keras.layers.Conv2DTranspose(1, 4, 2)):
        model = keras.Sequential([inputs, keras.layers.Conv2D(1, 3, name="before"), enlarging])
        assert receptive_field(model, "before") == 3
        with pytest.raises(ValueError, match="is not known"):
            receptive_field(model, enlarging.name)
    vectors = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)], name="vectors")
    with pytest.raises(ValueError, match="'vectors' has no maps whose receptive field is known"):
        receptive_field(vectors)
