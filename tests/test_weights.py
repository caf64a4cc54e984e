"""Weights from PyTorch, from keras.applications and from our own files."""

import os
import pickle
import subprocess
import sys
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
import torch
from torch_layouts import VGG, CifarResNet, ResNet, outputs_of, randomised

import keras_classics
import keras_classics.layers
from keras_classics.weights import (
    load_keras_applications,
    load_torch_state_dict,
    load_weights_file,
)

SMALL = (64, 96, 3)


def pictures(height=32, width=32, number=2):
    return np.random.default_rng(1).normal(size=(number, height, width, 3)).astype("float32")


def values(model):
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights]


def outputs(model, x):
    # Not predict(): JAX would compile the whole network for two pictures.
    return keras.ops.convert_to_numpy(model(x, training=False))


def assert_same_outputs(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def refuses(model, message, load, *arguments, error=ValueError):
    """Asserts the message, that it is one line, and that the model has not changed."""
    before = values(model)
    with pytest.raises(error, match=message) as raised:
        load(model, *arguments)
    assert "\n" not in str(raised.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, values(model), strict=True))


# ------------------------------------------------------------------ PyTorch, outputs


def agrees(model, network, state_dict=None, height=32, width=32):
    assert load_torch_state_dict(model, state_dict or network.state_dict()) is model
    x = pictures(height, width)
    assert_same_outputs(outputs(model, x), outputs_of(network, x))


@pytest.mark.backend
def test_a_cifar_resnet_agrees_with_pytorch():
    network = randomised(CifarResNet())
    model = keras_classics.cifar_resnet20(pad="both", classifier_activation=None)
    parallel = {f"module.{key}": value for key, value in network.state_dict().items()}
    agrees(model, network, {"state_dict": parallel, "best_prec1": 91.7})


@pytest.mark.backend
def test_projections_agree_with_pytorch():
    network = randomised(CifarResNet(option_a=False))
    model = keras_classics.cifar_resnet20(shortcut="projection", classifier_activation=None)
    agrees(model, network)


@pytest.mark.backend
def test_vgg11_agrees_with_pytorch_whose_maps_are_flattened_in_another_order():
    network = randomised(VGG((1, 1, 2, 2, 2), 2 * 3, 7))
    model = keras_classics.vgg11(7, input_shape=SMALL, classifier_activation=None)
    agrees(model, network, None, 64, 96)


@pytest.mark.backend
@pytest.mark.full
@pytest.mark.parametrize("stride_on", ["1x1", "3x3"])
def test_resnet50_agrees_with_pytorch(stride_on):
    network = randomised(ResNet((3, 4, 6, 3), True, 7, stride_on))
    model = keras_classics.resnet50(
        7, input_shape=SMALL, classifier_activation=None, stride_on=stride_on
    )
    agrees(model, network, None, 64, 96)


@pytest.mark.backend
@pytest.mark.full
@pytest.mark.parametrize(
    ("depth", "blocks"),
    [(18, (2, 2, 2, 2)), (34, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3))],
)
def test_other_resnets_agree_with_pytorch(depth, blocks):
    network = randomised(ResNet(blocks, depth > 34, 7))
    options = {"stride_on": "3x3"} if depth > 34 else {}
    model = getattr(keras_classics, f"resnet{depth}")(
        7, input_shape=SMALL, classifier_activation=None, **options
    )
    agrees(model, network, None, 64, 96)


@pytest.mark.backend
@pytest.mark.full
@pytest.mark.parametrize("batch_norm", [False, "conv"])
@pytest.mark.parametrize(
    ("depth", "blocks"),
    [(11, (1, 1, 2, 2, 2)), (13, (2, 2, 2, 2, 2)), (16, (2, 2, 3, 3, 3)), (19, (2, 2, 4, 4, 4))],
)
def test_vgg_agrees_with_pytorch(depth, blocks, batch_norm):
    network = randomised(VGG(blocks, 2, 7, bool(batch_norm)))
    build = getattr(keras_classics, f"vgg{depth}")
    model = build(7, input_shape=(32, 64, 3), classifier_activation=None, batch_norm=batch_norm)
    agrees(model, network, None, 32, 64)


@pytest.mark.backend
def test_a_vgg_with_batch_norm_loads_without_its_head():
    network = randomised(VGG((1, 1, 2, 2, 2), 1, 7, batch_norm=True))
    model = keras_classics.vgg11(
        include_top=False, pooling="max", batch_norm="conv", input_shape=(32, 32, 3)
    )
    load_torch_state_dict(model, network.state_dict())
    network.classifier = torch.nn.Identity()
    x = pictures()  # one pixel is left, the maximum is that pixel
    assert_same_outputs(outputs(model, x), outputs_of(network, x))


