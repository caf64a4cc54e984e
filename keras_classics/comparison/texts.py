"""A comparison as text: for a terminal, and as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from keras_classics.anatomy.grid import Grid, Row, escaped, in_console, printable
from keras_classics.comparison.settings import DEFAULT
from keras_classics.schema import short

if TYPE_CHECKING:
    from rich.console import RenderableType

    from keras_classics.comparison.rows import Comparison, Row as ComparedRow

_WIDTH = 80  # columns of a terminal
_TOGETHER = "\u00a0"  # a blank at which no line ends
_LONGEST = 34  # letters of a recipe's name in it
_SEEDS = 20  # letters of many seeds, which leave room for the errors
_WHAT = "Errors in percent: mean ± σ over the seeds, and the mean's 95 % interval by Student's t."
DIFFERENCE = "Above the error of row 1, over equal seeds, in points"
_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "-": "{-}", "±": r"$\pm$", "…": r"\ldots{}", "–": "--", **{c: f"\\{c}" for c in "&%$#_{}"},
}  # fmt: skip


def ranges(numbers: Sequence[int]) -> str:
    """Returns numbers as `--seeds` takes them.

    Args:
        numbers: rising.

    Example:
        >>> from keras_classics.comparison.texts import ranges
        >>> ranges([0, 1, 2, 5])
        '0-2,5'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in parts)


def figure_cells(comparison: Comparison, figure: str) -> tuple[list[str], list[list[str]]]:
    """Returns the columns of one figure: their heads, and for each row its cells.

    Args:
        comparison: a `Comparison`.
        figure: of its `figures`.
    """
    published = [row.published(figure) for row in comparison.rows]
    has_paper = any(value is not None for value in published)
    cells = []
    for row, value in zip(comparison.rows, published, strict=True):
        spread = row.spreads[figure]
        ours = [spread.figure, spread.interval] if spread else ["–", "–"]
        cells.append([*ours, *["–" if value is None else f"{value:.2f}"] * has_paper])
    return ["mean ± σ", "95 % interval", *["paper"] * has_paper], cells


def difference_cells(comparison: Comparison) -> list[tuple]:
    """Returns (row, recipe, mean ± σ, interval) of each row that has equal seeds with the first."""
    found = ((row, comparison.difference(row)) for row in comparison.rows)
    return [
        (row, short(row.name, _LONGEST), spread.figure, spread.interval)
        for row, spread in found
        if spread
    ]


def plain_of(comparison: Comparison) -> str:
    """Returns what a terminal of 80 columns shows."""
    from rich.console import Group

    return in_console(Group(*renderables_of(comparison)), _WIDTH)


def renderables_of(comparison: Comparison) -> Iterator[RenderableType]:
    """Yields what a console of `rich` shows: a table for each figure, and what is to be said."""
    from rich.text import Text

    for figure, name in comparison.figures.items():
        head, cells = figure_cells(comparison, figure)
        rows = [
            Row((f"{row.number}  {short(row.name, _LONGEST)}", _few(row.seeds), *its))
            for row, its in zip(comparison.rows, cells, strict=True)
        ]
        yield Grid(f"{name[0].upper()}{name[1:]}, %", ("", "seeds", *head), rows).rich()
        yield Text()
    cells = [[f"{row.number}  {n}", *its] for row, n, *its in difference_cells(comparison)]
    if cells:
        yield Grid(DIFFERENCE, ("", "mean ± σ", "95 % interval"), list(map(Row, cells))).rich()
        yield Text()
    for title, sentences in _paragraphs(comparison):
        yield Text(title, style="bold")
        yield from (Text(_wrapped(sentence)) for sentence in sentences)
        yield Text()
    yield Text(_wrapped(_WHAT, indent=""))


def _few(seeds):
    return short(ranges(seeds), _SEEDS)


def _wrapped(sentence, indent="   "):
    """Lines of a terminal; a path is not broken, nor a flag from its value."""
    lines = textwrap.wrap(
        sentence, _WIDTH, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
    return "\n".join(lines).replace(_TOGETHER, " ")


def _paragraphs(comparison):
    """Yields (title, sentences) of what stands below the tables."""
    if comparison.settings:
        yield "What differs; what is not named is the default", map(_settings, comparison.rows)
    yield "The test set", map(printable, comparison.about_test_set)
    if comparison.notes:
        yield "Notes", map(printable, comparison.notes)


def _settings(row):
    parts = [
        printable(short(part, _WIDTH - 6)).replace(" ", _TOGETHER) for part in own_settings(row)
    ]
    return "  ".join([str(row.number), *(parts or ["the defaults"])])


def own_settings(row: ComparedRow) -> list[str]:
    """Returns what a row has of its own, as one would type it; nothing of what is the default.

    Args:
        row: of a `Comparison`.
    """
    return [
        f"{flag}={value}" if flag.startswith("--set ") else f"{flag} {value}"
        for flag, value in row.settings.items()
        if value != DEFAULT
    ]


def csv_of(comparison: Comparison) -> str:
    """Returns the table as CSV: a column for each setting and for each part of a figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    parts = ("mean", "deviation", "low", "high")
    figures = list(comparison.figures)
    columns = [f"{figure}_{part}" for figure in figures for part in (*parts, "paper")]
    settings = map(printable, comparison.settings)
    writer.writerow(["row", "recipe", *settings, "seeds", "split", *columns])
    for row in comparison.rows:
        cells = [
            cell
            for figure in figures
            for cell in (*(row.spreads[figure] or [None] * len(parts)), row.published(figure))
        ]
        texts = [row.name, *row.settings.values(), ranges(row.seeds), row.split or ""]
        writer.writerow([row.number, *map(printable, texts), *cells])
    return text.getvalue()


def markdown_of(comparison: Comparison) -> str:
    """Returns the table in Markdown, with the sentences below it."""
    header, rows = _table(comparison)
    grid = Grid("Runs beside each other", header, [Row(row) for row in rows])
    sentences = [_WHAT, *comparison.about_test_set, *comparison.notes]
    return "\n".join([grid.markdown(), *(f"{escaped(one)}\n" for one in sentences)])


def latex_of(comparison: Comparison) -> str:
    """Returns the table as a `tabular` with the rules of booktabs."""
    header, rows = _table(comparison)
    columns = "r" + "l" * (1 + len(comparison.settings)) + "r" * (len(header) - 2)
    lines = [rf"\begin{{tabular}}{{{columns[: len(header)]}}}", r"\toprule", _tex_row(header)]
    lines += [r"\midrule", *map(_tex_row, rows), r"\bottomrule", r"\end{tabular}", ""]
    return "\n".join(lines)


def _table(comparison):
    """Returns (heads, rows of cells) of the one table of all figures."""
    header = ["row", "recipe", *comparison.settings, "seeds"]
    rows = [
        [str(row.number), row.name, *row.settings.values(), ranges(row.seeds)]
        for row in comparison.rows
    ]
    for figure, name in comparison.figures.items():
        head, cells = figure_cells(comparison, figure)
        header += [f"{name}, %", *head[1:]]
        rows = [row + its for row, its in zip(rows, cells, strict=True)]
    return header, rows


def _tex_row(cells):
    return " & ".join("".join(_TEX.get(c, c) for c in printable(cell)) for cell in cells) + r" \\"
