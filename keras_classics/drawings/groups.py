"""What stands beside each other as one thing: blocks of a stage, convolutions of a block."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from keras_classics.drawings.parts import Part
from keras_classics.drawings.structure import columns_of, consumers_of

_NUMBER = re.compile(r"\d+[a-z]?(?![a-z])")  # of a layer, as in conv1_2 or inception_3a


@dataclass(eq=False)
class Group:
    """Parts that follow each other and are labelled together; of two towers, one from each.

    Attributes:
        parts: the parts, from left to right; in several lanes, from the top.
        lanes: the lane of each part, counted from the top; all 0 where there is one.
        lane_count: how many lanes the figure has in this place.
        can_end_a_row: whether all lines that lead on begin here.
        size_is_seen: whether what follows has maps of the same size, and says so.
    """

    parts: list[Part]
    lanes: list[int]
    lane_count: int = 1
    can_end_a_row: bool = True
    size_is_seen: bool = False

    @property
    def is_run(self) -> bool:
        """Whether its parts stand in a row, and not in lanes."""
        return self.lane_count == 1

    @property
    def differs(self) -> bool:
        """Whether its parts have different numbers of maps, so that each shows its own."""
        return self.is_run and len({part.channels for part in self.parts}) > 1

    def lines(self, lane: int = 0, terse: bool = False) -> list[str]:
        """Returns what is written below: name, size, operation, and what follows it.

        Args:
            lane: of which lane.
            terse: whether room is scarce: what is said elsewhere is left out.
        """
        parts = self.parts if self.is_run else [self.parts[self.lanes.index(lane)]]
        first, count = parts[0], len(parts)
        size = first.size.partition("@")[2] if self.differs else first.size
        if terse and self.size_is_seen and first.kind == "pooling":
            size = ""
        what = first.operation
        if first.kind == "inception":
            what = "modules" if count > 1 else "module"
        elif first.kind != "block" and not all(part.stride > 1 for part in parts):
            what = first.what
        if terse:
            what = what.replace("full connection", "dense").replace("global average", "average")
        if count > 1 and first.kind != "inception":
            what = f"({what}) ×{count}" if ", " in what else f"{what} ×{count}"
        said = [word for word in first.after if word.startswith(("dropout", "softmax"))]
        shown = "" if first.kind in ("input", "join") else what
        return [span([part.label for part in parts]), size, shown, *said]


def span(names: list[str]) -> str:
    """Returns several names as one.

    Example:
        >>> from keras_classics.drawings.groups import span
        >>> span(["conv2_block1", "conv2_block2", "conv2_block3"]), span(["C1"])
        ('conv2_block1…3', 'C1')
    """
    if len(names) == 1:
        return names[0]
    return f"{names[0]}…{short_names(names)[-1]}"


def common_beginning(names: list[str]) -> str:
    """Returns what all names begin with, numbers left whole.

    Example:
        >>> from keras_classics.drawings.groups import common_beginning
        >>> common_beginning(["conv1_10", "conv1_11"])
        'conv1_'
    """
    same = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in same).rstrip("0123456789")


def short_names(names: list[str]) -> list[str]:
    """Returns names without what all of them begin with.

    Example:
        >>> from keras_classics.drawings.groups import short_names
        >>> short_names(["inception_3a", "inception_3b"])
        ['3a', '3b']
    """
    common = common_beginning(names)
    return [name[len(common) :] for name in names]


def grouped(parts: dict[str, Part]) -> list[Group]:
    """Returns the parts as groups from left to right.

    Args:
        parts: as `structure.folded` has them.
    """
    consumers = consumers_of(parts)
    groups: list[Group] = []
    for group in _in_lanes(parts):
        if groups and _repeats(groups[-1], group, consumers):
            groups[-1].parts += group.parts
            groups[-1].lanes += group.lanes
        else:
            groups.append(group)
    for group, following in itertools.pairwise(groups):
        last, first = group.parts[-1], following.parts[0]
        group.size_is_seen = not last.is_vector and last.sides == first.sides
    return groups


def _repeats(before, group, consumers):
    """Whether a part is like the one before it, and alone behind it."""
    if not (before.is_run and group.is_run):
        return False
    last, part = before.parts[-1], group.parts[0]
    follows = part.inputs == [last.name] and consumers[last.name] == [part.name]
    return follows and _key(last) == _key(part)


def _key(part):
    name = _NUMBER.sub("0", part.label)
    if part.kind == "inception":
        return part.kind, part.sides, name
    return part.kind, part.what, part.size, tuple(one.size for one in part.inner), name


def _in_lanes(parts):
    """Yields a group for each column."""
    columns = columns_of(parts)
    by_column = {}
    for part in parts.values():
        by_column.setdefault(columns[part.name], []).append(part)
    last_use = {}  # of each part: the last column that sees it
    for part in parts.values():
        for name in part.inputs:
            last_use[name] = max(last_use.get(name, 0), columns[part.name])
    region, lane = [], {}
    for column in sorted(by_column):
        members = by_column[column]
        passing = [n for n in lane if columns[n] < column < last_use.get(n, 0)]
        if len(members) == 1 and not passing:
            yield from _closed(region)
            region, lane = [], {members[0].name: 0}
            yield Group(members, [0])
            continue
        for part in members:
            wishes = [lane[name] for name in part.inputs if name in lane]
            taken = {lane[one.name] for one in members if one.name in lane}
            free = (number for number in range(len(parts)) if number not in taken)
            lane[part.name] = next((one for one in wishes if one not in taken), next(free))
        region.append((members, [lane[part.name] for part in members]))
    yield from _closed(region)


def _closed(region):
    """Yields the columns between two parts that all lines go through."""
    count = 1 + max((max(lanes) for _, lanes in region), default=0)
    for members, lanes in region:
        order = sorted(range(len(members)), key=lanes.__getitem__)
        yield Group([members[i] for i in order], [lanes[i] for i in order], count, False)
