"""How large a part is drawn: in proportion to its maps, as large as the page allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from keras_classics.drawings.parts import Part

CAP = 5  # width of a normalisation, which stands at what it normalises
_DEPTH = 0.28  # of a map's side: how far its back is shifted to the right and up
_BAR, _BAR_DEPTH = 9, 5  # of a vector
_LONGEST_RUN = 12  # of equal parts that are all drawn


class Scale(NamedTuple):
    """How large things are.

    Attributes:
        side: height of the largest map.
        width: of the map with most channels.
        gap: between two parts of a run.
        pad: between two groups, at least.
        terse: whether labels leave out what is said elsewhere.
        longest_run: of parts that are all drawn.
    """

    side: float
    width: float
    gap: float
    pad: float
    terse: bool = False
    longest_run: int = _LONGEST_RUN


# From generous to tight: the first that fits is taken.
SCALES = (
    Scale(150, 46, 13, 22),
    Scale(150, 40, 12, 18),
    Scale(150, 34, 11, 12),
    Scale(145, 34, 11, 14, True),
    Scale(140, 28, 10, 10, True),
    Scale(132, 22, 8, 8, True),
    Scale(132, 22, 8, 8, True, 6),
)


def caps_of(part: Part) -> list[str]:
    """Returns the normalisations across maps that are drawn at a part."""
    return [word for word in part.after if word in ("LRN", "SRN")]


class Sizes:
    """The largest of everything, in whose proportion all is drawn: by the square root."""

    def __init__(self, parts: Sequence[Part], scale: Scale, lanes: int) -> None:
        self.bar = (0.8 if lanes == 1 else 0.62) * scale.side
        maps = [part for part in parts if not part.is_vector]
        self.scale = scale
        self.side = max((side or 1 for part in maps for side in part.sides), default=1)
        self.channels = max((part.channels or 1 for part in maps), default=1)
        vectors = (part.channels or 1 for part in parts if part.is_vector)
        self.units = max(vectors, default=1)

    def of(self, part: Part) -> tuple[float, float, float]:
        """(width, height, depth) of a slab."""
        if part.kind == "join" or (part.kind == "other" and part.is_vector):
            return 16, 16, 0
        if part.is_vector:
            height = self.bar * math.sqrt((part.channels or 1) / self.units)
            return _BAR, max(7, height), _BAR_DEPTH
        rows, *columns = (self.side if side is None else side for side in part.sides)
        height = self.scale.side * math.sqrt(rows / self.side)
        deep = self.scale.side * math.sqrt((columns[0] if columns else 1) / self.side)
        share = math.sqrt((part.channels or self.channels) / self.channels)
        width = max(2.5, self.scale.width * share) + CAP * len(caps_of(part))
        return width, max(4, height), _DEPTH * deep
