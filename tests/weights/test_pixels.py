"""The pixels that belong to weights."""

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics import preprocess_input, preprocessing, shipped
from keras_classics.errors import UserError
from keras_classics.weights import load_keras_applications
from tests.weights.weights_shared import assert_same_outputs, outputs, randomise

PIXELS = np.random.default_rng(3).integers(0, 256, (2, 32, 40, 3)).astype("float32")


def in_our_order(x):
    return x if keras.config.image_data_format() == "channels_last" else x.transpose(0, 3, 1, 2)


@pytest.mark.backend
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", ["vgg16", "vgg19", "resnet50", "resnet101", "resnet152"])
def test_as_keras_applications_have_them(name, data_format, request):
    request.addfinalizer(lambda: keras.config.set_image_data_format("channels_last"))
    keras.config.set_image_data_format(data_format)
    theirs = {"v": keras.applications.vgg16, "r": keras.applications.resnet}[name[0]]
    x = in_our_order(PIXELS)
    wanted = theirs.preprocess_input(x.copy())
    found = preprocess_input(x, name)
    # Half a unit in the last place of 255.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)
    assert np.array_equal(x, in_our_order(PIXELS))


@pytest.mark.backend
def test_as_torchvision_has_them():
    # torchvision's presets: ToTensor divides by 255, Normalize subtracts and divides.
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    wanted = (PIXELS / 255 - mean) / deviation
    found = preprocess_input(PIXELS, "resnet18", "torchvision")
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6)


@pytest.mark.backend
def test_the_same_pixels_through_both_networks_of_keras_applications(tmp_path):
    """Random weights in the layout of a file that keras.applications reads."""
    shape = {"input_shape": (32, 40, 3), "include_top": False}
    theirs = randomise(keras.applications.VGG16(weights=None, **shape))
    theirs.save_weights(tmp_path / "vgg16.weights.h5")
    ours = keras_classics.vgg16(**shape)
    load_keras_applications(ours, "VGG16", tmp_path / "vgg16.weights.h5")
    pixels = keras.Input((32, 40, 3))
    complete = keras.Model(pixels, ours(preprocessing("vgg16")(pixels)))
    wanted = outputs(theirs, keras.applications.vgg16.preprocess_input(PIXELS.copy()))
    assert_same_outputs(outputs(complete, PIXELS), wanted)


def test_as_caffe_has_them():
    found = preprocess_input(PIXELS, "googlenet", "bvlc")
    np.testing.assert_array_equal(found, PIXELS[..., ::-1] - np.array([104, 117, 123], "float32"))


@pytest.mark.backend
def test_the_layer_stands_before_any_model_and_is_saved_with_it(tmp_path):
    pixels = keras.Input((32, 40, 3))
    layer = preprocessing("resnet50")
    model = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(layer(pixels)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(outputs(again, PIXELS), outputs(model, PIXELS))
    wanted = keras.applications.resnet.preprocess_input(PIXELS.copy()).mean((1, 2), "float64")
    # 1,280 float32 numbers of 70 or so, which a backend may add up one by one: 1280 · 2⁻²⁴ · 70.
    np.testing.assert_allclose(outputs(model, PIXELS), wanted, rtol=0, atol=5e-3)


def test_in_mixed_precision_pixels_are_whole_numbers_still():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = preprocess_input(PIXELS, "vgg16")
    finally:
        keras.config.set_dtype_policy(before)
    assert found.dtype == "float32"
    wanted = keras.applications.vgg16.preprocess_input(PIXELS.copy())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("name", "weights", "shape"),
    [
        ("lenet5", "mnist", (28, 28, 1)),
        ("mnist_cnn", "mnist", (28, 28, 1)),
        ("cifar_resnet20", "cifar10_jpeg", (32, 32, 3)),
    ],
)
def test_a_complete_model_is_the_one_that_ships(name, weights, shape):
    x = np.random.default_rng(4).integers(0, 256, (3, *shape)).astype("float32")
    saved = keras.models.load_model(shipped.folder(name, weights) / "model.keras")
    ours = keras_classics.get_model(name, weights=weights, with_preprocessing=True)
    assert ours.input_shape == (None, *shape)
    np.testing.assert_allclose(outputs(ours, x), outputs(saved, x), rtol=0, atol=1e-6)


def test_of_a_run_directory(finished_run):
    front = preprocessing("lenet5", finished_run)
    assert tuple(front(np.zeros((1, 28, 28, 1), "float32")).shape) == (1, 32, 32, 1)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("resnet51", "imagenet", "`name` must be a network of this package, see list_models"),
        ("layers", "imagenet", "`name` must be a network"),
        (None, "imagenet", "`name` must be a network"),
        ("lenet5", "imagenet", '`weights` must be "mnist", a run directory or'),
        ("alexnet", "imagenet", '`weights` must be "bvlc", a run directory or'),
        ("resnet50", "no/such/run", '`weights` must be "imagenet", "torchvision", a run'),
        ("resnet50", 3, "`weights` must be"),
        ("resnet50", None, "`weights` must be"),
    ],
)
def test_bad_input(name, weights, message):
    with pytest.raises(ValueError, match=message) as raised:
        preprocessing(name, weights)
    assert "\n" not in str(raised.value)


def test_a_file_without_pixels_or_none_at_all(tmp_path):
    keras_classics.mnist_cnn().save(tmp_path / "bare.keras")
    with pytest.raises(ValueError, match="nothing stands before its network"):
        preprocessing("mnist_cnn", tmp_path / "bare.keras")
    (tmp_path / "cut.keras").write_bytes((tmp_path / "bare.keras").read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot be loaded as a model"):
        preprocessing("mnist_cnn", tmp_path / "cut.keras")


def test_pixels_of_shipped_weights_are_channels_last(request):
    request.addfinalizer(lambda: keras.config.set_image_data_format("channels_last"))
    keras.config.set_image_data_format("channels_first")
    with pytest.raises(ValueError, match="prepares pixels with their channels last; call"):
        preprocess_input(np.zeros((1, 1, 28, 28)), "lenet5", "mnist")


def test_colours_for_grey_weights():
    with pytest.raises(ValueError, match="`pixels` must have 1 channels"):
        preprocess_input(np.zeros((1, 28, 28, 3)), "lenet5", "mnist")


@pytest.mark.parametrize(
    "pixels", [np.zeros((32, 32, 3)), [["a"]], np.zeros((1, 2, 2, 3), complex)]
)
def test_pixels_of_another_shape(pixels):
    with pytest.raises(ValueError, match="`pixels` must be numbers of shape"):
        preprocess_input(pixels, "vgg16")


@pytest.mark.parametrize("weights", [None, "file.weights.h5"])
def test_completeness_needs_weights_that_tell_their_pixels(weights, tmp_path):
    if weights:
        weights = tmp_path / weights
        keras_classics.mnist_cnn().save_weights(weights)
    with pytest.raises(ValueError, match="`with_preprocessing` must be False where `weights`"):
        keras_classics.mnist_cnn(weights=weights, with_preprocessing=True)
    with pytest.raises((ValueError, UserError), match="`with_preprocessing` must be"):
        keras_classics.lenet5(weights="mnist", with_preprocessing="yes")
