"""The pad of the page: the JavaScript, run by node, against Keras and Pillow."""

import base64
import hashlib
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

import keras_classics
from keras_classics import shipped
from keras_classics.data.image_files import read_image
from keras_classics.data.sources import load
from keras_classics.report import live, write_report
from keras_classics.report.network import Network
from keras_classics.report.run_files import read_run
from keras_classics.trained_model import feature_extractor, load_model
from tests.random_weights import randomize
from tests.report.strokes import SCRIBBLE, SEVEN, THREE, moved

TUTORIAL = {
    "connections": "full",
    "subsampling": "max",
    "activation": "relu",
    "output": "softmax",
    "input_shape": (28, 28, 1),
}


def inference_of(*layers, shape=(28, 28, 1)):
    """A model in the form that training saves, of layers or models."""
    pixels = x = keras.Input(shape, name="pixels")
    for layer in layers:
        x = layer(x)
    logits = keras.layers.Activation("linear", name="logits")(x)
    return keras.Model(pixels, keras.layers.Activation("softmax", name="probabilities")(logits))


def of_the_builder(**options):
    network = keras_classics.lenet5(classifier_activation=None, **options)
    randomize(network)
    padding = (network.input_shape[1] - 28) // 2
    front = [keras.layers.ZeroPadding2D(padding)] if padding else []
    return inference_of(*front, keras.layers.Rescaling(1.275 / 255, -0.1), network)


def of_keras_own_layers():
    """All that is described and that the package's networks for digits do not have."""
    mean = np.random.default_rng(0).uniform(0, 255, (28, 28, 1))
    model = inference_of(
        keras_classics.layers.PixelNormalization(mean, [70.0]),
        keras.layers.Conv2D(5, (3, 2), 2, padding="same", use_bias=False, name="conv"),
        keras.layers.Activation("sigmoid", name="squash"),
        keras.layers.AveragePooling2D((2, 3), 1, name="pool"),
        keras.layers.Dropout(0.5),
        keras.layers.Flatten(),
        keras.layers.Dense(10, use_bias=False, name="dense"),
    )
    randomize(keras.Sequential(model.layers[2:]))
    return model


MODELS = {
    "shipped lenet5": lambda: load_model(shipped.folder("lenet5", "mnist") / "model.keras"),
    "shipped mnist_cnn": lambda: load_model(shipped.folder("mnist_cnn", "mnist") / "model.keras"),
    "tutorial": lambda: of_the_builder(**TUTORIAL),
    "average and tanh": lambda: of_the_builder(subsampling="average", activation="tanh"),
    "Keras' own": of_keras_own_layers,
}
FORWARD = """
    const network = readNetwork(given.network);
    return given.pictures.map((pixels, i) => {
        const layers = forward(network, pixels);
        const wanted = i < 3 ? layers : layers.slice(-1);
        return wanted.map(({ name, shape, data }) => ({ name, shape, data: Array.from(data) }));
    });
"""


def computed(in_node, model, pictures):
    network = {"shape": list(pictures.shape[1:]), "steps": live.describe(model)}
    pixels = pictures.reshape(len(pictures), -1).tolist()
    return in_node(FORWARD, network=network, pictures=pixels)


def check(in_node, model, pictures, rtol=0.0):
    """Asserts that logits of all pictures, and maps of three, are Keras' own."""
    found = computed(in_node, model, pictures)
    logits = keras.Model(model.input, model.get_layer("logits").output)
    expected = logits.predict(pictures.astype("float32"), verbose=0)
    scores = [layers[-1]["data"] for layers in found]
    np.testing.assert_allclose(scores, expected, rtol=rtol, atol=1e-4)
    names = [layer["name"] for layer in found[0]]
    maps = feature_extractor(model, names).predict(pictures[:3].astype("float32"), verbose=0)
    for number, layers in enumerate(found[:3]):
        for layer in layers:
            ours = np.reshape(layer["data"], layer["shape"])
            theirs = maps[layer["name"]][number]
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4, err_msg=layer["name"])
    return names


