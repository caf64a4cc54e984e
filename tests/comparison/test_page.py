"""The page of a comparison: whole by itself, its curves those of the runs, fit for any screen."""

import base64
import re
from xml.etree import ElementTree

import pytest

from keras_classics import compare
from keras_classics.cli.main import main
from keras_classics.comparison.curves import COLOURS, draw, panels_of
from tests.report.browser import Browser
from tests.report.test_page import Page


@pytest.fixture
def page(copies, capsys):
    main(["compare", *map(str, sorted(copies.iterdir())), "--html", "page.html"])
    main(["compare", *map(str, sorted(copies.iterdir())), "--html", "page.html"])  # its own
    assert capsys.readouterr().out.split() == ["page.html", "page.html"]
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
    assert 'id="curves"' not in page and "0 of 2 epochs done" in page


def test_the_mean_is_of_what_the_table_counts(copies):
    """Without `stopped`, whose curve is shorter, it goes as far as the finished seeds."""
    one, both = compare(copies / "slow"), compare(copies / "slow", copies / "stopped")
    means = [thick_lines(draw(found, panels_of(found)[0])) for found in (one, both)]
    assert len(means[0]) == 1 and means[0][0].count("L") == 1
    assert len(means[1]) == 1 and means[1][0].count("L") == 1


def thick_lines(svg):
    """What the thick lines of a drawing go through."""
    return [
        path.get("d")
        for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
        if re.search(r"stroke-width: 2(;|$)", path.get("style", ""))
    ]


def test_the_ring_of_one_that_comes_trained_is_at_its_last_epoch(copies):
    """`mnist_cnn` had 15 epochs, and `slow` has 2."""
    found = compare(copies / "slow/seed-0", "mnist_cnn")
    svg = draw(found, panels_of(found)[0]).decode()
    assert ">14<" in svg or ">15<" in svg


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
