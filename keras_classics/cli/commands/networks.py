"""`keras-classics list` and `show`: the networks of this package, and what any is made of."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import re
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from keras_classics import checks, shipped
from keras_classics.cli.recipe_files import load_module
from keras_classics.errors import UserError
from keras_classics.network_figures import MOST_FLOORS
from keras_classics.words import amount
from keras_classics.zoo import get_model, list_models, model_card

_ROW = "{:<18} {:>4}  {:>10}  {:>13}  {:>6}  {:>7}  {:>7}"
_TITLE = re.compile(r'"(.+)"')


def list_command(arguments: Namespace) -> None:
    """Prints the networks, paper by paper, or their cards as JSON."""
    cards = [model_card(name) for name in list_models(arguments.pattern)]
    if not cards:
        close = difflib.get_close_matches(arguments.pattern.strip("*"), list_models())
        similar = f" (similar: {', '.join(close)})" if close else ""
        raise UserError(
            f'No network has a name like "{arguments.pattern}"{similar}; `keras-classics list` '
            "shows all, and * stands for any letters."
        )
    if arguments.json:
        print(
            json.dumps(
                [{**asdict(card), "title": _title(card)} for card in cards],
                ensure_ascii=False,
                indent=2,
            )
        )
        return
    print(_ROW.format("network", "year", "parameters", "multiply-adds", "pixels", "error", "top-5"))
    for title, group in itertools.groupby(cards, _title):
        print(f"\n{title}")
        for card in group:
            errors = map(_percent, (card.test_error, card.top5_error))
            counts = amount(card.parameters), amount(card.multiply_adds)
            print(
                _ROW.format(
                    f"  {card.name}", card.year or "–", *counts, card.input_shape[0], *errors
                )
            )


def _title(card):
    found = _TITLE.search(card.paper)
    return found[1] if found else "Without a paper"


def _percent(error):
    if error is None:
        return "–"
    return f"{error:.1f} %" if error >= 10 else f"{error:.2f} %"


def show_command(arguments: Namespace) -> None:
    """Prints the table of a network, a saved model, or a run's."""
    if arguments.depth is not None:
        checks.integer("depth", arguments.depth, error=UserError, most=MOST_FLOORS)
    for path in arguments.imports:
        load_module(path)
    model = _model(arguments.model)
    from keras_classics.anatomy.summary import summary

    try:
        table = summary(model, depth=arguments.depth, columns=arguments.columns)
    except ValueError as error:  # a saved model that was never built
        raise UserError(f"{arguments.model}: {error}") from error
    if arguments.json:
        print(json.dumps(table.data(), ensure_ascii=False, indent=2))
    elif arguments.markdown:
        print(table.markdown(), end="")
    elif sys.stdout.isatty():
        _print_in_terminal(table)
    else:
        print(table)


def _print_in_terminal(table):
    from rich.console import Console

    Console(highlight=False).print(table)


def _model(text):
    """Returns what is meant: a network by its name, else a file, a run or a trained network."""
    if text in list_models():
        return _undrawn(text)
    from keras_classics.trained_model import load_model

    path = Path(text)
    if not os.path.lexists(path) and "/" not in text:
        known = difflib.get_close_matches(text, list_models()) or list_models("*net*")[:3]
        raise UserError(
            f"{text} is no network of this package (similar: {', '.join(known)}), and no file or "
            "run directory; `keras-classics list` shows all networks."
        )
    path = path if path.is_file() else shipped.run_directory(path) / "model.keras"
    return load_model(path)


def _undrawn(name):
    """A network without numbers in its weights: what draws them takes longer than all else."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        return get_model(name)
