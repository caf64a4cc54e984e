"""Names of files are bytes: those that are no UTF-8 survive, in data, runs and reports."""

import json
import os

import keras
import numpy as np
import pytest
from PIL import Image

from keras_classics.data.bad_images import BadImages
from keras_classics.evaluation import TenCrop
from keras_classics.report.run_files import read_run
from keras_classics.runs import train
from keras_classics.runs.directory import check_owner
from keras_classics.training import vary
from tests.runs import small_recipes

CAFE = os.fsdecode(b"caf\xe9")  # in Latin 1
SHOWN = r"caf\udce9"


@pytest.fixture
def folder(tmp_path):
    """120 pictures of two classes and one that is none, with such a name at each place."""
    root = tmp_path / CAFE
    rng = np.random.default_rng(0)
    for number in range(120):
        kind = ("train", "val")[number % 10 == 0], (CAFE, "tea")[number // 10 % 2]
        path = root.joinpath(*kind, f"{CAFE} {number}.png")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            pytest.skip("this file system has names in UTF-8 only")
        Image.fromarray(rng.integers(0, 255, (30, 34, 3), "uint8")).save(path)
    (root / "train" / CAFE / f"{CAFE} none.png").write_text("no picture")
    return root


def test_a_run_on_such_names_in_such_a_directory(folder, tmp_path, monkeypatch):
    recipe = vary(
        small_recipes.FILES,
        {"dataset": f"folder:{folder}", "epochs": 1, "keep_epochs": (1,),
         "protocol": TenCrop(size=28, shorter_side=32)},
    )  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache {CAFE}"))
    run_dir = tmp_path / f"run {CAFE}"
    metrics = train(recipe, run_dir, verbose=0, cache="disk")
    stored = json.loads((run_dir / "metrics.json").read_text("utf-8"))
    assert metrics["class_names"] == stored["class_names"] == [CAFE, "tea"]
    described = json.loads((run_dir / "recipe.json").read_text("utf-8"))["recipe"]
    assert described["dataset"] == f"folder:{folder}"
    check_owner(run_dir, recipe)
    bad = BadImages("skip", run_dir / "bad_images.txt")
    assert list(bad.reasons) == [str(folder / "train" / CAFE / f"{CAFE} none.png")]
    page = (run_dir / "report.html").read_text("utf-8")
    assert f"on folder:{SHOWN}</title>" in page
    assert read_run(run_dir).class_names(2) == [SHOWN, "tea"]
    for model in ("model.keras", "snapshots/epoch-0001.keras"):
        assert keras.models.load_model(run_dir / model).output_shape == (None, 2)
