"""Writing SVG: text that is escaped, numbers without noise, and the colours of light and dark."""

from __future__ import annotations

from markupsafe import escape

ROOT = "architecture"  # class of the outermost element
# Kind -> its colour on a light page and on a dark one.
COLOURS = {
    "input": ("#d8d5cc", "#5b5f66"),
    "convolution": ("#5b8fc7", "#5f93cb"),
    "block": ("#4f9d96", "#4f9d96"),
    "pooling": ("#dd8452", "#d9824f"),
    "norm": ("#7aa95c", "#7aa95c"),
    "dense": ("#a08dc4", "#a08dc4"),
    "one": ("#cfe1f3", "#cfe1f3"),
    "three": ("#94bae1", "#94bae1"),
    "five": ("#5b8fc7", "#5f93cb"),
    "zeros": ("#c9c6bd", "#a9abb0"),
    "join": ("#fbfaf7", "#17191c"),
    "other": ("#c7ae5e", "#bda555"),
}
_LIGHT = {"paper": "#fbfaf7", "ink": "#23252a", "soft": "#62656b", "line": "#8d8f94",
          "hair": "#dedcd5", "edge": "#2b2f36"}  # fmt: skip
_DARK = {"paper": "#17191c", "ink": "#e4e2dd", "soft": "#a6a8ad", "line": "#85888e",
         "hair": "#34373c", "edge": "#0c0d0f"}  # fmt: skip
_SANS = 'system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",Arial,sans-serif'
_SERIF = 'Charter,"Bitstream Charter",Georgia,"DejaVu Serif",serif'

_LONGEST = 40  # letters of a name
# Widths of letters in ems, wide enough for the fonts above.
_NARROW, _WIDE = "iljtfI.,:;'|!()[]/ ", "mwMW@%…ABCDEGHKNOPQRUVXYZ×+−"


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Returns about how wide a text is: rather more than less, whatever font shows it.

    Example:
        >>> from keras_classics.drawings.svg import text_width
        >>> 20 < text_width("C1 10", 10) < 35
        True
    """
    ems = sum(0.36 if c in _NARROW else 0.82 if c in _WIDE else 0.6 for c in text)
    return ems * size * (1.07 if bold else 1)


def shortened(text: str) -> str:
    """Returns a name that is not longer than a drawing has room for.

    Example:
        >>> from keras_classics.drawings.svg import shortened
        >>> shortened("C1"), len(shortened("a" * 5000))
        ('C1', 40)
    """
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def number(value: float) -> str:
    """Returns a coordinate with at most one decimal.

    Example:
        >>> from keras_classics.drawings.svg import number
        >>> number(3.04), number(-0.01), number(2.5)
        ('3', '0', '2.5')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def style() -> str:
    """Returns the style of all drawings; it follows the page's light and dark.

    Its rules reach nothing outside of a drawing, in whatever page it stands.
    """
    shapes = {
        "text": f"font:10.5px {_SANS}",
        ".title": f"font:600 22px {_SERIF}",
        ".name,.head": "font-weight:600;font-size:12px",
        ".small": "font-size:9.5px",
        ".flow,.same,.other,.ray,.hair,.sheet": "fill:none",
        ".flow": "stroke-width:1.2",
        ".same,.other": "stroke-width:1.5",
        ".other": "stroke-dasharray:1.5 3.5;stroke-linecap:round",
        ".slab path,.box": "stroke-width:.6;stroke-linejoin:round",
        ".lit": "fill:#fff;fill-opacity:.38",
        ".shade": "fill:#000;fill-opacity:.2",
        ".window": "fill:#fff;fill-opacity:.45;stroke-width:.8",
        ".ray": "stroke-width:.7",
        ".slab .sheet": "fill:none;stroke-opacity:.5",
    }
    light, dark = [*_rules(_paint(_LIGHT, 0))], [*_rules(_paint(_DARK, 1))]
    # On paper as on a light page.
    return "\n".join([
        *_rules(shapes), *light,
        "@media (prefers-color-scheme:dark){", *dark, "}",
        "@media print{", *light, "}",
    ])  # fmt: skip


def _rules(styles):
    """Rules of CSS for what is inside a drawing."""
    for selectors, style in styles.items():
        inside = ",".join(f".{ROOT} {one}" for one in selectors.split(","))
        yield f"{inside}{{{style}}}"


def _paint(base, which):
    """{selectors: colours} of a light page or a dark one."""
    return {
        ".paper": f"fill:{base['paper']}",
        "text": f"fill:{base['ink']}",
        ".soft,.small": f"fill:{base['soft']}",
        ".on": "fill:#14171b",  # text on a colour, which is as light in both
        ".flow,.ray,.window": f"stroke:{base['line']}",
        ".tip": f"fill:{base['line']}",
        ".same,.other": f"stroke:{base['ink']}",
        ".dot": f"fill:{base['ink']}",
        ".hair": f"stroke:{base['hair']}",
        ".slab path,.box": f"stroke:{base['edge']}",
        ".k-join.box": f"stroke:{base['line']}",
        **{f".k-{kind}": f"fill:{colours[which]}" for kind, colours in COLOURS.items()},
    }


class Canvas:
    """Collects the elements of a drawing."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def add(self, element: str) -> None:
        """Adds an element as it is."""
        self.elements.append(element)

    def text(
        self, x: float, y: float, content: object, kind: str = "", anchor: str = "middle"
    ) -> None:
        """Adds a line of text, escaped; none where it is empty."""
        if content == "":
            return
        kinds = f' class="{kind}"' if kind else ""
        at = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text x="{number(x)}" y="{number(y)}"{kinds}{at}>{escape(content)}</text>')

    def path(self, kind: str, *steps: str | float) -> None:
        """Adds a path: letters as they are, numbers without noise."""
        drawn = " ".join(one if isinstance(one, str) else number(one) for one in steps)
        self.add(f'<path class="{kind}" d="{drawn}"/>')

    def box(
        self, kind: str, x: float, y: float, width: float, height: float, radius: float = 3
    ) -> None:
        """Adds a rectangle."""
        size = f'width="{number(width)}" height="{number(height)}"'
        self.add(
            f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" {size} rx="{number(radius)}"/>'
        )

    def circle(self, kind: str, x: float, y: float, radius: float) -> None:
        """Adds a circle."""
        self.add(f'<circle class="{kind}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>')

    def tip(self, x: float, y: float) -> None:
        """Adds the head of an arrow that points to the right and ends there."""
        self.path("tip", "M", x, y, "l", -6, -3, "v", 6, "z")
