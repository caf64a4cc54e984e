"""Draws the rows: slabs, what leads from one to the next, shortcuts, heads and labels."""

from __future__ import annotations

from markupsafe import escape

from keras_classics.drawings.groups import common_beginning
from keras_classics.drawings.layout import ARC, HEAD, LINE, Label, Row, Slab
from keras_classics.drawings.parts import Part
from keras_classics.drawings.scale import CAP, caps_of
from keras_classics.drawings.svg import Canvas, text_width

_MOST_SHEETS = 16  # maps that are drawn one by one
_LEAST_WINDOW = 9.5  # height of one that can be made out
_TURN = 90  # width in which a line changes its lane
_STUB = 24  # of a line that comes from another row


def draw_row(canvas: Canvas, row: Row, before: Row | None) -> None:
    """Draws a row.

    Args:
        canvas: to draw on.
        row: the row.
        before: the row above, from which the first slab comes.
    """
    placed = {slab.part.name: slab for slab in row.slabs}
    for slab in row.slabs:
        for name in slab.part.inputs:
            _lead(canvas, row, placed.get(name), slab)
        _draw_slab(canvas, slab)
    for number, slab in enumerate(row.slabs):
        if slab.part.kind == "block":
            _draw_shortcut(canvas, row, number)
    for x, y, count in row.dots:
        for shift in (-6, 0, 6):
            canvas.circle("dot", x + shift, y, 1.6)
        canvas.text(x, y + 16, f"{count} more", "small")
    for x, y, note in row.notes:
        canvas.text(x, y, note, "small")
    taken: list[float] = []
    for slab in row.slabs:
        for head in slab.part.heads:
            _draw_head(canvas, slab, head, taken)
    for label in row.labels:
        _draw_label(canvas, label)
    if before is not None:
        last = before.slabs[-1]
        x = last.x + last.width
        canvas.path("flow", "M", x, last.y, "H", x + _STUB)
        canvas.tip(x + _STUB, last.y)


def _draw_label(canvas, label: Label):
    for number, line in enumerate(label.lines):
        kind = ("name", "", "soft")[min(number, 2)]
        canvas.text(label.x, label.y + number * LINE, line, kind)


def _lead(canvas, row, source, slab):
    """Draws the line from a part to one that sees it, where there is room for it."""
    end = slab.left
    if source is None:
        if slab is row.slabs[0] or not row.dots:
            canvas.path("flow", "M", end - _STUB, slab.y, "H", end)
            canvas.tip(end, slab.y)
        return
    begin = source.x + source.width
    between = [one for one in row.slabs if begin < one.middle < end and one.y == source.y]
    if between and source.y == slab.y:
        high = min(one.top for one in (source, *between, slab)) - ARC
        crowns = (source.middle, source.y - source.height / 2)
        to = (slab.middle, slab.y - slab.height / 2)
        canvas.path("flow", "M", *crowns, "C", crowns[0], high, to[0], high, *to)
    elif source.y == slab.y:
        if end - begin > 12:
            _draw_window(canvas, source, slab)
            canvas.path("flow", "M", begin, source.y, "H", end - 3)
            canvas.tip(end, slab.y)
    else:
        turn = max(begin, end - _TURN)  # past what stands between them in its lane
        bend = (turn + end) / 2
        straight = ("H", turn) if turn > begin else ()
        curve = ("C", bend, source.y, bend, slab.y, end - 4, slab.y)
        canvas.path("flow", "M", begin, source.y, *straight, *curve)
        canvas.tip(end, slab.y)


def _draw_window(canvas, source, slab):
    """The window of a convolution or pooling, to scale on the maps it sees, and where it leads."""
    kernel = slab.part.kernel
    sides = source.part.sides
    if not kernel or kernel == 1 or len(sides) != 2 or None in sides or source.part.is_vector:
        return
    share = min(1, kernel / sides[0])
    x, high, deep = source.x + source.width, share * source.height, share * source.depth
    if high < _LEAST_WINDOW:
        return
    low = (x - deep / 2, source.y + (high + deep) / 2)
    canvas.path("window", "M", *low, "v", -high, "l", deep, -deep, "v", high, "z")
    end = (slab.left, slab.y)
    canvas.path(
        "ray", "M", x - deep / 2, low[1], "L", *end, "L", x + deep / 2, low[1] - deep - high
    )


