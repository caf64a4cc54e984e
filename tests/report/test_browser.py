"""The pad of the page in a real browser: what it says of drawings, and on which screens."""

import shutil

import pytest

from keras_classics import shipped
from keras_classics.report import write_report
from tests.report.browser import Browser
from tests.report.strokes import SCRIBBLE, SEVEN, THREE

pytestmark = pytest.mark.slow

SAID = "document.querySelector('#draw output').innerText.trim()"
SCREENS = [(390, False), (390, True), (1280, False), (1280, True)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


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
