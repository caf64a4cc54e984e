"""Figures of our networks as plain data: what they multiply, and what their papers say of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

MOST_FLOORS = 1000  # of models in models; Python itself goes no deeper


class Stated(NamedTuple):
    """A figure of a paper.

    Attributes:
        figure: what it is of.
        value: the paper's, as it rounds.
        where: in the paper.
    """

    figure: Literal["parameters", "multiply_adds", "neurons"]
    value: int
    where: str


def _vgg(millions):
    return (Stated("parameters", millions * 10**6, "Table 2"),)


def _resnet(tenths):
    return (Stated("multiply_adds", tenths * 10**8, "Table 1"),)


def _cifar(thousands):
    return (Stated("parameters", thousands * 1000, "Table 6"),)


# For one picture of the default size, with the default head; what is counted stands in
# `keras_classics.anatomy`. tests/anatomy compares these with the networks and with the papers.
MULTIPLY_ADDS = {
    "lenet5": 326_520,
    "mnist_cnn": 3_869_824,
    "alexnet": 724_406_816,
    "alexnet_145": 724_406_816,
    "alexnet_145_half": 391_514_384,
    "alexnet_147": 686_891_552,
    "alexnet_148": 724_406_816,
    "alexnet_150": 724_323_872,
    "alexnet_167": 724_406_816,
    "alexnet_cifar": 18_517_248,
    "vgg11": 7_609_090_048,
    "vgg11_lrn": 7_609_090_048,
    "vgg13": 11_308_466_176,
    "vgg16_1x1": 11_770_888_192,
    "vgg16": 15_470_264_320,
    "vgg19": 19_632_062_464,
    "googlenet": 1_582_671_872,
    "resnet18": 1_814_073_344,
    "resnet34": 3_663_761_408,
    "resnet50": 3_857_973_248,
    "resnet101": 7_570_194_432,
    "resnet152": 11_282_415_616,
    "plain18": 1_794_805_760,
    "plain34": 3_644_493_824,
    "cifar_resnet20": 40_551_040,
    "cifar_resnet32": 68_862_592,
    "cifar_resnet44": 97_174_144,
    "cifar_resnet56": 125_485_696,
    "cifar_resnet110": 252_887_680,
    "cifar_resnet1202": 2_829_238_912,
    "cifar_plain20": 40_551_040,
    "cifar_plain32": 68_862_592,
    "cifar_plain44": 97_174_144,
    "cifar_plain56": 125_485_696,
    "cifar_plain110": 252_887_680,
}

# What the papers say of the networks as they are built without options.
STATED = {
    "lenet5": (
        Stated("parameters", 60_000, "section II-B"),
        # The paper's own count: it does not say of what, and its layers' products are fewer.
        Stated("multiply_adds", 401_000, "Fig. 11"),
    ),
    "alexnet": (
        Stated("parameters", 60_000_000, "abstract"),
        Stated("neurons", 650_000, "abstract"),
    ),
    "vgg11": _vgg(133),
    "vgg11_lrn": _vgg(133),
    "vgg13": _vgg(133),
    "vgg16_1x1": _vgg(134),
    "vgg16": _vgg(138),
    "vgg19": _vgg(144),
    "googlenet": (
        Stated("parameters", 6_797_700, "Table 1, its sum"),
        Stated("multiply_adds", 1_502_000_000, "Table 1, its sum"),
    ),
    "resnet18": _resnet(18),
    "resnet34": _resnet(36),
    "resnet50": _resnet(38),
    "resnet101": _resnet(76),
    "resnet152": _resnet(113),
    "plain18": _resnet(18),
    "plain34": _resnet(36),
    "cifar_resnet20": _cifar(270),
    "cifar_resnet32": _cifar(460),
    "cifar_resnet44": _cifar(660),
    "cifar_resnet56": _cifar(850),
    "cifar_resnet110": _cifar(1_700),
    "cifar_resnet1202": _cifar(19_400),
}


class Curve(NamedTuple):
    """Errors in percent that a figure of a paper shows.

    Attributes:
        where: in the paper.
        dataset: what it was trained on.
        epochs: behind which the errors are; empty where the end of the training alone is known.
        training: on the pictures that it learns.
        test: on those of the test.
    """

    where: str
    dataset: str
    epochs: tuple[int, ...]
    training: tuple[float, ...]
    test: tuple[float, ...]


def _end(test, *training, where="Fig. 6"):
    return Curve(where, "cifar10", (), training, (test,))


# Read off the figures: ± 0.03 of LeNet-5, whose training error is measured on the fly; ± 0.1 of the
# nets for CIFAR-10, of which the longest are in no figure that can be read.
CURVES = {
    "lenet5": Curve(
        "Fig. 5",
        "mnist",
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20),
        (4.89, 3.04, 1.77, 1.48, 1.22, 0.91, 0.78, 0.70, 0.57, 0.49, 0.44, 0.39, 0.36),
        (2.65, 2.24, 1.48, 1.43, 1.43, 1.09, 1.04, 1.07, 0.99, 0.96, 0.99, 0.96, 0.96),
    ),
    "cifar_resnet20": _end(8.75),
    "cifar_resnet32": _end(7.46),
    "cifar_resnet44": _end(7.12),
    "cifar_resnet56": _end(6.96),
    "cifar_resnet110": _end(6.43, where="Table 6"),
    "cifar_resnet1202": _end(7.93, where="Table 6"),
    "cifar_plain20": _end(9.7, 1.5),
    "cifar_plain32": _end(10.1, 1.2),
    "cifar_plain44": _end(11.4, 3.2),
    "cifar_plain56": _end(13.2, 5.9),
}
