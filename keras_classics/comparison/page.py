"""The page of a comparison: its table, what differs, and the curves over each other."""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING

from markupsafe import Markup

from keras_classics.comparison import curves
from keras_classics.comparison.texts import (
    DIFFERENCE,
    difference_cells,
    figure_cells,
    own_settings,
    ranges,
)
from keras_classics.report.markup import (
    bullets,
    command,
    document,
    header,
    paragraph,
    section,
    table,
)
from keras_classics.schema import short
from keras_classics.words import plural

if TYPE_CHECKING:
    from keras_classics.comparison.rows import Comparison

_SWATCH = Markup(
    '<i style="display:inline-block;width:1.1rem;height:.3rem;border-radius:2px;'
    'margin-right:.5rem;vertical-align:middle;background:{}"></i>{}'
)
# Two beside each other on a wide screen; on a narrow one, one below the other.
_CURVES = Markup(
    '<div style="display:grid;gap:1rem;'
    'grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr))">{}</div>'
)
_CURVE = Markup('<img src="data:image/svg+xml;base64,{}" alt="{}" style="width:100%">')


def page_of(comparison: Comparison) -> str:
    """Returns the page, which fetches nothing from anywhere.

    Args:
        comparison: a `Comparison`.
    """
    rows = comparison.rows
    datasets = dict.fromkeys(one.run.dataset for row in rows for one in row.runs)
    count = sum(len(row.runs) for row in rows)
    facts = f"{plural(count, 'run')} in {plural(len(rows), 'row')} · {', '.join(datasets)}"
    names = " and ".join(dict.fromkeys(row.name for row in rows))
    parts = [
        header(names if len(names) < 60 else "Runs beside each other", facts),
        section("result", "Result", *_results(comparison)),
        *_differing(comparison),
        *_curves(comparison),
        section("test-set", "The test set", bullets(comparison.about_test_set)),
        section("runs", "Runs", *_runs(comparison)),
    ]
    return document(f"Comparison: {names}", parts)


def _results(comparison):
    """The errors, with the interval of what was measured in the end; the recipe where it varies."""
    rows = comparison.rows
    heads, lines = ["", "seeds"], [[_named(row), ranges(row.seeds)] for row in rows]
    if len({row.name for row in rows}) > 1:
        heads.insert(1, "recipe")
        lines = [[first, row.name, *rest] for row, (first, *rest) in zip(rows, lines, strict=True)]
    for figure, name in comparison.figures.items():
        head, cells = figure_cells(comparison, figure)
        kept = [place for place in range(len(head)) if figure == "error" or place != 1]
        heads += [f"{name}, %", *(head[place] for place in kept[1:])]
        lines = [
            [*line, *(its[place] for place in kept)] for line, its in zip(lines, cells, strict=True)
        ]
    yield table(lines, heads, "trials")
    differences = [(_named(row), *its) for row, _, *its in difference_cells(comparison)]
    if differences:
        yield paragraph(f"{DIFFERENCE}:")
        yield table(differences, ("", "mean ± σ", "95 % interval"), "trials")
    where = dict.fromkeys(row.paper["where"] for row in comparison.rows if row.paper.get("where"))
    note = (
        "Each error is the mean ± σ over the seeds; the interval holds the mean of endlessly many "
        "seeds in 19 of 20 such experiments (Student's t)."
    )
    yield paragraph(note + (f" Paper: {'; '.join(where)}." if where else ""), "soft")


def _differing(comparison):
    """The settings that differ, each in a line; nothing where none does."""
    flags = comparison.settings
    if not flags:
        return []
    lines = [(flag, *(row.settings[flag] for row in comparison.rows)) for flag in flags]
    head = ("", *map(_named, comparison.rows))
    note = paragraph(
        "As the recipe's command line has them; “default” is what the network or the layer takes "
        "where the recipe says nothing.",
        "soft",
    )
    return [section("settings", "What differs", table(lines, head, "trials"), note)]


def _curves(comparison):
    panels = curves.panels_of(comparison)
    if not panels:
        return []
    pictures = [
        _CURVE.format(
            base64.b64encode(curves.draw(comparison, panel)).decode("ascii"),
            f"{panel.title}: {_in_words(comparison)}",
        )
        for panel in panels
    ]
    caption = (
        "A thin line is a seed, a thick one the mean of a row's seeds that are counted above, as "
        "far as all of them go. A ring is what was measured in the end, a dotted line what the "
        "paper has."
    )
    keys = [_named(row) + f" {_key(row, comparison)}" for row in comparison.rows]
    return [
        section(
            "curves", "Curves", bullets(keys), _CURVES.format(Markup().join(pictures)),
            paragraph(caption, "soft"),
        )
    ]  # fmt: skip


def _key(row, comparison):
    """What a row is called beside the curves: its recipe, or what it has of its own."""
    if len({one.name for one in comparison.rows}) > 1 or not row.settings:
        return row.name
    return short("  ".join(own_settings(row)), 80) or "the defaults"


def _in_words(comparison):
    ends = [
        f"row {row.number} ends at {spread.figure} %"
        for row in comparison.rows
        if (spread := row.spreads["error"])
    ]
    return "; ".join(ends) or "no run has an end yet"


def _runs(comparison):
    lines = [
        (
            _named(row), one.seed, one.state, f"{one.epochs:,}",
            f"{one.when:%Y-%m-%d %H:%M}" if one.when else "–", str(one.path),
        )
        for row in comparison.rows
        for one in row.runs
    ]  # fmt: skip
    yield bullets(comparison.notes) if comparison.notes else ""
    yield table(lines, ("", "seed", "state", "epochs", "when", "run"), "trials")
    paths = [str(one.path) for row in comparison.rows for one in row.runs]
    yield paragraph("Build this page again:")
    yield command(f"keras-classics compare {shlex.join(paths)} --html comparison.html")


def _named(row):
    """The number of a row, behind its colour."""
    return _SWATCH.format(curves.colour_of(row), row.number)
