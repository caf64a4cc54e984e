"""Multiply-adds, neurons and parameters: against the papers, PyTorch's counter, and by hand."""

import json
import math
import subprocess
import sys
from fractions import Fraction

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics import get_model, list_models, summary
from keras_classics.anatomy.dissection import dissect
from keras_classics.network_figures import MULTIPLY_ADDS, STATED
from tests import ROOT

# As the papers, and what is worked out from them, have them; in units of the last digit.
PUBLISHED = {
    "alexnet": "724.4 M",
    "vgg16": "15.47 G",
    "googlenet": "1.583 G",
    "resnet50": "3.86 G",
    "cifar_resnet20": "40.55 M",
}


def rounded(value, like):
    """A value as it is written with as many digits as another."""
    number, unit = like.split()
    places = len(number.partition(".")[2])
    return f"{value / {'M': 10**6, 'G': 10**9}[unit]:.{places}f} {unit}"


def layers_of(model):
    parts, _ = dissect(model)
    return {layer.name: layer for part in parts for layer in part.layers()}


@pytest.mark.usefixtures("nothing_drawn")
@pytest.mark.parametrize("name", PUBLISHED)
def test_totals_of_the_papers(name):
    totals = summary(get_model(name)).totals
    assert rounded(totals.multiply_adds, PUBLISHED[name]) == PUBLISHED[name]
    assert totals.multiply_adds == MULTIPLY_ADDS[name]
    assert totals.trained == keras_classics.model_card(name).parameters


COUNT = """
import json, sys
import keras
from keras_classics import get_model, summary

found = {}
for name in sys.argv[1:]:
    with keras.StatelessScope(initialize_variables=False):  # weights without numbers
        totals = summary(get_model(name)).totals
    found[name] = totals.multiply_adds, totals.trained
print(json.dumps(found))
"""


def test_figures_that_are_stored_are_those_of_the_networks():
    """In a process that ends, as Keras would give all these weights their numbers later."""
    names = [name for name in list_models() if name != "cifar_resnet1202"]  # builds for 9 s
    command = [sys.executable, "-c", COUNT, *names]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    cards = map(keras_classics.model_card, names)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        card.name: [card.multiply_adds, card.parameters] for card in cards
    }


def test_every_network_has_its_figures():
    assert set(MULTIPLY_ADDS) == set(list_models())
    assert set(STATED) <= set(MULTIPLY_ADDS)
    for name, figures in STATED.items():
        ours = {
            "parameters": keras_classics.model_card(name).parameters,
            "multiply_adds": MULTIPLY_ADDS[name],
            "neurons": 659_272,  # of AlexNet, the only paper that says how many
        }
        for figure, value, where in figures:
            # Papers round, and Table 1 of GoogLeNet is approximate; Fig. 11 counts something else.
            if (name, figure) != ("lenet5", "multiply_adds"):
                assert abs(Fraction(ours[figure], value) - 1) < 0.06, (name, figure)
            assert where


@pytest.mark.backend
@pytest.mark.usefixtures("nothing_drawn")
def test_alexnet():
    table = summary(get_model("alexnet"))
    assert table.totals.neurons == 659_272  # the paper says 650,000
    stated = {one.figure: (one.value, one.where) for one in table.stated}
    assert stated["neurons"] == (650_000, "abstract")
    layers = layers_of(get_model("alexnet", include_top=False))
    # Fig. 2: 253,440 of conv1 are a slip of the caption for 55·55·96.
    assert [
        sum(layers[f"conv{number}_{tower}"].counts.neurons for tower in "ab")
        for number in range(1, 6)
    ] == [290_400, 186_624, 64_896, 64_896, 43_264]


@pytest.mark.usefixtures("nothing_drawn")
def test_towers_that_are_merged():
    merged = summary(get_model("alexnet", towers="merged"))
    assert rounded(merged.totals.multiply_adds, "1135.3 M") == "1135.3 M"
    assert not merged.stated  # another network than the paper's
    grouped = summary(get_model("alexnet", towers="grouped"))
    assert grouped.totals.multiply_adds == MULTIPLY_ADDS["alexnet"]


@pytest.mark.backend
def test_connections_of_lenet5():
    """Section II-B counts connections: products, and one bias for each unit."""
    layers = layers_of(keras_classics.lenet5())
    connections = {
        name: layers[name].counts.multiply_adds + layers[name].counts.neurons
        for name in ("C1", "C3", "C5", "F6")
    }
    assert connections == {"C1": 122_304, "C3": 151_600, "C5": 48_120, "F6": 10_164}
    assert layers["OUTPUT"].counts.multiply_adds == 840
    assert (layers["OUTPUT"].counts.parameters, layers["OUTPUT"].counts.trained) == (840, 0)


# Table 1: multiply-adds of the modules in millions; 5a is 51.1 where the paper says 54.
TABLE_1 = {
    "3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71
}  # fmt: skip


@pytest.mark.usefixtures("nothing_drawn")
def test_modules_of_googlenet_and_what_reductions_save():
    table = summary(get_model("googlenet"))
    parts = {part.name: part for part in table.parts}
    for label, millions in TABLE_1.items():
        found = parts[f"inception_{label}"].counts.multiply_adds / 1e6
        assert abs(found - millions) < 1, label
    assert parts["inception_3a"].counts.parameters == 163_696
    assert len(table.reductions) == 18
    fives = table.reductions[1]
    assert fives.name == "inception_3a/conv_5x5"
    assert fives.multiply_adds == 28 * 28 * (192 * 16 + 25 * 16 * 32)
    assert fives.without == 28 * 28 * 25 * 192 * 32
    assert fives.operands == ("28²·(192·16 + 5²·16·32)", "28²·5²·192·32")
    naive = summary(get_model("googlenet", module="naive"))
    assert rounded(naive.totals.multiply_adds, "12.57 G") == "12.57 G"
    assert naive.totals.parameters == 97_526_008
    assert not naive.reductions