@pytest.mark.backend
@pytest.mark.parametrize("name", MODELS)
def test_javascript_computes_what_keras_computes(name, in_node):
    pictures = load("mnist_5k", "test").images[:100]
    # Keras sums 84 squares to penalties of 200 in 32 bits: its backends are up to 1.2e-4 away from
    # what 64 bits give, at 80 and more.
    names = check(in_node, MODELS[name](), pictures, rtol=3e-6)
    if name == "shipped lenet5":
        assert names == ["C1", "S2", "C3", "S4", "C5", "F6", "OUTPUT"]


@pytest.mark.parametrize("name", [name for name in MODELS if "shipped" in name])
def test_javascript_computes_what_keras_computes_of_test_digits(name, in_node, data_dir):
    check(in_node, MODELS[name](), load("mnist", "test", data_dir).images[:100])


def drawn(in_node, *drawings, size=28):
    pictures = in_node(
        "return given.drawings.map((strokes) => Array.from(picture(strokes, given.shape)));",
        drawings=drawings,
        shape=[size, size, 1],
    )
    return np.reshape(pictures, (-1, size, size, 1))


SIZES = [(1, 0, 0), (0.6, 0.3, 0.05), (0.35, 0.0, 0.6), (1.25, -0.12, -0.12)]


@pytest.mark.parametrize("strokes", [SEVEN, THREE, SCRIBBLE], ids=["seven", "three", "scribble"])
def test_a_drawing_gets_the_form_of_mnists_digits(strokes, in_node):
    pictures = drawn(in_node, *(moved(strokes, *size) for size in SIZES))
    for picture in pictures[..., 0]:
        assert picture.max() == 255 and (picture == picture.astype("uint8")).all()
        rows, columns = (np.flatnonzero(picture.max(axis=axis) >= 128) for axis in (1, 0))
        sides = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 19 <= max(sides) <= 21
        weights = picture.sum(1), picture.sum(0)
        for mass in weights:  # counted from 0 at the middle of the first pixel
            assert abs(np.average(np.arange(28), weights=mass) - 14) < 0.1
    # Neither size nor place on the pad matters, but for where the pixels' borders fall.
    assert np.abs(pictures - pictures[0]).max() <= 1


def test_a_drawing_gets_the_form_that_predict_gives_it(in_node, tmp_path):
    """Of the same strokes, drawn by Pillow with a pen as wide."""
    for strokes in (SEVEN, THREE):
        image = Image.new("L", (1120, 1120), 255)
        pen = ImageDraw.Draw(image)
        for stroke in strokes:
            points = [(1120 * x, 1120 * y) for x, y in stroke]
            pen.line(points, 0, 126, joint="curve")
            for x, y in points:
                pen.ellipse((x - 63, y - 63, x + 63, y + 63), 0)
        image.save(tmp_path / "digit.png")
        expected, _ = read_image(tmp_path / "digit.png", (28, 28, 1), digits=True)
        (ours,) = drawn(in_node, strokes)
        assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.9


def test_what_is_hardly_a_drawing(in_node):
    empty, dot, line = drawn(in_node, [], [[[0.2, 0.9]]], [[[0.5, 0.1], [0.5, 0.9]]])
    assert not empty.any()
    assert 0 < (dot > 0).sum() <= 16  # it is not blown up to the size of the box
    assert 18 <= (line.max(axis=(1, 2)) > 127).sum() <= 20
    assert np.isfinite(drawn(in_node, SEVEN, size=32)).all()


@pytest.mark.parametrize("network", ["lenet5", "mnist_cnn"])
def test_the_networks_read_what_is_drawn(network, in_node):
    model = load_model(shipped.folder(network, "mnist") / "model.keras")
    digits = [moved(strokes, *size) for strokes in (SEVEN, THREE) for size in SIZES]
    found = computed(in_node, model, drawn(in_node, *digits, SCRIBBLE))
    scores = np.array([layers[-1]["data"] for layers in found])
    assert scores[:8].argmax(axis=1).tolist() == [7] * 4 + [3] * 4
    if network == "lenet5":
        metrics = json.loads((shipped.folder(network, "mnist") / "metrics.json").read_text("utf-8"))
        unlike = -scores.max(axis=1) > metrics["usual_penalty"]
        assert unlike.tolist() == [False] * 8 + [True]


