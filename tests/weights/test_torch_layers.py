"""A reader's own PyTorch checkpoints, by order and shape."""

import keras
import numpy as np
import pytest
import torch
from torch import nn

import keras_classics
from keras_classics.weights import load_torch_layers
from tests.weights.weights_shared import assert_same_outputs, outputs, refuses


def of_torch(network, x):
    with torch.no_grad():
        return network.eval()(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()


def lenet(activation=nn.Tanh, pool=nn.AvgPool2d):
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), activation(), pool(2), nn.Conv2d(6, 16, 5), activation(), pool(2)),
        *(nn.Conv2d(16, 120, 5), activation(), nn.Flatten()),
        *(nn.Linear(120, 84), activation(), nn.Linear(84, 10)),
    )


def cnn():
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(3136, 10)),
    )


class Block(nn.Module):
    def __init__(self, inputs, filters, strides):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, strides, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if x.shape != y.shape:
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return torch.relu(x + y)


def resnet20():
    layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for number in range(3):
            layers.append(Block(inputs, filters, 2 if number == 0 and filters > 16 else 1))
            inputs = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def logits(build, **options):
    return build(classifier_activation=None, **options)


TUTORIAL = {
    "connections": "full",
    "subsampling": "average",
    "activation": "tanh",
    "output": "softmax",
}
CASES = {
    "LeNet-5": (lenet, lambda: logits(keras_classics.lenet5, **TUTORIAL)),
    "CNN": (cnn, lambda: logits(keras_classics.mnist_cnn)),
    "ResNet-20": (resnet20, lambda: logits(keras_classics.cifar_resnet20)),
}


@pytest.mark.backend
@pytest.mark.parametrize("case", CASES)
def test_networks_of_ones_own_have_our_outputs(case, tmp_path):
    torch.manual_seed(0)
    theirs, ours = (build() for build in CASES[case])
    for module in theirs.modules():  # statistics that all differ
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    torch.save(theirs.state_dict(), tmp_path / "mine.pth")
    load_torch_layers(ours, tmp_path / "mine.pth")
    x = np.random.default_rng(0).normal(size=(2, *ours.input_shape[1:])).astype("float32")
    assert_same_outputs(outputs(ours, x), of_torch(theirs, x))


def test_a_layer_under_two_names_is_read_once(tmp_path):
    network = cnn()
    network.add_module("head", network[-1])
    torch.save(network.state_dict(), tmp_path / "twice.pth")
    load_torch_layers(keras_classics.mnist_cnn(), tmp_path / "twice.pth")


def test_equal_fresh_layers_are_two():
    first, second = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    inputs = x = keras.Input((4, 4, 4))
    for name in ("a", "b"):
        x = keras.layers.BatchNormalization(name=name)(x)
    model = keras.Model(inputs, x)
    load_torch_layers(model, nn.Sequential(first, second).state_dict())


def test_what_fits_is_loaded_and_told():
    network = nn.Sequential(nn.Conv2d(1, 32, 3), nn.Conv2d(32, 8, 3), nn.Linear(3136, 10))
    model = keras_classics.mnist_cnn()
    with pytest.warns(
        UserWarning,
        match="loaded: conv1 from 0, dense from 2; left as they are: conv2; not used: 1",
    ):
        load_torch_layers(model, network.state_dict(), strict=False)
    kernel = keras.ops.convert_to_numpy(model.get_layer("conv1").kernel)
    np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1), network[0].weight.detach().numpy())


@pytest.mark.parametrize(
    ("network", "strict", "message"),
    [
        (cnn()[:-1], True, "it has 2 layers with weights, the model has 3"),
        (lenet(), True, r"its layer 1, 0, has kernel \(6, 1, 5, 5\), bias \(6,\); conv1 wants"),
        (lenet(), False, "has no layer that fits 'mnist_cnn'"),
    ],
)
def test_another_network(network, strict, message):
    state = network.state_dict()
    refuses(
        keras_classics.mnist_cnn(),
        message,
        lambda m, s: load_torch_layers(m, s, strict=strict),
        state,
    )


def test_a_whole_pickled_module_is_refused(tmp_path):
    torch.save(cnn(), tmp_path / "module.pth")
    refuses(
        keras_classics.mnist_cnn(),
        r"holds Python objects besides tensors .*; reading them could run code, so save the "
        r"state_dict\(\) alone",
        load_torch_layers,
        tmp_path / "module.pth",
    )


def test_tensors_without_numbers():
    state = cnn().state_dict()
    for tensor in (state["0.weight"].to_sparse(), state["0.weight"].to("meta")):
        broken = {**state, "0.weight": tensor}
        refuses(keras_classics.mnist_cnn(), "is no plain array", load_torch_layers, broken)


def test_numbers_that_are_none():
    state = cnn().state_dict()
    state["0.weight"][0, 0, 0, 0] = float("nan")
    refuses(keras_classics.mnist_cnn(), "NaN or infinite", load_torch_layers, state)
