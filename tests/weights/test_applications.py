"""The weights of keras.applications in our networks."""

import warnings

import h5py
import keras
import numpy as np
import pytest

import keras_classics
import keras_classics.layers
from keras_classics.cli.sentences import one_line
from keras_classics.errors import UserError
from keras_classics.weights import (
    load_keras_applications,
)
from tests.weights.weights_shared import (
    assert_same_outputs,
    outputs,
    pictures,
    randomise,
    refuses,
    values,
)


def small(head, biases, epsilon, classes=1000, include_top=True):
    """A network with some layers of ResNet50; theirs has biases, and another epsilon."""

    def normalised(x, name, *arguments):
        x = keras.layers.Conv2D(*arguments, use_bias=biases, name=f"{name}_conv")(x)
        x = keras.layers.BatchNormalization(epsilon=epsilon, name=f"{name}_bn")(x)
        return keras.layers.ReLU()(x)

    inputs = keras.Input((8, 8, 3))
    x = normalised(inputs, "conv1", 4, 3)
    x = normalised(x, "conv3_block1_1", 4, 1, 2)
    x = normalised(x, "conv3_block1_3", 8, 1)
    if include_top:
        x = keras.layers.Dense(classes, name=head)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, x, name="small")


def ours(**options):
    return small("fc", False, 1e-5, **options)


def legacy_save(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)


@pytest.fixture
def application(tmp_path):
    """As if of keras.applications, with its files."""
    model = randomise(small("predictions", True, 1.001e-5))
    model.save_weights(tmp_path / "net.weights.h5")
    legacy_save(model, tmp_path / "net.h5")
    return model


@pytest.mark.backend
@pytest.mark.parametrize("source", ["net.weights.h5", "net.h5", "imagenet"])
def test_biases_and_epsilon_are_folded(application, tmp_path, monkeypatch, source):
    calls = []

    def build(**arguments):
        calls.append(arguments)
        return application

    monkeypatch.setattr(keras.applications, "ResNet50", build)
    model = ours()
    weights = source if source == "imagenet" else tmp_path / source
    assert load_keras_applications(model, "ResNet50", weights) is model
    assert_same_outputs(outputs(model, pictures(8, 8)), outputs(application, pictures(8, 8)))
    bias = values(application.get_layer("conv1_conv"))[1]
    theirs = values(application.get_layer("conv1_bn"))
    folded = values(model.get_layer("conv1_bn"))
    assert np.allclose(folded[2], theirs[2] - bias, rtol=0, atol=1e-7)
    assert np.allclose(folded[3], theirs[3] + 1e-8, rtol=1e-7, atol=0)
    expected = {"weights": "imagenet", "include_top": True, "classifier_activation": None}
    assert calls == ([expected] if source == "imagenet" else [])


@pytest.mark.full
@pytest.mark.backend
@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_resnet50_of_keras_applications_has_our_outputs(tmp_path, suffix):
    options = {"input_shape": (64, 64, 3), "classifier_activation": None}
    network = randomise(keras.applications.ResNet50(weights=None, **options))
    path = tmp_path / f"net{suffix}"
    network.save_weights(path) if suffix == ".weights.h5" else legacy_save(network, path)
    model = keras_classics.resnet50(**options)
    load_keras_applications(model, "ResNet50", path)
    assert_same_outputs(outputs(model, pictures(64, 64)), outputs(network, pictures(64, 64)))
    # The shortcuts are an option, and ResNet-18 is another network; all are told from the file.
    for build, message in (
        (lambda: keras_classics.resnet50(shortcut="identity"), "surplus: conv2_block1_0_bn/gamma"),
        (
            lambda: keras_classics.resnet50(shortcut="projection_all"),
            "missing: conv2_block2_0_conv/kernel",
        ),
        (keras_classics.resnet18, r"conv/kernel of shape \(1, 1, 64, 64\) instead of \(3, 3, 64"),
    ):
        refuses(build(), message, load_keras_applications, "ResNet50", path)


@pytest.mark.full
@pytest.mark.backend
@pytest.mark.parametrize("depth", [16, 19])
def test_vgg_of_keras_applications_has_our_outputs(depth, tmp_path):
    shape = (64, 96, 3)
    network = randomise(
        getattr(keras.applications, f"VGG{depth}")(
            weights=None, input_shape=shape, classifier_activation=None
        )
    )
    network.save_weights(tmp_path / "net.weights.h5")
    build = getattr(keras_classics, f"vgg{depth}")
    ours = build(input_shape=shape, classifier_activation=None)
    load_keras_applications(ours, f"VGG{depth}", tmp_path / "net.weights.h5")
    x = pictures(64, 96)
    assert_same_outputs(outputs(ours, x), outputs(network, x))
    with pytest.warns(UserWarning, match="keeps its initial weights"):
        other = load_keras_applications(
            build(7, input_shape=shape), f"VGG{depth}", tmp_path / "net.weights.h5"
        )
    fc7 = [keras.ops.convert_to_numpy(m.get_layer("fc7").kernel) for m in (ours, other)]
    assert np.array_equal(*fc7)
    refuses(
        build(input_shape=(32, 32, 3)),
        r"fc6/kernel \(fc1/kernel\) of shape \(3072, 4096\) instead of \(512, 4096\)"
        "; build for pictures of 224×224 pixels or with include_top=False$",
        load_keras_applications,
        f"VGG{depth}",
        tmp_path / "net.weights.h5",
    )


