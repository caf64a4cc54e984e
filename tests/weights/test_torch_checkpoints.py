"""PyTorch checkpoints in our networks, and the outputs of both."""

import keras
import numpy as np
import pytest
import torch

import keras_classics
import keras_classics.layers
from keras_classics.weights import (
    load_torch_state_dict,
)
from tests.weights.torch_layouts import VGG, CifarResNet, ResNet, outputs_of, randomised
from tests.weights.weights_shared import SMALL, assert_same_outputs, outputs, pictures, values


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


def test_timms_vgg_has_its_head_in_convolutions():
    network = randomised(VGG((1, 1, 2, 2, 2), 2 * 3, 7))
    state = dict(network.state_dict())
    for ours, theirs in (
        ("classifier.0", "pre_logits.fc1"),
        ("classifier.3", "pre_logits.fc2"),
        ("classifier.6", "head.fc"),
    ):
        for weight in ("weight", "bias"):
            state[f"{theirs}.{weight}"] = state.pop(f"{ours}.{weight}")
    for name, shape in (("fc1", (4096, 512, 2, 3)), ("fc2", (4096, 4096, 1, 1))):
        state[f"pre_logits.{name}.weight"] = state[f"pre_logits.{name}.weight"].reshape(shape)
    model = keras_classics.vgg11(7, input_shape=SMALL, classifier_activation=None)
    agrees(model, network, state, 64, 96)


def test_torchvisions_bottlenecks_stride_on_the_3x3_convolution(recwarn):
    """The tensors fit either way, so that only the names can tell."""
    state_dict = randomised(ResNet((3, 4, 6, 3), True, 7)).state_dict()
    build = {"num_classes": 7, "input_shape": SMALL}
    load_torch_state_dict(keras_classics.resnet50(stride_on="3x3", **build), state_dict)
    assert not [one for one in recwarn if "stride" in str(one.message)]
    with pytest.warns(UserWarning, match=r'build it with stride_on="3x3", unless') as caught:
        load_torch_state_dict(keras_classics.resnet50(**build), state_dict)
    assert caught[0].filename == __file__


@pytest.mark.backend
@pytest.mark.full
@pytest.mark.filterwarnings("ignore:The names are torchvision's")
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
