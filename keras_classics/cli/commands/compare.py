"""`keras-classics runs` and `compare`: what has been trained, and runs beside each other."""

from __future__ import annotations

import difflib
import json
import os
import sys
import textwrap
from argparse import Namespace
from itertools import groupby
from pathlib import Path

from keras_classics.errors import UserError
from keras_classics.schema import short

_WIDTH = 80  # columns of a terminal
_HEADER = ["run", "state", "epochs", "seed", "error", "when"]


def runs_command(arguments: Namespace) -> None:
    """Prints a line for each run below a folder, recipe by recipe, or all of it as JSON."""
    from keras_classics.anatomy.grid import printable
    from keras_classics.comparison import list_runs

    folder = arguments.folder
    if not folder.is_dir():
        raise UserError(_no_folder(folder))
    runs = list_runs(folder)
    if not runs:
        raise UserError(f"There is no run directory in {folder}; `keras-classics train` makes one.")
    if arguments.json:
        print(json.dumps(runs, ensure_ascii=False, indent=2))
        return
    readable = sorted((run for run in runs if run["recipe"] is not None), key=_title)
    lines = _aligned([_HEADER, *(_cells(run, folder) for run in readable)])
    if readable:
        print(next(lines))
    for title, group in groupby(readable, _title):
        print(f"\n{printable(short(title, _WIDTH))}")
        for _ in group:
            print(next(lines))
    for run in runs:
        if run["problem"]:
            print(f"\n{printable(run['path'])}, {run['state']}:")
            print("\n".join(_wrapped(printable(run["problem"]))))


def _no_folder(folder):
    there = folder.parent if folder.parent.is_dir() else Path()
    near = difflib.get_close_matches(folder.name, [one.name for one in there.iterdir()])
    similar = f" (similar: {', '.join(near)})" if near else ""
    return f"There is no folder {folder}{similar}; `keras-classics train` puts runs into runs."


def _title(run):
    split = f"{run['split']} error" if run["split"] else "nothing measured yet"
    return f"{run['recipe']}: {run['network']} on {run['dataset']}, {split}"


def _cells(run, folder):
    """The line of a run, as `_HEADER` names its parts."""
    name = str(Path(run["path"]).relative_to(folder)).removeprefix(f"{run['recipe']}/")
    planned = f"/{run['planned_epochs']}" if run["planned_epochs"] else ""
    error = "–" if run["error"] is None else f"{run['error']:.2f} %"
    when = (run["when"] or "–").replace("T", " ")
    return [name, run["state"], f"{run['epochs']}{planned}", str(run["seed"]), error, when]


def _aligned(rows):
    """Yields a line of 80 columns for each row; names that are too long lose their beginning."""
    from keras_classics.anatomy.grid import printable

    rows = [[printable(cell) for cell in row] for row in rows]
    _, *widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = _WIDTH - sum(widths) - 2 * len(widths) - 2
    room = max(8, min(room, max(len(name) for name, *_ in rows)))
    for name, *cells in rows:
        name = name if len(name) <= room else f"…{name[1 - room :]}"
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        yield "  ".join([f"  {name:<{room}}", *padded]).rstrip()


def _wrapped(sentence):
    """A path is not broken, so that it can be copied."""
    return textwrap.wrap(
        sentence, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _may_be_replaced(page):
    """Whether nothing is there, or a page that this command has written."""
    if not os.path.isfile(page):
        return not os.path.lexists(page)
    try:
        with open(page, "rb") as file:
            return b"<title>Comparison: " in file.read(1024)
    except OSError:
        return False


def compare_command(arguments: Namespace) -> None:
    """Prints runs beside each other in the form that is asked for; may write a page of them."""
    page = arguments.html
    if page is not None and (page.suffix.lower() != ".html" or page.is_dir()):
        raise UserError(f"`html` must be a file that ends in .html. Received: {page}")
    if page is not None and not _may_be_replaced(page):
        raise UserError(
            f"`html` {page} is there and is no page of a comparison; choose another name."
        )
    from keras_classics.comparison import compare
    from keras_classics.files import utf8, write_bytes

    found = compare(*arguments.runs)
    if page is not None:
        try:
            print(write_bytes(page, utf8(found.html())))
        except OSError as error:
            raise UserError(f"`html` {page} cannot be written ({error.strerror}).") from error
    elif arguments.json:
        print(json.dumps(found.data(), ensure_ascii=False, indent=2))
    elif arguments.csv or arguments.markdown or arguments.latex:
        form = found.csv if arguments.csv else found.markdown if arguments.markdown else found.latex
        print(form(), end="")
    elif sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(found)
    else:
        print(found)
