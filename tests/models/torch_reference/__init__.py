"""The networks of the papers once more, in plain PyTorch: the reference of the parity tests.

Written from the papers, not from `keras_classics`, of which nothing is imported here. The options
are named as the builders' are, and modules as the layers are, so that weights go over by name.
"""

from tests.models.torch_reference.alexnet import AlexNet, AlexNetCifar, GroupedAlexNet
from tests.models.torch_reference.alexnet_2012 import AlexNet2012
from tests.models.torch_reference.builders import REFERENCES
from tests.models.torch_reference.googlenet import GoogLeNet
from tests.models.torch_reference.primitives import local_response_norm
from tests.models.torch_reference.resnet import CifarResNet, ResNet
from tests.models.torch_reference.vgg import VGG
from tests.models.torch_reference.weights import load_weights, merge_towers, weights_by_name

__all__ = [
    "REFERENCES",
    "VGG",
    "AlexNet",
    "AlexNet2012",
    "AlexNetCifar",
    "CifarResNet",
    "GoogLeNet",
    "GroupedAlexNet",
    "ResNet",
    "load_weights",
    "local_response_norm",
    "merge_towers",
    "weights_by_name",
]
