"""Filters, maps and confusions."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import keras_classics
from keras_classics import feature_maps, plot_confusion, plot_filters
from keras_classics.report import pixels
from keras_classics.visualization.filters import filters_of
from keras_classics.visualization.maps import maps_of


def titles(figure):
    figure.draw_without_rendering()
    return [axes.get_title("left") for axes in figure.axes]


@pytest.mark.backend
def test_filters_are_the_first_convolutions():
    model = keras_classics.lenet5()
    (found,) = filters_of(model).values()
    kernel = keras.ops.convert_to_numpy(model.get_layer("C1").kernel)
    np.testing.assert_array_equal(found[4], kernel[..., 4])
    figure = plot_filters(model)
    assert titles(figure) == ["C1: 6 filters of 5×5"]
    shown = figure.axes[0].images[0].get_array()
    fifth = pixels.signed(found[4, :, :, 0], np.abs(found).max())
    side = shown.shape[0]  # of one filter: its weights enlarged, within a border of one pixel
    scale, left = (side - 2) // 5, 4 * (side + 4)
    middle = shown[1 + scale // 2 : side - 1 : scale, left + 1 + scale // 2 :: scale][:, :5, :3]
    np.testing.assert_array_equal(middle, fifth)


def test_towers_stand_above_each_other_in_rows_of_sixteen(nothing_drawn):
    figure = plot_filters(keras_classics.alexnet(4, input_shape=(67, 67, 3)))
    assert titles(figure) == ["conv1_a: 48 filters of 11×11", "conv1_b: 48 filters of 11×11"]
    upper, lower = (axes.get_position() for axes in figure.axes)
    assert upper.y0 > lower.y1 and upper.width == lower.width
    height, width, _ = figure.axes[0].images[0].get_array().shape
    assert (height, width) == (3 * 39 - 4, 16 * 39 - 4)  # 3 times 11, borders of 1, gaps of 4


def test_a_model_that_augments_inside(nothing_drawn):
    augment = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)])
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            augment,
            layers.Conv2D(4, 3, name="first"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, "softmax"),
        ]
    )
    assert titles(plot_filters(model)) == ["first: 4 filters of 3×3"]
    assert "first" in maps_of(model, np.zeros((16, 16, 3)))
    keras_classics.grad_cam(model, np.zeros((16, 16, 3)))


@pytest.mark.backend
def test_maps_are_those_of_the_layers(digits):
    model = keras_classics.lenet5(weights="mnist", with_preprocessing=True)
    found = maps_of(model, digits[0][7])
    assert {name: maps.shape for name, maps in found.items()} == {
        "C1": (28, 28, 6),
        "S2": (14, 14, 6),
        "C3": (10, 10, 16),
        "S4": (5, 5, 16),
        "C5": (1, 1, 120),
    }
    means = found["C1"].reshape(14, 2, 14, 2, 6).mean(axis=(1, 3))
    weights = [keras.ops.convert_to_numpy(w) for w in model.layers[-1].get_layer("S2").weights]
    expected = 1.7159 * np.tanh(2 / 3 * (means * weights[0] + weights[1]))
    np.testing.assert_allclose(found["S2"], expected, atol=1e-5)
    text = titles(feature_maps(model, digits[0][7]))
    assert [one.partition(",")[0] for one in text] == [
        "C1: 6 maps of 28×28",
        "S2: 6 maps of 14×14",
        "C3: 16 maps of 10×10",
        "S4: 16 maps of 5×5",
        "C5: 120 values",
    ]


def test_a_deep_network_has_the_last_maps_of_each_size(nothing_drawn):
    model = keras_classics.cifar_resnet20()
    text = titles(feature_maps(model, np.zeros((32, 32, 3)), None))
    assert [one.partition(",")[0] for one in text] == [
        "stride_1: 16 maps of 32×32",
        "stride_2: 32 maps of 16×16",
        "stride_4: 64 maps of 8×8",
    ]


def test_of_many_maps_the_first_ones(nothing_drawn):
    model = keras_classics.vgg11(4, input_shape=(32, 32, 3))
    (text,) = titles(feature_maps(model, np.zeros((32, 32, 3)), ["conv5_1"]))
    assert text == "conv5_1: 512 maps of 2×2, 64 shown, full colour ±0"


@pytest.mark.backend
def test_channels_first():
    inputs = keras.Input((1, 6, 6))
    pool = layers.AveragePooling2D(2, data_format="channels_first", name="pool")
    outputs = layers.Flatten(data_format="channels_first")(pool(inputs))
    image = np.arange(36.0).reshape(6, 6, 1)
    found = maps_of(keras.Model(inputs, outputs), image)["pool"]
    np.testing.assert_allclose(found[..., 0], image.reshape(3, 2, 3, 2).mean(axis=(1, 3)))


def test_confusions_of_answers_probabilities_and_counts():
    labels, answers = [0, 0, 1, 2], [0, 2, 1, 2]
    counts = [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    given = [(labels, answers), (labels, np.eye(3)[answers]), (counts,)]
    drawn = [plot_confusion(*one, class_names=["$a", "b_", "c"]) for one in given]
    for figure in drawn:
        axes = figure.axes[0]
        assert [one.get_text() for one in axes.get_xticklabels()] == ["$a", "b_", "c"]
        assert sorted(text.get_text() for text in axes.texts if len(text.get_text()) == 1) == [
            "1", "1", "1", "1"
        ]  # fmt: skip
        assert "50.0 %" in {text.get_text() for text in axes.texts}
    pictures = [figure.axes[0].images[0].get_array() for figure in drawn]
    assert (pictures[0] == pictures[1]).all() and (pictures[0] == pictures[2]).all()


NOTEBOOK = """
import io, sys
from IPython.core.interactiveshell import InteractiveShell
import keras_classics

