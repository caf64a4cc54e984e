"""Runs beside each other: those that differ in nothing but the seed as one row."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics import shipped
from keras_classics.comparison.choices import choices_by_test
from keras_classics.comparison.rows import Comparison, Row
from keras_classics.comparison.run_list import FoundRun, find_runs
from keras_classics.comparison.settings import (
    BACKEND,
    MEASURED_ON,
    differing_settings,
    settings_of,
)
from keras_classics.errors import UserError

if TYPE_CHECKING:
    from keras_classics.types import AnyPath


class ComparisonError(UserError, ValueError):
    """Runs that cannot be compared; the message is one sentence for the user."""


def compare(*runs: AnyPath) -> Comparison:
    """Puts runs beside each other; those that differ in nothing but the seed are one row.

    Only finished runs count in a row's mean, where there are any; else all, by what was measured
    after their last epoch. A seed that is there twice counts once.

    Args:
        *runs: run directories, folders of them (as `train --seeds` makes), or the names of networks
            that come trained.

    Returns:
        A `Comparison`.

    Raises:
        ComparisonError: if a path is no run and no folder of runs (the nearest name is said), or a
            run's files are damaged or of a newer version.

    Example:
        >>> import keras_classics
        >>> found = keras_classics.compare("lenet5", "mnist_cnn")
        >>> [row.name for row in found.rows], round(found.rows[0].spreads["error"].mean, 2)
        (['lenet5_mnist', 'mnist_cnn'], 0.96)
    """
    if not runs:
        raise ComparisonError("`runs` must name at least one run.")
    notes: list[str] = []
    found: dict[Path, FoundRun] = {}
    for path in runs:
        for one in _runs_at(Path(path), notes):
            found.setdefault(one.path.resolve(), one)
    rows = _rows(list(found.values()), notes)
    notes += [note for row in rows for note in (*_unfinished(row), *_incomparable(row))]
    chosen = [
        f"Row {row.number}, seed {one.seed}: the run {choice}."
        for row in rows
        for one in row.runs
        for choice in choices_by_test(one)
    ]
    return Comparison(rows=tuple(rows), chosen=tuple(chosen), notes=tuple(notes))


def _runs_at(path, notes):
    """Returns the readable runs of a path; those below a folder that are not are noted."""
    if not os.path.lexists(path):
        path = _trained(path)
    if not path.is_dir():
        raise ComparisonError(f"{path} is no run directory, but a file; name the folder of a run.")
    found = find_runs(path)
    if not found:
        raise ComparisonError(
            f"{path} is no run directory and holds none; `keras-classics runs` lists those that "
            "are there."
        )
    readable = [one for one in found if one.run is not None]
    if not readable:
        raise ComparisonError(found[0].problem)
    notes += [f"Left out: {one.problem}" for one in found if one.run is None]
    return readable


def _trained(path):
    """Returns the folder of a network that comes trained, or raises with the nearest names."""
    try:
        return shipped.run_directory(path)
    except UserError:
        if path.parts[0] in {one.name for one in shipped.FOLDER.iterdir()}:
            raise
    there = next(parent for parent in path.absolute().parents if parent.is_dir())
    known = [*(one for one in there.iterdir() if one.is_dir()), *Path("runs").glob("*/*")]
    names = {one.name: one.name if one.parent == there else str(one) for one in known}
    missing = path.absolute().relative_to(there).parts[0]
    near = [names[name] for name in difflib.get_close_matches(missing, names)]
    similar = f" (similar: {', '.join(near)})" if near else ""
    raise ComparisonError(
        f"There is no run {path}{similar}; `keras-classics runs` lists those that are there."
    )


def _rows(found, notes):
    """Returns a `Row` for each experiment, in the order in which they came."""
    groups = {}
    for one, settings in zip(found, settings_of([one.run.recipe for one in found]), strict=True):
        settings[BACKEND] = one.run.environment.get("backend", "unknown")
        key = json.dumps([one.run.name, settings], sort_keys=True)
        groups.setdefault(key, (settings, []))[1].append(one)
    rows = [
        Row(number=number, runs=_one_a_seed(runs, notes), settings={})
        for number, (_, runs) in enumerate(groups.values(), 1)
    ]
    splits = [row.split for row in rows]
    are_several = len({*splits} - {None}) > 1
    differing = differing_settings(
        [
            {**settings, **({MEASURED_ON: split} if are_several else {})}
            for (settings, _), split in zip(groups.values(), splits, strict=True)
        ]
    )
    return [
        replace(row, settings={flag: each[row.number - 1] for flag, each in differing.items()})
        for row in rows
    ]


def _one_a_seed(runs, notes):
    """Returns the runs by seed; of several with the same, a finished one or the newest."""
    kept = {}
    for one in sorted(runs, key=_order):
        if one.seed in kept:
            other = kept[one.seed].path
            notes.append(f"Left out: {other}, whose recipe and seed are those of {one.path}.")
        kept[one.seed] = one
    return tuple(kept[seed] for seed in sorted(kept))


def _order(one):
    return one.state == "finished", one.when or datetime.min


_HOW = {"running": "is still being written", "interrupted": "was interrupted", "failed": "failed"}


def _unfinished(row):
    """Yields a sentence for each run that is not finished, or has ended before its last epoch."""
    for one in row.runs:
        planned = f" of {one.planned_epochs:,}" if one.planned_epochs else ""
        done = f"{one.run.epochs:,}{planned} epochs"
        if one.state == "finished":
            if 0 < one.run.epochs < (one.planned_epochs or 0):
                yield f"{one.path} was ended after {done}."
            continue
        effect = "its figures are those after its last epoch"
        if row.errors:  # of others, which are finished
            effect = "its curve is drawn, and it is not in the mean"
        reason = f" {one.problem}" if one.problem else ""
        yield f"{one.path} {_HOW[one.state]}, with {done} done; {effect}.{reason}"


def _incomparable(row):
    """Yields a sentence where the paper's figures are of something else."""
    metrics = next((one.run.metrics for one in row.runs if one.run.metrics), {})
    if row.paper and not metrics.get("comparable", True) and metrics.get("note"):
        yield f"Row {row.number} and its paper: {metrics['note']}."
