"""The pieces of a page, which Jinja2 makes: what is no piece is text, and is escaped.

The templates lie in `templates/`; each function here fills one of their macros.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from keras_classics.anatomy.grid import Row
    from keras_classics.zoo import Paper

_TEMPLATES = Environment(
    loader=PackageLoader("keras_classics.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_FOLDER = resources.files(__package__) / "templates"
# The only script that a page may run: browsers hold it against this checksum.
_SCRIPT = "".join((_FOLDER / name).read_text("utf-8") for name in ("network.js", "pad.js"))
_CHECKSUM = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode("ascii")
_PIECES: Any = _TEMPLATES.get_template("pieces.html").module


def data_uri(content: bytes) -> str:
    """Returns a PNG or GIF as a data: URI."""
    kind = "gif" if content.startswith(b"GIF8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def image(content: bytes, alt: str, title: str | None = None) -> Markup:
    """Returns an img element that holds its picture."""
    return _PIECES.image(data_uri(content), alt, title)


def card(inside: Markup) -> Markup:
    """Returns a picture on a white card."""
    return _PIECES.card(inside)


def figure(content: bytes, alt: str, caption: str = "") -> Markup:
    """Returns a picture on a white card, with a caption below."""
    return _PIECES.figure(image(content, alt), caption)


def paragraph(text: str, kind: str = "") -> Markup:
    """Returns a paragraph, of a class of style.css if `kind` is given.

    Example:
        >>> from keras_classics.report.markup import paragraph
        >>> print(paragraph("1 < 2", "soft"))
        <p class="soft">1 &lt; 2</p>
    """
    return _PIECES.paragraph(text, kind)


def bullets(items: list) -> Markup:
    """Returns a list."""
    return _PIECES.bullets(items)


def table(rows: list[tuple], head: tuple = (), kind: str = "") -> Markup:
    """Returns a table whose first column names the rows."""
    return _PIECES.table(rows, head, kind)


def chart(svg: str, caption: str = "") -> Markup:
    """Returns a figure of `charts.svg` with a caption below."""
    return _PIECES.chart(Markup(svg), caption)


def grid(title: str, head: Sequence[str], rows: Sequence[Row]) -> Markup:
    """Returns a table of figures, which scrolls by itself where it is wider than the page."""
    return _PIECES.grid(title, head, rows)


def drawing(svg: str) -> Markup:
    """Returns the drawing of an architecture, which scrolls where it would be too small."""
    return _PIECES.drawing(Markup(svg))


def header(title: str, facts: str = "", paper: Paper | None = None) -> Markup:
    """Returns the head of a page, with a line of facts, and the paper that the network is from."""
    return _PIECES.header(title, facts, paper)


def section(identifier: str, title: str, *parts: str) -> Markup:
    """Returns a section of the page; empty parts are left out."""
    return _PIECES.section(identifier, title, parts)


def details(summary: str, *parts: str) -> Markup:
    """Returns what is hidden until somebody asks for it."""
    return _PIECES.details(summary, parts)


def command(line: str) -> Markup:
    """Returns a command line to copy."""
    return _PIECES.command(line)


def gallery(
    pictures: list[tuple[Markup, list[str]]], wide: bool = False, chosen: int = -1
) -> Markup:
    """Returns pictures side by side, each with words below that arrows join; one may be framed."""
    return _PIECES.gallery(pictures, wide, chosen)


def matrix(names: list[str], rows: list[tuple[str, list[tuple[int, float]], str]]) -> Markup:
    """Returns the table of true classes and answers.

    Args:
        names: of the classes.
        rows: for each its name, (count, depth of its colour from 0 to 1) of each answer, its error.
    """
    return _PIECES.matrix(names, rows)


def answers(cards: list[tuple[Markup, str, list[tuple[str, str, str, bool]]]]) -> Markup:
    """Returns pictures with the answers to each as bars.

    Args:
        cards: picture, its class, and for each answer the class, its probability in words, the
            length of its bar in percent and whether it is right.
    """
    return _PIECES.answers(cards)


def beside(first: tuple[Markup, list[str]], others: list[tuple[Markup, list[str]]]) -> Markup:
    """Returns a picture and others beside it, with words below as in `gallery`."""
    return _PIECES.beside(first, others)


def scale() -> Markup:
    """Returns the scale of colours of signed values."""
    return _PIECES.scale()


def stage(name: str, size: str, content: bytes, alt: str, *notes: str) -> Markup:
    """Returns a picture of a layer's maps, with the layer and what is to be said of it beside."""
    return _PIECES.stage(name, size, image(content, alt), notes)


def pad(
    description: dict[str, Any], stages: Sequence[tuple[str, str]], output: str, box: str
) -> Markup:
    """Returns the section with a pad to draw on, and the script that reads what is drawn.

    Args:
        description: of the network, as `templates/network.js` takes it.
        stages: name and size of the picture and of each layer whose maps are shown.
        output: the name of the last layer.
        box: the size of the box in which the network sees what is drawn.
    """
    return _PIECES.pad(description, stages, output, box, Markup(_SCRIPT))


def document(title: str, parts: Sequence[str]) -> str:
    """Returns the whole page, which fetches nothing from anywhere."""
    page = _TEMPLATES.get_template("page.html")
    return page.render(title=title, parts=parts, checksum=_CHECKSUM)
