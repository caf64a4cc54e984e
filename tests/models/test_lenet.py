import itertools
import json
import re
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from keras_classics import lenet5
from keras_classics.data.sources import load
from keras_classics.layers import FanInUniform
from keras_classics.models.lenet import TABLE_I, digit_bitmaps

pytestmark = pytest.mark.backend

GOLDEN = Path(__file__).parent / "golden"
describe = runpy.run_path(str(GOLDEN / "regenerate.py"))["describe"]

# Section II-B and Fig. 2: trainable parameters, and maps.
PAPER = {
    "C1": (156, (28, 28, 6)),
    "S2": (12, (14, 14, 6)),
    "C3": (1_516, (10, 10, 16)),
    "S4": (32, (5, 5, 16)),
    "C5": (48_120, (1, 1, 120)),
    "F6": (10_164, (84,)),
    "OUTPUT": (0, (10,)),
}
# Table I once more, by columns of the paper: the maps of S2 that each map of C3 sees.
SEEN = "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"
SIMPLEST = {
    "connections": "full",
    "subsampling": "average",
    "activation": "tanh",
    "output": "softmax",
}


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def trainable_count(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def randomize(model):
    """Gives every trainable weight, also the biases, a value of its own: the same everywhere."""
    rng = np.random.default_rng(1998)
    for weight in model.trainable_weights:
        spread = 1 / np.sqrt(max(np.prod(weight.shape[:-1]), 4))
        weight.assign(rng.normal(scale=spread, size=weight.shape))


def pictures(*shape):
    return np.random.default_rng(0).uniform(-0.1, 1.175, shape).astype("float32")


@pytest.fixture(scope="module")
def initial():
    """The published network as it starts; not to be changed."""
    return lenet5()


@pytest.fixture(scope="module")
def published():
    """The published network with logits and fixed random weights; not to be changed."""
    model = lenet5(classifier_activation=None)
    randomize(model)
    return model


def test_has_the_layers_of_the_paper(initial):
    for name, (parameters, maps) in PAPER.items():
        layer = initial.get_layer(name)
        assert trainable_count(layer) == parameters, name
        assert layer.output.shape == (None, *maps), name
    assert trainable_count(initial) == 60_000
    assert initial.count_params() == 60_840
    assert initial.input_shape == (None, 32, 32, 1)
    assert initial.name == "lenet5"


def test_layers_and_weights_are_the_pinned_ones(initial):
    golden = json.loads((GOLDEN / "lenet5.json").read_text(encoding="utf-8"))
    assert describe(initial) == golden
    assert list(describe(initial)) == list(golden)


def epochs_of(model, digits, epochs):
    """Trains as tutorials do, and returns the last loss."""
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    pixels = np.pad(digits.images / 255.0, ((0, 0), (2, 2), (2, 2), (0, 0)))
    return model.fit(pixels, digits.labels, 32, epochs, verbose=0).history["loss"][-1]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_what_most_tutorials_call_lenet5_learns(activation, backend):
    if backend == "jax":
        pytest.skip("the same network and the same rule; JAX needs half a minute to compile them")
    digits = load("mnist_5k", "test")
    tutorial = lenet5(**SIMPLEST | {"activation": activation})
    # ln 10 = 2.30 is chance; 0.5 after ten passes over 500 digits, with seeds 0 … 2: ± 0.1.
    assert epochs_of(tutorial, digits, 10) < 1.0
    papers = lenet5(**SIMPLEST | {"activation": activation}, kernel_initializer=FanInUniform())
    assert epochs_of(papers, digits, 10) > 2.2  # so that the default is needed


def test_another_start_of_every_layer():
    for given in ("orthogonal", keras.initializers.Orthogonal()):
        model = lenet5(**SIMPLEST, kernel_initializer=given)
        of_layers = [model.get_layer(n).kernel_initializer for n in ("C1", "C3", "C5", "F6")]
        assert {type(one).__name__ for one in of_layers} == {"Orthogonal"}
        assert len({id(one) for one in of_layers}) == 4
    with pytest.raises(ValueError, match="`kernel_initializer` must be the name of a Keras init"):
        lenet5(kernel_initializer="glorot_uniformly")


@pytest.mark.parametrize(
    ("options", "trainable"),
    [
        ({"connections": "full"}, 60_900),
        ({"subsampling": "average"}, 59_956),
        ({"subsampling": "max"}, 59_956),
        ({"activation": "tanh"}, 60_000),
        ({"activation": "relu"}, 60_000),
        ({"output": "softmax"}, 60_850),
        ({"output": "softmax", "num_classes": 26}, 62_210),
        ({"input_shape": (28, 28, 1)}, 42_720),
        ({"input_shape": (32, 32, 3)}, 60_300),
        (SIMPLEST, 61_706),
        ({**SIMPLEST, "input_shape": (28, 28, 1)}, 44_426),
    ],
    ids=str,
)
def test_every_option_has_its_count(options, trainable):
    model = lenet5(**options)
    assert trainable_count(model) == trainable
    fixed = 0 if options.get("output") == "softmax" else 840
    assert model.count_params() == trainable + fixed
    assert model.output_shape == (None, options.get("num_classes", 10))
    assert [layer.name for layer in model.layers if layer.name in PAPER] == list(PAPER)


def test_28_pixels_leave_4_for_c5():
    model = lenet5(input_shape=(28, 28, 1))
    sides = {name: model.get_layer(name).output.shape[1] for name in ("C1", "S2", "C3", "S4", "C5")}
    assert sides == {"C1": 24, "S2": 12, "C3": 8, "S4": 4, "C5": 1}


def test_table_i():
    assert tuple(tuple(map(int, maps)) for maps in SEEN.split()) == TABLE_I
    assert np.bincount([m for maps in TABLE_I for m in maps]).tolist() == [10] * 6


def test_bitmaps_are_those_of_figure_3():
    ink = digit_bitmaps() == 1
    assert np.abs(digit_bitmaps()).tolist() == np.ones((10, 84)).tolist()
    assert ink.sum(axis=1).tolist() == [35, 27, 33, 32, 41, 35, 39, 25, 43, 39]
    pairs = list(itertools.combinations(range(10), 2))
    distances = np.array([(ink[a] != ink[b]).sum() for a, b in pairs])
    assert (distances.min(), distances.max()) == (12, 50)
    assert [pairs[i] for i in np.flatnonzero(distances == 12)] == [(6, 8)]
    assert [pairs[i] for i in np.flatnonzero(distances == 50)] == [(1, 4), (1, 8), (4, 7)]


def test_bitmaps_run_row_by_row():
    ink = (digit_bitmaps() == 1).reshape(10, 12, 7)
    assert ink[7, 0].all()  # the bar of 7
    assert ink[1, 9].tolist() == [False] + [True] * 6  # the foot of 1
    assert [digit for digit in range(10) if ink[digit, 10:].any()] == [4]  # the only descender


def test_weights_start_within_their_fan_in(initial):
    def check(weights, limit):
        largest = np.abs(weights).max()
        # The smallest group has 75 weights: all below 0.8 of the limit once in 18 million.
        assert 0.8 * limit < largest <= limit * (1 + 1e-6)

    limits = {"C1": 0.096, "C5": 0.006, "F6": 0.020}
    for name, limit in limits.items():
        check(initial.get_layer(name).get_weights()[0], limit)
    kernel, first = initial.get_layer("C3").get_weights()[0], 0
    for maps in TABLE_I:
        check(kernel[..., first : first + len(maps)], {3: 0.032, 4: 0.024, 6: 0.016}[len(maps)])
        first += len(maps)
    for name in ("C1", "S2", "C3", "S4", "C5", "F6"):
        assert not initial.get_layer(name).get_weights()[1].any(), f"bias of {name}"
    for name in ("S2", "S4"):
        assert (initial.get_layer(name).get_weights()[0] == 1).all()
    np.testing.assert_array_equal(initial.get_layer("OUTPUT").get_weights()[0], digit_bitmaps())


def squash(a):
    return 1.7159 * np.tanh(2 * a / 3)


def convolve(x, kernel):
    patches = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    return np.einsum("nrcmij,ijmu->nrcu", patches, kernel)


def average(x):
    n, rows, columns, maps = x.shape
    return x.reshape(n, rows // 2, 2, columns // 2, 2, maps).mean(axis=(2, 4))


def forward(model, x):
    """The penalties of section II-B in NumPy and float64."""
    weights = {
        name: [w.astype("float64") for w in model.get_layer(name).get_weights()] for name in PAPER
    }
    (c1, c1_bias), (s2, s2_bias), (c3, c3_bias) = (weights[name] for name in ("C1", "S2", "C3"))
    (s4, s4_bias), (c5, c5_bias), (f6, f6_bias) = (weights[name] for name in ("S4", "C5", "F6"))
    x = squash(convolve(x.astype("float64"), c1) + c1_bias)
    x = squash(s2 * average(x) + s2_bias)
    slices = iter(range(60))
    maps = [
        sum(convolve(x[..., [int(m)]], c3[..., [next(slices)], np.newaxis]) for m in seen)
        for seen in SEEN.split()
    ]
    x = squash(np.concatenate(maps, axis=-1) + c3_bias)
    x = squash(s4 * average(x) + s4_bias)
    x = squash(convolve(x, c5) + c5_bias)[:, 0, 0]
    x = squash(x @ f6 + f6_bias)
    return ((x[:, np.newaxis] - weights["OUTPUT"][0]) ** 2).sum(axis=-1)


def test_computes_what_numpy_computes(published):
    """Each backend within 1e-5 of the largest output: so far do they agree with each other."""
    x = pictures(4, 32, 32, 1)
    penalties = forward(published, x)
    logits = numpy_of(published(x))
    # Sums of up to 400 products in float32, through six layers.
    np.testing.assert_allclose(logits, -penalties, rtol=0, atol=1e-5 * penalties.max())
    # The pictures are told apart: the test sees more than the bias.
    assert np.ptp(penalties, axis=0).min() > 1e-3 * penalties.max()


def test_probabilities_are_the_softmax_of_the_logits(published):
    model = lenet5()
    model.set_weights(published.get_weights())
    x = pictures(4, 32, 32, 1)
    logits = numpy_of(published(x)).astype("float64")
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    # The logits near −100 differ by a few 1e-5 between the two calls at most.
    np.testing.assert_allclose(
        numpy_of(model(x)), odds / odds.sum(axis=1, keepdims=True), atol=1e-4
    )


@pytest.mark.parametrize("options", [{}, {**SIMPLEST, "subsampling": "max"}], ids=str)
def test_channels_first_is_the_same_network(options):
    last = lenet5(classifier_activation=None, **options)
    randomize(last)
    keras.config.set_image_data_format("channels_first")
    try:
        first = lenet5(classifier_activation=None, **options)
    finally:
        keras.config.set_image_data_format("channels_last")
    assert first.input_shape == (None, 1, 32, 32)
    first.set_weights(last.get_weights())
    x = pictures(2, 32, 32, 1)
    expected = numpy_of(last(x))
    np.testing.assert_allclose(
        numpy_of(first(x.transpose(0, 3, 1, 2))), expected, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    ("pooling", "shape"), [(None, (None, 1, 1, 120)), ("avg", (None, 120)), ("max", (None, 120))]
)
def test_without_top_ends_in_the_maps_of_c5(pooling, shape, published):
    model = lenet5(26, include_top=False, pooling=pooling)  # 26 classes do not matter here
    assert model.output_shape == shape
    assert trainable_count(model) == 60_000 - 10_164
    model.set_weights(published.get_weights()[: len(model.weights)])
    x = pictures(2, 32, 32, 1)
    c5 = keras.Model(published.input, published.get_layer("C5").output)(x)
    # The same layers on the same weights; a mean over one pixel.
    np.testing.assert_allclose(
        numpy_of(model(x)).ravel(), numpy_of(c5).ravel(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", [str, Path])
def test_weights_come_from_a_file(kind, published, tmp_path):
    path = tmp_path / "lenet5.weights.h5"
    published.save_weights(path)
    again = lenet5(weights=kind(path))
    for one, other in zip(again.get_weights(), published.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_survives_a_saved_file(published, tmp_path):
    published.save(tmp_path / "lenet5.keras")
    again = keras.models.load_model(tmp_path / "lenet5.keras")
    assert describe(again) == describe(published)
    x = pictures(2, 32, 32, 1)
    np.testing.assert_array_equal(numpy_of(again(x)), numpy_of(published(x)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"connections": "some"},
            '`connections` must be one of "table", "full". Received: connections=\'some\'',
        ),
        (
            {"subsampling": "mean"},
            '`subsampling` must be one of "trainable", "average", "max". '
            "Received: subsampling='mean'",
        ),
        (
            {"activation": "gelu"},
            '`activation` must be one of "scaled_tanh", "tanh", "relu". '
            "Received: activation='gelu'",
        ),
        (
            {"output": "dense"},
            '`output` must be one of "rbf", "softmax". Received: output=\'dense\'',
        ),
        (
            {"include_top": False, "pooling": "sum"},
            '`pooling` must be one of None, "avg", "max". Received: pooling=\'sum\'',
        ),
        (
            {"num_classes": 26},
            '`output="rbf"` has centres for the ten digits only; use output="softmax" for another '
            "number of classes. Received: num_classes=26",
        ),
        (
            {"input_shape": (30, 30, 1)},
            "`input_shape` must be pictures of 32×32 or 28×28 pixels. "
            "Received: input_shape=(30, 30, 1)",
        ),
        (
            {"input_shape": (32, 32)},
            "`input_shape` must be (height, width, channels), at least 28 pixels high and wide. "
            "Received: input_shape=(32, 32)",
        ),
        (
            {"weights": "nowhere.weights.h5"},
            '`weights` must be None, "mnist" or the path of a file or a run. '
            "Received: weights='nowhere.weights.h5'",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        lenet5(**options)