@pytest.mark.full
@pytest.mark.parametrize("depth", [101, 152])
def test_deep_resnets_of_keras_applications_have_our_outputs(depth, tmp_path):
    shape = (64, 64, 3)
    network = randomise(
        getattr(keras.applications, f"ResNet{depth}")(
            weights=None, input_shape=shape, include_top=False, pooling="avg"
        )
    )
    network.save_weights(tmp_path / "net.weights.h5")
    build = getattr(keras_classics, f"resnet{depth}")
    ours = build(include_top=False, pooling="avg", input_shape=shape)
    load_keras_applications(ours, f"ResNet{depth}", tmp_path / "net.weights.h5")
    x = pictures(64, 64)
    assert_same_outputs(outputs(ours, x), outputs(network, x))


def test_other_classes_keep_the_head_and_say_so(application, tmp_path):
    file = tmp_path / "net.weights.h5"
    model = ours(classes=7)
    head = values(model.get_layer("fc"))
    with pytest.warns(
        UserWarning,
        match="ResNet50 of keras.applications has 1000 classes; the layer 'fc' of 'small' keeps",
    ):
        load_keras_applications(model, "ResNet50", file)
    assert all(map(np.array_equal, values(model.get_layer("fc")), head))
    body = ours(include_top=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        load_keras_applications(body, "ResNet50", file)
    assert len(values(body)) == 15
    assert all(map(np.array_equal, values(body), values(model)))  # all but the head's


@pytest.mark.parametrize("classes", [7, 1000])
def test_a_head_of_seven_classes_loads_where_it_fits(tmp_path, classes):
    network = randomise(small("predictions", True, 1.001e-5, classes=7))
    network.save_weights(tmp_path / "seven.weights.h5")
    model = ours(classes=classes)
    if classes == 7:
        load_keras_applications(model, "ResNet50", tmp_path / "seven.weights.h5")
        assert_same_outputs(outputs(model, pictures(8, 8)), outputs(network, pictures(8, 8)))
    else:
        refuses(
            model,
            r"fc/kernel \(predictions/kernel\) of shape \(8, 7\) instead of \(8, 1000\), .*"
            "build with num_classes=7 or include_top=False$",
            load_keras_applications,
            "ResNet50",
            tmp_path / "seven.weights.h5",
        )


def test_strides_on_the_3x3_convolutions_are_refused(tmp_path):
    model = keras_classics.resnet50(stride_on="3x3", include_top=False)
    refuses(model, 'build the model with stride_on="1x1"', load_keras_applications, "ResNet50")


def test_unknown_applications_and_vgg_with_batch_norm_are_refused(vgg_body):
    refuses(vgg_body, '`application` must be one of "VGG16"', load_keras_applications, "VGG11")
    model = keras_classics.vgg16(include_top=False, batch_norm="conv")
    message = "VGG16 of keras.applications has no batch normalisation; build .* batch_norm=False"
    refuses(model, message, load_keras_applications, "VGG16")


def test_a_failed_download_ends_in_one_sentence(vgg_body, monkeypatch):
    def build(**_):
        raise Exception("URL fetch failure on https://…: None -- [Errno -2] Name\nTraceback")

    monkeypatch.setattr(keras.applications, "VGG16", build)
    refuses(
        vgg_body,
        r"could not provide the weights of VGG16 \(URL fetch failure\); fetch https",
        load_keras_applications,
        "VGG16",
        error=OSError,
    )
    with pytest.raises(UserError) as error:  # which the command lines end in, the address whole
        load_keras_applications(vgg_body, "VGG16")
    assert "/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5 and" in one_line(str(error.value))


def test_files_that_are_no_hdf5_are_refused(vgg_body, tmp_path):
    (tmp_path / "page.h5").write_text("<!doctype html>")
    refuses(vgg_body, "is a web page", load_keras_applications, "VGG16", tmp_path / "page.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    refuses(
        vgg_body, "no weights of Keras", load_keras_applications, "VGG16", tmp_path / "other.h5"
    )
