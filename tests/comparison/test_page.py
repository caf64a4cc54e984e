"""The page of a comparison: whole by itself, its curves those of the runs, fit for any screen."""

import base64
import re
from xml.etree import ElementTree

import pytest

from keras_classics import compare
from keras_classics.cli.main import main
from keras_classics.comparison.curves import COLOURS
from tests.report.browser import Browser
from tests.report.test_page import Page


@pytest.fixture
def page(copies, capsys):
    main(["compare", *map(str, sorted(copies.iterdir())), "--html", "page.html"])
    assert capsys.readouterr().out.strip() == "page.html"
    return Page(copies.parent / "page.html")


def drawings(page):
    """The SVGs of a page, as trees."""
    return [
        ElementTree.fromstring(base64.b64decode(image["src"].partition("base64,")[2]))
        for image in page.images
    ]


def test_it_has_every_section_and_needs_nothing_else(page):
    assert page.ids == ["result", "settings", "curves", "test-set", "runs"]
    assert not re.search(r"https?:|url\(|@import|srcset|<link|<script", page.source)
    assert len(page.images) == 4
    assert all(image["src"].startswith("data:image/svg+xml") for image in page.images)
    for words in ("± ", "Table 1", "--batch-size", "divides the rate", "runs/stopped was inter"):
        assert words in page.text


def test_each_row_has_its_colour_and_each_seed_a_line(page):
    """The rows: `ended`, `failed` before its first epoch, `fast`, `plateau`, `slow`."""
    errors, training, *_ = (
        [path.get("style", "") for path in tree.iter("{http://www.w3.org/2000/svg}path")]
        for tree in drawings(page)
    )
    lines = [sum(f"stroke: {colour}" in style for style in training) for colour in COLOURS[:6]]
    # With the means of `fast` and `slow`, and the training error that the paper of `plateau` has.
    assert lines[:4] == [1, 0, 3, 2] and lines[4] >= 4 and lines[5] == 0
    assert page.source.count("width:1.1rem") == 3 * 5 + 8  # the key of each row, and of each run
    paper = [style for style in errors if "stroke-dasharray" in style]
    assert len(paper) == 1 and COLOURS[3] in paper[0]


def test_names_are_no_markup(copies):
    path = copies / "slow/seed-0/recipe.json"
    path.write_text(path.read_text().replace('"small"', '"<script>alert(1)</script>$x$"'))
    page = compare(copies / "slow").html()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_runs_without_an_epoch_have_no_curves(copies):
    (copies / "stopped/history.csv").unlink()
    page = compare(copies / "stopped").html()
    assert "no-run" not in page and 'id="curves"' not in page and "0 of 2 epochs done" in page


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1280, False)])
def test_in_a_browser(page, copies, tmp_path, width, dark):
    browser = Browser(tmp_path / "profile")
    try:
        browser.show((copies.parent / "page.html").resolve(), width, dark)
        assert browser.value("document.documentElement.scrollWidth") <= width
        shown = "[...document.images].every((one) => one.complete && one.naturalWidth > 0)"
        assert browser.value(shown) is True
        columns = browser.value(
            "new Set([...document.images].map((one) => one.getBoundingClientRect().left)).size"
        )
        assert columns == (1 if width == 390 else 2)
        assert browser.messages() == []
    finally:
        browser.close()