@pytest.mark.backend
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_load_as_their_mappings_do(tmp_path, suffix):
    network = randomised(CifarResNet())
    tensors = network.state_dict()
    path = tmp_path / f"net{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": tensors, "epoch": 3}, path)
    else:
        save = pytest.importorskip("safetensors.torch").save_file
        save(tensors, path)
    from_file = load_torch_state_dict(keras_classics.cifar_resnet20(pad="both"), str(path))
    arrays = {key: value.numpy() for key, value in tensors.items()}
    from_arrays = load_torch_state_dict(keras_classics.cifar_resnet20(pad="both"), arrays)
    assert all(map(np.array_equal, values(from_file), values(from_arrays)))


@pytest.mark.backend
def test_channels_first_has_the_same_weights(backend):
    if backend == "tensorflow":
        pytest.skip("TensorFlow has no channels-first convolutions on CPUs")
    network = randomised(VGG((1, 1, 2, 2, 2), 2 * 3, 7))
    keras.config.set_image_data_format("channels_first")
    try:
        model = keras_classics.vgg11(7, input_shape=(3, 64, 96), classifier_activation=None)
        load_torch_state_dict(model, network.state_dict())
        x = pictures(64, 96)
        ours = outputs(model, x.transpose(0, 3, 1, 2))
    finally:
        keras.config.set_image_data_format("channels_last")
    assert_same_outputs(ours, outputs_of(network, x))


# ------------------------------------------------------------------ PyTorch, refusals


@pytest.fixture(scope="module")
def resnet20():
    return keras_classics.cifar_resnet20(pad="both")


@pytest.fixture(scope="module")
def vgg_body():
    return keras_classics.vgg11(include_top=False)


@pytest.fixture
def tensors():
    return CifarResNet().state_dict()


def test_every_tensor_that_does_not_fit_is_named(resnet20, tensors):
    del tensors["layer2.1.bn2.running_var"]
    tensors["layer4.0.conv1.weight"] = torch.zeros(1)
    tensors["layer1.0.conv2.weight"] = tensors["layer1.0.conv2.weight"].permute(2, 3, 1, 0)
    refuses(
        resnet20,
        r"The PyTorch checkpoint does not fit the model; "
        r"missing: conv3_block2_2_bn/moving_variance \(layer2.1.bn2.running_var\); "
        r"surplus: layer4.0.conv1.weight; mis-shaped: conv2_block1_2_conv/kernel "
        r"\(layer1.0.conv2.weight\) of shape \(3, 3, 16, 16\) instead of \(16, 16, 3, 3\)$",
        load_torch_state_dict,
        tensors,
    )


def test_long_lists_of_names_are_cut(resnet20, tensors):
    few = {key: tensors[key] for key in ("conv1.weight", "layer1.0.conv1.weight")}
    refuses(resnet20, r"missing: conv1_bn/gamma .* and \d+ more$", load_torch_state_dict, few)


def test_another_number_of_classes_names_the_way_out(resnet20):
    refuses(
        resnet20,
        r"fc/bias \(linear.bias\) of shape \(100,\) instead of \(10,\)"
        "; build with num_classes=100 or include_top=False$",
        load_torch_state_dict,
        CifarResNet(classes=100).state_dict(),
    )


def test_without_the_top_the_number_of_classes_does_not_matter():
    model = keras_classics.cifar_resnet20(pad="both", include_top=False)
    state_dict = randomised(CifarResNet(classes=100)).state_dict()
    load_torch_state_dict(model, state_dict)
    gamma = keras.ops.convert_to_numpy(model.get_layer("conv4_block3_2_bn").gamma)
    assert np.array_equal(gamma, state_dict["layer3.2.bn2.weight"].numpy())


def test_a_vgg_for_another_picture_size_names_the_way_out():
    model = keras_classics.vgg11(7, input_shape=(32, 32, 3))
    refuses(
        model,
        r"fc6/kernel \(classifier.0.weight\) of shape \(4096, 2048\) instead of \(4096, 512\)"
        "; build for pictures of 64×64 pixels or with include_top=False$",
        load_torch_state_dict,
        VGG((1, 1, 2, 2, 2), 4, 7).state_dict(),
    )


