"""The transcriptions by the names of the builders, called as (classes, size, **options)."""

from functools import partial

from tests.models.torch_reference.alexnet import AlexNet, AlexNetCifar
from tests.models.torch_reference.alexnet_2012 import AlexNet2012
from tests.models.torch_reference.googlenet import GoogLeNet
from tests.models.torch_reference.resnet import CifarResNet, ResNet
from tests.models.torch_reference.vgg import VGG


def without_size(network, depth, **fixed):
    """Residual networks have no dense layer that depends on the size of the picture."""
    return lambda classes, size, **options: network(depth, classes, **fixed, **options)


REFERENCES = {
    "alexnet": AlexNet,
    **{
        f"alexnet_{form}".replace("-", "_"): partial(AlexNet2012, form)
        for form in ("145", "145-half", "147", "148", "150", "167")
    },
    "alexnet_cifar": AlexNetCifar,
    "vgg11": partial(VGG, "A"),
    "vgg11_lrn": partial(VGG, "A-LRN"),
    "vgg13": partial(VGG, "B"),
    "vgg16_1x1": partial(VGG, "C"),
    "vgg16": partial(VGG, "D"),
    "vgg19": partial(VGG, "E"),
    "googlenet": GoogLeNet,
    **{f"resnet{depth}": without_size(ResNet, depth) for depth in (18, 34, 50, 101, 152)},
    **{f"plain{depth}": without_size(ResNet, depth, shortcut=None) for depth in (18, 34)},
    **{
        f"cifar_resnet{depth}": without_size(CifarResNet, depth)
        for depth in (20, 32, 44, 56, 110, 1202)
    },
    **{
        f"cifar_plain{depth}": without_size(CifarResNet, depth, shortcut=None)
        for depth in (20, 32, 44, 56, 110)
    },
}
