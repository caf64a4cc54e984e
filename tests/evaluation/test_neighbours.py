"""The nearest training pictures in the last hidden layer, and what else a run keeps to show."""

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics.data.pipeline import one_epoch
from keras_classics.data.sources import Source, load
from keras_classics.evaluation import evaluate
from keras_classics.evaluation.figures import for_report
from keras_classics.evaluation.neighbours import nearest_in_training
from keras_classics.runs.sources import load_sources
from keras_classics.trained_model import last_hidden
from keras_classics.training import vary
from tests.random_weights import randomize
from tests.runs import small_recipes

pytestmark = pytest.mark.backend

# Of `finished_run`.
RECIPE = vary(small_recipes.LENET5, {"epochs": 1, "limit_train": 64, "copies": 1, "validation": 0})


def model_of(network):
    pixels = keras.Input(network.input_shape[1:], name="pixels")
    logits = keras.layers.Activation("linear", name="logits")(network(pixels))
    return keras.Model(pixels, keras.layers.Softmax(name="probabilities")(logits))


def source_of(count, seed, classes=3):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (count, 8, 8, 3), "uint8")
    return Source("noise", "train", images, np.arange(count) % classes, tuple("abc"[:classes]))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = keras.layers.Dense(5, activation="relu", name="hidden")(keras.layers.Flatten()(x))
    x = keras.layers.Dense(3, name="classifier")(keras.layers.Dropout(0.5)(x))
    return model_of(keras.Model(inputs, x, name="network"))


def test_they_are_those_of_a_search_by_hand(model):
    train, test = source_of(200, 0), source_of(200, 1)
    kept = for_report(evaluate(model, test), test)
    found = nearest_in_training(model, kept, train)
    network = model.get_layer("network")
    hidden = keras.Model(network.inputs, network.get_layer("hidden").output)
    values = np.asarray(hidden.predict(train.images.astype("float32"), verbose=0))
    assert found["near_index"].tolist() == [0, 1, 2] and found["near_among"].tolist() == [200]
    for row, position in enumerate(found["near_index"]):
        own = hidden.predict(test.images[position : position + 1].astype("float32"), verbose=0)
        distances = np.sqrt(np.square(values - np.asarray(own)).sum(axis=1))
        nearest = np.argsort(distances, kind="stable")[:6]
        np.testing.assert_array_equal(found["near_labels"][row], train.labels[nearest])
        shown = found["near_images"][6 * row : 6 * row + 6]
        np.testing.assert_array_equal(shown, train.images[nearest])
        # Batches of other sizes, in float32.
        np.testing.assert_allclose(found["near_distances"][row], distances[nearest], rtol=1e-3)


def test_a_picture_of_the_training_set_is_its_own_nearest(model):
    train = source_of(40, 0)
    kept = for_report(evaluate(model, train), train)
    found = nearest_in_training(model, kept, train)
    assert np.all(found["near_distances"][:, 0] < 1e-3)


@pytest.mark.parametrize(("measured", "among"), [(30, 30), (1100, 1000), (12_000, 1200)])
def test_it_looks_among_a_tenth_of_what_was_measured_or_a_thousand(model, measured, among):
    test, train = source_of(30, 1), source_of(1500, 0)
    kept = for_report(evaluate(model, test), test)
    kept["labels"] = np.resize(kept["labels"], measured)
    assert nearest_in_training(model, kept, train)["near_among"].tolist() == [among]


def test_values_too_large_for_distances_have_no_neighbours(model):
    train = source_of(40, 0)
    kept = for_report(evaluate(model, train), train)
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1e20)(keras.layers.Flatten()(x))
    large = model_of(keras.Model(inputs, keras.layers.Dense(3)(x), name="large"))
    assert nearest_in_training(large, kept, train) == {}


def test_values_may_be_whole_maps():
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 1)(x))
    model, train = model_of(keras.Model(inputs, x, name="maps")), source_of(40, 0)
    assert last_hidden(model).output_shape == (None, 6, 6, 4)
    kept = for_report(evaluate(model, train), train)
    found = nearest_in_training(model, kept, train)
    assert found["near_distances"].shape == (3, 6)
    assert np.all(found["near_distances"][:, 0] < 1e-3)


def test_a_network_that_ends_in_two_branches_has_none(model):
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(x)
    branches = [keras.layers.Dense(3)(x) for _ in range(2)]
    two = model_of(keras.Model(inputs, keras.layers.Add()(branches), name="two"))
    test = source_of(30, 1)
    assert last_hidden(two) is None
    assert nearest_in_training(two, for_report(evaluate(two, test), test), test) == {}


def test_the_last_hidden_layer_of_lenet5_is_f6():
    network = keras_classics.lenet5(classifier_activation=None)
    randomize(network)
    model = model_of(network)
    pictures = np.random.default_rng(0).uniform(-0.1, 1.2, (4, 32, 32, 1)).astype("float32")
    f6 = keras.Model(network.inputs, network.get_layer("F6").output)
    found, expected = (one.predict(pictures, verbose=0) for one in (last_hidden(model), f6))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.fixture(scope="module")
def arrays(finished_run):
    with np.load(finished_run / "predictions.npz") as file:
        return dict(file)


def test_a_run_keeps_what_it_was_shown_first(arrays):
    source = load_sources(RECIPE, None, "none")["train"]
    batches = one_epoch(
        source, RECIPE.batch_size, seed=RECIPE.seed, epoch=0, shuffle=RECIPE.shuffle,
        transforms=RECIPE.train_transforms,
    )  # fmt: skip
    images, labels = next(iter(batches))
    assert len(arrays["batch_labels"]) == 24
    np.testing.assert_array_equal(arrays["batch_labels"], labels[:24])
    np.testing.assert_allclose(arrays["batch_images"], np.clip(images[:24], 0, 255), atol=0.51)
    as_stored = (arrays["batch_images"][:, None] == source.images).all((2, 3, 4)).any(axis=1)
    assert not as_stored.any()  # they are distorted


def test_a_run_keeps_the_most_and_the_least_certain_pictures(arrays):
    right = arrays["labels"] == arrays["predicted"]
    shares = arrays["probabilities"].max(axis=1)
    for kind in (right, ~right):
        kept = np.intersect1d(arrays["certain_index"], np.flatnonzero(kind))
        order = np.sort(shares[kind])
        assert len(order) > 20
        np.testing.assert_array_equal(np.sort(shares[kept]), [*order[:10], *order[-10:]])
    images = load("mnist_5k", "test").images[arrays["certain_index"]]
    np.testing.assert_array_equal(arrays["certain_images"], images)


def test_its_neighbours_are_training_pictures(arrays):
    source = load_sources(RECIPE, None, "none")["train"]
    assert arrays["near_among"].tolist() == [64]
    assert arrays["near_images"].shape == (30, 28, 28, 1)
    is_it = (arrays["near_images"][:, None] == source.images).all((2, 3, 4))
    assert is_it.any(axis=1).all()
    np.testing.assert_array_equal(
        source.labels[is_it.argmax(axis=1)], arrays["near_labels"].ravel()
    )
    assert np.all(np.diff(arrays["near_distances"], axis=1) >= 0)
