"""What every test shares: the backend, the seeds, the real data, and the switch for heavy tests."""

import os
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

# Before anything imports Keras: a test run does not depend on anybody's ~/.keras/keras.json.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


# --doctest-modules would import each of these as `conftest`, whatever has that name already.
collect_ignore_glob = ["*conftest.py"]


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="also run the tests marked `full`")
    parser.addoption(
        "--slow", action="store_true", help="run the tests marked `slow`, and no other"
    )


def pytest_collection_modifyitems(config, items):
    def is_chosen(item):
        if item.get_closest_marker("full") and not config.getoption("--full"):
            return False
        is_slow = item.get_closest_marker("slow") is not None
        return config.getoption("--full") or is_slow == config.getoption("--slow")

    left_out = [item for item in items if not is_chosen(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_chosen(item)]


def pytest_terminal_summary(terminalreporter, config):
    """With --full: the deviations that tests recorded, as shares of the largest output."""
    if not config.getoption("--full"):
        return
    terminalreporter.section("deviations")
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{value:.1e}  {report.nodeid}  {name}")


@pytest.fixture(autouse=True)
def fixed_seeds():
    """The same draws in every run; Keras is seeded only where a test has imported it."""
    random.seed(0)
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture
def nothing_drawn(monkeypatch):
    """For tests that set every weight: what builders draw only takes time, on JAX most of it."""
    import keras

    def zeros(initializer, shape, dtype=None):
        return keras.ops.convert_to_tensor(np.zeros(shape, dtype or "float32"))

    for initializer in (keras.initializers.VarianceScaling, keras.initializers.RandomNormal):
        monkeypatch.setattr(initializer, "__call__", zeros)


@pytest.fixture(scope="session")
def backend():
    """The name of the Keras backend under test."""
    return os.environ["KERAS_BACKEND"]


@pytest.fixture(scope="session")
def data_dir():
    """The folder of data sets prepared for TensorFlow Datasets."""
    root = os.environ.get("KERAS_CLASSICS_DATA")
    if not root:
        pytest.skip("KERAS_CLASSICS_DATA is not set; it names the folder that holds tfds/")
    prepared = Path(root) / "tfds"
    if not prepared.is_dir():
        pytest.skip(f"KERAS_CLASSICS_DATA has no folder tfds/: {root}")
    return prepared


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A finished run of one short epoch, for tests that damage copies of it."""
    from keras_classics.runs import train
    from keras_classics.training import vary
    from tests.runs import small_recipes

    path = tmp_path_factory.mktemp("finished") / "run"
    changes = {"epochs": 1, "limit_train": 64, "copies": 1, "validation": 0, "name": "tiny"}
    train(vary(small_recipes.LENET5, changes), path, verbose=0)
    return path


@pytest.fixture
def copy_of_run(finished_run, tmp_path):
    """A copy to damage; its files are written anew, never through the original's."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))
