"""Whether the private names are still there, and still needed."""

import json
import subprocess
import sys

import pytest

from tests import ROOT

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
