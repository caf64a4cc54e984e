"""Exact parameter counts of every variant, typed from the facts that the papers' tables give.

They do not depend on the backend, so they are counted once.
"""

import json
import math
import runpy
from pathlib import Path

import pytest

import keras_classics

GOLDEN = Path(__file__).parent / "golden"
regenerate = runpy.run_path(str(GOLDEN / "regenerate.py"))


def full(row):
    """Hundreds of megabytes: only with --full."""
    return (*row, pytest.mark.full)


# Options, trainable parameters, moving statistics of batch normalisation.
COUNTS = [
    ("alexnet", {}, 60_965_224, 0),
    ("alexnet", {"num_classes": 10}, 56_909_194, 0),
    full(("alexnet", {"input_shape": (227, 227, 3)}, 60_965_224, 0)),
    full(("alexnet", {"towers": "grouped"}, 60_965_224, 0)),
    full(("alexnet", {"towers": "merged"}, 62_378_344, 0)),
    full(("alexnet", {"towers": "merged", "halve_kernels": True}, 59_798_312, 0)),
    ("alexnet", {"edition": "code_2012"}, 60_965_224, 0),
    full(("alexnet", {"edition": "code_2012", "towers": "grouped"}, 60_965_224, 0)),
    ("alexnet_145", {}, 60_965_224, 0),
    ("alexnet_145_half", {}, 59_798_312, 0),
    ("alexnet_147", {}, 60_965_224, 0),
    ("alexnet_148", {}, 60_965_224, 0),
    ("alexnet_150", {}, 60_714_408, 0),
    ("alexnet_167", {}, 60_965_224, 0),
    ("alexnet_cifar", {}, 1_116_490, 0),
    full(("vgg11", {}, 132_863_336, 0)),
    full(("vgg11_lrn", {}, 132_863_336, 0)),
    full(("vgg13", {}, 133_047_848, 0)),
    full(("vgg16_1x1", {}, 133_638_952, 0)),
    ("vgg16", {}, 138_357_544, 0),
    full(("vgg19", {}, 143_667_240, 0)),
    full(("vgg11", {"batch_norm": "conv"}, 132_868_840, 5_504)),
    full(("vgg13", {"batch_norm": "conv"}, 133_053_736, 5_888)),
    full(("vgg16_1x1", {"batch_norm": "conv"}, 133_647_400, 8_448)),
    full(("vgg16", {"batch_norm": "conv"}, 138_365_992, 8_448)),
    full(("vgg19", {"batch_norm": "conv"}, 143_678_248, 11_008)),
    full(("vgg11", {"num_classes": 10}, 128_807_306, 0)),
    full(("vgg16", {"num_classes": 10}, 134_301_514, 0)),
    full(("vgg19", {"num_classes": 10}, 139_611_210, 0)),
    ("vgg11", {"include_top": False}, 9_220_480, 0),
    ("vgg13", {"include_top": False}, 9_404_992, 0),
    ("vgg16_1x1", {"include_top": False}, 9_996_096, 0),
    ("vgg16", {"include_top": False}, 14_714_688, 0),
    ("vgg19", {"include_top": False}, 20_024_384, 0),
    ("googlenet", {}, 6_998_552, 0),
    ("googlenet", {"auxiliary_heads": True}, 13_378_280, 0),
    ("googlenet", {"module": "naive"}, 97_526_008, 0),
    ("googlenet", {"num_classes": 10}, 5_983_802, 0),
    ("googlenet", {"num_classes": 10, "auxiliary_heads": True}, 10_334_030, 0),
    ("googlenet", {"batch_norm": True}, 7_005_832, 14_560),
    ("googlenet", {"batch_norm": True, "use_bias": True}, 7_013_112, 14_560),
    ("googlenet", {"use_bias": False}, 6_990_272 + 1_000, 0),
    ("googlenet", {"num_classes": 10, "last_module": "pool4"}, 3_486_016 + 8_330, 0),
    ("googlenet", {"num_classes": 10, "average_pooling": False}, 5_973_552 + 501_770, 0),
    ("resnet18", {"shortcut": "identity"}, 11_515_688, 7_808),
    ("resnet18", {}, 11_689_512, 9_600),
    ("resnet18", {"shortcut": "projection_all"}, 12_043_816, 11_648),
    ("resnet18", {"num_classes": 10}, 11_181_642, 9_600),
    ("resnet34", {"shortcut": "identity"}, 21_623_848, 15_232),
    ("resnet34", {}, 21_797_672, 17_024),
    ("resnet34", {"shortcut": "projection_all"}, 22_716_840, 22_784),
    ("resnet50", {"shortcut": "identity"}, 22_780_456, None),
    ("resnet50", {}, 25_557_032, 53_120),
    ("resnet50", {"stride_on": "3x3"}, 25_557_032, 53_120),
    ("resnet50", {"num_classes": 10}, 23_528_522, 53_120),
    full(("resnet50", {"shortcut": "projection_all"}, 40_128_552, None)),
    full(("resnet101", {"shortcut": "identity"}, 41_772_584, None)),
    full(("resnet101", {}, 44_549_160, 105_344)),
    full(("resnet101", {"shortcut": "projection_all"}, 76_981_288, None)),
    full(("resnet152", {"shortcut": "identity"}, 57_416_232, None)),
    full(("resnet152", {}, 60_192_808, 151_424)),
    full(("resnet152", {"shortcut": "projection_all"}, 107_335_720, None)),
    ("plain18", {}, 11_515_688, 7_808),
    ("plain34", {}, 21_623_848, 15_232),
    ("cifar_resnet20", {}, 269_722, 1_376),
    ("cifar_resnet32", {}, 464_154, 2_272),
    ("cifar_resnet44", {}, 658_586, 3_168),
    ("cifar_resnet56", {}, 853_018, 4_064),
    full(("cifar_resnet110", {}, 1_727_962, 8_096)),
    full(("cifar_resnet1202", {}, 19_421_274, 89_632)),
    ("cifar_resnet20", {"shortcut": "projection"}, 272_474, None),
    ("cifar_resnet32", {"shortcut": "projection"}, 466_906, None),
    full(("cifar_resnet110", {"shortcut": "projection"}, 1_730_714, None)),
    ("cifar_plain20", {}, 269_722, 1_376),
    ("cifar_plain32", {}, 464_154, 2_272),
    ("cifar_plain44", {}, 658_586, 3_168),
    ("cifar_plain56", {}, 853_018, 4_064),
    full(("cifar_plain110", {}, 1_727_962, 8_096)),
]


