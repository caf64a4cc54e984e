"""Pages in a real browser: what the pad says of drawings, and how pages look on which screens."""

import csv
import json
import shutil

import numpy as np
import pytest

from keras_classics import shipped
from keras_classics.report import write_report
from tests.report.strokes import SCRIBBLE, SEVEN, THREE

pytestmark = pytest.mark.slow

SAID = "document.querySelector('#draw output').innerText.trim()"
SCREENS = [(390, False), (390, True), (1280, False), (1280, True)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of two runs that come with the package."""
    folder = tmp_path_factory.mktemp("runs")
    runs = {
        network: shutil.copytree(shipped.folder(network, "mnist"), folder / network)
        for network in ("lenet5", "mnist_cnn")
    }
    return {network: write_report(run) for network, run in runs.items()}


def click_clear(browser):
    browser.value("document.querySelector('#draw button').click()")


@pytest.mark.parametrize("network", ["lenet5", "mnist_cnn"])
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_what_the_page_says_of_drawings(browser, pages, network, width, dark):
    browser.show(pages[network], width, dark)
    assert browser.value(SAID) == "Nothing is drawn yet."
    for strokes, digit in ((SEVEN, "7"), (THREE, "3")):
        browser.draw(strokes, ".paper", finger=width == 390)
        lines = browser.value(SAID).splitlines()
        assert lines[0] == digit
        assert ("penalty of" if network == "lenet5" else "% sure") in lines[-1]
        chosen = browser.value("document.querySelector('.scores .best b').innerText")
        assert chosen == digit
        assert browser.value("document.documentElement.scrollWidth") <= width
        click_clear(browser)
        assert browser.value(SAID) == "Nothing is drawn yet."
    browser.draw(SCRIBBLE, ".paper", finger=width == 390)
    is_unlike = browser.value(SAID).startswith("Unlike any digit")
    assert is_unlike == (network == "lenet5")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.messages() == []


def test_the_maps_are_drawn_and_change(browser, pages):
    browser.show(pages["lenet5"])
    maps = "[...document.querySelectorAll('#draw .stage canvas')].map((one) => one.toDataURL())"
    empty = browser.value(maps)
    browser.draw(SEVEN, ".paper")
    drawn = browser.value(maps)
    assert len(set(empty)) == len(set(drawn)) == 7  # the picture, and C1 to F6
    assert not set(empty) & set(drawn)


def test_a_pen_that_keys_move(browser, pages):
    browser.show(pages["lenet5"])
    browser.value("document.querySelector('.paper').focus()")
    browser.press("ArrowRight", " ", *["ArrowDown"] * 12, " ")
    said = browser.value(SAID)
    assert said and said != "Nothing is drawn yet."
    browser.press("ArrowRight")  # the pen is up
    assert browser.value(SAID) == said
    browser.press("Tab")
    assert browser.value("document.activeElement.innerText") == "Clear"
    browser.value("document.querySelector('.paper').focus()")
    browser.press("Delete")
    assert browser.value(SAID) == "Nothing is drawn yet."


def test_the_ink_follows_the_theme(browser, pages):
    ink = (
        "(() => { const c = document.querySelector('.paper'), x = c.getContext('2d');"
        "return [...x.getImageData(c.width * .5, c.height * .19, 1, 1).data]; })()"
    )
    colors = []
    for dark in (False, True):
        browser.show(pages["lenet5"], dark=dark)
        browser.draw(SEVEN, ".paper")
        colors.append(browser.value(ink))
    assert [color[3] for color in colors] == [255, 255]
    assert max(colors[0][:3]) < 128 < min(colors[1][:3])


def test_without_javascript_one_sentence_stands_there(browser, pages):
    browser.show(pages["lenet5"], script=False)
    tree = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]

    def has_box(selector):
        node = browser.call("DOM.querySelector", nodeId=tree, selector=selector)["nodeId"]
        shown = browser.call("DOM.getOuterHTML", nodeId=node)
        try:
            browser.call("DOM.getBoxModel", nodeId=node)
        except AssertionError:  # the browser's own words for what is not laid out
            return False
        return bool(shown)

    assert has_box("#draw .off") and not has_box("#draw .live")
    browser.show(pages["lenet5"])
    shown = "['.off', '.live'].map((one) => document.querySelector(one).offsetHeight > 0)"
    assert browser.value(shown) == [False, True]


def test_paper_has_no_pad(browser, pages):
    browser.show(pages["lenet5"], medium="print")
    assert browser.value("document.querySelector('#draw').offsetHeight") == 0
    assert browser.value("document.querySelector('#filters').offsetHeight") > 0


NAMES = {
    "alexnet": [f"a rather long name of class {number}" for number in range(10)],
    "cifar_resnet20": ["<script>alert(1)</script>", *map(str, range(1, 10))],
    "many": [f"<script>{number}</script>" for number in range(10_000)],
}


def evaluated(run, names, shape):
    """Adds to a run what its end writes, of noise: a history of one epoch, pictures, answers."""
    rng = np.random.default_rng(0)
    shown = min(len(names), 12)
    labels = np.concatenate([np.arange(len(names)), rng.integers(0, len(names), 100)])
    said = rng.integers(0, len(names), len(labels))
    wrong = np.flatnonzero(labels != said)[:20]
    images = rng.integers(0, 256, (max(shown, len(wrong)), *shape), "uint8")
    shares = np.full((len(labels), len(names)), 0.1 / len(names), "float16")
    shares[np.arange(len(labels)), said] = 0.9
    np.savez(
        run / "predictions.npz",
        labels=labels,
        predicted=said,
        probabilities=shares,
        wrong_index=wrong,
        wrong_images=images[: len(wrong)],
        sample_images=images[:shown],
        sample_labels=np.arange(shown),
    )
    metrics = {
        "class_names": names, "image_shape": shape, "examples": len(labels), "wrong": len(wrong),
        "error": 100 * len(wrong) / len(labels),
    }  # fmt: skip
    (run / "metrics.json").write_text(json.dumps(metrics))
    columns = {"epoch": 1, "learning_rate": 0.1, "loss": 2.5, "error": 90.0, "val_error": 85.0}
    with open(run / "history.csv", "w", newline="") as file:
        csv.writer(file).writerows([columns.keys(), columns.values()])
    return run


@pytest.fixture(scope="module")
def all_pages(pages, towers_file, tmp_path_factory):
    """The pages above, and those of colour pictures: two towers, blocks, ten thousand classes."""
    folder = tmp_path_factory.mktemp("more")
    shipped_run = shipped.folder("cifar_resnet20", "cifar10_jpeg")
    runs = {name: shutil.copytree(shipped_run, folder / name) for name in NAMES}
    recipe = {
        "name": "alexnet_cifar10", "dataset": "cifar10", "seed": 0, "epochs": 1,
        "model": {"call": "keras_classics.models.alexnet:alexnet", "stem": "cifar"},
    }  # fmt: skip
    (runs["alexnet"] / "recipe.json").write_text(json.dumps({"recipe": recipe}))
    shutil.copy(towers_file, runs["alexnet"] / "model.keras")
    return pages | {
        name: write_report(evaluated(run, NAMES[name], [32, 32, 3])) for name, run in runs.items()
    }


TOO_WIDE = """
[...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const is_out = box.right > innerWidth + 0.5 || box.left < -0.5;
  return box.width && is_out && !one.closest(".scroll, .matrix, pre");
}).map((one) => one.outerHTML.slice(0, 80))
"""
LETTERS = """
(() => {
  const size = (text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
  const smallest = (place) => Math.min(...[...document.querySelectorAll(place)].map(size));
  return [smallest(".chart text"), smallest(".drawing text")];
})()
"""


@pytest.mark.parametrize("network", ["lenet5", "mnist_cnn", *NAMES])
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_every_page_fits_every_screen(browser, all_pages, network, width, dark):
    browser.show(all_pages[network], width, dark)
    browser.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(TOO_WIDE) == []
    assert browser.messages() == []
    assert browser.value("document.querySelectorAll('#network .grid').length") >= 2


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("network", ["alexnet", "cifar_resnet20"])
def test_letters_in_figures_can_be_read(browser, all_pages, network, width):
    browser.show(all_pages[network], width)
    in_curves, in_drawing = browser.value(LETTERS)
    assert in_curves >= 9
    assert in_drawing >= 8


def test_figures_follow_the_theme(browser, all_pages):
    colors = []
    for dark in (False, True):
        browser.show(all_pages["cifar_resnet20"], dark=dark)
        places = "['.chart text', '.drawing .title', 'h1']"
        fill = "getComputedStyle(document.querySelector(place))"
        colors.append(browser.value(f"{places}.map((place) => {fill}.fill + {fill}.color)"))
    assert all(light != dark for light, dark in zip(*colors, strict=True))


def test_pages_without_javascript_show_the_network(browser, all_pages):
    browser.show(all_pages["alexnet"], script=False)
    tree = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
    for place in ("#curves svg", "#network svg", "#network .grid", "#filters img", "#maps img"):
        node = browser.call("DOM.querySelector", nodeId=tree, selector=place)["nodeId"]
        assert browser.call("DOM.getBoxModel", nodeId=node)["model"]["height"] > 40, place


def test_paper_holds_the_drawing(browser, all_pages):
    browser.show(all_pages["alexnet"], width=794, medium="print", dark=True)  # A4
    assert browser.value("document.documentElement.scrollWidth") <= 794
    assert browser.value("document.querySelector('.drawing svg').clientWidth") <= 794
    white = "getComputedStyle(document.querySelector('.drawing .paper')).fill"
    assert browser.value(white) == "rgb(251, 250, 247)"  # whatever the screen is
    assert browser.value("getComputedStyle(document.body).color") == "rgb(35, 37, 42)"
