"""The command line that every recipe script shares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import keras

from keras_classics import checks
from keras_classics.cli import output, signals
from keras_classics.cli.callables import resolved
from keras_classics.cli.flags import recipe_parser
from keras_classics.cli.seeds import run_seeds, seeds_of, spread_in_words
from keras_classics.cli.sentences import end_in_a_sentence, one_line
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.report.values import changes_in_words
from keras_classics.runs.compute import Compute
from keras_classics.runs.loop import train
from keras_classics.runs.peers import PeerError, Peers
from keras_classics.training.fields import as_published, scaled_linearly, vary
from keras_classics.training.initial_weights import CopyLayers
from keras_classics.training.recipe import Recipe, RecipeError
from keras_classics.words import plural

_LONGEST = 10_000  # characters of a value; Python's parser can crash on many more


def run(
    recipe: Recipe, choices: Mapping[str, Any] | None = None, argv: Sequence[str] | None = None
) -> None:
    """See `keras_classics.cli.run`."""
    choices = choices or {}
    if not isinstance(recipe, Recipe):
        sys.exit(f"error: {one_line(f'`run` takes a Recipe. Received: {recipe!r}')}")
    arguments = recipe_parser(recipe, choices).parse_args(argv)
    end_in_a_sentence(lambda: _run(recipe, choices, arguments), arguments)


def _run(recipe, choices, arguments):
    recipe = _apply(recipe, choices, arguments)
    seeds = _seeds(arguments)
    run_dir = arguments.run_dir or _new_run_dir(recipe, arguments.seeds)
    import_tensorflow()  # it reads the pictures, and is the last library with notices
    output.speak()
    signals.promise(f"with --run-dir {run_dir} continues the run")
    if arguments.linear_scaling:
        print(_scaling(recipe))
    print(f"Run directory: {run_dir}", flush=True)
    compute = _compute(arguments)

    def train_one(recipe, run_dir):
        return train(
            recipe,
            run_dir,
            data_dir=arguments.data_dir,
            callbacks=_callbacks(arguments, run_dir),
            on_bad_image=arguments.on_bad_image,
            cache=arguments.cache,
            compute=compute,
            log_steps=arguments.log_steps,
        )

    if seeds:
        found = run_seeds(recipe, seeds, run_dir, train_one)
        print(spread_in_words(recipe, seeds, found))
        return
    metrics = train_one(recipe, run_dir)
    print(_table(recipe, metrics))
    bad = Path(run_dir) / "bad_images.txt"
    if bad.exists():
        count = len(bad.read_text("utf-8", "surrogateescape").splitlines())
        print(f"{plural(count, 'image')} could not be used: {bad}")
    print(f"Report: {Path(run_dir) / 'report.html'}")


def _seeds(arguments):
    """Returns the seeds of `--seeds`, or None."""
    if arguments.seeds is None:
        return None
    clashing = {"--seed": arguments.seed, "--processes": arguments.processes}
    for flag, value in clashing.items():
        if value is not None:
            raise RecipeError(f"`--seeds` and `{flag}` exclude each other; leave one out.")
    return seeds_of(arguments.seeds)


def _callbacks(arguments, run_dir):
    if not arguments.tensorboard or arguments.process:  # one process writes
        return ()
    return (keras.callbacks.TensorBoard(Path(run_dir) / "tensorboard"),)


def _scaling(recipe):
    size, before = recipe.batch_size, recipe.published.batch_size
    factor, rate = size / before, recipe.learning_rate
    return (
        f"Learning rate {rate / factor:g} × {factor:g} = {rate:g}: batches of {size} in place of "
        f"{before} (--linear-scaling)."
    )


def _compute(arguments):
    return Compute(
        strategy=arguments.strategy,
        replicas=arguments.replicas,
        peers=_peers(arguments),
        jit=arguments.jit,
        steps_per_execution=arguments.steps_per_execution,
    )


def _peers(arguments):
    given = (arguments.coordinator, arguments.processes, arguments.process)
    if given == (None, None, None):
        return None
    if None in given:
        raise PeerError("--coordinator, --processes and --process go together.")
    return Peers(*given)


def _chosen(choices, arguments):
    """Returns the fields that the flags of a recipe alone change, a later one's over an earlier's.

    A later flag may say more exactly what an earlier one says, as `--rate` does of `--tutorial`. If
    it undoes an earlier one otherwise, one of them is a mistake.
    """
    chosen, given, papers = {}, [], 0
    for flag, options in choices.items():
        choice = getattr(arguments, flag.replace("-", "_"))
        chosen |= options[choice]
        if choice != next(iter(options)):
            words = f"--{flag}" if choice == "on" else f"--{flag} {choice}"
            given.append((words, [f for f in options[choice] if f not in ("paper", "deviations")]))
            papers += "paper" in options[choice]
    for (first, its), (second, theirs) in combinations(given, 2):
        undone = [field for field in its if any(f"{field}.".startswith(f"{t}.") for t in theirs)]
        if undone and not (set(theirs) < set(its)):
            raise RecipeError(
                f"{first} does not go with {second}, which sets {undone[0]} too; leave one of them "
                "out."
            )
    # What a paper says of one change does not hold beside another.
    return chosen | {"paper": None} if papers > 1 else chosen


def _apply(recipe, choices, arguments):
    chosen = _chosen(choices, arguments)
    direct = ("epochs", "batch_size", "seed", "limit_train", "limit_test", "early_stopping")
    given = {name: getattr(arguments, name) for name in direct}
    given |= {"dataset": arguments.data, "keep_epochs": _epochs(arguments.keep_epochs)}
    given |= {
        "precision": arguments.precision,
        "sync_batch_norm": arguments.sync_batch_norm or None,
    }
    given["gradient_accumulation_steps"] = arguments.accumulate
    given["initial_weights"] = None if arguments.after is None else CopyLayers(arguments.after)
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= resolved(settings(arguments.set))
    recipe = as_published(vary(recipe, chosen))  # a choice is an experiment of its own
    if type(changes.get("epochs")) is int:  # of those that it keeps, as many as there will be
        there = tuple(one for one in recipe.keep_epochs if one <= changes["epochs"])
        changes = {"keep_epochs": there, **changes}
    varied = vary(recipe, changes)
    return scaled_linearly(varied) if arguments.linear_scaling else varied


def _epochs(text):
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise RecipeError(
            f"`--keep-epochs` takes epochs, e.g. 5,10,20. Received: --keep-epochs {text}"
        ) from None


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Returns {field: value} of the texts behind `--set`; values are Python literals, or texts."""
    values = {}
    for setting in texts:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise RecipeError(f"`--set` takes FIELD=VALUE. Received: --set {setting[:80]}")
        values[name] = _value(name, text)
    return values


