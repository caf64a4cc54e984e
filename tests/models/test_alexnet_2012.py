"""AlexNet's code of 2012: every layer against a table typed from its configuration."""

import itertools
import re

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics.models.alexnet_2012 import FORMS
from keras_classics.models.alexnet_layers import EDITIONS
from tests.models.one_call import of_keras
from tests.random_weights import randomize

# layers-145.cfg and layer-params-145.cfg, a column: layer, class, side, channels, initW, initB.
# Rounding up, 224 pixels give 55 positions, and windows of 3×3 in steps of 2 give 27, 13, 6.
COLUMN = [
    ("conv1", "Conv2D", 55, 48, 0.01, 0),
    ("lrn1", "LocalResponseNormalization", 55, 48, None, None),
    ("pool1", "MaxPooling2D", 27, 48, None, None),
    ("conv1_activation", "Activation", 27, 48, None, None),
    ("conv2", "Conv2D", 27, 128, 0.01, 1),
    ("conv2_activation", "Activation", 27, 128, None, None),
    ("lrn2", "LocalResponseNormalization", 27, 128, None, None),
    ("srn2", "SpatialResponseNormalization", 27, 128, None, None),
    ("pool2", "MaxPooling2D", 13, 128, None, None),
    ("conv3", "Conv2D", 13, 192, 0.03, 0),
    ("conv3_activation", "Activation", 13, 192, None, None),
    ("conv4", "Conv2D", 13, 192, 0.03, 1),
    ("conv4_activation", "Activation", 13, 192, None, None),
    ("conv5", "Conv2D", 13, 128, 0.03, 1),
    ("pool5", "MaxPooling2D", 6, 128, None, None),
    ("conv5_activation", "Activation", 6, 128, None, None),
]
# Layer, inputs, units, initW, initB.
DENSE = [
    ("fc6", 6 * 6 * 256, 2048, 0.01, 1),
    ("fc7", 4096, 2048, 0.01, 1),
    ("fc8", 4096, 1000, 0.01, 0),
]


@pytest.fixture(scope="module")
def network():
    return keras_classics.alexnet(edition="code_2012")


def column_of(model, suffix):
    """Layers of a column's maps, in the order in which data runs through them."""
    number = re.compile(rf"(conv|lrn|srn|pool)\d{suffix}(_activation)?$")
    return [layer for layer in model.layers if number.match(layer.name)]


def chain(layers):
    """Asserts that each layer's input is the output of the layer before it."""
    for one, other in itertools.pairwise(layers):
        meets = other.name.startswith("conv3") and "activation" not in other.name
        assert meets or other.input is one.output, other.name


@pytest.mark.parametrize("suffix", ["_a", "_b"])
def test_layer_by_layer(network, suffix):
    column = column_of(network, suffix)
    chain(column)
    found = [(layer.name, type(layer).__name__, *layer.output.shape[1:]) for layer in column]
    assert found == [
        (re.sub(r"(\d)", rf"\1{suffix}", name, count=1), kind, side, side, channels)
        for name, kind, side, channels, *_ in COLUMN
    ]
    conv3 = network.get_layer(f"conv3{suffix}")
    assert conv3.input.shape[-1] == 256  # inputs=pool2a,pool2b


def test_starts_of_weights_and_biases(network):
    starts = [(name, w, b) for name, *_, w, b in COLUMN + DENSE if w]
    for name, stddev, bias in starts:
        for layer in network.layers:
            if re.fullmatch(f"{name}(_[ab])?", layer.name) and layer.weights:
                kernel, biases = layer.get_weights()
                # At least 17,424 draws: their deviation is within 2 % of the whole's.
                assert abs(kernel.std() / stddev - 1) < 0.02, layer.name
                assert abs(kernel.mean()) < 0.03 * stddev
                assert (biases == bias).all()


def test_dense_layers(network):
    for name, inputs, units, *_ in DENSE:
        for suffix in ("_a", "_b") if units == 2048 else ("",):
            assert network.get_layer(name + suffix).kernel.shape == (inputs, units)
    for layer in ("fc6_a", "fc7_b"):
        assert network.get_layer(layer).activation is keras.activations.relu


def test_constants_of_the_normalisations(network):
    """rnorm1, rnorm2: scale 0.0001 over size, minDiv 2; cnorm2: scale 0.001 over size²."""
    for name in ("lrn1_a", "lrn2_b"):
        config = network.get_layer(name).get_config()
        assert (config["depth_radius"], config["alpha"], config["beta"]) == (2, 1e-4, 0.75)
        assert (config["bias"], config["alpha_convention"]) == (2.0, "mean")
    config = network.get_layer("srn2_a").get_config()
    assert [config[key] for key in ("size", "bias", "alpha", "beta")] == [5, 1.0, 1e-3, 0.75]


# layers-147.cfg: maps behind conv1, pool1, conv2, pool2, conv3, conv4, conv5, pool5.
PLAIN = [55, 28, 26, 13, 13, 13, 11, 6]


def sides_of(model):
    names = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    return [model.get_layer(f"{name}_b").output.shape[1] for name in names]


def test_windows_of_2_by_2_round_up():
    model = keras_classics.alexnet_147(10, include_top=False)
    assert sides_of(model) == PLAIN
    # The paper's edition has no borders of its own: §3.4 does not speak of them.
    paper = keras_classics.alexnet(10, include_top=False, overlapping_pooling=False)
    assert sides_of(paper) == [55, 27, 27, 13, 13, 13, 13, 6]