def test_shortcuts_that_pad_at_the_end_are_refused(tensors):
    model = keras_classics.cifar_resnet20(pad="end")
    refuses(model, 'build the model with pad="both"', load_torch_state_dict, tensors)


def test_plain_networks_are_refused(tensors):
    refuses(
        keras_classics.cifar_plain20(),
        "The checkpoint is of a ResNet, but the model 'cifar_plain20' is a plain network",
        load_torch_state_dict,
        tensors,
    )


def test_projections_without_counterpart_are_named(tensors):
    refuses(
        keras_classics.cifar_resnet20(shortcut="projection"),
        r"missing: conv3_block1_0_conv/kernel \(layer2.0.downsample.0.weight\)",
        load_torch_state_dict,
        tensors,
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("alexnet", 'torchvision\'s AlexNet .* "one weird trick" net .* no groups'),
        ("googlenet", "torchvision's GoogLeNet .* 3×3 where the paper has 5×5"),
    ],
)
def test_other_networks_of_torchvision_are_refused(resnet20, network, message):
    state_dict = {
        "alexnet": {"features.0.weight": torch.zeros(64, 3, 11, 11)},
        "googlenet": {"conv1.conv.weight": torch.zeros(1), "inception3a.x": torch.zeros(1)},
    }[network]
    refuses(resnet20, message, load_torch_state_dict, state_dict)


@pytest.mark.parametrize(
    ("state_dict", "message"),
    [
        ({"encoder.weight": torch.zeros(1)}, "must have torchvision's names .* encoder.weight"),
        ({}, "Received: no tensors"),
        ([1], "`state_dict` must be a mapping .* Received: list"),
        ({"conv1.weight": 3}, "`state_dict` must map names to tensors. Received: 'conv1.weight'"),
        (
            {"features.0.weight": torch.zeros(64, 3, 3, 3)},
            "The checkpoint is of a VGG, but the model 'cifar_resnet20' has other layers",
        ),
    ],
)
def test_mappings_of_other_things_are_refused(resnet20, state_dict, message):
    refuses(resnet20, message, load_torch_state_dict, state_dict)


def vgg_features(batch_norm=False):
    state_dict = VGG((1, 1, 2, 2, 2), 1, 7, batch_norm).state_dict()
    return {key: value for key, value in state_dict.items() if key.startswith("features")}


def test_vgg_variants_without_counterpart_are_refused(vgg_body):
    options = {"include_top": False, "name": "body"}
    refuses(
        keras_classics.vgg11(batch_norm="block", **options),
        r"missing: block1_bn/gamma \(no counterpart\)",
        load_torch_state_dict,
        vgg_features(),
    )
    refuses(
        keras_classics.vgg11_lrn(**options),
        "without local response normalisation, which the model 'body' has",
        load_torch_state_dict,
        vgg_features(),
    )
    refuses(vgg_body, "surplus: features.1.weight", load_torch_state_dict, vgg_features(True))


