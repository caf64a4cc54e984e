"""`--seeds`: the same recipe once for each seed, and what that says together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from keras_classics.comparison.spread import FIGURES, spread_of
from keras_classics.files import is_torn, write_json
from keras_classics.report.schemas import METRICS
from keras_classics.runs.directory import RunDirectoryError, check_owner
from keras_classics.schema import read_json
from keras_classics.training.fields import vary
from keras_classics.training.recipe import RecipeError

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import AnyPath

_MOST = 1000  # seeds: no more can be meant
_SUMMARY = "seeds.json"


def seeds_of(text: str) -> tuple[int, ...]:
    """Returns the seeds that a text names.

    Args:
        text: numbers and ranges, e.g. "0-4" or "0,3,7".

    Returns:
        Tuple of ints, in the order of the text.

    Raises:
        RecipeError: if it is none, or names one twice.

    Example:
        >>> from keras_classics.cli.seeds import seeds_of
        >>> seeds_of("0-2,7")
        (0, 1, 2, 7)
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        last = last if "-" in part else first
        if not (_is_seed(first) and _is_seed(last) and 0 <= int(last) - int(first) < _MOST):
            raise RecipeError(
                f"`--seeds` takes numbers or rising ranges of at most {_MOST:,}, e.g. 0-4 or "
                f"0,3,7. Received: --seeds {text[:40]}"
            )
        seeds += range(int(first), int(last) + 1)
    if len(set(seeds)) < len(seeds):
        raise RecipeError(f"`--seeds` names a seed twice. Received: --seeds {text[:40]}")
    return tuple(seeds)


def _is_seed(text):
    return text.isascii() and text.isdigit() and len(text) <= 10


def run_seeds(
    recipe: Recipe,
    seeds: Sequence[int],
    folder: AnyPath,
    train: Callable[[Recipe, Path], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Trains a recipe once for each seed, or continues where that was interrupted.

    Args:
        recipe: a `Recipe`.
        seeds: tuple of ints.
        folder: where the runs go, `seed-0`, `seed-1`, …, and `seeds.json` with what they gave.
        train: function (recipe, run directory) -> metrics.

    Returns:
        [metrics] of the seeds.

    Raises:
        RunDirectoryError: for a folder of something else, before anything is trained.
    """
    folder = Path(folder)
    recipes = {folder / f"seed-{seed}": vary(recipe, {"seed": seed}) for seed in seeds}
    _check(folder, recipes)
    # TensorFlow takes a new network for each seed to be a mistake in a loop.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    found = []
    for path, seeded in recipes.items():
        print(f"Seed {seeded.seed}: {path}", flush=True)
        metrics = path / "metrics.json"
        # The report is the last that a run writes: killed before, a seed has still to finish.
        is_finished = metrics.exists() and (path / "report.html").exists()
        found.append(read_json(metrics, METRICS) if is_finished else train(seeded, path))
        keras.backend.clear_session(free_memory=True)  # else each leaves its graphs behind
    spreads = {
        key: {"each": values, **spread_of(values)._asdict()}
        for key, values in _figures_of(found).items()
    }
    write_json(folder / _SUMMARY, {"recipe": recipe.name, "seeds": list(seeds), **spreads})
    return found


def _check(folder, recipes):
    """Raises unless the folder is new, or holds nothing but such runs, which are these."""
    if folder.is_dir():
        for item in folder.iterdir():
            ours = item.name == _SUMMARY or item.name.startswith("seed-") or is_torn(item.name)
            if not ours:
                raise RunDirectoryError(
                    f"{folder} is not a folder of `--seeds` (it holds {item.name[:60]}); choose "
                    "another with `run_dir`."
                )
    for path, recipe in recipes.items():
        check_owner(path, recipe)


def _figures_of(found):
    """Returns {figure: percents of the seeds}."""
    measured = {key: [one[key] for one in found if one.get(key) is not None] for key in FIGURES}
    return {key: values for key, values in measured.items() if values}


def spread_in_words(
    recipe: Recipe, seeds: Sequence[int], found: Sequence[Mapping[str, Any]]
) -> str:
    """Returns what several seeds gave, as the terminal shows it.

    Args:
        recipe: a `Recipe`.
        seeds: tuple of ints.
        found: [metrics] of `run_seeds`.
    """
    split = found[0]["split"]
    lines = ["", f"{recipe.name}, {len(seeds)} seeds: mean ± σ, and the mean's 95 % interval", ""]
    for key, values in _figures_of(found).items():
        label = f"{split} error" if key == "error" else FIGURES[key]
        spread = spread_of(values)
        interval = "" if spread.deviation is None else f"  ({spread.interval})"
        lines.append(f"  {label:<18}{spread.figure} %{interval}")
    errors = ", ".join(f"{s}: {one['error']:.2f} %" for s, one in zip(seeds, found, strict=True))
    return "\n".join([*lines, f"  each seed         {errors}", ""])
