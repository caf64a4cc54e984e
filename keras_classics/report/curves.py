"""Loss and error by epoch: a PNG while the run goes on, an SVG and an animated GIF at its end."""

from __future__ import annotations

import io
import math
import os
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from PIL import Image

from keras_classics.network_figures import CURVES, Curve
from keras_classics.report.charts import BLUE, GREY, ORANGE, PALE, STYLE, svg
from keras_classics.report.run_files import RecordedRun, ReportError, read_run, write_figure

PANELS = (("error", "Error in percent", "{} {:.2f} %"), ("loss", "Loss", "{} {:.3g}"))
MAX_FRAMES = 120
MAX_RATES = 8
# In points, of which a narrow screen shows about one as a pixel: letters stay as large there.
WIDTH, LEFT, RIGHT = 340, 40, 10
PLOTS = {"error": 150, "loss": 100}  # heights of the axes
_LINE = 16  # from one line of text to the next


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


def curves_svg(run: RecordedRun, told: str) -> str:
    """Returns the same figure as SVG for the page.

    Args:
        run: a run with one finished epoch at least.
        told: what a reader hears who cannot see it.
    """
    with matplotlib.rc_context(STYLE):
        chart = _Chart(run, headed=False)
        chart.show(run.epochs)
        return svg(chart.figure, told)