def _draw_slab(canvas, slab: Slab):
    part = slab.part
    said = ", ".join((part.size, part.operation, *part.after))
    canvas.add(f'<g class="slab"><title>{escape(part.label)}: {escape(said)}</title>')
    if part.kind == "join":
        canvas.circle("k-join box", slab.middle, slab.y, 8)
        canvas.text(slab.middle, slab.y + 4, part.what, "small" if len(part.what) > 1 else "name")
    else:
        x = slab.x
        for kind, width in _layers_of(slab):
            _draw_body(canvas, slab, x, width, f"k-{kind}")
            x += width
        _draw_sheets(canvas, slab)
    canvas.add("</g>")


def _layers_of(slab):
    """Yields (kind, width) of what stands behind each other in a slab."""
    part, caps = slab.part, caps_of(slab.part)
    width = slab.width - CAP * len(caps)
    if part.kind == "inception":
        for kind, maps in branch_maps(part).items():
            yield kind, width * maps / part.channels
    else:
        yield part.kind, width
    yield from (("norm", CAP) for _ in caps)


def branch_maps(part: Part) -> dict[str, int]:
    """Returns how many of a module's maps each of its branches gives, by the branch's colour."""
    filters = part.layer.filters
    maps = {
        "one": filters["filters_1x1"],
        "three": filters["filters_3x3"],
        "five": filters["filters_5x5"],
    }
    return {**maps, "pooling": (part.channels or 0) - sum(maps.values())}


def _draw_body(canvas, slab, x, width, kind):
    depth, height = slab.depth, slab.height
    left, top = x - depth / 2, slab.y - (height - depth) / 2
    outline = ("l", depth, -depth, "h", width, "v", height, "l", -depth, depth, "h", -width, "z")
    canvas.path(kind, "M", left, top, *outline)
    canvas.path("lit", "M", left, top, "l", depth, -depth, "h", width, "l", -depth, depth, "z")
    side = ("l", depth, -depth, "v", height, "l", -depth, depth, "z")
    canvas.path("shade", "M", left + width, top, *side)


def _draw_sheets(canvas, slab):
    """Divides a slab of few maps into them."""
    channels = slab.part.channels or 0
    one = slab.width / max(channels, 1)
    if slab.part.is_vector or not 2 <= channels <= _MOST_SHEETS or one < 1.6:
        return
    left, top = slab.left, slab.y - (slab.height - slab.depth) / 2
    steps = []
    for place in range(1, channels):
        steps += ["M", left + place * one, top + slab.height, "v", -slab.height]
        steps += ["l", slab.depth, -slab.depth]
    canvas.path("sheet", *steps)


def _draw_shortcut(canvas, row, number):
    """An arc from the part before a block to the block, with the sum where it ends."""
    slab = row.slabs[number]
    source = next((one for one in row.slabs if one.part.name == slab.part.inputs[0]), None)
    to = (slab.middle, slab.y - slab.height / 2)
    start = (to[0] - 40, to[1])
    if source is not None:
        start = (source.middle, source.y - source.height / 2)
    elif row.dots and number:
        start = (min(row.dots, key=lambda dot: abs(dot[0] - to[0]))[0], to[1])
    high = min(start[1], to[1]) - ARC * 1.3
    kind = "same" if slab.part.shortcut == "identity" else "other"
    canvas.path(f"{kind} shortcut", "M", *start, "C", start[0], high, to[0], high, *to)
    canvas.circle("dot", *to, 2.4)


def _draw_head(canvas, slab, head: list[Part], taken: list[float]):
    """An auxiliary head: its parts as boxes above the one that it looks at."""
    width = max(HEAD[0], *(text_width(described(part), 10.5) + 10 for part in head))
    height = HEAD[1]
    x = max([8, slab.middle - width / 2, *(right + 10 for right in taken)])
    taken.append(x + width)
    y = slab.top - 30
    canvas.path("flow", "M", slab.middle, slab.y - slab.height / 2, "V", y)
    for part in head:
        y -= height + 6
        canvas.box(f"k-{part.kind} box", x, y + 6, width, height)
        canvas.text(x + width / 2, y + 6 + height / 2 + 3.6, described(part), "on")
    shared = common_beginning([part.label for part in head]).rstrip("_")
    canvas.text(x + width / 2, y - 2, shared or head[-1].label, "name")


def described(part: Part) -> str:
    """Returns an operation with its maps or units, as "1×1, 128, /2"."""
    operation = "dense" if part.kind == "dense" else part.operation
    what, _, stride = operation.partition(", ")
    maps = part.channels if part.kind in ("convolution", "dense") else None
    return ", ".join(str(word) for word in (what.removesuffix(" conv"), maps, stride) if word)