def _case(row):
    (name, options, *counts), marks = row[:4], row[4:]
    label = ",".join(f"{key}={value}" for key, value in options.items())
    return pytest.param(name, options, *counts, marks=marks, id=f"{name}({label})")


def sizes(weights):
    return sum(math.prod(weight.shape) for weight in weights)


@pytest.mark.parametrize(
    ("name", "options", "trainable", "statistics"), [_case(row) for row in COUNTS]
)
def test_parameters_to_the_last_digit(name, options, trainable, statistics):
    model = getattr(keras_classics, name)(**options)
    assert sizes(model.trainable_weights) == trainable
    if statistics is not None:
        assert sizes(model.non_trainable_weights) == statistics


def test_alexnet_layer_by_layer():
    model = keras_classics.alexnet()
    towers = {}
    for layer in model.layers:
        name = layer.name.partition("_")[0]
        towers[name] = towers.get(name, 0) + layer.count_params()
    assert {name: count for name, count in towers.items() if count} == {
        "conv1": 34_944,
        "conv2": 307_456,
        "conv3": 885_120,
        "conv4": 663_936,
        "conv5": 442_624,
        "fc6": 37_752_832,
        "fc7": 16_781_312,
        "fc8": 4_097_000,
    }


def test_googlenet_layer_by_layer():
    model = keras_classics.googlenet(auxiliary_heads=True)
    counts = {}
    for layer in model.layers:
        name = layer.name
        if name.startswith("auxiliary"):
            name = "_".join(name.split("_")[:2])
        counts[name] = counts.get(name, 0) + layer.count_params()
    assert {name: count for name, count in counts.items() if count} == {
        "conv1": 9_472,
        "conv2_reduce": 64 * 64 + 64,
        "conv2": 114_944 - (64 * 64 + 64),
        "inception_3a": 163_696,
        "inception_3b": 388_736,
        "inception_4a": 376_176,
        "inception_4b": 449_160,
        "inception_4c": 510_104,
        "inception_4d": 605_376,
        "inception_4e": 868_352,
        "inception_5a": 1_043_456,
        "inception_5b": 1_444_080,
        "auxiliary_4a": 3_188_840,
        "auxiliary_4d": 3_190_888,
        "fc": 1_025_000,
    }