def published(run: RecordedRun) -> Curve | None:
    """What the paper's figure shows of the run's network on its data; None where it is not known.

    Args:
        run: of any recipe.
    """
    curve = CURVES.get(run.network)
    if curve is None:
        return None
    # Of a version (`cifar10:3.0.2`) and of a variant (`cifar10_jpeg`, `mnist_5k`) too.
    known = rf"{curve.dataset}(_jpeg|_5k)?(:.*)?"
    return curve if re.fullmatch(known, run.dataset) else None


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

    def __init__(self, run: RecordedRun, animated: bool = False, headed: bool = True) -> None:
        if not run.epochs:
            raise ReportError(f"`{run.path}` has no finished epoch to draw yet.")
        self.run, self.animated = run, animated
        head, heights = 30 if headed else 0, [_height(column) for column, *_ in PANELS]
        self.height = head + sum(heights) + 4
        self.figure = Figure(figsize=(WIDTH / 72, self.height / 72), dpi=150)
        self.canvas = FigureCanvasAgg(self.figure)
        if headed:
            name = f"{run.name} · {run.dataset}"
            size = min(12, 1.4 * (WIDTH - 8) / len(name))  # a bold letter is 0.7 of its size wide
            self._write(4, 16, name, size=size, weight="bold")
        self.counter = self._write(LEFT, self.height - 6, "", animated=animated)
        tops = head, head + heights[0]
        self.panels = [self._panel(top, *panel) for top, panel in zip(tops, PANELS, strict=True)]

    def show(self, epoch: int) -> list[Any]:
        """Shows the first epochs; returns the artists that this changed."""
        self.counter.set_text(f"epoch {epoch} of {self.run.planned_epochs}")
        changed = [self.counter]
        for curves, form in self.panels:
            for line, label, values, name in curves:
                finite = np.flatnonzero(np.isfinite(values[:epoch]))
                if finite.size:
                    end = finite[-1]
                    x = self.run.history["epoch"][: end + 1]
                    line.set(data=(x, values[: end + 1]), markevery=[end])
                    label.set_text(form.format(f"● {name}", values[end]))
                    changed += [line, label]
        return changed

    def picture(self) -> Image.Image:
        """The canvas as an RGB picture."""
        return Image.fromarray(np.asarray(self.canvas.buffer_rgba())[..., :3].copy())

    def _write(self, left, top, text, **options):
        """A text of the figure; its foot is so many points from the top."""
        return self.figure.text(left / WIDTH, 1 - top / self.height, text, **options)

    def _panel(self, top, column, title, form):
        """The title, a line for our curves and one for the paper's, the axes below them."""
        axes = self._axes(top, column)
        self._mark_learning_rates(axes, labelled=column == "error")
        paper = published(self.run) if column == "error" else None
        curves, drawn, below = [], [], top + 2 * _LINE
        series = zip(series_names(self.run), (BLUE, ORANGE), ("training", "test"), strict=True)
        for place, ((prefix, name), color, theirs) in enumerate(series):
            left = LEFT + place * (WIDTH - LEFT - RIGHT) / 2
            if points := _points(paper, theirs, self.run.planned_epochs):
                x, errors = np.array(points).T
                drawn.append(errors)
                # A mere end encircles ours, where they meet.
                axes.plot(x, errors, "o--", color=color, zorder=2, linewidth=1,
                          markersize=4 if paper.epochs else 11, markerfacecolor="none",
                          clip_on=False)  # fmt: skip
                text = form.format(f"○ paper, {theirs}", errors[-1])
                self._write(left, below + _LINE, text, color=color)
            values = self.run.history.get(prefix + column)
            if values is None:
                continue
            drawn.append(values[np.isfinite(values)])
            line = axes.plot(
                [], [], "o-", color=color, zorder=3, linewidth=2.2, markersize=7,
                clip_on=False, animated=self.animated,
            )[0]  # fmt: skip
            label = self._write(left, below, "", color=color, animated=self.animated)
            curves.append((line, label, values, name))
        title += _scale(axes, np.concatenate(drawn) if drawn else np.zeros(0))
        self._write(4, top + _LINE, title)
        return curves, form

    def _axes(self, top, column):
        foot = self.height - top - _height(column) + 2 * _LINE
        axes = self.figure.add_axes(
            (
                LEFT / WIDTH,
                foot / self.height,
                (WIDTH - LEFT - RIGHT) / WIDTH,
                PLOTS[column] / self.height,
            )
        )
        planned = self.run.planned_epochs
        margin = 0.04 * (planned - 1) or 0.5
        axes.set_xlim(1 - min(margin, 0.5), planned + margin)  # without a tick at 0
        ticks = MaxNLocator(8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
        axes.xaxis.set_major_locator(ticks)
        axes.spines[["left", "top", "right"]].set_visible(False)
        axes.grid(axis="y", color=PALE, linewidth=0.8)
        axes.tick_params(length=0)
        return axes

    def _mark_learning_rates(self, axes, labelled):
        """A pale line wherever the learning rate changed, with the new rate above it."""
        rates = self.run.history.get("learning_rate", np.zeros(0))
        changes = [0, *(np.flatnonzero(np.diff(rates)) + 1)] if rates.size else []
        if not 0 < len(changes) <= MAX_RATES:
            return
        left, right = axes.get_xlim()
        free_from = left
        for index in changes:
            start = self.run.history["epoch"][index] - 0.5 if index else left
            if index:
                axes.axvline(start, color=PALE, linewidth=0.8, linestyle=(0, (4, 3)))
            if labelled and start >= free_from:
                text = f"{'' if index else 'learning rate '}{_decimal(rates[index])}"
                above = axes.get_xaxis_transform()
                axes.text(start, 1.02, text, size=9, color=GREY, transform=above)
                points = 5.8 * len(text) + 6  # letters of this size
                free_from = start + points / (WIDTH - LEFT - RIGHT) * (right - left)


def _height(column):
    """Of a panel: title, one line of words or, above errors, three; the axes and their foot."""
    return PLOTS[column] + _LINE * (6.5 if column == "error" else 4.5)


def _points(paper, which, planned):
    """(epoch, error) of the paper, as far as the axis reaches; a mere end lies at its end."""
    if paper is None:
        return []
    errors = getattr(paper, which)
    epochs = paper.epochs or (planned,) * len(errors)
    return [point for point in zip(epochs, errors, strict=True) if point[0] <= planned]


def _decimal(value):
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


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
    for steps in ((1, 2, 3, 4, 6), (1, 2, 5), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 6:
            break
    return inside
