"""`keras-classics claims`: what the papers claim, and whether it held here."""

from __future__ import annotations

import difflib
from argparse import Namespace
from pathlib import Path

from keras_classics.errors import UserError
from keras_classics.schema import (
    ANYTHING,
    NAME,
    NUMBER,
    TEXT,
    count,
    fields,
    items,
    or_null,
    read_json,
)
from keras_classics.words import plural

_PACKAGE = Path(__file__).resolve().parents[2]
_UNITS = {"figure": " %", "difference": " points", "ratio": " times"}

_OURS = fields(
    {
        "value": NUMBER,
        "interval": items(NUMBER, least=2, most=2),
        "seeds": items(count(0)),
        "runs": items(NAME),
        "commands": items(TEXT),
        "commits": items(TEXT),
    }
)
_MEASURE = fields(optional=dict.fromkeys(_UNITS, ANYTHING))
_CLAIM = fields(
    {"name": NAME, "claim": NAME, "where": TEXT, "value": or_null(NUMBER)},
    {
        "measure": or_null(_MEASURE),
        "note": TEXT,
        "command": TEXT,
        "cost": TEXT,
        "ours": or_null(_OURS),
        "verdict": NAME,
    },
)
REGISTER = fields({"paper": NAME, "claims": items(_CLAIM)})


def claims_command(arguments: Namespace) -> None:
    """Prints the claims of one paper, or of all, each with its verdict."""
    paths = register_paths()
    if arguments.paper is not None and arguments.paper not in paths:
        close = difflib.get_close_matches(arguments.paper, paths, 1)
        similar = f" (similar: {close[0]})" if close else ""
        raise UserError(
            f'There are no claims of "{arguments.paper}"{similar}; there are those of '
            f"{', '.join(paths)}."
        )
    for name in [arguments.paper] if arguments.paper else paths:
        register = read_json(paths[name], REGISTER)
        print(f"{name}: {register['paper']}")
        for claim in register["claims"]:
            print(f"  {claim['verdict']:<14} {claim['claim']} ({claim['where']})")
            for line in _beneath(claim):
                print(f"{'':<17}{line}")


def register_paths() -> dict[str, Path]:
    """Returns {paper: path} of the registers: inside an installed package, beside it in a clone.

    Raises:
        UserError: if there are none.

    Example:
        >>> from keras_classics.cli.commands.claims import register_paths
        >>> register_paths()["lenet5"].name
        'lenet5.json'
    """
    folders = [_PACKAGE / "claims", _PACKAGE.parent / "benchmarks" / "claims"]
    found = [path for folder in folders for path in sorted(folder.glob("*.json"))]
    if not found:
        raise UserError(
            f"This installation holds no claims ({folders[0]} is missing or empty); install "
            "keras_classics again."
        )
    return {path.stem: path for path in found}


def _beneath(claim):
    """Yields the lines below a claim: the figures, the runs, and what is to be said of them."""
    ours = claim["ours"]
    if ours:
        [unit] = [_UNITS[kind] for kind in _UNITS if kind in claim["measure"]]
        low, high = ours["interval"]
        paper = "no figure" if claim["value"] is None else f"{claim['value']:g}{unit}"
        seeds = ", ".join(map(str, ours["seeds"]))
        yield (
            f"paper {paper}; here {ours['value']:.2f}{unit} ({low:.2f} … {high:.2f}), "
            f"{plural(len(ours['runs']), 'run')}, seed{'s' * (len(ours['seeds']) > 1)} {seeds}"
        )
        yield from ours["commands"]
    if "command" in claim:
        yield f"{claim['command']}: {claim['cost']}"
    if "note" in claim:
        yield claim["note"]