def test_normalised_modules_are_reduced_too():
    inputs = keras.Input((8, 8, 6))
    module = keras_classics.layers.Inception(1, 2, 3, 2, 3, 1, batch_norm=True)
    table = summary(keras.Model(inputs, module(inputs)))
    assert [(one.reduced, one.filters) for one in table.reductions] == [(2, 3), (2, 3)]
    assert table.totals.parameters == module.count_params()


# What PyTorch's counter says of the transcriptions in tests/models/torch_reference, at full size.
@pytest.mark.parametrize("name", [n for n in list_models() if n not in ("lenet5", "mnist_cnn")])
def test_figures_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from tests.models.torch_reference import REFERENCES

    card = keras_classics.model_card(name)
    height, width, channels = card.input_shape
    classes = 10 if "cifar" in name else 1000
    with torch.device("meta"):  # sizes without numbers
        network = REFERENCES[name](classes, height).eval()
        picture = torch.empty(1, channels, height, width)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(picture)
    assert counter.get_total_flops() == 2 * MULTIPLY_ADDS[name]


def flops_by_pytorch(model):
    """Half of what PyTorch counts, an addition and a multiplication apart, while it computes."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    pictures = [np.zeros((1, *x.shape[1:]), "float32") for x in model.inputs]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(pictures if len(pictures) > 1 else pictures[0], training=False)
    return counter.get_total_flops() // 2


# Without what multiplies and is not counted: the normalisation as a product with a matrix of ones,
# and C3's full kernel that its connections are placed into.
OURS = {
    "lenet5": {"connections": "full", "output": "softmax"},
    "mnist_cnn": {},
    "alexnet_cifar": {"local_response_norm": False},
    "alexnet": {"local_response_norm": False, "input_shape": (67, 67, 3), "num_classes": 10},
    "vgg13": {"input_shape": (32, 32, 3), "include_top": False},
    "googlenet": {"local_response_norm": False, "input_shape": (64, 64, 3), "num_classes": 10},
    "resnet50": {"input_shape": (64, 64, 3), "num_classes": 10, "shortcut": "identity"},
    "cifar_resnet20": {"shortcut": "projection"},
}


@pytest.mark.backend
@pytest.mark.parametrize("name", OURS)
def test_ours_are_counted_as_pytorch_counts_them(name, backend):
    if backend != "torch":
        pytest.skip("PyTorch counts what PyTorch computes")
    model = get_model(name, **OURS[name])
    assert summary(model).totals.multiply_adds == flops_by_pytorch(model)


APPLICATIONS = {
    "VGG16": (32, {"include_top": False}),
    "ResNet50": (64, {"classes": 10}),
    "ResNet50V2": (64, {"classes": 10}),
    "InceptionV3": (75, {"classes": 10}),
    "Xception": (71, {"classes": 10}),
    "MobileNet": (64, {"classes": 10}),
    "MobileNetV2": (64, {"classes": 10}),
    "MobileNetV3Small": (64, {"classes": 10}),
    "DenseNet121": (32, {"classes": 10}),
    "EfficientNetB0": (32, {"classes": 10}),
}


@pytest.mark.backend
@pytest.mark.usefixtures("nothing_drawn")
@pytest.mark.parametrize("name", APPLICATIONS)
def test_networks_of_others_are_counted_as_keras_and_pytorch_count_them(name, backend):
    if backend != "torch":
        pytest.skip("PyTorch counts what PyTorch computes")
    side, options = APPLICATIONS[name]
    build = getattr(keras.applications, name)
    model = build(weights=None, input_shape=(side, side, 3), **options)
    table = summary(model)
    assert table.uncounted == []
    assert table.totals.parameters == model.count_params()
    assert table.totals.trained == sum(math.prod(w.shape) for w in model.trainable_weights)
    assert table.totals.multiply_adds == flops_by_pytorch(model)


@pytest.mark.backend
def test_each_kind_of_layer_is_counted_as_pytorch_counts_it(backend):
    if backend != "torch":
        pytest.skip("PyTorch counts what PyTorch computes")
    kinds = keras.layers
    for shape, layer in (
        ((9, 4), kinds.Conv1D(6, 3, 2)),
        ((6, 7, 8, 2), kinds.Conv3D(3, (1, 2, 3), (1, 2, 1))),
        ((9, 8, 4), kinds.Conv2D(6, (3, 1), groups=2, padding="same", dilation_rate=2)),
        ((9, 8, 4), kinds.DepthwiseConv2D(3, 2, depth_multiplier=3)),
        ((9, 8, 4), kinds.SeparableConv2D(5, 3, 2)),
        ((9, 8, 4), kinds.Conv2DTranspose(5, 3, 2)),
        ((9, 4), kinds.Conv1DTranspose(5, 3, 2, padding="same")),
        ((9, 8, 4), kinds.Dense(3)),
        ((4,), kinds.Dense(3)),
        ((6, 6, 2), keras_classics.layers.LocallyConnected2D(3, 3)),
        ((5, 5, 2), keras_classics.layers.WholeMapConv2D(3)),
    ):
        inputs = keras.Input(shape)
        model = keras.Model(inputs, layer(inputs))
        found = summary(model).totals.multiply_adds
        assert found == flops_by_pytorch(model) > 0, type(layer).__name__