@pytest.mark.parametrize(
    ("form", "missing"),
    [("148", ["lrn1_a", "lrn2_a", "srn2_a"]), ("167", ["lrn2_a", "srn2_a"])],
)
def test_forms_without_normalisations(network, form, missing):
    model = getattr(keras_classics, f"alexnet_{form}")(include_top=False)
    names = [layer.name for layer in column_of(network, "_a")]
    assert [layer.name for layer in column_of(model, "_a")] == [
        name for name in names if name not in missing
    ]
    chain(column_of(model, "_a"))


def test_columns_that_do_not_meet():
    """layers-150.cfg: nothing of a column reaches the other before fc8."""
    model = keras_classics.alexnet_150(
        7, stem="cifar", input_shape=(12, 12, 1), classifier_activation=None
    )
    widths = {name: model.get_layer(f"{name}_a").kernel.shape[-1] for name in ("conv2", "conv3")}
    assert widths == {"conv2": 160, "conv3": 192}
    assert [model.get_layer(f"{name}_b").units for name in ("fc6", "fc7")] == [4096, 2048]
    whole = keras.Model(model.input, model.get_layer("fc8_input").output)
    x = 60 * np.random.default_rng(0).normal(size=(2, 12, 12, 1)).astype("float32")
    randomize(model)
    before = of_keras(whole, x)
    kernel = model.get_layer("conv2_a").kernel
    kernel.assign(2.0 * kernel)
    changed = of_keras(whole, x) != before
    assert changed[:, :2048].any() and not changed[:, 2048:].any()


def test_the_edition_is_the_sum_of_its_options():
    changes = EDITIONS["code_2012"]._asdict()
    changes["local_response_norm"] = changes.pop("alpha_convention")
    build = {"include_top": False, "stem": "cifar"}
    paper = keras_classics.alexnet(**build, **changes)
    code = keras_classics.alexnet(**build, edition="code_2012")

    def without_seeds(model):
        return re.sub(r'"seed": \d+|"input_layer[^"]*"', "", model.to_json())

    assert without_seeds(paper) == without_seeds(code)
    assert without_seeds(keras_classics.alexnet(**build)) != without_seeds(code)


@pytest.mark.parametrize(
    ("change", "order"),
    [
        ({"local_response_norm": "mean"}, ["conv1_a", "conv1_a_activation", "lrn1_a", "pool1_a"]),
        ({"pool_before_activation": True}, ["conv1_a", "lrn1_a", "pool1_a", "conv1_a_activation"]),
        ({"spatial_response_norm": True}, ["conv1_a", "conv1_a_activation", "lrn1_a", "pool1_a"]),
    ],
    ids=str,
)
def test_one_change_at_a_time(change, order):
    model = keras_classics.alexnet(include_top=False, stem="cifar", **change)
    names = [layer.name for layer in column_of(model, "_a")]
    assert names[:4] == order
    assert ("srn2_a" in names) == ("spatial_response_norm" in change)
    convention = model.get_layer("lrn1_a").alpha_convention
    assert convention == change.get("local_response_norm", "sum")


def test_a_wider_start_alone():
    model = keras_classics.alexnet(include_top=False, stem="cifar", conv345_stddev=0.03)
    spread = {n: model.get_layer(f"conv{n}_a").get_weights()[0].std() for n in (2, 3, 4, 5)}
    for number, stddev in ((2, 0.01), (3, 0.03), (4, 0.03), (5, 0.03)):
        assert abs(spread[number] / stddev - 1) < 0.02


@pytest.mark.backend
@pytest.mark.parametrize("form", FORMS)
def test_forms_train_and_survive_a_file(form, tmp_path):
    build = getattr(keras_classics, f"alexnet_{form}".replace("-", "_"))
    model = build(3, stem="cifar", input_shape=(17, 17, 1))
    x = np.random.default_rng(0).normal(size=(2, 17, 17, 1)).astype("float32")
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    before = model.get_weights()[0]
    model.train_on_batch(x, np.array([0, 1]))
    assert np.abs(model.get_weights()[0] - before).max() > 0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(of_keras(again, x), of_keras(model, x))
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = build(3, stem="cifar", input_shape=(17, 17, 1), weights=tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(of_keras(loaded, x), of_keras(model, x))


def test_weights_of_another_edition_are_refused(tmp_path):
    build = {"num_classes": 3, "stem": "cifar", "input_shape": (12, 12, 1)}
    path = tmp_path / "paper.weights.h5"
    keras_classics.alexnet(**build).save_weights(path)
    message = "it has 0 layers SpatialResponseNormalization instead of 2"
    with pytest.raises(ValueError, match=message):
        keras_classics.alexnet(**build, edition="code_2012", weights=path)


@pytest.mark.backend
def test_fully_convolutional_gives_the_same_at_its_size():
    model = keras_classics.alexnet(
        5, edition="code_2012", stem="cifar", input_shape=(16, 16, 3), classifier_activation=None
    )
    randomize(model)
    x = 60 * np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype("float32")
    expected = of_keras(model, x)
    dense = keras_classics.fully_convolutional(model)
    y = of_keras(dense, x)
    assert y.shape == (2, 1, 1, 5)
    assert np.abs(y[:, 0, 0] - expected).max() <= 1e-5 * np.abs(expected).max()
    assert dense.compute_output_shape((1, 24, 32, 3)) == (1, 2, 3, 5)
