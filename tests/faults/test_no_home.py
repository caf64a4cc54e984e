"""A user without a home, or with one that cannot be written."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from tests import ROOT

CODE = """
import os, sys, warnings
from keras_classics.data.errors import DataError
from keras_classics.data.sources import load
from keras_classics.data.sources.local_copies import user_cache
from keras_classics.runs import train
from tests.runs import small_recipes as s

warnings.simplefilter("ignore")
if sys.argv[1] == "nobody":
    os.setuid(54321)  # whom no list of users knows
print(user_cache())
try:
    print(len(load("folder:pictures", "train").cached("disk").copies))
except DataError as error:
    print(error)
if sys.argv[1] != "nobody":
    train(s.vary(s.PLAIN, {"limit_train": 64, "epochs": 1, "schedule.at": (99,)}), "run", verbose=0)
"""


def done(folder, user, **places):
    """The lines that the code above prints in a folder, where only `places` say of a home."""
    for split in ("train", "val"):
        (folder / "pictures" / split / "a").mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(folder / "pictures" / split / "a" / "1.png")
    others = {"HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TMPDIR"}
    environment = {name: value for name, value in os.environ.items() if name not in others}
    done = subprocess.run(
        [sys.executable, "-c", CODE, user], cwd=folder, capture_output=True, text=True,
        env=environment | {"PYTHONPATH": str(ROOT)} | places,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_home_that_cannot_be_written_hinders_the_cache_alone(tmp_path):
    _, cached = done(tmp_path, "me", HOME="/proc/none")
    assert cached == (
        "The cache /proc/none/.cache/keras_classics/files cannot be written (No such file or "
        "directory); let XDG_CACHE_HOME name another folder, or leave `cache` out."
    )
    assert (tmp_path / "run" / "metrics.json").exists()


def test_who_has_no_home_caches_among_temporary_files():
    if os.getuid():
        pytest.skip("it takes root to be somebody else")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        assert done(Path(folder), "nobody", TMPDIR=folder) == [f"{folder}/keras_classics", "1"]
