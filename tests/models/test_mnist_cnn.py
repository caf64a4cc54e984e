import json
import re
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from keras_classics import mnist_cnn

pytestmark = pytest.mark.backend

GOLDEN = Path(__file__).parent / "golden"
describe = runpy.run_path(str(GOLDEN / "regenerate.py"))["describe"]


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def pictures(*shape):
    return np.random.default_rng(0).random(shape).astype("float32")


@pytest.fixture(scope="module")
def network():
    """The network with logits and biases that are not zero; not to be changed."""
    model = mnist_cnn(classifier_activation=None)
    for weight in model.weights:
        if weight.name == "bias":
            weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    return model


def test_counts_and_shapes(network):
    counts = {layer.name: layer.count_params() for layer in network.layers if layer.weights}
    assert counts == {"conv1": 320, "conv2": 18_496, "dense": 31_370}
    assert network.count_params() == 50_186
    assert network.input_shape == (None, 28, 28, 1)
    assert mnist_cnn(26, input_shape=(32, 32, 3)).output_shape == (None, 26)


def test_layers_and_weights_are_the_pinned_ones(network):
    golden = json.loads((GOLDEN / "mnist_cnn.json").read_text(encoding="utf-8"))
    assert describe(network) == golden
    assert list(describe(network)) == list(golden)


def stage(x, kernel, bias):
    """3×3 convolution with a border of zeros, ReLU, maximum of 2×2."""
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = sliding_window_view(x, (3, 3), axis=(1, 2))
    x = np.maximum(np.einsum("nrcmij,ijmu->nrcu", patches, kernel) + bias, 0)
    n, rows, columns, maps = x.shape
    return x.reshape(n, rows // 2, 2, columns // 2, 2, maps).max(axis=(2, 4))


def test_computes_what_numpy_computes(network):
    x = pictures(2, 28, 28, 1)
    weights = [w.astype("float64") for w in network.get_weights()]
    maps = stage(stage(x, *weights[:2]), *weights[2:4])
    logits = maps.reshape(2, -1) @ weights[4] + weights[5]
    # Sums of up to 3,136 products in float32.
    np.testing.assert_allclose(numpy_of(network(x)), logits, atol=1e-5 * np.abs(logits).max())
    with_softmax = mnist_cnn()
    with_softmax.set_weights(network.get_weights())
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        numpy_of(with_softmax(x)), odds / odds.sum(axis=1, keepdims=True), atol=1e-4
    )


def test_starts_glorot_uniform_with_zero_biases():
    fans = {"conv1": 9 * (1 + 32), "conv2": 9 * (32 + 64), "dense": 3136 + 10}
    for name, fan in fans.items():
        kernel, bias = mnist_cnn().get_layer(name).get_weights()
        limit = np.sqrt(6 / fan)
        # 288 draws and more: all of them below 0.9 of the limit once in 10^13.
        assert 0.9 * limit < np.abs(kernel).max() <= limit * (1 + 1e-6)
        assert not bias.any()


@pytest.mark.parametrize("pooling", [None, "avg", "max"])
def test_without_top_ends_in_the_maps_of_pool2(pooling, network):
    model = mnist_cnn(26, include_top=False, pooling=pooling)
    model.set_weights(network.get_weights()[:4])
    x = pictures(2, 28, 28, 1)
    maps = numpy_of(keras.Model(network.input, network.get_layer("pool2").output)(x))
    expected = {None: maps, "avg": maps.mean(axis=(1, 2)), "max": maps.max(axis=(1, 2))}[pooling]
    assert model.output_shape == (None, *expected.shape[1:])
    np.testing.assert_allclose(numpy_of(model(x)), expected, rtol=1e-5, atol=1e-5)


def test_channels_first_has_the_same_maps(network):
    keras.config.set_image_data_format("channels_first")
    try:
        model = mnist_cnn(include_top=False)
        assert mnist_cnn().input_shape == (None, 1, 28, 28)
    finally:
        keras.config.set_image_data_format("channels_last")
    model.set_weights(network.get_weights()[:4])
    x = pictures(2, 28, 28, 1)
    maps = keras.Model(network.input, network.get_layer("pool2").output)(x)
    np.testing.assert_allclose(
        numpy_of(model(x.transpose(0, 3, 1, 2))),
        numpy_of(maps).transpose(0, 3, 1, 2),
        rtol=1e-5,
        atol=1e-5,
    )


def test_weights_come_from_a_file(network, tmp_path):
    network.save_weights(tmp_path / "cnn.weights.h5")
    again = mnist_cnn(weights=tmp_path / "cnn.weights.h5")
    for one, other in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"pooling": "sum"},
            '`pooling` must be one of None, "avg", "max". Received: pooling=\'sum\'',
        ),
        (
            {"weights": "minst"},
            '`weights` must be None, "mnist" or the path of a file or a run. '
            "Received: weights='minst'",
        ),
    ],
    ids=["pooling", "weights"],
)
def test_errors_say_what_is_legal(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mnist_cnn(**options)
