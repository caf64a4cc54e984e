"""The details below a drawing: a block, an Inception module, what LeNet-5 has in its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keras_classics.drawings.parts import Part
from keras_classics.drawings.slabs import described
from keras_classics.drawings.svg import Canvas, text_width

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOX, _HIGH, _GAP = 76, 26, 24  # width and height of a box, and what is between two
_CELL, _PIXEL = 14.5, 3.8  # of a table of connections, and of a bitmap


@dataclass(frozen=True)
class Inset:
    """A detail: `draw(canvas, x, y)` draws it with its upper left corner there."""

    title: str
    width: float
    height: float
    draw: Callable[[Canvas, float, float], None]


def insets_of(parts: dict[str, Part]) -> list[Inset]:
    """Returns what is worth a closer look in a model.

    Args:
        parts: as `structure.folded` has them.
    """
    found = [*_blocks(parts.values())]
    modules = [part for part in parts.values() if part.kind == "inception"]
    if modules:
        found += [_module(modules[0], parts), _table(modules)]
    for part in parts.values():
        if hasattr(part.layer, "connections"):
            found.append(_connections(part, parts))
        if hasattr(part.layer, "centers_value") and part.layer.centers_value.shape[1] == 84:
            found.append(_bitmaps(part))
    return [inset for inset in found if inset.width <= 940]


def _blocks(parts) -> Iterator[Inset]:
    """One inset for each kind of block: of its first one, with how many there are."""
    blocks = [part for part in parts if part.kind == "block"]

    def key(block):
        return block.what, block.shortcut

    counts = Counter(map(key, blocks))
    first = {key(block): block for block in reversed(blocks)}
    for kind in list(counts)[:3]:
        yield _block(first[kind], counts[kind])


def _block(block, count):
    words = {"identity": "identity shortcut", "projection": "projection", "zeros": "zero maps"}
    title = f"{block.label}: {words[block.shortcut]}, ×{count}"
    texts = [text_width(described(part), 10.5) + 10 for part in (*block.inner, *block.bypass)]
    wide = max(_BOX, *texts)
    reach = 34 + len(block.inner) * (wide + _GAP)

    def draw(canvas, x, y):
        axis, high = y + 66, y + 14
        fork, plus = x + 12, x + reach + 9
        canvas.path("flow", "M", x, axis, "H", x + 34)
        for number, part in enumerate(block.inner):
            at = x + 34 + number * (wide + _GAP)
            _box(canvas, part, at, axis, wide)
            canvas.text(at + wide / 2, axis + _HIGH / 2 + 13, ", ".join(part.after), "small")
            canvas.path("flow", "M", at + wide, axis, "H", at + wide + _GAP)
            canvas.tip(at + wide + _GAP, axis)
        kind = "same" if block.shortcut == "identity" else "other"
        bend = ("M", fork, axis, "V", high + 8, "Q", fork, high, fork + 8, high)
        ends = ("H", plus - 8, "Q", plus, high, plus, high + 8, "V", axis - 9)
        canvas.path(kind, *bend, *ends)
        middle = (fork + plus) / 2
        for part in block.bypass:
            _box(canvas, part, middle - wide / 2, high, wide)
        if not block.bypass:
            canvas.text(middle, high - 5, "identity", "soft")
        canvas.circle("dot", fork, axis, 2.4)
        canvas.circle("k-join box", plus, axis, 9)
        canvas.text(plus, axis + 4, "+", "name")
        canvas.path("flow", "M", plus + 9, axis, "H", plus + 30)
        canvas.tip(plus + 30, axis)
        canvas.text(plus + 34, axis - 5, ", ".join(block.after), "soft", "start")
        canvas.text(plus + 34, axis + 9, block.size, "", "start")

    width = reach + 43 + text_width(block.size, 10.5)
    return Inset(title, max(width, text_width(title, 12, True)), 100, draw)


def _box(canvas, part, x, y, width):
    """An operation as a box whose left side's middle is at a point."""
    canvas.box(f"k-{part.kind} box", x, y - _HIGH / 2, width, _HIGH)
    canvas.text(x + width / 2, y + 4, described(part), "on")


