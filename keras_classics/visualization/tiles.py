"""Figures of pictures below or beside each other, pixel by pixel."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from keras_classics.report import pixels

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_DPI = 100
_MARGIN, _ABOVE, _NARROWEST = 12, 30, 420  # pixels


class NotebookFigure(Figure):
    """A figure that a notebook shows as the value of a cell.

    It does so with Matplotlib's own ones only behind the first figure of pyplot, which would then
    also show them at the end of a cell, and keep them open.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def stacked(rows: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """Draws pictures below each other, each under a line of text.

    Args:
        rows: the line, and a uint8 array of shape (height, width, 3 or 4).
    """
    width = max(_NARROWEST, *(rgb.shape[1] for _, rgb in rows)) + 2 * _MARGIN
    height = sum(len(rgb) + _ABOVE for _, rgb in rows) + _MARGIN
    figure = NotebookFigure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    bottom = height
    for text, rgb in rows:
        bottom -= len(rgb) + _ABOVE
        size = rgb.shape[1] / width, len(rgb) / height
        axes = figure.add_axes((_MARGIN / width, bottom / height, *size))
        show(axes, text, rgb)
        axes.set_axis_off()
    return figure


def show(axes: Axes, text: str, picture: np.ndarray, **options: Any) -> Any:
    """Shows an array in a thin frame, under a line of text; returns what `imshow` does."""
    axes.set(xticks=(), yticks=())
    axes.spines[:].set(visible=True, color=[channel / 255 for channel in pixels.LINE])
    axes.set_title(text, loc="left", fontsize=9, parse_math=False)  # a "$" is a dollar
    return axes.imshow(picture, **{"interpolation": "nearest", **options})
