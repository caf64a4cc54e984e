"""Networks inside run directories and `.keras` files of ours."""

import warnings

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics.trained_model import load_model, network_of
from keras_classics.weights import load_trained
from tests.weights.weights_shared import outputs, randomise, refuses

SMALL = {"input_shape": (16, 16, 3)}


@pytest.fixture
def saved(tmp_path):
    """A ResNet-20 as `model.keras` in a folder, as a run directory has it."""
    model = randomise(keras_classics.cifar_resnet20(**SMALL))
    model.save(tmp_path / "model.keras")
    return model, tmp_path


@pytest.mark.backend
@pytest.mark.parametrize("of", [lambda folder: folder, lambda folder: folder / "model.keras"])
def test_the_same_network_has_the_same_outputs(saved, of):
    model, folder = saved
    again = keras_classics.cifar_resnet20(weights=of(folder), **SMALL)
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype("float32")
    assert np.array_equal(outputs(again, x), outputs(model, x))


@pytest.mark.backend
def test_a_head_of_ones_own(saved):
    model, folder = saved
    with pytest.warns(UserWarning, match="another number of classes; the layer 'fc'"):
        five = keras_classics.cifar_resnet20(5, weights=str(folder), **SMALL)
    assert five.output_shape == (None, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        body = keras_classics.cifar_resnet20(include_top=False, weights=folder, **SMALL)
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype("float32")
    wanted = outputs(keras.Model(model.input, model.get_layer("conv4_block3_out").output), x)
    assert np.array_equal(outputs(body, x), wanted)
    inside = keras.Model(five.input, five.get_layer("conv4_block3_out").output)
    assert np.array_equal(outputs(inside, x), wanted)


@pytest.mark.parametrize("classes", [7, 10])
def test_vgg_keeps_its_head_or_gets_a_fresh_one(tmp_path, classes):
    options = {"input_shape": (32, 32, 3), "dropout": 0.1}
    model = keras_classics.vgg11(10, **options)
    model.save(tmp_path / "vgg.keras")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = keras_classics.vgg11(classes, weights=tmp_path / "vgg.keras", **options)
    caught = [one for one in caught if one.category is UserWarning]
    same = np.array_equal(*(m.get_layer("fc8").get_weights()[0][:, :7] for m in (model, again)))
    assert (len(caught) == 1, same) == (classes != 10, classes == 10)
    assert np.array_equal(*(m.get_layer("fc7").get_weights()[0] for m in (model, again)))


def test_of_a_run(finished_run):
    network = network_of(load_model(finished_run / "model.keras"))
    again = keras_classics.lenet5(weights=finished_run)
    for layer in again.layers[1:]:
        for ours, theirs in zip(
            layer.get_weights(), network.get_layer(layer.name).get_weights(), strict=True
        ):
            assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: keras_classics.cifar_resnet32(**SMALL),
            "conv2_block4_1_conv .* in this one alone",
        ),
        (lambda: keras_classics.cifar_plain20(**SMALL), "is another than 'cifar_plain20'"),
        (
            lambda: keras_classics.cifar_resnet20(shortcut="projection", **SMALL),
            "conv3_block1_0",
        ),
        (lambda: keras_classics.cifar_resnet20(pad="both", **SMALL), "where='both' here"),
        (lambda: keras_classics.mnist_cnn(), "alone"),
    ],
)
def test_another_network(saved, build, message):
    refuses(build(), message, load_trained, saved[1])


def test_what_weights_alone_would_not_tell(tmp_path):
    keras_classics.lenet5(subsampling="max").save(tmp_path / "max.keras")
    refuses(
        keras_classics.lenet5(subsampling="average"),
        "S2 is AveragePooling2D here and .* there",
        load_trained,
        tmp_path / "max.keras",
    )


def test_another_order_of_the_same_layers(tmp_path):
    options = {"num_classes": 4, "input_shape": (67, 67, 3), "spatial_response_norm": False}
    keras_classics.alexnet(local_response_norm="mean", **options).save(tmp_path / "net.keras")
    refuses(
        keras_classics.alexnet(local_response_norm="mean", pool_before_activation=True, **options),
        "stands behind .* here and behind .* there",
        load_trained,
        tmp_path / "net.keras",
    )


def test_another_input_is_no_other_number_of_classes(tmp_path):
    keras_classics.mnist_cnn().save(tmp_path / "net.keras")
    model = keras_classics.mnist_cnn(input_shape=(32, 32, 1))
    refuses(model, "dense/kernel of shape", load_trained, tmp_path / "net.keras")


def test_the_pixels_of_another_size(finished_run, tmp_path):
    model = keras_classics.cifar_resnet20(weights="cifar10_jpeg", with_preprocessing=True)
    model.save(tmp_path / "whole.keras")
    larger = keras_classics.cifar_resnet20(
        weights=tmp_path / "whole.keras", input_shape=(64, 48, 3), with_preprocessing=True
    )
    assert larger.input_shape == (None, 64, 48, 3)
    padded = keras_classics.lenet5(weights=finished_run, with_preprocessing=True)
    assert padded.input_shape == (None, 28, 28, 1)


def test_pretrained_fixes_batch_normalisation_wherever_it_is(tmp_path):
    options = {"batch_norm": True, "input_shape": (64, 64, 3)}
    keras_classics.googlenet(5, **options).save(tmp_path / "net.keras")
    build = {"network": "googlenet", "weights": tmp_path / "net.keras"}
    model = keras_classics.pretrained(3, **build, **options)
    assert not [w for w in model.trainable_variables if w.name in ("gamma", "beta")]
    free = keras_classics.pretrained(3, fix_batch_norm=False, **build, **options)
    assert [w for w in free.trainable_variables if w.name == "gamma"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "resnet51", "weights": "x"}, "`network` must be a network of this package"),
        ({"network": "fully_convolutional", "weights": "x"}, "`network` must be a network"),
        ({"network": "vgg16", "weights": None}, "`weights` must be the name or the path"),
        (
            {"network": "vgg16", "weights": "x", "include_top": False},
            "`include_top` must be left out: the network ends in a new head",
        ),
    ],
)
def test_what_cannot_be_pretrained(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_classics.pretrained(3, **arguments)


def test_damage_and_absence(saved, tmp_path):
    model, folder = saved
    path = tmp_path / "cut.keras"
    path.write_bytes((folder / "model.keras").read_bytes()[:5000])
    refuses(model, "cannot be loaded as a model", load_trained, path)
    refuses(model, "neither a run directory", load_trained, tmp_path / "absent")
    with pytest.raises(ValueError, match="`weights` must be None or the path of a file or a run"):
        keras_classics.cifar_resnet32(weights=tmp_path / "absent")
    with pytest.raises(ValueError, match="published for vgg16, vgg19, resnet50"):
        keras_classics.alexnet(weights="imagenet")


def test_weights_that_are_not_finite(tmp_path):
    model = keras_classics.mnist_cnn()
    kernel = model.get_layer("conv1").kernel
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    model.save(tmp_path / "nan.keras")
    refuses(keras_classics.mnist_cnn(), "NaN", load_trained, tmp_path / "nan.keras")
