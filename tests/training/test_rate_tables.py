"""Rates of their own for layers and biases: as a schedule, in the steps, and in a run."""

import csv
import dataclasses
import re

import keras
import numpy as np
import pytest

from keras_classics import alexnet
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.runs import train
from keras_classics.training import CoupledSGD, RateTable, RecipeError, WarmUp, describe, vary
from tests.runs import small_recipes

CODE_2012 = load_recipe("alexnet_imagenet").CODE_2012
# Of the network in both of its forms, two towers and grouped; a test compares.
GROUPED = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
SEPARATE = (*(f"{layer}_{tower}" for layer in GROUPED[:-1] for tower in "ab"), "fc8")
# Typed from the log of configuration 145: the epoch, from 1, and the weights' rate in it, first of
# conv1, then of all others. It ends at 91.
LOG = {
    1: (0.01, 0.01),
    25: (0.001, 0.001),
    51: (0.0001, 0.0001),
    67: (0.00001, 0.0001),
    72: (0.0, 0.0001),
    79: (0.0, 0.00001),
}


def variables_of(layers):
    """The weights of some layers, each of one number, 1."""
    found = []
    for layer in layers:
        owner = keras.layers.Layer(name=layer)
        for kind in ("kernel", "bias"):
            found.append(owner.add_weight(shape=(1,), name=kind, initializer="ones"))
    return {variable.path: variable for variable in found}


def moved(optimizer, variables, gradient=1.0):
    """How far one step moves each weight down."""
    before = {path: keras.ops.convert_to_numpy(v).item() for path, v in variables.items()}
    gradients = [keras.ops.full((1,), gradient) for _ in variables]
    optimizer.apply(gradients, list(variables.values()))
    after = {path: keras.ops.convert_to_numpy(v).item() for path, v in variables.items()}
    return {path: before[path] - after[path] for path in before}


@pytest.mark.usefixtures("nothing_drawn")
@pytest.mark.parametrize(("towers", "layers"), [("grouped", GROUPED), ("separate", SEPARATE)])
def test_the_layers_have_these_names(towers, layers):
    network = alexnet(edition="code_2012", towers=towers)
    paths = [weight.path for weight in network.trainable_weights]
    assert paths == [f"{layer}/{kind}" for layer in layers for kind in ("kernel", "bias")]


@pytest.mark.backend
@pytest.mark.parametrize("layers", [GROUPED, SEPARATE], ids=["grouped", "separate"])
def test_the_rates_of_every_epoch_and_layer_are_those_of_the_log(layers):
    schedule, variables = CODE_2012["schedule"], variables_of(layers)
    optimizer = CoupledSGD(0.01)
    optimizer.build(list(variables.values()))
    assert CODE_2012["epochs"] == 90
    for epoch in range(1, 91):
        conv1, others = LOG[max(first for first in LOG if first <= epoch)]
        factors = schedule.own_factors(epoch - 1)
        optimizer.learning_rate = 0.01 * schedule(epoch - 1, [])
        optimizer.set_own_rates({name: 0.01 * factor for name, factor in factors.items()})
        for variable in variables.values():
            variable.assign([0.0])  # beside which a rate keeps all its digits
        for path, rate in moved(optimizer, variables).items():
            expected = conv1 if path.startswith("conv1") else others
            if path.endswith("bias"):
                expected = 0.0 if conv1 == 0 and path.startswith("conv1") else 0.02
            assert rate == pytest.approx(expected, rel=1e-6, abs=0), (epoch, path)


def test_the_noise_goes_off_with_the_log():
    *_, noise, division = CODE_2012["train_transforms"]
    for epoch in range(1, 91):
        kinds = [type(one.in_epoch(epoch - 1)).__name__ for one in (noise, division)]
        on = ["PCAColorJitter", "DivideAroundMean"]
        assert kinds == (on if epoch < 67 else ["Unchanged", "Unchanged"])


def test_a_stage_holds_until_the_next_and_names_come_before_biases():
    schedule = RateTable(((0, 1.0), (2, 0.5, {"a/*": 0.1}), (3, 0.2)), biases=3.0)
    assert [schedule(epoch, []) for epoch in range(5)] == [1.0, 1.0, 0.5, 0.2, 0.2]
    own = [list(schedule.own_factors(epoch).items()) for epoch in range(4)]
    assert own == [
        [("*/bias", 3.0)],
        [("*/bias", 3.0)],
        [("a/*", 0.1), ("*/bias", 3.0)],  # in this order: the first that matches counts
        [("*/bias", 3.0)],
    ]
    assert RateTable(((0, 1.0), (1, 0.5))).own_factors(1) == {}


@pytest.mark.backend
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_own_rates_take_the_place_of_rate_and_factor(momentum):
    variables = variables_of("ab")
    optimizer = CoupledSGD(0.1, momentum, {"*/kernel": 0.5}, rate_factors={"*/bias": 2.0})
    optimizer.build(list(variables.values()))
    before = len(optimizer.variables)
    assert optimizer.set_own_rates({"b/kernel": 0.01, "b/bias": 0.3})
    assert not optimizer.set_own_rates({"b/*l": 0.01, "b/b*": 0.3})  # the same in other words
    # The state of an optimizer, and so a checkpoint, is what it was: a velocity for each weight.
    assert len(optimizer.variables) == before == 2 + 4 * (momentum > 0)
    # Weights are 1 and so are gradients; kernels decay by a half.
    expected = {"a/kernel": 0.15, "a/bias": 0.2, "b/kernel": 0.015, "b/bias": 0.3}
    assert moved(optimizer, variables) == pytest.approx(expected, rel=1e-5)