def _value(name, text):
    if len(text) > _LONGEST:
        raise RecipeError(
            f"`{name[:40]}` cannot be set: a value has at most {_LONGEST:,} characters. "
            f"Received: {len(text):,}"
        )
    try:
        return ast.literal_eval(text)
    except (TypeError, ValueError, SyntaxError):
        return text
    except (MemoryError, RecursionError):
        raise RecipeError(
            f"`{name[:40]}` cannot be set: {checks.shown(text)} is nested too deeply."
        ) from None


def _new_run_dir(recipe, seeds):
    which = recipe.seed if seeds is None else f"seeds-{seeds}"
    return Path("runs") / recipe.name / f"{datetime.now():%Y%m%d-%H%M%S}-{which}"


def _table(recipe, metrics):
    paper = metrics["paper"] or {}
    rows = [("", "paper", "this run")]
    kinds = (
        ("test_error", "error", f"{metrics['split']} error"),
        ("top5_error", "top5_error", "top-5 error"),
        ("train_error", "train_error", "training error"),
    )
    for name, key, label in kinds:
        published, ours = paper.get(name), metrics.get(key)
        if ours is None or (name == "top5_error" and published is None):
            continue
        rows.append((label, "–" if published is None else f"{published} %", f"{ours:.2f} %"))
    lines = [f"  {a:<16}{b:>10}{c:>12}" for a, b, c in rows]
    changed = [f"  {line}" for line in changes_in_words(metrics["changed"])]
    if changed:
        lines += ["", "Changed in this run:", *changed]
    return "\n".join(["", f"{recipe.name}, {metrics['note']}", *lines, ""])
