"""A network that starts with layers of another run, as VGG's deeper ones did."""

import json
import re

import keras
import numpy as np
import pytest

from keras_classics import vgg11, vgg16
from keras_classics.cli import run
from keras_classics.runs import assemble, train
from keras_classics.trained_model import network_of
from keras_classics.training import CopyLayers, RecipeError, vary
from tests.runs import small_recipes

RECIPE = vary(small_recipes.FRAGILE, {"epochs": 1, "limit_train": 64})
LAYERS = ("conv", "norm", "head")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "first"
    train(RECIPE, path, verbose=0)
    return path


class Start(keras.callbacks.Callback):
    """The weights with which a training begins, and how often one began."""

    def on_train_begin(self, logs=None):
        self.weights = {layer.name: layer.get_weights() for layer in network_of(self.model).layers}


@pytest.mark.backend
def test_training_starts_with_the_copied_layers(finished, tmp_path):
    source = network_of(keras.models.load_model(finished / "model.keras"))
    recipe = vary(RECIPE, {"initial_weights": CopyLayers(str(finished), LAYERS), "seed": 1})
    start = Start()
    train(recipe, tmp_path / "run", callbacks=[start], verbose=0)
    for name in LAYERS:
        for found, expected in zip(
            start.weights[name], source.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(found, expected, err_msg=name)
    hidden = source.get_layer("hidden").get_weights()[0]
    assert (start.weights["hidden"][0] != hidden).any()  # the rest is drawn


def test_after_another_run_every_layer_is_its_own(finished, tmp_path):
    source = network_of(keras.models.load_model(finished / "model.keras"))
    arguments = ["--run-dir", str(tmp_path / "run"), "--after", str(finished), "--seed", "1"]
    run(RECIPE, argv=[*arguments, "--set", "learning_rate=1e-30"])
    trained = network_of(keras.models.load_model(tmp_path / "run" / "model.keras"))
    for layer in trained.layers:
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):  # not moving statistics
            for found, expected in zip(
                layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True
            ):
                # Averages of a weight that stays are rounded.
                np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=layer.name)
    changed = json.loads((tmp_path / "run" / "metrics.json").read_text())["changed"]
    assert ["initial_weights", "learning_rate"] == sorted(one["field"] for one in changed)


def test_a_finished_run_that_shall_have_more_epochs_says_how(finished):
    with pytest.raises(SystemExit, match=f"with --after {re.escape(str(finished))} to train on"):
        run(RECIPE, argv=["--run-dir", str(finished), "--epochs", "2"])


def test_a_continued_run_starts_where_it_was(finished, tmp_path):
    """And does not need the other run any more."""
    copied = tmp_path / "model.keras"
    copied.write_bytes((finished / "model.keras").read_bytes())
    recipe = vary(RECIPE, {"initial_weights": CopyLayers(str(copied), LAYERS), "epochs": 2})

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "run", callbacks=[Stop()], verbose=0)
    copied.unlink()
    start = Start()
    metrics = train(recipe, tmp_path / "run", callbacks=[start], verbose=0)
    assert metrics["epochs"] == 2
    source = network_of(keras.models.load_model(finished / "model.keras"))
    assert (start.weights["conv"][0] != source.get_layer("conv").get_weights()[0]).any()


def test_vgg16_starts_from_the_layers_of_vgg11(tmp_path):
    """The convolutions of A that D has under the same names and with the same shapes."""
    options = {"input_shape": (32, 32, 3), "num_classes": 10}
    first, deeper = vgg11(**options), vgg16(**options)
    first.save(tmp_path / "vgg11.keras")  # a file, and no normalisation around the network
    layers = ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "fc6", "fc7", "fc8")
    CopyLayers(str(tmp_path / "vgg11.keras"), layers)(deeper)
    for name in layers:
        for found, expected in zip(
            deeper.get_layer(name).get_weights(),
            first.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected, err_msg=name)


@pytest.mark.parametrize(
    ("layers", "model", "faults"),
    [
        (("conv", "conv9"), {}, "conv9 is no layer with weights there or here."),
        (("auxiliary_head",), {}, "auxiliary_head is no layer with weights there."),
        (
            ("conv", "hidden", "nowhere", "head"),
            {"width": 9},
            "hidden has weights of (256, 16), (16,) there and of (256, 9), (9,) here; nowhere is "
            "no layer with weights there or here; head has weights of (16, 10), (10,) there and "
            "of (9, 10), (10,) here.",
        ),
    ],
    ids=["name", "only there", "shapes"],
)
def test_names_and_shapes_are_checked_before_anything_is_done(
    layers, model, faults, finished, tmp_path
):
    recipe = vary(RECIPE, {"initial_weights": CopyLayers(str(finished), layers)})
    recipe = vary(recipe, {f"model.{name}": value for name, value in model.items()})
    message = f"`initial_weights` cannot copy from {finished}: {faults}"
    with pytest.raises(RecipeError, match=f"^{re.escape(message)}$"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_nothing_is_copied_unless_all_can_be(finished):
    from keras_classics.data.sources import load

    network = network_of(assemble(vary(RECIPE, {"seed": 1}), load("mnist_5k", "train"))[0])
    before = network.get_weights()
    with pytest.raises(RecipeError):
        CopyLayers(str(finished), ("conv", "nowhere"))(network)
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_that_is_not_finished_is_refused(tmp_path):
    (tmp_path / "first").mkdir()
    message = (
        f"`initial_weights` wants to copy from {tmp_path / 'first' / 'model.keras'}, which does "
        "not exist; is that run finished?"
    )
    recipe = vary(RECIPE, {"initial_weights": CopyLayers(str(tmp_path / "first"), LAYERS)})
    with pytest.raises(RecipeError, match=f"^{re.escape(message)}$"):
        train(recipe, tmp_path / "run")


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04torn"])
def test_what_is_no_model_is_refused(content, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=re.escape(f"cannot load {path} as a model: ")) as caught:
        CopyLayers(str(path), LAYERS)(None)
    assert "\n" not in str(caught.value)
