"""A run that was killed at any instant and continued ends as one that never was, bit for bit."""

import csv
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics  # noqa: F401  registers the layers of the saved models
from tests import ROOT
from tests.faults.sameness import assert_same

OFTEN, NEVER = "0", "60"  # minutes between checkpoints inside an epoch: after every step, or not


def run(recipe, run_dir, moment="never", minutes=NEVER):
    """Trains in a process of its own, in which nothing but SIGKILL ends it early."""
    command = [sys.executable, "-m", "tests.runs.killed_run", recipe, str(run_dir), moment, minutes]
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    expected = 0 if moment == "never" else -signal.SIGKILL
    assert result.returncode == expected, result.stdout + result.stderr
    return result.stdout


# 320 pictures in batches of 32 and three epochs, or 330 and four: 10 or 11 steps an epoch. Each
# process continues what the one before it left.
CHAINS = {
    "LENET5": (
        ("step:4", NEVER),  # before any checkpoint: starts again
        ("step:17", OFTEN),  # in the second epoch, state saved inside it, between two rates
        ("write:1", NEVER),  # half-way through a checkpoint
        ("step:4", OFTEN),  # after the last step of an epoch, before it was validated
        ("final", NEVER),  # trained, but not yet measured
    ),
    "FRAGILE": (
        ("step:16", OFTEN),  # in the second epoch, with averages beside the weights
        ("validation", NEVER),  # while the averages stand in the place of the weights
        ("write:2", OFTEN),  # half-way through a checkpoint inside an epoch
    ),
    "STAGED": (
        ("step:5", OFTEN),  # inside a chunk of 12 pictures, before the rates and transforms change
        ("step:11", OFTEN),  # in the second epoch, whose rates a new process has to find
        ("step:11", NEVER),  # in the third, which begins again
    ),
}


@pytest.mark.parametrize("recipe", CHAINS)
def test_killed_and_continued_equals_undisturbed(recipe, tmp_path):
    run(recipe, tmp_path / "undisturbed")
    for moment, minutes in CHAINS[recipe]:
        run(recipe, tmp_path / "killed", moment, minutes)
    run(recipe, tmp_path / "killed")
    assert_same(tmp_path / "undisturbed", tmp_path / "killed")
    assert not list((tmp_path / "killed").rglob("*.partial.*"))
    history = list(csv.DictReader((tmp_path / "killed" / "history.csv").open()))
    assert len({row["learning_rate"] for row in history}) == 2  # the schedule did something


def test_files_with_bad_ones_among_them(tmp_path, monkeypatch):
    """108 pictures to train on and one that is none: 7 steps an epoch, the last a partial one."""
    rng = np.random.default_rng(0)
    for number in range(120):
        split = "val" if number % 10 == 0 else "train"
        path = tmp_path / "pictures" / split / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = rng.integers(30, 60, 2)
        Image.fromarray(rng.integers(0, 255, (height, width, 3), "uint8")).save(path)
    (tmp_path / "pictures" / "train" / "a" / "none.jpg").write_text("no picture")
    (tmp_path / "pictures" / "val" / "b").mkdir(exist_ok=True)
    monkeypatch.setenv("SMALL_FILES", str(tmp_path / "pictures"))
    run("FILES", tmp_path / "undisturbed")
    run("FILES", tmp_path / "killed", "step:10", OFTEN)
    output = run("FILES", tmp_path / "killed")
    assert "after epoch 1, step" in output
    assert_same(tmp_path / "undisturbed", tmp_path / "killed")
    listed = [(tmp_path / run / "bad_images.txt").read_text() for run in ("undisturbed", "killed")]
    assert listed[0] == listed[1] and listed[0].count("none.jpg") == 1


@pytest.mark.full
def test_the_recipe_of_the_2012_code_on_photographs(data_dir, tmp_path, monkeypatch):
    """200 photographs, 4 steps an epoch: the transforms and the rates change between the two."""
    photographs = data_dir.parent / "imagenet_sample"
    if not photographs.is_dir():
        pytest.skip(f"no photographs here: {photographs}")
    monkeypatch.setenv("SMALL_FILES", str(photographs))
    run("CODE_2012", tmp_path / "undisturbed")
    run("CODE_2012", tmp_path / "killed", "step:3", OFTEN)  # with the noise
    run("CODE_2012", tmp_path / "killed", "step:4", OFTEN)  # without, conv1 frozen
    output = run("CODE_2012", tmp_path / "killed")
    assert "after epoch 1, step" in output
    assert_same(tmp_path / "undisturbed", tmp_path / "killed")
    history = list(csv.DictReader((tmp_path / "killed" / "history.csv").open()))
    assert [float(row["learning_rate"]) for row in history] == [0.01, 0.001, 0.001]


@pytest.mark.backend
@pytest.mark.parametrize("recipe", CHAINS)
def test_every_backend_continues_inside_an_epoch(recipe, tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("the chain of kills above covers TensorFlow")
    run(recipe, tmp_path / "undisturbed")
    run(recipe, tmp_path / "killed", "step:14", OFTEN)
    output = run(recipe, tmp_path / "killed")
    assert "after epoch 1, step" in output
    assert_same(tmp_path / "undisturbed", tmp_path / "killed")
