"""Curves of several runs over each other, as SVG that follows the light or dark page around it."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

if TYPE_CHECKING:
    from keras_classics.comparison.rows import Comparison, Row

# They have a contrast of 3 or more on the page's light ground and on its dark one.
COLOURS = (
    *("#3b82c4", "#d9722e", "#3f9a63", "#9a6fc4", "#c2577a", "#8a8a2e", "#2a979c", "#a06a44"),
)
_INK, _PALE = "#7d858f", "#7d858f55"
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",  # the page's letters, which can be read at any size
    "svg.hashsalt": "keras_classics",  # the same runs give the same bytes
    "text.parse_math": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    ),
}
_SIZE = (4.4, 3.2)  # inches of 72 pixels: two stand beside each other on a wide screen


class Panel(NamedTuple):
    """One picture of curves.

    Attributes:
        title: what is drawn.
        column: of history.csv.
        figure: of `Row.values` whose final values are marked, or None.
    """

    title: str
    column: str
    figure: str | None


def panels_of(comparison: Comparison) -> list[Panel]:
    """Returns what there is to draw of a comparison.

    Args:
        comparison: a `Comparison`.
    """
    name = comparison.figures["error"]
    panels = [
        Panel(f"{name[0].upper()}{name[1:]}, %", "val_error", "error"),
        Panel("Training error, %", "error", None),
        Panel("Training loss", "loss", None),
        Panel("Loss of the pictures measured", "val_loss", None),
    ]
    runs = [one.run for row in comparison.rows for one in row.runs]
    columns = {name for run in runs if run.epochs for name in run.history}
    return [panel for panel in panels if panel.column in columns or (panel.figure and columns)]


def colour_of(row: Row) -> str:
    """Returns the colour of a row, in the curves as in the table."""
    return COLOURS[(row.number - 1) % len(COLOURS)]


def draw(comparison: Comparison, panel: Panel) -> bytes:
    """Draws a panel: a thin line for each seed, a thick one for their mean; returns an SVG.

    A ring is what was measured at the end, a dotted line what the paper has.

    Args:
        comparison: a `Comparison`.
        panel: of `panels_of`.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        axes.spines[["left", "top", "right"]].set_visible(False)
        axes.grid(axis="y", color=_PALE, linewidth=0.8)
        axes.tick_params(length=0, which="both")
        drawn = [value for row in comparison.rows for value in _draw_row(axes, row, panel)]
        drawn += _draw_paper(axes, comparison, panel)
        axes.set_title(panel.title + _scale(axes, np.array(drawn)))
        longest = max(one.epochs for row in comparison.rows for one in row.runs)
        axes.set_xlim(1 - 0.03 * longest, 1.03 * max(longest, 2))
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def _draw_row(axes, row, panel):
    """Draws the curves of a row; yields the values that are drawn."""
    style = {"color": colour_of(row), "linestyle": _dashes(row.number)}
    curves = [_curve(one, panel) for one in row.runs]
    for one, curve in zip(row.runs, curves, strict=True):
        is_dot = curve.size == 1
        axes.plot(
            range(1, curve.size + 1), curve, **style, linewidth=0.9 if len(curves) > 1 else 1.8,
            alpha=0.55 if len(curves) > 1 else 1, marker="." if is_dot else "",
        )  # fmt: skip
        yield from curve[np.isfinite(curve)]
        end = one.figures[panel.figure] if panel.figure and one.state == "finished" else None
        if end is not None:
            last = max(one.epochs, 1)
            axes.plot(last, end, "o", color=style["color"], fillstyle="none", markersize=6)
            yield end
    whole = [curve for one in row.counted if (curve := _curve(one, panel)).size]
    if whole and len(curves) > 1:
        length = min(map(len, whole))
        mean = np.mean([curve[:length] for curve in whole], axis=0)
        axes.plot(range(1, length + 1), mean, **style, linewidth=2)


def _curve(one, panel):
    return one.run.history.get(panel.column, np.zeros(0))


def _dashes(number):
    """A second row of the same colour is dashed."""
    return ("solid", "dashed", "dashdot", "dotted")[(number - 1) // len(COLOURS) % 4]


def _draw_paper(axes, comparison, panel):
    """Draws a line for each figure of a paper, in its row's colour if it has one; yields them."""
    figure = panel.figure or {"error": "train_error"}.get(panel.column)
    if figure is None:
        return
    published = {row.number: row.published(figure) for row in comparison.rows}
    for value in sorted({value for value in published.values() if value is not None}):
        its = [row for row in comparison.rows if published[row.number] == value]
        colour = colour_of(its[0]) if len(its) == 1 < len(comparison.rows) else _INK
        axes.axhline(value, color=colour, linewidth=1.2, linestyle=(0, (1, 2)))
        axes.annotate(
            f"paper {value:.2f}", (1, value), (0, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", color=colour, size=9,
        )  # fmt: skip
        yield value


def _scale(axes, values):
    """Makes the axis logarithmic where the values span much; returns what the title says of it."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if not values.size or values.min() <= 0 or values.max() < 5 * values.min():
        return ""
    axes.set_yscale("log")
    few = math.log10(values.max() / values.min()) < 2
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return " (logarithmic)"
