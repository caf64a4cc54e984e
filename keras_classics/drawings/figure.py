"""A whole drawing: title, rows, insets, legend, and what a reader hears who cannot see it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import escape

from keras_classics.drawings.groups import grouped
from keras_classics.drawings.insets import Inset, insets_of
from keras_classics.drawings.layout import MARGIN, WIDTH, laid_out
from keras_classics.drawings.parts import Part, parts_of
from keras_classics.drawings.scale import caps_of
from keras_classics.drawings.slabs import draw_row
from keras_classics.drawings.structure import folded
from keras_classics.drawings.svg import ROOT, Canvas, number, shortened, style, text_width

if TYPE_CHECKING:
    import keras

_KINDS = {
    "input": "input",
    "convolution": "convolution",
    "block": "residual block",
    "one": "1×1 convolution",
    "three": "3×3",
    "five": "5×5",
    "pooling": "pooling",
    "norm": "response normalisation",
    "dense": "full connection",
    "zeros": "zero maps",
    "other": "other layer",
}


_SHORTCUTS = {
    "identity": ("same", "identity shortcut"),
    "projection": ("other", "projection shortcut"),
    "zeros": ("other", "shortcut with zero maps"),
}


def figure_of(model: keras.Model, source: str = "") -> str:
    """Returns the drawing of a functional model as SVG.

    Args:
        model: built from its inputs and outputs.
        source: where the network comes from, below its name.

    Example:
        >>> import keras_classics
        >>> from keras_classics.drawings.figure import figure_of
        >>> "6@28×28" in figure_of(keras_classics.lenet5())
        True
    """
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return figure_from(folded(parts_of(model)), model.name, source, trained)


def figure_from(parts: dict[str, Part], title: str, source: str, trained: int) -> str:
    """Returns the drawing of parts as SVG; see `figure_of`.

    Args:
        parts: as `structure.folded` has them.
        title: the model's name.
        source: below it.
        trained: how many parameters are trained.
    """
    canvas = Canvas()
    canvas.text(MARGIN, 40, shortened(title), "title", "start")
    canvas.text(WIDTH - MARGIN, 40, f"{trained:,} trainable parameters", "soft", "end")
    canvas.text(MARGIN, 58, source, "soft", "start")
    rows = laid_out(parts, 76)
    for place, row in enumerate(rows):
        draw_row(canvas, row, rows[place - 1] if place else None)
    bottom = _draw_insets(canvas, insets_of(parts), rows[-1].bottom + 20)
    bottom = _draw_legend(canvas, parts, bottom + 18)
    width = max(WIDTH, *(round(row.right, 1) + MARGIN for row in rows))
    return _document(canvas, title, _told(parts, trained), width, bottom + 16)


def _document(canvas, title, told, width, height):
    size = f"{number(math.ceil(width))} {number(math.ceil(height))}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{ROOT}" viewBox="0 0 {size}" role="img" '
        f'aria-labelledby="title desc">'
    )
    lines = [
        head,
        f'<title id="title">{escape(title)}: architecture</title>',
        f'<desc id="desc">{escape(told)}</desc>',
        f"<style>\n{style()}\n</style>",
        f'<rect class="paper" width="{size.split()[0]}" height="{size.split()[1]}" rx="6"/>',
    ]
    return "\n".join([*lines, *canvas.elements, "</svg>", ""])


def _draw_insets(canvas, insets: list[Inset], top):
    """Draws the insets side by side, in as many rows as they take; returns where they end."""
    lines: list[list[Inset]] = []
    for inset in insets:
        used = sum(one.width + 36 for one in lines[-1]) if lines else math.inf
        if used + inset.width > WIDTH - 2 * MARGIN:
            lines.append([])
        lines[-1].append(inset)
    for line in lines:
        canvas.path("hair", "M", MARGIN, top, "H", WIDTH - MARGIN)
        room = WIDTH - 2 * MARGIN - sum(inset.width for inset in line)
        gap = room / len(line)
        x = MARGIN + gap / 2
        for inset in line:
            canvas.text(x, top + 22, inset.title, "head", "start")
            inset.draw(canvas, x, top + 36)
            x += inset.width + gap
        top += max(inset.height for inset in line) + 36 + 16
    return top


def _draw_legend(canvas, parts, top):
    canvas.path("hair", "M", MARGIN, top - 16, "H", WIDTH - MARGIN)
    x = MARGIN
    for kind in _kinds(parts):
        text = _KINDS[kind]
        canvas.box(f"k-{kind} box", x, top, 12, 12, 2)
        canvas.text(x + 17, top + 10, text, "", "start")
        x += 17 + text_width(text, 10.5) + 14
    shortcuts = {part.shortcut for part in parts.values() if part.kind == "block"}
    for shortcut, (kind, text) in _SHORTCUTS.items():
        if shortcut in shortcuts:
            canvas.path(kind, "M", x, top + 6, "h", 22)
            canvas.text(x + 28, top + 10, text, "", "start")
            x += 28 + text_width(text, 10.5) + 14
    told = (
        "6@28×28: six maps of 28×28. Lengths grow with the square root of sides and of maps; bars "
        "with that of units."
    )
    canvas.text(MARGIN, top + 28, told, "small", "start")
    return top + 30


def _kinds(parts):
    """The kinds that a legend has to explain, in its order."""
    drawn = [*parts.values(), *(p for part in parts.values() for h in part.heads for p in h)]
    found = {part.kind for part in drawn}
    if "inception" in found:
        found |= {"one", "three", "five"}
    if any(part.kind == "block" for part in drawn):
        found |= {"convolution"}
        found |= {one.kind for part in drawn for one in part.bypass}
    if any(caps_of(part) for part in drawn):
        found.add("norm")
    return [kind for kind in _KINDS if kind in found]


def _told(parts, trained):
    """The drawing in words."""
    words = []
    for group in grouped(parts):
        for lane in sorted(set(group.lanes)):
            name, size, what, *_ = group.lines(lane)
            words.append(" ".join(one for one in (name, size, what) if one))
    shortcuts = [part.shortcut for part in parts.values() if part.kind == "block"]
    told = f"{trained:,} trainable parameters. From input to output: {'; '.join(words)}."
    if shortcuts:
        changing = len(shortcuts) - shortcuts.count("identity")
        told += f" {len(shortcuts)} shortcuts, {changing} of them change dimensions."
    heads = [head[-1].name for part in parts.values() for head in part.heads]
    if heads:
        told += f" Auxiliary heads: {', '.join(heads)}."
    return told
