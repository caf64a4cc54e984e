import importlib
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.data.ops import iterator_ops

from keras_classics.cli.main import main
from keras_classics.data.parallelism import parallel_calls, without_autotuning
from keras_classics.data.pipeline import images_at, in_order, one_epoch, one_pass_of_copies
from keras_classics.data.sharding import Shard
from keras_classics.data.sources import load, tfds
from keras_classics.data.statistics import PixelStatistics
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.crops import RandomAreaCrop
from keras_classics.runs import train
from keras_classics.training import vary

DISTORT = (RandomAffine(translation=1.0, scale=0.1, squeeze=0.1, shear=0.1),)


@pytest.fixture
def iterated(monkeypatch):
    """Whether autotuning is on in each dataset that an iterator is made of, one after the other."""
    found = []
    make = iterator_ops.OwnedIterator.__init__

    def noted(self, dataset=None, *arguments, **options):
        if dataset is not None:
            found.append(dataset.options().autotune.enabled)
        return make(self, dataset, *arguments, **options)

    monkeypatch.setattr(iterator_ops.OwnedIterator, "__init__", noted)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for split in ("train", "val"):
        for number in range(4):
            path = root / split / f"class_{number % 2}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (30 + number, 40), (60 * number, 0, 0)).save(path)
    return root


def is_off(dataset):
    return dataset.options().autotune.enabled is False


def test_there_is_a_call_for_each_core_up_to_sixteen(monkeypatch):
    assert parallel_calls() == min(len(os.sched_getaffinity(0)), 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(96)))
    assert parallel_calls() == 16
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert parallel_calls() == 8


def test_the_tuner_stays_off_behind_what_is_added_to_a_dataset():
    dataset = without_autotuning(tf.data.Dataset.range(9).batch(3))
    assert is_off(dataset.map(lambda x: x).filter(lambda x: True).unbatch().prefetch(2))


def test_pipelines_from_memory_are_not_tuned():
    source = load("mnist_5k", "test")
    for transforms in ((), DISTORT):
        assert is_off(in_order(source, 100, transforms))
        for shard in (Shard(), Shard(1, 2, 2), Shard(multiple=4, pieces=4)):
            options = {"seed": 0, "epoch": 0, "transforms": transforms, "shard": shard}
            assert is_off(one_epoch(source, 100, **options))
            assert is_off(one_pass_of_copies(source, 100, copies=3, **options))


def test_pipelines_from_files_are_not_tuned(folder, iterated):
    source = load(f"folder:{folder}", "train")
    crop = (RandomAreaCrop(16),)
    assert is_off(in_order(source, 1))
    assert is_off(one_epoch(source, 2, seed=0, epoch=0, transforms=crop))
    PixelStatistics(source, crop).mean_image()
    images_at(source, [1, 0], crop)
    assert iterated == [False, False]


def test_data_sets_are_read_untuned(data_dir, iterated, monkeypatch):
    single = tf.data.Dataset.get_single_element
    monkeypatch.setattr(
        tf.data.Dataset,
        "get_single_element",
        lambda self, *arguments: (
            iterated.append(self.options().autotune.enabled),
            single(self, *arguments),
        )[1],
    )
    source = load("mnist", "test", data_dir)
    assert len(source) == 10_000
    assert iterated and not any(iterated)
    builder = tfds._builder("mnist", str(data_dir))
    assert tfds._damaged_file(builder.info.splits["test"]) is None


@pytest.mark.backend
def test_a_run_from_the_first_step_to_the_report_tunes_nothing(tmp_path, iterated, capsys):
    from tests.runs.small_recipes import PLAIN

    train(vary(PLAIN, {"epochs": 1}), tmp_path / "run", verbose=0)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    picture = np.full(model.input_shape[1:], 0, "uint8")
    picture[8:20, 13:15] = 255
    Image.fromarray(picture[..., 0]).save(tmp_path / "one.png")
    main(["predict", str(tmp_path / "run"), str(tmp_path / "one.png")])
    main(["evaluate", str(tmp_path / "run")])
    capsys.readouterr()
    assert len(iterated) > 3
    assert not any(on is not False for on in iterated)


def test_nobody_else_decides_how_much_runs_at_a_time():
    package = Path(importlib.import_module("keras_classics").__file__).parent
    texts = {path.name: path.read_text() for path in package.rglob("*.py")}
    assert [name for name, text in texts.items() if "AUTOTUNE" in text] == []
