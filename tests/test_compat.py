"""Whether the private names are still there, and still needed."""

import ast
import json
import logging
import subprocess
import sys
import weakref

import keras
import numpy as np
import pytest

from keras_classics import compat
from keras_classics.layers import Inception
from keras_classics.training import CoupledSGD
from tests import ROOT

PACKAGE = ROOT / "keras_classics"
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in PACKAGE.rglob("*.py")
}


_DOCUMENTED = ("_exit", "_asdict")  # of `os`, of named tuples


def private(name):
    return name.startswith("_") and not name.startswith("__") and name not in _DOCUMENTED


def made_here():
    """The private names of functions, classes and attributes that this package defines."""
    for node in (node for tree in TREES.values() for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


@pytest.mark.parametrize("file", sorted(TREES.keys() - {"compat.py"}))
def test_nobody_else_touches_private_names_of_others(file):
    nodes = list(ast.walk(TREES[file]))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not {name for name in used if private(name)} - set(made_here())
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not [m for m in modules if m and {"src", "engine", "python"} & set(m.split("."))]


MIRRORED = """
import contextlib, json, sys
import numpy as np, tensorflow as tf
from tensorflow.python.data.ops import iterator_ops
from keras_classics.compat import untuned_device_iterators
from keras_classics.data.parallelism import without_autotuning
from keras_classics.runs import Compute, train
from keras_classics.training import vary

parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
found, make = [], iterator_ops.OwnedIterator.__init__

def noted(self, dataset=None, *arguments, **options):
    if dataset is not None:
        found.append(dataset.options().autotune.enabled)
    return make(self, dataset, *arguments, **options)

iterator_ops.OwnedIterator.__init__ = noted
strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
dataset = without_autotuning(tf.data.Dataset.range(8).batch(4))
seen = {}
for name, context in ("with", untuned_device_iterators()), ("without", contextlib.nullcontext()):
    with context:
        total = sum(
            int(sum(map(tf.reduce_sum, strategy.experimental_local_results(batch))))
            for batch in strategy.experimental_distribute_dataset(dataset)
        )
    seen[name] = total, found[:]
    found.clear()

from tests.runs import small_recipes
recipe = vary(small_recipes.PLAIN, {"epochs": 1})
train(recipe, sys.argv[1], compute=Compute(strategy="mirrored", replicas=2), verbose=0)
seen["train"] = found
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """Whether the tuner is on in what MirroredStrategy iterates for each of two processors."""
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, str(tmp_path_factory.mktemp("run") / "run")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_untuned_device_iterators_reach_each_device_and_change_no_batch(mirrored):
    assert mirrored["with"] == [28, [False, False]]


def test_untuned_device_iterators_are_still_needed(mirrored):
    # If this fails, TensorFlow passes our options on: `untuned_device_iterators` can go.
    assert mirrored["without"] == [28, [None, None]]


def test_a_mirrored_run_tunes_nothing(mirrored):
    assert len(mirrored["train"]) > 2
    assert not any(on is not False for on in mirrored["train"])


def warnings_of_six_networks(caplog, between):
    """What TensorFlow says where a process computes with one network after the other."""
    tensorflow = logging.getLogger("tensorflow")
    tensorflow.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING, "tensorflow"):  # a command hushes it
            for _ in range(6):
                between()
                model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
                model.predict_on_batch(np.zeros((1, 2)))
    finally:
        tensorflow.removeHandler(caplog.handler)
    return caplog.text


def test_forget_tracings_ends_a_warning_of_many_networks(caplog):
    assert warnings_of_six_networks(caplog, compat.forget_tracings) == ""


def test_forget_tracings_is_still_needed(caplog):
    # If this fails, TensorFlow or Keras tells networks apart: `forget_tracings` can go.
    compat.forget_tracings()
    assert "retracing" in warnings_of_six_networks(caplog, lambda: None)


def test_calls_of_has_every_call_of_a_shared_layer():
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    shared = keras.layers.Dense(3, name="shared")
    model = keras.Model([one, two], keras.layers.Add(name="add")([shared(one), shared(two)]))
    calls, _ = compat.calls_of(model)
    assert [layer.name for layer, _, _ in calls] == ["one", "shared", "two", "shared", "add"]
    assert calls[1][1][0] is one and calls[3][1][0] is two
    assert [tensor is made for tensor, made in zip(calls[4][1], (calls[1][2][0], calls[3][2][0]),
                                                   strict=True)] == [True, True]  # fmt: skip
    assert list(compat.graph_of(model)) == ["one", "shared", "two", "add"]


@pytest.mark.backend
def test_all_layers_finds_those_inside_others():
    modules = [Inception(1, 1, 1, 1, 1, 1, batch_norm=True, name=f"module{i}") for i in (1, 2)]
    model = keras.Sequential([keras.Input((4, 4, 1)), *modules])
    found = compat.all_layers(model)
    assert {layer.name for layer in found} > {"module1", "module2", "conv_3x3", "conv_3x3_bn"}
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in found) == 12


class _Watcher(keras.layers.Layer):
    """Adds two inputs; notes whether a tensor that it was told of lives on when they come."""

    def call(self, first, second):
        self.sees = getattr(self, "watched", lambda: None)() is not None
        return first + second


class _Watched(keras.layers.Layer):
    def call(self, inputs, watcher):
        outputs = 2 * inputs
        watcher.watched = weakref.ref(outputs)
        return outputs


@pytest.mark.backend
@pytest.mark.parametrize("forgets", [False, True])
def test_forget_used_tensors_is_needed_and_changes_no_result(backend, forgets):
    if backend != "torch":
        pytest.skip("the others trace, and free what is not needed")
    watcher = _Watcher()
    pixels = keras.Input((3,))
    once = _Watched()(pixels, watcher=watcher)
    once = keras.layers.Rescaling(3.0)(once)
    outputs = watcher(keras.layers.Rescaling(5.0)(once), once)  # used twice
    model = keras.Model(pixels, {"sum": outputs, "once": once})  # and an output
    if forgets:
        compat.forget_used_tensors(model)
    found = model.predict_on_batch(np.ones((2, 3)))
    np.testing.assert_array_equal(found["once"], np.full((2, 3), 6.0))
    np.testing.assert_array_equal(found["sum"], np.full((2, 3), 36.0))
    assert watcher.sees is not forgets


@pytest.mark.backend
def test_place_of_counts_variables_as_they_were_built():
    variables = [keras.Variable(np.zeros(2)) for _ in range(3)]
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(variables)
    assert [compat.place_of(optimizer, variable) for variable in variables] == [0, 1, 2]


@pytest.mark.backend
def test_keras_still_calls_the_step_on_all_variables(backend, monkeypatch):
    """Overridden for PyTorch alone, where `update_step` is then not called for each variable."""
    calls = []

    def noted(name):
        theirs = getattr(CoupledSGD, name)
        return lambda *arguments: calls.append(name) or theirs(*arguments)

    for name in ("_backend_update_step", "update_step"):
        monkeypatch.setattr(CoupledSGD, name, noted(name))
    variables = [keras.Variable(np.zeros(2)) for _ in range(2)]
    CoupledSGD(0.1).apply([keras.ops.ones(2)] * 2, variables)
    steps = 0 if backend == "torch" else 2
    assert calls == ["_backend_update_step", *["update_step"] * steps]


def test_arithmetic_on_all_tensors():
    import torch

    ones, twos = [[torch.full((n,), value) for n in (1, 2)] for value in (1.0, 2.0)]
    assert [t.tolist() for t in compat.sums_of_all(ones, twos, 3.0)] == [[7.0], [7.0, 7.0]]
    assert [t.tolist() for t in ones] == [[1.0], [1.0, 1.0]]
    compat.add_to_all(ones, twos)
    assert [t.tolist() for t in ones] == [[3.0], [3.0, 3.0]]
    compat.add_to_all(ones, twos, -1.0)
    compat.scale_all(ones, 5.0)
    assert [t.tolist() for t in ones] == [[5.0], [5.0, 5.0]]


def test_a_tuner_of_keras_tuner_is_ours_to_fill(tmp_path):
    import keras_tuner

    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("error", "min"),
        hyperparameters=keras_tuner.HyperParameters(),
    )

    class Tuner(compat.base_tuner()):
        def run_trial(self, trial, **_):
            raise NotImplementedError

    tuner = Tuner(oracle, directory=tmp_path, project_name="search")
    tuner.save()
    assert [compat.oracle_file(oracle)] == [str(path) for path in tmp_path.glob("search/o*")]
    assert [compat.tuner_file(tuner)] == [str(path) for path in tmp_path.glob("search/t*")]
