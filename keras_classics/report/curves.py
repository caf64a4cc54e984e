"""Loss and error by epoch: a PNG while the run goes on, an animated GIF at its end."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from PIL import Image

from keras_classics.report.run_files import RecordedRun, ReportError, read_run, write_figure

BLUE, ORANGE = "#235ea8", "#d05a1e"
PANELS = (("error", "Error in percent", "{} {:.2f} %"), ("loss", "Loss", "{} {:.3g}"))
INK, PALE = "#2b2b2b", "#d9d9d5"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a dollar
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "xtick.color": "#666666",
    "ytick.color": "#666666",
}
MAX_FRAMES = 120
MAX_RATES = 8


def draw_curves(run_dir: str | os.PathLike) -> Path:
    """Draws figures/curves.png from history.csv; quick enough to be called after every epoch.

    Args:
        run_dir: the run directory, of a run that may still go on.

    Returns:
        The path of the figure.

    Raises:
        ReportError: if this is no run directory, has no finished epoch or cannot be written to.
    """
    run = read_run(run_dir)
    with matplotlib.rc_context(STYLE):
        chart = _Chart(run)
        chart.show(run.epochs)
        chart.canvas.draw()
    buffer = io.BytesIO()
    chart.picture().save(buffer, "PNG")
    return write_figure(run.path / "figures" / "curves.png", buffer.getvalue())


def draw_growing_curves(run: RecordedRun) -> Path:
    """Draws figures/curves.gif, the same figure growing epoch by epoch, its end held.

    Args:
        run: a run with one finished epoch at least.

    Returns:
        The path of the figure.

    Raises:
        ReportError: if there is no finished epoch or the figure cannot be written.
    """
    stride = math.ceil(run.epochs / MAX_FRAMES)
    last_epochs = range(run.epochs, 0, -stride)[::-1]
    with matplotlib.rc_context(STYLE):
        frames = list(_frames(_Chart(run, animated=True), last_epochs))
    palette = _palette(frames[-1])
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    each = int(np.clip(6000 / len(frames), 60, 400))
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[each] * (len(frames) - 1) + [4000],
        loop=0,
        optimize=False,
    )
    return write_figure(run.path / "figures" / "curves.gif", buffer.getvalue())


def series_names(run: RecordedRun) -> tuple[tuple[str, str], tuple[str, str]]:
    """What the columns of history.csv measure: their prefix and the name of the pictures."""
    return ("", "training"), ("val_", run.validated_on)


def _frames(chart, last_epochs):
    """Yields a picture for each epoch; only what moves is drawn anew."""
    chart.canvas.draw()
    still = chart.canvas.copy_from_bbox(chart.figure.bbox)
    for epoch in last_epochs:
        chart.canvas.restore_region(still)
        for artist in chart.show(epoch):
            chart.figure.draw_artist(artist)
        yield chart.picture()


def _palette(frame):
    """The commonest colours as they are; none so near to white that it would pass for it."""
    counted = sorted(frame.getcolors(frame.width * frame.height), reverse=True)
    colors = [color for _, color in counted if min(color) < 240 or min(color) == 255]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for color in colors[:96] for channel in color])
    return palette


class _Chart:
    """Both panels with their axes fixed, and the curves up to any epoch."""

    def __init__(self, run: RecordedRun, animated: bool = False) -> None:
        if not run.epochs:
            raise ReportError(f"`{run.path}` has no finished epoch to draw yet.")
        self.run, self.animated = run, animated
        self.figure = Figure(figsize=(6.4, 5.9), dpi=135)
        self.canvas = FigureCanvasAgg(self.figure)
        self.figure.text(0.02, 0.95, f"{run.name} · {run.dataset}", size=13, weight="bold")
        self.counter = self.figure.text(0.985, 0.95, "", size=13, ha="right", animated=animated)
        above, below = self.figure.subplots(2, sharex=True)
        self.figure.subplots_adjust(left=0.085, right=0.74, top=0.845, bottom=0.09, hspace=0.27)
        below.set_xlabel("epoch")
        below.set_xlim(1 - 0.025 * run.planned_epochs, max(run.planned_epochs, 2) + 0.1)
        below.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=[1, 2, 5, 10]))
        self.panels = [
            self._panel(axes, *panel) for axes, panel in zip((above, below), PANELS, strict=True)
        ]

    def show(self, epoch: int) -> list[Any]:
        """Shows the first epochs; returns the artists that this changed."""
        self.counter.set_text(f"epoch {epoch} of {self.run.planned_epochs}")
        changed = [self.counter]
        for axes, curves, form in self.panels:
            ends = []
            for line, label, values, name in curves:
                finite = np.flatnonzero(np.isfinite(values[:epoch]))
                if finite.size:
                    end = finite[-1]
                    x = self.run.history["epoch"][: end + 1]
                    line.set(data=(x, values[: end + 1]), markevery=[end])
                    label.set_text(form.format(name, values[end]))
                    label.xy = (x[-1], values[end])
                    ends.append((axes.transData.transform(label.xy)[1], label))
                    changed += [line, label]
            _spread(ends, gap=15 * self.figure.dpi / 72, dpi=self.figure.dpi)
        return changed

    def picture(self) -> Image.Image:
        """The canvas as an RGB picture."""
        return Image.fromarray(np.asarray(self.canvas.buffer_rgba())[..., :3].copy())

    def _panel(self, axes, column, title, form):
        axes.spines[["left", "top", "right"]].set_visible(False)
        axes.grid(axis="y", color=PALE, linewidth=0.8)
        axes.tick_params(length=0)
        self._mark_learning_rates(axes, labelled=column == "error")
        curves, drawn = [], []
        for (prefix, name), color in zip(series_names(self.run), (BLUE, ORANGE), strict=True):
            values = self.run.history.get(prefix + column)
            if values is None:
                continue
            drawn.append(values[np.isfinite(values)])
            line = axes.plot(
                [], [], "o-", color=color, zorder=3, linewidth=2.2, markersize=7,
                clip_on=False, animated=self.animated,
            )[0]  # fmt: skip
            label = axes.annotate(
                "", (0, 0), (10, 0), textcoords="offset points", color=color, va="center",
                bbox={"color": "white", "pad": 1.5}, annotation_clip=False, animated=self.animated,
            )  # fmt: skip
            curves.append((line, label, values, name))
        title += _scale(axes, np.concatenate(drawn) if drawn else np.zeros(0))
        axes.set_title(title, loc="left", size=11, pad=20 if column == "error" else 8)
        return axes, curves, form

    def _mark_learning_rates(self, axes, labelled):
        """A pale line wherever the learning rate changed, with the new rate above it."""
        rates = self.run.history.get("learning_rate", np.zeros(0))
        changes = [0, *(np.flatnonzero(np.diff(rates)) + 1)] if rates.size else []
        if not 0 < len(changes) <= MAX_RATES:
            return
        above, note = axes.get_xaxis_transform(), {"size": 7.5, "color": "#666666"}
        left, right = axes.get_xlim()
        free_from = left
        for index in changes:
            start = self.run.history["epoch"][index] - 0.5 if index else left
            if index:
                axes.axvline(start, color=PALE, linewidth=0.8, linestyle=(0, (4, 3)))
            if labelled and start >= free_from:
                axes.text(start, 1.02, _decimal(rates[index]), **note, transform=above)
                free_from = start + 0.09 * (right - left)
        if labelled:
            axes.text(1.03, 1.02, "learning rate", **note, transform=axes.transAxes)


def _decimal(value):
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _spread(ends, gap, dpi):
    """Moves the labels of two nearby ends apart, so that both can be read."""
    ends.sort(key=lambda end: end[0])
    overlap = max(0.0, gap - (ends[1][0] - ends[0][0])) if len(ends) == 2 else 0.0
    for (_, label), side in zip(ends, (-1, 1), strict=False):
        label.set_position((10, side * overlap / 2 * 72 / dpi))


def _scale(axes, values):
    """Fixes the vertical axis; returns the words that its title needs.

    The axis is logarithmic, with ticks at 1, 2, 5, where the values span much; zeros keep a place
    at its foot.
    """
    positive = values[values > 0]
    if positive.size and values.min() >= 0 and values.max() >= 3 * positive.min():
        low, high = positive.min() / 1.25, values.max() * 1.3
        zeros = [0.0] if values.min() == 0 else []
        if zeros:
            axes.set_yscale("symlog", linthresh=low, linscale=0.4)
        else:
            axes.set_yscale("log")
        axes.set_ylim(0 if zeros else low, high)
        axes.yaxis.set_major_locator(FixedLocator(zeros + _ticks(low, high)))
        words = " (logarithmic axis)"
    else:
        low, high = (values.min(), values.max()) if values.size else (0, 1)
        margin = 0.08 * ((high - low) or abs(high) or 1)
        axes.set_ylim(low - margin, high + margin)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        words = ""
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return words


def _ticks(low, high):
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 3, 4, 6, 8), (1, 2, 5), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 8:
            break
    return inside
