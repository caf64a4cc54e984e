"""How far the elements of an SVG reach, worked out from the file alone."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font

_FOLDER = Path(matplotlib.get_data_path(), "fonts", "ttf")
_FONTS = [FT2Font(str(_FOLDER / name)) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
SVG = "{http://www.w3.org/2000/svg}"
_STEP = re.compile(r"([A-Za-z])|(-?\d+(?:\.\d+)?)")
_COUNT = {"M": 2, "L": 2, "l": 2, "C": 6, "Q": 4, "H": 1, "h": 1, "V": 1, "v": 1, "z": 0}


def steps(path):
    """Yields (letter, numbers) of a path."""
    letter, numbers = "", []
    for found, value in _STEP.findall(path):
        if found:
            if letter:
                yield letter, numbers
            letter, numbers = found, []
        else:
            numbers.append(float(value))
    yield letter, numbers


def points(path):
    """Returns the points of a path, those that only bend it included."""
    x = y = 0.0
    found = []
    for letter, numbers in steps(path):
        assert len(numbers) == _COUNT[letter], (letter, numbers)
        if letter in "MLCQ":
            found += list(zip(numbers[::2], numbers[1::2], strict=True))
        elif letter in "hH":
            found.append((numbers[0] + (x if letter == "h" else 0), y))
        elif letter in "vV":
            found.append((x, numbers[0] + (y if letter == "v" else 0)))
        elif letter == "l":
            found.append((x + numbers[0], y + numbers[1]))
        x, y = found[-1]
    return found


def extent(element):
    """Returns (left, top, right, bottom) of a path, rectangle, circle or line of text."""
    get = lambda name: float(element.get(name))  # noqa: E731
    kind = element.tag.removeprefix(SVG)
    if kind == "path":
        xs, ys = zip(*points(element.get("d")), strict=True)
        return min(xs), min(ys), max(xs), max(ys)
    if kind == "rect":
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        return x, y, x + get("width"), y + get("height")
    if kind == "circle":
        return (
            get("cx") - get("r"),
            get("cy") - get("r"),
            get("cx") + get("r"),
            get("cy") + get("r"),
        )
    return text_extent(element)


def text_extent(element):
    """Of a line of text in DejaVu Sans, the widest font of the style."""
    classes = (element.get("class") or "").split()
    size = {"title": 22, "name": 12, "head": 12, "small": 9.5}
    size = next((size[one] for one in classes if one in size), 10.5)
    font = _FONTS[bool({"title", "name", "head"} & set(classes))]
    font.set_size(size, 72)
    font.set_text(element.text or "")
    width = font.get_width_height()[0] / 64
    x, y = float(element.get("x")), float(element.get("y"))
    left = {"middle": x - width / 2, "end": x - width}.get(element.get("text-anchor"), x)
    return left, y - 0.8 * size, left + width, y + 0.25 * size


def parse(text):
    """Returns the root of a drawing."""
    return ET.fromstring(text)


def drawn(root):
    """Yields every element that shows something."""
    for kind in ("path", "rect", "circle", "text"):
        yield from root.iter(SVG + kind)