@pytest.mark.backend
def test_a_rate_of_zero_freezes_at_once_and_momentum_goes_on_afterwards():
    variables = variables_of("ab")
    optimizer = CoupledSGD(0.1, 0.9, {"*/kernel": 0.5})
    optimizer.build(list(variables.values()))
    moved(optimizer, variables)
    optimizer.set_own_rates({"a/*": 0.0})
    still = moved(optimizer, variables)
    assert still["a/kernel"] == still["a/bias"] == 0.0 and still["b/bias"] > 0.1
    optimizer.set_own_rates({})
    # Its velocity is that of the first step: 0.9 · 0.1 + 0.1.
    assert moved(optimizer, variables)["a/bias"] == pytest.approx(0.19, rel=1e-5)


TABLE = RateTable(((0, 1.0), (1, 0.5, {"conv/*": 0.0}), (2, 0.5, {"hidden/kernel": 0.0})), biases=2)
STAGED = vary(small_recipes.PLAIN, {"schedule": TABLE, "limit_train": 64, "validation": 0})


class Weights(keras.callbacks.Callback):
    """Keeps the weights behind each epoch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        weights = self.model.trainable_weights
        self.seen.append({w.path: np.array(keras.ops.convert_to_numpy(w)) for w in weights})


@pytest.mark.backend
@pytest.mark.parametrize(
    ("pieces", "precision"), [(1, "float32"), (2, "float32"), (1, "mixed_float16")]
)
def test_a_run_freezes_and_thaws_at_its_epochs(pieces, precision, tmp_path):
    changes = {"gradient_accumulation_steps": pieces, "precision": precision}
    look = Weights()
    train(vary(STAGED, changes), tmp_path / "run", callbacks=[look], verbose=0)
    ends = look.seen[2 * pieces - 1 :: 2 * pieces]  # two batches of 32 an epoch
    assert len(ends) == 3
    for epoch, frozen in ((1, {"conv/kernel", "conv/bias"}), (2, {"hidden/kernel"})):
        still = {p for p, w in ends[epoch].items() if np.array_equal(w, ends[epoch - 1][p])}
        assert still == frozen
    history = list(csv.DictReader((tmp_path / "run" / "history.csv").open()))
    assert [float(row["learning_rate"]) for row in history] == [0.02, 0.01, 0.01]


def test_is_a_value():
    assert TABLE == dataclasses.replace(TABLE) and TABLE != dataclasses.replace(TABLE, biases=None)
    assert describe(TABLE)["stages"][1] == [1, 0.5, {"conv/*": 0.0}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"optimizer": keras.optimizers.SGD},
            "`schedule` sets rates for some weights alone, which SGD does not have; set `opti",
        ),
        (
            {"schedule": RateTable(((0, 1.0), (1, 1.0, {"conv_1/*": 0.0})))},
            '`schedule` does not fit small_plain: "conv_1/*" shall have a rate of its own, and no',
        ),
    ],
)
def test_a_run_refuses_rates_that_nothing_has(changes, message, tmp_path):
    with pytest.raises(RecipeError, match=f"^{re.escape(message)}") as refused:
        train(vary(STAGED, changes), tmp_path / "run", verbose=0)
    assert len(str(refused.value)) < 260 and not (tmp_path / "run").exists()


FORM = "`stages` must be stages (epoch, factor) or (epoch, factor, {pattern: factor}), the first at"
ORDER = "`stages` must be in the order of their epochs, the first at 0. Received: "


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RateTable(((0, 1.0),), biases=0), "`biases` must be a finite number above 0. Rec"),
        (lambda: RateTable(((0, 1.0),), biases="2"), "`biases` must be a finite number above 0."),
        (lambda: RateTable(()), FORM),
        (lambda: RateTable(((0,),)), FORM),
        (lambda: RateTable(((1, 1.0),)), ORDER),
        (lambda: RateTable(((0, 1.0), (5, 0.1), (5, 0.2))), ORDER),
        (lambda: RateTable(((0, 1.0), (-1, 0.1))), "`epoch` must be an integer of at least 0."),
        (lambda: RateTable(((0, -1.0),)), "`factor` must be a finite number of at least 0."),
        (lambda: RateTable(((0, 1.0, {"a": None}),)), "`stages['a']` must be a finite number of"),
        (lambda: RateTable(((0, 1.0, "a"),)), "`stages` must be a dict of patterns, such as"),
        (lambda: WarmUp(TABLE), "`then` must be a schedule of one rate for all weights. Received:"),
    ],
)  # fmt: skip
def test_refuses_with_a_sentence(build, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refused:
        build()
    assert len(str(refused.value)) < 260
