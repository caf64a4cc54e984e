"""The page of a search: its trials side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_classics.files import utf8
from keras_classics.report.charts import BLUE, GREY, GROUND, INK, PALE, STYLE, svg
from keras_classics.report.markup import document, drawing, header, paragraph, section, table
from keras_classics.report.run_files import write_figure
from keras_classics.schema import read_json
from keras_classics.tuning.results import SEARCH, SearchError, read_trials, table_of

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_SHOWN = 50  # trials in the table of the page
_WIDTH, _HEIGHT = 860, 330  # of the figure in points, about pixels on a wide page


def write_search_report(directory: AnyPath) -> Path | None:
    """Writes trials.csv and report.html of a search, finished or not.

    Args:
        directory: the folder of the search.

    Returns:
        The path of the page, or None where no trial has ended.
    """
    path = Path(directory)
    trials = read_trials(path)
    done = [trial for trial in trials if trial["val_error"] is not None]
    if not done:
        return None
    write_figure(path / "trials.csv", utf8(table_of(trials)))
    search = read_json(path / "search.json", SEARCH, SearchError)
    recipe, best = search["recipe"], done[0]
    held_out = f"{recipe['validation']:,} held-out training pictures"
    rows = [
        (
            t["trial"],
            f"{t['val_error']:.2f}\u00a0%",
            t["epochs"] or "all",
            *_texts(t),
        )
        for t in done[:_SHOWN]
    ]
    head = ("trial", "error", "epochs", *_short(best["values"]))
    others = len(trials) - len(done)
    parts = [
        header(f"Search around {recipe['name']} on {recipe['dataset']}"),
        section(
            "result",
            "Result",
            paragraph(
                f"{len(done)} trials by {search['oracle']}. The best, trial {best['trial']}, errs "
                f"on {best['val_error']:.2f} % of {held_out}; being the best of {len(done)}, it "
                "is flattered by them. The test split has not been looked at."
            ),
            paragraph(f"{others} other trials failed or are not finished.") if others else "",
            drawing(parallel_coordinates(done)),
            paragraph(
                "Each line is a trial, fainter the larger its error; the best is drawn thick.",
                "soft",
            ),
        ),
        section("trials", "Trials, the best first", table(rows, head, kind="trials")),
    ]
    page = document(f"Search around {recipe['name']}", parts)
    return write_figure(path / "report.html", utf8(page))


def parallel_coordinates(trials: Sequence[Mapping[str, Any]]) -> str:
    """Draws each trial as a line through one axis for each field, to its error; returns an SVG.

    Args:
        trials: what `read_trials` returned, with errors, the best first.
    """
    fields = list(trials[0]["values"])
    names = dict(zip(fields, _short(fields), strict=True))
    columns = {names[field]: [t["values"].get(field) for t in trials] for field in fields}
    columns["error, %"] = [t["val_error"] for t in trials]
    axes = [_Axis(name, values) for name, values in columns.items()]
    heights = np.array([axis.heights for axis in axes])
    with matplotlib.rc_context(STYLE):
        chart = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72))
        plot = chart.add_axes((0.02, 0.1, 0.96, 0.86))
        opacity = np.linspace(0.9, 0.2, len(trials))
        for number in reversed(range(1, len(trials))):  # the better above the worse
            plot.plot(heights[:, number], color=GREY, lw=1.2, alpha=opacity[number])
        plot.plot(heights[:, 0], color=BLUE, lw=2.6)
        for place, axis in enumerate(axes):
            plot.axvline(place, color=PALE, zorder=0)
            for height, text in axis.ticks:
                plot.annotate(
                    text, (place, height), xytext=(4, 0), textcoords="offset points",
                    va="center", fontsize=11, color=INK,
                    bbox={"fc": GROUND, "ec": "none", "alpha": 0.75, "pad": 0.6},
                )  # fmt: skip
        plot.set_xticks(range(len(axes)), [axis.name for axis in axes])
        plot.set_xlim(-0.3, len(axes) - 0.6)
        plot.set_ylim(-0.05, 1.05)
        plot.set_yticks([])
        plot.tick_params(length=0)
        plot.spines[:].set_visible(False)
        return svg(chart, "Each trial as a line through its values, to its error")


class _Axis:
    """Where the values of one field lie between 0 and 1."""

    def __init__(self, name: str, values: Sequence[Any]) -> None:
        self.name = name
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if len(numbers) == len(values):
            self._number(np.array(values, float))
        else:
            self._choose([str(value) for value in values])

    def _number(self, values):
        low, high = values.min(), values.max()
        is_wide = low > 0 and high / low > 20  # such a range was searched by its logarithm
        scale = np.log if is_wide else np.asarray
        width = scale(high) - scale(low) or 1.0
        self.heights = (scale(values) - scale(low)) / width
        middle = np.sqrt(low * high) if is_wide else (low + high) / 2
        shown = (low, middle, high) if high > low else (low,)
        self.ticks = [((scale(value) - scale(low)) / width, f"{value:.3g}") for value in shown]

    def _choose(self, values):
        names = sorted(set(values))
        places = dict(zip(names, np.linspace(0, 1, len(names)), strict=True))
        self.heights = np.array([places[value] for value in values])
        self.ticks = [(height, name) for name, height in places.items()]


def _short(fields):
    """Returns `momentum` for `optimizer.momentum`, where no other field ends like that."""
    last = [field.rpartition(".")[2] for field in fields]
    return [
        short if last.count(short) == 1 else field
        for short, field in zip(last, fields, strict=True)
    ]


def _texts(trial):
    values = trial["values"].values()
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