UNKNOWN = {
    "a layer of another kind": lambda: [keras.layers.BatchNormalization(name="norm")],
    "an activation of another kind": lambda: [keras.layers.Activation("gelu")],
    "groups": lambda: [keras.layers.Conv2D(2, 3), keras.layers.Conv2D(2, 3, groups=2)],
    "channels first": lambda: [keras.layers.Conv2D(2, 1, data_format="channels_first")],
    "padding that counts": lambda: [keras.layers.AveragePooling2D(3, padding="same")],
    "a full connection of every pixel": lambda: [keras.layers.Dense(2)],
    "a scale for each row": lambda: [keras.layers.Rescaling(np.ones((28, 1, 1)))],
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_the_page_cannot_compute_is_not_described(name):
    steps = [
        live.describe(inference_of(*layers, keras.layers.Flatten(), keras.layers.Dense(10)))
        for layers in ([], UNKNOWN[name]())
    ]
    assert steps[0] is not None and steps[1] is None


def test_only_chains_of_finite_weights_that_a_page_holds(monkeypatch):
    pixels = keras.Input((28, 28, 1))
    twice = keras.layers.Add()([keras.layers.Flatten()(pixels), keras.layers.Flatten()(pixels)])
    branches = keras.Model(pixels, keras.layers.Dense(10)(twice))
    assert live.describe(inference_of(branches)) is None
    assert live.describe(branches) is None
    dense = keras.layers.Dense(10)
    model = inference_of(keras.layers.Flatten(), dense)
    monkeypatch.setattr(live, "MOST_WEIGHTS", 7849)
    assert live.describe(model) is None
    monkeypatch.setattr(live, "MOST_WEIGHTS", 7850)
    assert live.describe(model) is not None
    dense.bias.assign([np.nan] * 10)
    assert live.describe(model) is None


def described(page):
    """What a page says of its network."""
    (text,) = re.findall(r'<script type="application/json">(.*)</script>', page)
    return json.loads(text)


def test_the_page_holds_the_network_and_the_checksum_of_its_script(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    (finished / "metrics.json").write_text(json.dumps(metrics | {"usual_penalty": 61.5}))
    page = write_report(finished).read_text("utf-8")
    network = described(page)
    assert network["classes"] == list("0123456789")
    assert (network["shape"], network["bitmap"]) == ([28, 28, 1], [12, 7])
    assert network["usual_penalty"] == 61.5
    centers = base64.b64decode(network["steps"][-1]["weights"]["centers"])
    expected = keras_classics.models.lenet.digit_bitmaps()
    np.testing.assert_array_equal(np.frombuffer(centers, "<f4").reshape(10, 84), expected)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    checksum = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{checksum}';" in page
    assert page.count("<script") == 2
    assert "needs JavaScript" in page
    assert len(page) < 1_200_000


def test_a_run_without_penalties_says_probabilities(finished):
    of_the_builder(**TUTORIAL).save(finished / "model.keras")
    network = described(write_report(finished).read_text("utf-8"))
    assert (network["bitmap"], network["usual_penalty"]) == (None, None)
    assert network["steps"][-1]["layer"] == "OUTPUT"


def test_names_of_layers_are_text(finished):
    bad = "<!--<script>&'\""
    layers = keras.layers.Conv2D(2, 3, name=bad), keras.layers.Flatten(), keras.layers.Dense(10)
    inference_of(*layers).save(finished / "model.keras")
    (section,) = live.pad(read_run(finished), Network(finished / "model.keras"))
    assert described(section)["steps"][0]["layer"] == bad
    assert section.count("<script") == 2 and "<!--" not in section


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": list("abcdefghij")},
        {"image_shape": [28, 28, 3]},
        {"image_shape": [32, 32, 1]},
    ],
    ids=["letters", "colours", "another size"],
)
def test_no_pad_where_no_digits_are_read(finished, changes):
    metrics = json.loads((finished / "metrics.json").read_text())
    (finished / "metrics.json").write_text(json.dumps(metrics | changes))
    assert live.pad(read_run(finished), Network(finished / "model.keras")) == []


def test_no_pad_for_a_network_that_the_page_does_not_know(finished):
    ends = keras.layers.Flatten(), keras.layers.Dense(10)
    inference_of(keras.layers.BatchNormalization(), *ends).save(finished / "model.keras")
    page = write_report(finished).read_text("utf-8")
    assert "<script" not in page and "Draw a digit" not in page
