"""The bar on a terminal, and the lines elsewhere."""

import time

from keras_classics import progress
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
