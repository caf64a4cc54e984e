"""Rows and columns of texts, for a terminal and in Markdown."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.console import RenderableType


class Row(NamedTuple):
    """One row.

    Attributes:
        cells: its texts; those that are left out at its end are empty.
        is_heading: whether it is the name of the rows below.
    """

    cells: Sequence[str]
    is_heading: bool = False


class Grid(NamedTuple):
    """A table of texts: the first column to the left, all others to the right.

    Attributes:
        title: the line above it.
        header: the names of the columns.
        rows: the rows.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Row]

    def rich(self) -> RenderableType:
        """Returns what a console of `rich` shows; a first column that is too wide is cut."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        # Two blanks behind each column but the last.
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold cyan")
        table.add_column(Text(self.header[0]))
        for name in self.header[1:]:
            table.add_column(Text(name), justify="right", no_wrap=True)
        for row in self.rows:
            first, *others = map(printable, row.cells)
            style = "bold" if row.is_heading else ""
            cells = [Text(first, no_wrap=True, overflow="ellipsis"), *map(Text, others)]
            table.add_row(*cells, style=style)
        return Group(Text(printable(self.title), style="bold"), Text(), table)

    def markdown(self) -> str:
        """Returns it in Markdown, where no text is taken for markup."""
        lines = [f"**{escaped(self.title)}**", "", _line(map(escaped, self.header))]
        lines.append("|---|" + "---:|" * (len(self.header) - 1))
        for row in self.rows:
            missing = [""] * (len(self.header) - len(row.cells))
            texts = [escaped(cell) for cell in (*row.cells, *missing)]
            if row.is_heading:
                texts = [f"**{text.strip()}**" if text.strip() else "" for text in texts]
            lines.append(_line(texts))
        return "\n".join(lines) + "\n"


def in_console(shown: RenderableType, width: int = 80) -> str:
    """Returns what a console of `rich` prints without colours, in so many columns."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(shown)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def printable(text: str) -> str:
    r"""Returns a text with what a terminal would obey written out: a name may hold anything.

    Example:
        >>> from keras_classics.anatomy.grid import printable
        >>> printable("a\x1b[31m")
        'a\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _line(texts):
    return f"| {' | '.join(texts)} |"


def escaped(text: str) -> str:
    r"""Returns a text for Markdown, where nothing in it is taken for markup.

    Example:
        >>> from keras_classics.anatomy.grid import escaped
        >>> escaped("a_b|c")
        'a\\_b\\|c'
    """
    for character in "\\`*_[]<>|&":
        text = text.replace(character, f"\\{character}")
    return printable(text)
