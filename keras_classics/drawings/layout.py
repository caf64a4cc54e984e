"""Where everything of a drawing stands: slabs along an axis, in as many rows as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from keras_classics.drawings.groups import Group, grouped, short_names
from keras_classics.drawings.parts import Part
from keras_classics.drawings.scale import SCALES, Sizes
from keras_classics.drawings.svg import text_width

WIDTH, MARGIN = 1000, 28  # of the drawing, in units of which a page shows about one as a pixel
LINE = 14.5  # from one line of a label to the next
ARC = 26  # how high a shortcut rises above what it skips
HEAD = 108, 19  # width and height of a box of an auxiliary head
_MOST_ROWS = 40
_DOTS = 34  # room for the dots in the place of those that are not
_SHOWN = 3  # of a longer one: the first two and the last


@dataclass(eq=False)
class Slab:
    """A part as a body: `left` and `right`, `top` and `bottom` are its bounds as drawn.

    Attributes:
        part: what it shows.
        x: where its first map stands on the axis.
        y: the axis.
        width: from its first map to the last.
        height: of a map.
        depth: how far a map's back is shifted to the right and up.
    """

    part: Part
    x: float
    y: float
    width: float
    height: float
    depth: float

    @property
    def left(self) -> float:
        return self.x - self.depth / 2

    @property
    def right(self) -> float:
        return self.x + self.width + self.depth / 2

    @property
    def top(self) -> float:
        return self.y - (self.height + self.depth) / 2

    @property
    def bottom(self) -> float:
        return self.y + (self.height + self.depth) / 2

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(eq=False)
class Label:
    """What is written at a group, and where: `y` is the base of its first line."""

    lines: list[str]
    x: float
    y: float


@dataclass(eq=False)
class Row:
    """A row of slabs.

    Attributes:
        slabs: from left to right.
        labels: of its groups.
        dots: (x, y, count) where as many parts of a long run are left out.
        notes: (x, y, text) below single slabs.
        top: of its highest thing.
        bottom: of its lowest one.
        right: of the last one.
    """

    slabs: list[Slab] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    dots: list[tuple[float, float, int]] = field(default_factory=list)
    notes: list[tuple[float, float, str]] = field(default_factory=list)
    top: float = 0
    bottom: float = 0
    right: float = 0


def laid_out(parts: dict[str, Part], top: float) -> list[Row]:
    """Returns the rows of a drawing, the first of which begins at `top`.

    Args:
        parts: as `structure.folded` has them.
        top: in units of the drawing.
    """
    boxes, scale = _fitted(list(parts.values()), grouped(parts))
    rows = []
    for some in boxes:
        rows.append(_row(some, scale, top))
        top = rows[-1].bottom + 26
    return rows


def _fitted(parts, groups):
    """Returns the boxes of each row, and their scale: few rows first, then a generous scale."""
    lanes = max(group.lane_count for group in groups)
    shrink = {1: 1.0, 2: 0.85}.get(lanes, 0.5)
    room = WIDTH - 2 * MARGIN
    scaled = []
    for scale in SCALES:
        sizes = Sizes(parts, scale._replace(side=scale.side * shrink), lanes)
        scaled.append((scale, [_Box(group, sizes) for group in groups]))
    for count in range(1, _MOST_ROWS):
        for scale, boxes in scaled:
            rows = _balanced(boxes, scale.pad, count)
            if all(_length(row, scale.pad) <= room for row in rows):
                return rows, scale
    return rows, scale  # too wide in some place that cannot be divided


def _length(boxes, pad):
    return sum(box.width for box in boxes) + pad * (len(boxes) - 1)


def _balanced(boxes, pad, count):
    """Divides boxes among rows of about the same length, where a single line leads on."""
    rows = [[]]
    share = _length(boxes, pad) / count
    used = 0.0
    for box in boxes:
        row = rows[-1]
        is_full = used + box.width / 2 > share
        if row and is_full and row[-1].group.can_end_a_row and len(rows) < count:
            rows.append([])
            used = 0.0
        rows[-1].append(box)
        used += box.width + pad
    return rows


class _Box:
    """The space that a group takes, its label included."""

    def __init__(self, group: Group, sizes: Sizes) -> None:
        self.group = group
        self.scale = sizes.scale
        self.hidden = 0
        shown = group.parts
        if group.is_run and len(shown) > self.scale.longest_run:
            self.hidden = len(shown) - _SHOWN
            shown = [*shown[: _SHOWN - 1], shown[-1]]
        self.sized = [(part, *sizes.of(part)) for part in shown]
        self.steps = [self._step(number) for number in range(len(shown))]
        lanes = group.lanes if not group.is_run else [0]
        self.lines = {lane: group.lines(lane, self.scale.terse) for lane in lanes}
        texts = max(label_width(lines) for lines in self.lines.values())
        self.body = self._body()
        self.width = max(self.body, texts)
        depths = [depth for *_, depth in self.sized]
        self.offset = (self.width - self.body) / 2 + depths[0] / 2

    def _step(self, number):
        """From the beginning of a slab to that of the next in its run."""
        part, width, _, depth = self.sized[number]
        step = width + self.scale.gap
        if self.group.differs:
            step = max(step, text_width(str(part.channels), 9.5) + 5)
        return step + (depth + _DOTS if self.is_cut(number) else 0)

    def is_cut(self, number: int) -> bool:
        """Whether dots stand behind a slab in the place of others."""
        return bool(self.hidden) and number == _SHOWN - 2

    def _body(self):
        if not self.group.is_run:
            return max(width + depth for _, width, _, depth in self.sized)
        first, last = self.sized[0], self.sized[-1]
        return first[3] / 2 + sum(self.steps[:-1]) + last[1] + last[3] / 2

    @property
    def height(self) -> float:
        """Of its highest slab."""
        return max(height + depth for _, _, height, depth in self.sized)


def label_width(lines: Sequence[str]) -> float:
    """Returns the width of a label, whose first line is bold."""
    first, *others = lines
    return max(text_width(first, 12, bold=True), *(text_width(one, 10.5) for one in others))


def _row(boxes, scale, top):
    row = Row(top=top)
    total = sum(box.width for box in boxes)
    room = WIDTH - 2 * MARGIN - total
    gap = min(room / max(len(boxes) - 1, 1), 3 * scale.pad) if room > 0 else scale.pad
    x = MARGIN + max(0, (room - gap * (len(boxes) - 1)) / 2)
    lanes = max(box.group.lane_count for box in boxes)
    height = max(box.height for box in boxes if box.group.lane_count == lanes)
    lines = max(len(some) for box in boxes for some in box.lines.values())
    pitch = height + (22 if lanes == 2 else lines * LINE + 22)
    centre = top + _above(boxes, lanes, lines) + height / 2 + (lanes - 1) * pitch / 2
    for box in boxes:
        _place(box, row, x, centre, _Lanes(lanes, pitch, height, lines))
        x += box.width + gap
    row.right = x - gap
    row.bottom = max(label.y + LINE * (len(label.lines) - 1) for label in row.labels) + 6
    row.bottom = max(row.bottom, *(slab.bottom for slab in row.slabs))
    return row


class _Lanes(NamedTuple):
    total: int
    pitch: float  # from one to the next
    height: float  # of the highest slab
    lines: int  # of the longest label


def _above(boxes, lanes, lines):
    """The room above the highest slab: for shortcuts, heads, or the labels of the upper tower."""
    parts = [part for box in boxes for part in box.group.parts]
    heads = max((len(head) for part in parts for head in part.heads), default=0)
    arcs = ARC + 4 if any(part.kind == "block" for part in parts) else 6
    labels = LINE * lines + 12 if lanes == 2 else 0
    return max(arcs, labels, heads and (heads * (HEAD[1] + 6) + 34))


def _place(box, row, x, centre, lanes):
    start = x + box.offset
    group = box.group
    middles = {
        lane: centre + (lane - (group.lane_count - 1) / 2) * lanes.pitch for lane in box.lines
    }
    for number, (part, width, tall, depth) in enumerate(box.sized):
        if not group.is_run:
            start = x + (box.width - width) / 2
        y = middles[0 if group.is_run else group.lanes[number]]
        row.slabs.append(Slab(part, start, y, width, tall, depth))
        if box.is_cut(number):
            dots = row.slabs[-1].right + (_DOTS + box.scale.gap) / 2
            row.dots.append((dots, y, box.hidden))
        start += box.steps[number]
    slabs = row.slabs[-len(box.sized) :]
    own = max(slab.bottom for slab in slabs)
    if group.differs:
        names = short_names([slab.part.label for slab in slabs])
        for slab, name in zip(slabs, names, strict=True):
            at = slab.middle - slab.depth / 4
            row.notes += [(at, own + 12, name), (at, own + 24, str(slab.part.channels))]
        own += 24
    for lane, lines in box.lines.items():
        y = max(middles[lane] + lanes.height / 2, own if group.is_run else 0) + 18
        if group.is_run and lanes.total > 1:
            y = own + 16
        elif group.lane_count == 2 and lane == 0:
            y = middles[lane] - lanes.height / 2 - 12 - LINE * (lanes.lines - 1)
        row.labels.append(Label(lines, x + box.width / 2, y))
