"""Networks that many tests try to load something into."""

import pytest
from torch_layouts import CifarResNet

import keras_classics


@pytest.fixture(scope="module")
def resnet20():
    return keras_classics.cifar_resnet20(pad="both")


@pytest.fixture(scope="module")
def vgg_body():
    return keras_classics.vgg11(include_top=False)


@pytest.fixture
def tensors():
    return CifarResNet().state_dict()
