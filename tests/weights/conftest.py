"""Networks that many tests try to load something into."""

import pytest

import keras_classics
from tests.weights.torch_layouts import CifarResNet


@pytest.fixture(scope="module")
def resnet20():
    return keras_classics.cifar_resnet20(pad="both")


@pytest.fixture(scope="module")
def vgg_body():
    return keras_classics.vgg11(include_top=False)


@pytest.fixture
def tensors():
    return CifarResNet().state_dict()