# Sides of the maps and channels after each stage, from the papers' tables and figures.
STAGES = {
    "alexnet": [
        ("conv1_a", 55, 48),
        ("pool1_a", 27, 48),
        ("conv2_b", 27, 128),
        ("pool2_b", 13, 128),
        ("conv3_a", 13, 192),
        ("conv4_b", 13, 192),
        ("conv5_a", 13, 128),
        ("pool5_a", 6, 128),
    ],
    "vgg16": [
        ("conv1_2", 224, 64),
        ("pool1", 112, 64),
        ("pool2", 56, 128),
        ("pool3", 28, 256),
        ("pool4", 14, 512),
        ("conv5_3", 14, 512),
        ("pool5", 7, 512),
    ],
    "googlenet": [
        ("conv1", 112, 64),
        ("pool1", 56, 64),
        ("conv2", 56, 192),
        ("pool2", 28, 192),
        ("inception_3a", 28, 256),
        ("inception_3b", 28, 480),
        ("pool3", 14, 480),
        ("inception_4a", 14, 512),
        ("inception_4b", 14, 512),
        ("inception_4c", 14, 512),
        ("inception_4d", 14, 528),
        ("inception_4e", 14, 832),
        ("pool4", 7, 832),
        ("inception_5a", 7, 832),
        ("inception_5b", 7, 1024),
    ],
    "resnet34": [
        ("conv1_relu", 112, 64),
        ("pool1", 56, 64),
        ("conv2_block3_out", 56, 64),
        ("conv3_block4_out", 28, 128),
        ("conv4_block6_out", 14, 256),
        ("conv5_block3_out", 7, 512),
    ],
    "resnet50": [
        ("conv1_relu", 112, 64),
        ("pool1", 56, 64),
        ("conv2_block3_out", 56, 256),
        ("conv3_block4_out", 28, 512),
        ("conv4_block6_out", 14, 1024),
        ("conv5_block3_out", 7, 2048),
    ],
    "cifar_resnet20": [
        ("conv1_relu", 32, 16),
        ("conv2_block3_out", 32, 16),
        ("conv3_block3_out", 16, 32),
        ("conv4_block3_out", 8, 64),
    ],
    "alexnet_cifar": [
        ("conv1", 24, 64),
        ("pool1", 12, 64),
        ("pool2", 6, 64),
        ("local3", 6, 32),
        ("local4", 6, 32),
    ],
}


@pytest.mark.parametrize("name", STAGES)
def test_shapes_of_the_stages(name):
    model = getattr(keras_classics, name)()
    for layer, side, channels in STAGES[name]:
        assert model.get_layer(layer).output.shape == (None, side, side, channels), layer


@pytest.mark.parametrize("side", [224, 227])
def test_alexnet_sees_55_positions_at_either_size(side):
    model = keras_classics.alexnet(10, input_shape=(side, side, 3), include_top=False)
    assert model.get_layer("conv1_a").output.shape == (None, 55, 55, 48)
    names = [layer.name for layer in model.layers]
    assert ("conv1_a_overhang" in names) == (side == 224)


def test_googlenet_auxiliary_heads_pool_to_4_by_4():
    model = keras_classics.googlenet(auxiliary_heads=True)
    assert model.get_layer("auxiliary_4a_pool").output.shape == (None, 4, 4, 512)
    assert model.get_layer("auxiliary_4d_pool").output.shape == (None, 4, 4, 528)
    assert {key: tuple(output.shape) for key, output in model.output.items()} == {
        "main": (None, 1000),
        "auxiliary_4a": (None, 1000),
        "auxiliary_4d": (None, 1000),
    }


def test_cifar_stems():
    assert keras_classics.googlenet(10, stem="cifar").get_layer("pool2").output.shape[1] == 16
    resnet = keras_classics.resnet18(10, stem="cifar")
    assert resnet.get_layer("conv2_block2_out").output.shape == (None, 32, 32, 64)
    alexnet = keras_classics.alexnet(10, stem="cifar", towers="merged")
    sides = [alexnet.get_layer(f"pool{n}").output.shape[1] for n in (1, 2, 5)]
    assert sides == [16, 8, 4]  # rounded up, as the author's code does


@pytest.mark.parametrize("name", regenerate["NETWORKS"])
def test_layers_and_weights_are_the_pinned_ones(name):
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    model = getattr(keras_classics, name)(**regenerate["NETWORKS"][name])
    described = regenerate["describe"](model)
    assert described == golden
    assert list(described) == list(golden)
