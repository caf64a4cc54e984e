"""The sections about a network's answers in a real browser, on narrow and wide screens."""

import numpy as np
import pytest

from keras_classics.report import write_report
from tests.report.test_answers import alter, with_classes

pytestmark = pytest.mark.slow

LONG = ["<script>alert(1)</script>", "a" * 70, "n" * 35 + " " + "m" * 35]
SCREENS = [(390, False), (390, True), (1280, False), (1280, True)]


@pytest.mark.parametrize("classes", [3, 10, 20, 40])
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_nothing_is_wider_than_the_page(browser, evaluated, classes, width, dark):
    if classes != 10:  # those of `evaluated` also have neighbours and a first batch
        names = [*LONG, *(f"class {number}" for number in range(classes - 3))]
        with_classes(evaluated, classes, names)
    browser.show(write_report(evaluated), width, dark)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.messages() == []
    tall = "[...document.querySelectorAll('section')].every((one) => one.offsetHeight > 40)"
    assert browser.value(tall)


def test_bars_are_as_long_as_their_probabilities(browser, evaluated):
    shares = np.zeros((40, 10), "float32")
    shares[:, :4] = (0.1, 0.2, 0.3, 0.4)
    alter(evaluated, probabilities=shares)
    browser.show(write_report(evaluated))
    lengths = browser.value(
        "[...document.querySelectorAll('.answers ol')[0].querySelectorAll('i')]"
        ".map((one) => one.offsetWidth / one.parentElement.offsetWidth)"
    )
    assert lengths == pytest.approx([0.4, 0.3, 0.2, 0.1, 0], abs=0.02)


@pytest.mark.parametrize("dark", [False, True])
def test_the_square_can_be_read_in_both_themes(browser, evaluated, dark):
    """The contrast of 4.5 that WCAG 2 asks for, of numbers on the colours of the square."""
    browser.show(write_report(evaluated), dark=dark)
    least = browser.value(CONTRAST)
    assert least >= 4.5


# Of each cell: the colour of its text over its own, which lies half transparent on the page's.
CONTRAST = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => color.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const page = numbers(getComputedStyle(document.body).backgroundColor);
  return Math.min(...[...document.querySelectorAll('.hit, .miss')].map((cell) => {
    const style = getComputedStyle(cell), [r, g, b, a = 1] = numbers(style.backgroundColor);
    const ground = [r, g, b].map((c, i) => a * c + (1 - a) * page[i]);
    const [low, high] = [light(ground), light(numbers(style.color))].sort((x, y) => x - y);
    return (high + .05) / (low + .05);
  }));
})()"""