# ------------------------------------------------------------------ files that are none


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def write_bad_files(folder):
    """name to the message that the file must lead to."""
    torch.save({"a": torch.zeros(300, 300)}, folder / "whole")
    whole = (folder / "whole").read_bytes()
    (folder / "truncated.pth").write_bytes(whole[: len(whole) // 2])
    torch.save({"a": torch.zeros(300)}, folder / "old", _use_new_zipfile_serialization=False)
    (folder / "old.pth").write_bytes((folder / "old").read_bytes()[:-500])
    (folder / "page.pth").write_text("<!DOCTYPE html><html>404</html>")
    (folder / "text.pth").write_text("hello\nworld")
    (folder / "empty.pth").touch()
    (folder / "noise.pth").write_bytes(np.random.default_rng(0).bytes(1000))
    torch.save({"a": torch.zeros(3), "b": Harmful()}, folder / "harmful.pth")
    torch.save(torch.nn.Linear(2, 2), folder / "module.pth")
    (folder / "harmful_pickle.pth").write_bytes(pickle.dumps(Harmful()))
    torch.save([1, 2], folder / "list.pth")
    (folder / "page.safetensors").write_text("<html>")
    (folder / "noise.safetensors").write_bytes(bytes(range(256)))
    with zipfile.ZipFile(folder / "zip.pth", "w") as archive:
        archive.writestr("a", "b")
    damaged = "truncated, damaged or not a PyTorch checkpoint"
    return {
        "truncated.pth": damaged,
        "old.pth": damaged,
        "page.pth": "is a web page, not a PyTorch checkpoint; fetch it again",
        "text.pth": "is a text file, not a PyTorch checkpoint; fetch it again",
        "empty.pth": "is empty; fetch it again",
        "noise.pth": damaged,
        "harmful.pth": r"holds Python objects besides tensors \(\w+.mkdir\)",
        "module.pth": r"holds Python objects besides tensors \(torch.nn.modules.linear.Linear\)",
        "harmful_pickle.pth": "",
        "list.pth": "must hold a state_dict, .* Received: list",
        "zip.pth": damaged,
        "page.safetensors": "is a web page, not a safetensors file",
        "noise.safetensors": "truncated, damaged or not a safetensors file",
    }


def test_files_that_are_no_checkpoints_are_refused_in_one_sentence(resnet20, tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    for name, message in write_bad_files(tmp_path).items():
        path = tmp_path / name
        refuses(resnet20, rf"{name}.*{message}", load_torch_state_dict, path)
    missing = tmp_path / "missing.pth"
    refuses(resnet20, "does not exist", load_torch_state_dict, missing, error=FileNotFoundError)
    assert not (tmp_path / "harm").exists(), "pickled code was run"


def test_bfloat16_in_a_file_is_read(resnet20, tmp_path):
    save = pytest.importorskip("safetensors.torch").save_file
    halves = {
        key: value.bfloat16() for key, value in randomised(CifarResNet()).state_dict().items()
    }
    save(halves, tmp_path / "half.safetensors")
    load_torch_state_dict(resnet20, tmp_path / "half.safetensors")
    bias = keras.ops.convert_to_numpy(resnet20.get_layer("fc").bias)
    assert np.array_equal(bias, halves["linear.bias"].float().numpy())


@pytest.mark.parametrize(("suffix", "package"), [("pth", "torch"), ("safetensors", "safetensors")])
def test_a_reader_that_is_not_installed_is_named(resnet20, tmp_path, monkeypatch, suffix, package):
    path = tmp_path / f"net.{suffix}"
    path.write_bytes(b"1")
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.numpy", None)
    with pytest.raises(ImportError, match=f"is read by the package {package}; install it"):
        load_torch_state_dict(resnet20, path)


# ------------------------------------------------------------------ keras.applications


def randomise(model):
    """Biases and statistics that all differ, and activations that keep their size."""
    generator = np.random.default_rng(2)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name in ("gamma", "moving_variance"):
            value = generator.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            value = generator.normal(0, 0.1, shape)
        else:
            value = generator.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
        weight.assign(value.astype("float32"))
    return model


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
        raise Exception("URL fetch failure on https://…\nTraceback")

    monkeypatch.setattr(keras.applications, "VGG16", build)
    refuses(
        vgg_body,
        r"could not provide the weights of VGG16 \(URL fetch failure on https://…\)",
        load_keras_applications,
        "VGG16",
        error=OSError,
    )


def test_files_that_are_no_hdf5_are_refused(vgg_body, tmp_path):
    (tmp_path / "page.h5").write_text("<!doctype html>")
    refuses(vgg_body, "is a web page", load_keras_applications, "VGG16", tmp_path / "page.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    refuses(
        vgg_body, "no weights of Keras", load_keras_applications, "VGG16", tmp_path / "other.h5"
    )


# ------------------------------------------------------------------ our own files


def net(*names, filters=4, batch_norm=False, dropout=0.0, residual=False, inception=False):
    inputs = x = keras.Input((8, 8, 3))
    for name in names:
        x = keras.layers.Conv2D(filters, 3, padding="same", name=name)(x)
        if batch_norm:
            x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    if inception:
        x = keras_classics.layers.Inception(4, 3, 4, 2, 4, 4, batch_norm=True, name="3a")(x)
    if residual:
        x = keras.layers.Add()([x, x])
    x = keras.layers.Dropout(dropout)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, keras.layers.Dense(3, name="fc")(x), name="net")


@pytest.fixture
def own_file(tmp_path):
    net("conv1", "conv2").save_weights(tmp_path / "net.weights.h5")
    return tmp_path / "net.weights.h5"


@pytest.mark.backend
@pytest.mark.parametrize(
    "build",
    [
        lambda: keras_classics.cifar_resnet20(),
        lambda: net("conv1", inception=True),
        lambda: net("conv1", dropout=0.5),
    ],
)
def test_a_saved_network_comes_back(tmp_path, build):
    saved, model = randomise(build()), build()
    saved.save_weights(tmp_path / "net.weights.h5")
    assert load_weights_file(model, tmp_path / "net.weights.h5") is model
    assert all(map(np.array_equal, values(model), values(saved)))


@pytest.mark.full
@pytest.mark.backend
@pytest.mark.parametrize("other", ["tensorflow", "jax", "torch"])
def test_files_of_other_backends_load(tmp_path, other):
    path = tmp_path / "net.weights.h5"
    code = (
        "import sys, keras_classics, numpy as np\n"
        "model = keras_classics.cifar_resnet20()\n"
        "for k, weight in enumerate(model.weights): weight.assign(np.full(weight.shape, k))\n"
        "model.save_weights(sys.argv[1])"
    )
    environment = {**os.environ, "KERAS_BACKEND": other}
    subprocess.run([sys.executable, "-c", code, path], env=environment, check=True)
    model = load_weights_file(keras_classics.cifar_resnet20(), path)
    assert all((value == k).all() for k, value in enumerate(values(model)))


@pytest.mark.backend
@pytest.mark.parametrize("saved_rate", [0.0, 0.5])
def test_dropout_is_no_part_of_the_weights(tmp_path, saved_rate):
    saved = net("conv1", dropout=saved_rate)
    saved.save_weights(tmp_path / "net.weights.h5")
    model = net("conv1", dropout=0.5 - saved_rate)
    load_weights_file(model, tmp_path / "net.weights.h5")
    assert all(map(np.array_equal, values(model), values(saved)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: net("conv1"), "surplus: conv2"),  # Keras says nothing
        (lambda: net("conv1", "conv2", "conv3"), "missing: conv3"),
        (lambda: net("conv1", "conv2", batch_norm=True), "missing: conv1_bn, conv2_bn"),
        (lambda: net("conv1", "conv3"), "missing: conv3; surplus: conv2"),  # nor here
        (lambda: net("conv1", "conv2", residual=True), "0 layers Add instead of 1"),  # nor here
        (
            lambda: net("conv1", "conv2", filters=5),
            r"mis-shaped: conv1 with \(3, 3, 3, 4\), \(4,\) instead of \(3, 3, 3, 5\), \(5,\)",
        ),
    ],
)
def test_files_of_other_networks_are_refused(own_file, model, message):
    message = rf"net.weights.h5 is of another network than 'net'; .*{message}"
    refuses(model(), message, load_weights_file, own_file)


def test_the_shortcuts_of_a_network_are_part_of_it(tmp_path):
    path = tmp_path / "plain.weights.h5"
    keras_classics.cifar_plain20().save_weights(path)
    refuses(
        keras_classics.cifar_resnet20(), "it has 0 layers Add instead of 9", load_weights_file, path
    )


def test_files_of_weights_that_are_none_are_refused(own_file, tmp_path):
    model = net("conv1", "conv2")
    whole = own_file.read_bytes()
    contents = {
        "truncated": (whole[: len(whole) // 2], "is truncated, damaged or not a file of Keras"),
        "page": (b"\n<html><body>Not found</body></html>", "is a web page, not a file of Keras"),
        "text": (b"version https://git-lfs.github.com/spec/v1", "is a text file, not a file of"),
        "empty": (b"", "is empty"),
    }
    for name, (content, message) in contents.items():
        path = tmp_path / f"{name}.weights.h5"
        path.write_bytes(content)
        refuses(model, rf"{name}.weights.h5 {message}", load_weights_file, path)
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file["x"] = np.zeros(3)
    other = tmp_path / "other.weights.h5"
    refuses(model, "holds no weights of a Keras model", load_weights_file, other)
    refuses(model, "must end in .weights.h5. Received: .*net.pth", load_weights_file, "net.pth")
    missing = tmp_path / "missing.weights.h5"
    refuses(model, "does not exist", load_weights_file, missing, error=FileNotFoundError)


@pytest.mark.backend
def test_a_file_that_fails_half_way_changes_nothing(own_file):
    with h5py.File(own_file, "r+") as file:
        name = "layers/dense/vars/0"
        value = file[name][()]
        del file[name]
        data = file.create_dataset(name, data=value, chunks=value.shape, fletcher32=True)
        offset = data.id.get_chunk_info(0).byte_offset
    content = bytearray(own_file.read_bytes())
    content[offset] ^= 255
    own_file.write_bytes(content)
    refuses(
        net("conv1", "conv2"), "could not be read .*; fetch it again", load_weights_file, own_file
    )
