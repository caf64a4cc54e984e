"""PyTorch checkpoints and files that do not fit, or are none."""

import os
import pickle
import sys
import zipfile

import keras
import numpy as np
import pytest
import torch

import keras_classics
import keras_classics.layers
from keras_classics.weights import (
    load_torch_state_dict,
)
from tests.weights.torch_layouts import VGG, CifarResNet, randomised
from tests.weights.weights_shared import refuses


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


def quantised(tensor):
    return torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)


def with_one(value):
    def changed(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[-1] = value
        return tensor

    return changed


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (torch.Tensor.to_sparse, "linear.weight", r"fc/kernel \(linear.weight\) is no plain array"),
        (lambda t: t.to("meta"), "linear.weight", "is no plain array of numbers .*no data"),
        (lambda t: t.to(torch.complex64), "linear.bias", r"\(linear.bias\) holds no real numbers"),
        (with_one(float("nan")), "linear.bias", "holds NaN or infinite numbers"),
        (with_one(float("-inf")), "layer3.2.conv2.weight", "holds NaN or infinite numbers"),
        (with_one(-0.5), "layer3.2.bn2.running_var", "holds negative variances"),
    ],
    ids=["sparse", "meta", "complex", "nan", "infinite", "negative"],
)
def test_a_tensor_that_is_no_weight_leaves_the_model_as_it_was(resnet20, change, key, message):
    """The tensor is one of the last: those before it could be assigned."""
    tensors = randomised(CifarResNet()).state_dict()
    tensors[key] = change(tensors[key])
    refuses(
        resnet20,
        "^The PyTorch checkpoint cannot be loaded: .*" + message,
        load_torch_state_dict,
        tensors,
    )


def test_a_quantised_tensor_is_loaded_or_refused_as_a_whole(resnet20):
    tensors = randomised(CifarResNet()).state_dict()
    tensors["linear.weight"] = quantised(tensors["linear.weight"])
    refuses(resnet20, r"fc/kernel \(linear.weight\) is no plain", load_torch_state_dict, tensors)


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