shell = InteractiveShell.instance()
data, _ = shell.display_formatter.format(keras_classics.plot_confusion([0, 1], [0, 1]))
assert "matplotlib.pyplot" not in sys.modules
from PIL import Image
print(*Image.open(io.BytesIO(data["image/png"])).size)
"""


def test_a_notebook_shows_a_figure_though_pyplot_was_never_used():
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, check=True
    )
    assert min(map(int, done.stdout.split())) > 500


def plain():
    pixels = keras.Input((8, 8, 4))
    x = layers.Flatten(name="flatten")(layers.Conv2D(2, 3, name="conv")(pixels))
    return keras.Model(pixels, x, name="plain")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_filters(plain()), "over 1 or 3 channels; 'plain' has none"),
        (lambda: plot_filters(plain(), "conv"), "`layer` must be a convolution over 1 or 3"),
        (lambda: plot_filters(keras_classics.lenet5(), "c1"), r"\(nearest: C1\)"),
        (lambda: plot_filters(keras_classics.lenet5(), "S2"), r"over 1 or 3 channels \(C1\)"),
        (lambda: feature_maps(plain(), np.zeros((8, 8, 4)), ["cnov"]), r"\(nearest: conv\)"),
        (
            lambda: feature_maps(plain(), np.zeros((8, 8, 4)), ["flatten"]),
            r"`layers` must be layers with maps; flatten gives \(72,\)",
        ),
        (lambda: feature_maps(plain(), np.zeros((8, 8, 4)), "conv"), "names of layers"),
        (lambda: plot_confusion([0, 1], [0]), r"shapes \(2,\) and \(1,\)"),
        (lambda: plot_confusion([0.5], [0]), "`labels` must be integers from 0 on"),
        (lambda: plot_confusion([0], [-1]), "`predictions` must be integers from 0 on"),
        (lambda: plot_confusion([0, 2], [0, 1], ["a", "b"]), "classes from 0 to 1. Received: lab"),
        (lambda: plot_confusion([[1, 2]]), r"a square matrix of counts. Received: .* \(1, 2\)"),
        (lambda: plot_confusion([[1]], class_names="ab"), "`class_names` must be 1 names"),
        (lambda: plot_confusion([5000], [0]), "at most 1,500 classes"),
        (lambda: plot_confusion([[1], [1, 2]], [0, 1]), "`labels` must be integers from 0 on"),
        (lambda: plot_confusion([0, 1], [[1], [1, 2]]), "`predictions` must be integers from 0"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call()
    assert len(str(refused.value)) < 260
