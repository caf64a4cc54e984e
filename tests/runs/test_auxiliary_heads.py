"""Networks with auxiliary heads: all of them train, only the main one is measured and saved."""

import csv
import re
from functools import partial

import keras
import numpy as np
import pytest

from keras_classics import googlenet
from keras_classics.data.sources import Source, load
from keras_classics.evaluation import evaluate
from keras_classics.runs import assemble, train
from keras_classics.trained_model import network_of
from keras_classics.training import PixelRange, RecipeError, StochasticDiagonalLM, vary
from tests.runs import small_recipes

RECIPE = vary(small_recipes.FRAGILE, {"epochs": 1, "limit_train": 96, "keep_epochs": (1,)})


def rows(run_dir):
    with open(run_dir / "history.csv") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def cross_entropy(logits, labels):
    logits = logits.astype("float64")
    of_label = logits[np.arange(len(labels)), labels]
    return np.mean(np.log(np.exp(logits).sum(-1)) - of_label)


@pytest.mark.backend
def test_the_loss_is_the_weighted_sum_of_all_heads():
    source = load("mnist_5k", "test")
    model, inference = assemble(RECIPE, source)
    images, labels = source.images[:50].astype("float32"), source.labels[:50]
    heads = model.predict(images, verbose=0)
    assert set(heads) == {"main", "auxiliary"}
    of = {name: cross_entropy(logits, labels) for name, logits in heads.items()}
    found = model.evaluate(images, labels, batch_size=50, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(of["main"] + 0.3 * of["auxiliary"], rel=1e-5)
    wrong = np.mean(heads["main"].argmax(-1) != labels)
    assert found["accuracy"] == pytest.approx(1 - wrong, abs=1e-6)
    shares = np.exp(heads["main"] - heads["main"].max(-1, keepdims=True))
    np.testing.assert_allclose(
        inference.predict(images, verbose=0), shares / shares.sum(-1, keepdims=True), atol=1e-5
    )


@pytest.mark.backend
def test_a_run_trains_the_heads_and_saves_the_main_output(tmp_path):
    metrics = train(RECIPE, tmp_path / "run", verbose=0)
    (row,) = rows(tmp_path / "run")
    assert set(row) == {"epoch", "learning_rate", "loss", "error", "val_loss", "val_error"}
    assert row["val_error"] == pytest.approx(metrics["error"], abs=1e-4)
    assert row["val_loss"] == metrics["loss"]  # of the main head alone
    for saved in ("model.keras", "snapshots/epoch-0001.keras"):
        model = keras.models.load_model(tmp_path / "run" / saved)
        names = [layer.name for layer in network_of(model).layers]
        assert "head" in names and not [name for name in names if "auxiliary" in name]
        assert [layer.name for layer in model.layers[-2:]] == ["logits", "probabilities"]
        assert len(evaluate(model, load("mnist_5k", "test")).predicted) == 500


@pytest.mark.backend
def test_the_weight_of_the_heads_reaches_the_training():
    """One step from the same weights: the auxiliary head moves in proportion to its weight."""
    moved = {}
    source = load("mnist_5k", "test")
    for weight in (0.3, 0.6):
        keras.utils.set_random_seed(0)
        recipe = vary(
            RECIPE,
            {
                "auxiliary_weight": weight,
                "optimizer": keras.optimizers.SGD,
                "model.dropout": 0.0,
            },
        )
        model, _ = assemble(recipe, source)
        head = network_of(model).get_layer("auxiliary_head")
        before = head.get_weights()[0]
        model.train_on_batch(source.images[:32].astype("float32"), source.labels[:32])
        moved[weight] = head.get_weights()[0] - before
    assert np.abs(moved[0.3]).max() > 0
    np.testing.assert_allclose(moved[0.6], 2 * moved[0.3], rtol=1e-3, atol=1e-7)


def test_googlenet_is_saved_without_its_heads(tmp_path):
    images = np.zeros((2, 224, 224, 3), "uint8")
    source = Source("zeros", "train", images, np.array([0, 1]), tuple(map(str, range(1000))))
    recipe = vary(
        RECIPE,
        {
            "name": "googlenet",
            "model": partial(googlenet, auxiliary_heads=True),
            "normalization": PixelRange(low=-1.0, high=1.0),
        },
    )
    training, inference = assemble(recipe, source)
    assert training.count_params() == 13_378_280
    inference.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    assert model.count_params() == 6_998_552
    plain = [layer.name for layer in googlenet().layers[1:]]
    assert [layer.name for layer in network_of(model).layers[1:]] == plain


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"auxiliary_weight": None},
            "small_fragile's network has auxiliary heads (auxiliary); say how much their losses "
            "count with `auxiliary_weight`, or build it without them.",
        ),
        (
            {"model.auxiliary_heads": False},
            "`auxiliary_weight` is 0.3, but small_fragile's network has no auxiliary heads: they "
            "are outputs in a dict, beside `main`.",
        ),
        (
            {"optimizer": StochasticDiagonalLM},
            "StochasticDiagonalLM needs its pictures in memory and a network with one output; "
            "choose another optimizer, data whose pictures have one size, or no auxiliary heads.",
        ),
    ],
    ids=["no weight", "no heads", "no curvature"],
)
def test_a_weight_and_heads_belong_together(changes, message, tmp_path):
    with pytest.raises(RecipeError, match=f"^{re.escape(message)}$"):
        train(vary(RECIPE, changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()
