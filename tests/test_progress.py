"""The bar on a terminal, and the lines elsewhere."""

import time

import pytest

from keras_classics import progress
from keras_classics.data.bad_images import BadImages
from keras_classics.data.sources import load
from keras_classics.data.sources.local_copies import copy_files
from keras_classics.data.statistics import PixelStatistics
from keras_classics.data.transforms.resizing import Resize
from keras_classics.evaluation.prediction import collect
from keras_classics.progress import Progress


def test_a_bar_is_drawn_in_its_place_and_taken_away(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    with Progress("measuring", 200, live=True) as bar:
        bar.show(50, lambda: "error 2.00 %")
        bar.show(51)  # at once: too early to draw again
        bar.close("measured")
    drawn, *blank, line = capsys.readouterr().out.split("\r")[1:]
    assert drawn == "measuring [===.........]  25 %  0 s left  error 2.00 %"
    assert {text.strip() for text in blank} <= {""} and line == "measured\n"


def test_a_bar_is_cut_at_the_width_of_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    Progress("measuring", 200, live=True).show(200)
    assert capsys.readouterr().out == "\rmeasuring [========"


def test_elsewhere_there_is_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_NEWS", 0.05)
    with Progress("measuring", 200) as lines:
        lines.show(1)
        time.sleep(0.06)
        lines.show(100)
        lines.show(101)
    assert capsys.readouterr().out == "measuring  50 %  0 s left\n"


@pytest.fixture
def news_at_once(monkeypatch):
    monkeypatch.setattr(progress, "_NEWS", 0)


def test_what_takes_long_says_how_far_it_is(tmp_path, capsys, news_at_once):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"pixels")
    copy_files(sorted(tmp_path.glob("*.jpg")), tmp_path / "copies")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" to ")[0] for line in lines] == ["copying 3 files"] * 3

    source = load("mnist_5k", "test")
    PixelStatistics(source, (Resize(8),)).mean_image()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("the mean of 500 held-out training pictures  25 %  ")

    rows = collect(source.batches(100), lambda images: images.mean((1, 2)), BadImages(), source)[1]
    assert rows.shape == (500, 1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and lines[1].startswith("measuring 500 held-out training pictures  40 %")