def _module(module, parts):
    before = parts[module.inputs[0]]
    rows = _rows(module.layer.filters)
    pitch = _HIGH + 9
    reach = 92 + 2 * (_BOX + _GAP)

    def draw(canvas, x, y):
        axis = y + 2 * pitch - 4
        canvas.text(x, axis - 6, before.label, "name", "start")
        canvas.text(x, axis + 8, before.size, "", "start")
        left, right = x + 82, x + reach + 34
        canvas.box("k-join box", right, y + 4, 8, 4 * pitch - 12)
        canvas.text(right + 16, axis - 6, module.label, "name", "start")
        canvas.text(right + 16, axis + 8, module.size, "", "start")
        for number, boxes in enumerate(rows):
            line = y + 4 + _HIGH / 2 + number * pitch
            start = left + 24
            canvas.path("flow", "M", left, axis, "C", left + 12, axis, left + 8, line, start, line)
            if len(boxes) == 1:
                canvas.path("flow", "M", start, line, "H", start + _BOX + _GAP)
                start += _BOX + _GAP
            for text, kind in boxes:
                canvas.box(f"k-{kind} box", start, line - _HIGH / 2, _BOX, _HIGH)
                canvas.text(start + _BOX / 2, line + 4, text, "on")
                end = start + _BOX + _GAP if text != boxes[-1][0] else right
                canvas.path("flow", "M", start + _BOX, line, "H", end)
                canvas.tip(end, line)
                start += _BOX + _GAP

    width = reach + 34 + 20 + text_width(module.label, 12, True)
    return Inset(f"{module.label} in detail", width, 4 * pitch, draw)


def _rows(filters):
    """The boxes of each branch, from left to right: (text, colour)."""
    reduced = [
        (f"{side}×{side}", filters[f"reduce_{side}x{side}"], filters[f"filters_{side}x{side}"])
        for side in (3, 5)
    ]
    rows = [[(f"1×1, {filters['filters_1x1']}", "one")]]
    for (kernel, reduce, count), kind in zip(reduced, ("three", "five"), strict=True):
        rows.append([(f"1×1, {reduce}", "one")] if reduce else [])
        rows[-1].append((f"{kernel}, {count}", kind))
    rows.append([("3×3 max", "pooling")])
    if filters["pool_projection"]:
        rows[-1].append((f"1×1, {filters['pool_projection']}", "pooling"))
    return rows


_COLUMNS = {
    "filters_1x1": "1×1",
    "reduce_3x3": "reduce",
    "filters_3x3": "3×3",
    "reduce_5x5": "reduce",
    "filters_5x5": "5×5",
    "pool_projection": "pool",
}


def _table(modules):
    """The filters of all modules, as in Table 1 of the paper."""
    columns, line = 46, 15
    first = max(text_width(module.label, 12, True) for module in modules) + 8

    def draw(canvas, x, y):
        for number, word in enumerate((*_COLUMNS.values(), "maps"), start=1):
            canvas.text(x + first + number * columns, y + 8, word, "small", "end")
        canvas.path("hair", "M", x, y + 13, "h", first + 7 * columns)
        for row, module in enumerate(modules):
            base = y + 26 + row * line
            canvas.text(x, base, module.label, "name", "start")
            counts = [module.layer.filters[name] or "–" for name in _COLUMNS]
            for number, count in enumerate((*counts, module.channels), start=1):
                canvas.text(x + first + number * columns, base, count, "", "end")

    width = first + 7 * columns
    return Inset("filters of each module", width, 20 + line * len(modules), draw)


def _connections(part, parts):
    """Which maps each map sees, as Table I of LeNet-5's paper has it."""
    table = part.layer.connections
    before = parts[part.inputs[0]]
    left = 26

    def draw(canvas, x, y):
        for row in range(before.channels):
            canvas.text(x + left - 8, y + 27 + row * _CELL, row, "small", "end")
        for column, seen in enumerate(table):
            middle = x + left + (column + 0.5) * _CELL
            canvas.text(middle, y + 12, column, "small")
            for row in range(before.channels):
                kind = "k-convolution box" if row in seen else "hair"
                canvas.box(kind, middle - 5.5, y + 18 + row * _CELL, 11, 11, 2)

    title = f"what each map of {part.label} sees of {before.label}"
    width = max(left + _CELL * len(table), text_width(title, 12, True))
    return Inset(title, width, 20 + _CELL * before.channels, draw)


def _bitmaps(part):
    """The centres of the output units as pictures of 7×12."""
    centers = part.layer.centers_value.reshape(-1, 12, 7)
    pitch = 7 * _PIXEL + 9

    def draw(canvas, x, y):
        for digit, bitmap in enumerate(centers):
            left, top = x + digit * pitch, y + 12
            steps = []
            for row, column, length in _runs(bitmap):
                steps += ["M", left + column * _PIXEL, top + row * _PIXEL, "h", length * _PIXEL]
                steps += ["v", _PIXEL, "h", -length * _PIXEL, "z"]
            canvas.box("hair", left - 2, top - 2, 7 * _PIXEL + 4, 12 * _PIXEL + 4, 1.5)
            canvas.path("k-dense", *steps)
            canvas.text(left + 3.5 * _PIXEL, top + 12 * _PIXEL + 15, digit, "small")

    width = len(centers) * pitch
    return Inset(f"the codes that {part.label} compares with", width, 76, draw)


def _runs(bitmap):
    """Yields (row, column, length) of the ink in a picture."""
    for row, line in enumerate(bitmap):
        column = 0
        while column < len(line):
            length = 0
            while column + length < len(line) and line[column + length] > 0:
                length += 1
            if length:
                yield row, column, length
            column += length or 1
