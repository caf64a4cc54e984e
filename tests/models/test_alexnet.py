"""AlexNet's two towers in two forms: layers of their own, and the groups of single layers."""

import re

import keras
import numpy as np
import pytest

import keras_classics
from tests.models.one_call import of_keras
from tests.random_weights import randomize

pytestmark = pytest.mark.backend


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"local_response_norm": "mean", "overlapping_pooling": False},
        {"batch_norm": True, "local_response_norm": False},
        {"include_top": False, "pooling": "avg"},
        {"edition": "code_2012"},
        {"edition": "code_2012", "overlapping_pooling": False},
    ],
    ids=["paper", "mean", "batch_norm", "no top", "code_2012", "147"],
)
def test_grouped_towers_are_the_same_network(options):
    build = {"stem": "cifar", "input_shape": (24, 24, 3), "classifier_activation": None, **options}
    apart = keras_classics.alexnet(7, **build)
    randomize(apart)
    together = keras_classics.alexnet(7, towers="grouped", **build)
    assert together.count_params() == apart.count_params()
    for layer in together.layers:
        # conv1 is conv1_a and conv1_b, conv1_bn is conv1_a_bn and conv1_b_bn, fc8 is fc8.
        same = [one for one in apart.layers if re.sub("_[ab](_|$)", r"\1", one.name) == layer.name]
        towers = [one for one in same if one.weights]
        weights = zip(*(tower.get_weights() for tower in towers), strict=True)
        layer.set_weights([np.concatenate(parts, axis=-1) for parts in weights])
    x = np.random.default_rng(0).normal(scale=60.0, size=(2, 24, 24, 3)).astype("float32")
    expected = of_keras(apart, x)
    # The same sums of float32, in another order.
    np.testing.assert_allclose(
        of_keras(together, x), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )


def test_grouped_towers_train_and_survive_a_file(tmp_path):
    model = keras_classics.alexnet(3, stem="cifar", input_shape=(12, 12, 3), towers="grouped")
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype("float32")
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    before = model.get_layer("conv2").get_weights()[0]
    model.train_on_batch(x, np.array([0, 1]))
    assert np.abs(model.get_layer("conv2").get_weights()[0] - before).max() > 0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(of_keras(again, x), of_keras(model, x))
