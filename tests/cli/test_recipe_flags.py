"""The command line of the recipes, as a process."""

import os
import subprocess
import sys

import numpy as np
from PIL import Image

from tests import ROOT

SCRIPT = """
from tests.runs import small_recipes
from keras_classics.cli import run
from keras_classics.training import vary

run(vary(small_recipes.FILES, {"epochs": 1, "protocol": None}))
"""


def command(tmp_path, *arguments):
    environment = {**os.environ, "SMALL_FILES": str(tmp_path / "그림 mit Leerzeichen")}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_bad_pictures_are_left_out_and_counted_or_stop_the_run(tmp_path):
    """Stopped in the middle of a pipeline, a process has hung or aborted at its end."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 101), ("val", 2)):
        for name in ("a", "b"):
            folder = tmp_path / "그림 mit Leerzeichen" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 255, (36, 40, 3), "uint8")
                Image.fromarray(pixels).save(folder / f"{number}.jpg")
    bad = tmp_path / "그림 mit Leerzeichen" / "train" / "a" / "bad.jpg"
    bad.write_bytes(b"")
    finished = command(tmp_path, "--run-dir", tmp_path / "run")
    assert finished.returncode == 0, finished.stderr
    listed = tmp_path / "run" / "bad_images.txt"
    assert f"\n1 image could not be used: {listed}\n" in finished.stdout
    assert listed.read_text() == f"{bad}\tis empty\n"

    sentence = f"error: {bad} cannot be used: it is empty; "
    for place in ("while training", "for the mean image"):
        if place == "for the mean image":
            for kept in (tmp_path / "그림 mit Leerzeichen" / ".keras_classics").iterdir():
                kept.unlink()
        stopped = command(tmp_path, "--run-dir", tmp_path / place, "--on-bad-image", "stop")
        assert stopped.returncode == 1, stopped.stderr
        assert sentence in stopped.stderr and "Traceback" not in stopped.stderr
    assert not (tmp_path / "for the mean image").exists()
