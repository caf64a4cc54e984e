"""The command line that every recipe script shares."""

import ast
import sys
from datetime import datetime
from pathlib import Path

from keras_classics import checks
from keras_classics.cli.sentences import Parser, end_in_a_sentence, one_line
from keras_classics.report.values import changes_in_words
from keras_classics.runs.compute import STRATEGIES, Compute
from keras_classics.runs.loop import train
from keras_classics.runs.peers import PeerError, Peers
from keras_classics.training.recipe import PRECISIONS, Recipe, RecipeError
from keras_classics.training.variation import as_published, vary
from keras_classics.words import plural

_LONGEST = 10_000  # characters of a value; Python's parser can crash on many more


def run(recipe, choices=None, argv=None):
    """See `keras_classics.cli.run`."""
    choices = choices or {}
    if not isinstance(recipe, Recipe):
        sys.exit(f"error: {one_line(f'`run` takes a Recipe. Received: {recipe!r}')}")
    arguments = _parser(recipe, choices).parse_args(argv)
    end_in_a_sentence(lambda: _run(recipe, choices, arguments), arguments)


def _run(recipe, choices, arguments):
    recipe = _apply(recipe, choices, arguments)
    run_dir = arguments.run_dir or _new_run_dir(recipe)
    print(f"Run directory: {run_dir}", flush=True)
    try:
        metrics = train(
            recipe,
            run_dir,
            data_dir=arguments.data_dir,
            on_bad_image=arguments.on_bad_image,
            cache=arguments.cache,
            compute=_compute(arguments),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"with --run-dir {run_dir} continues the run") from None
    print(_table(recipe, metrics))
    bad = Path(run_dir) / "bad_images.txt"
    if bad.exists():
        count = len(bad.read_text("utf-8", "surrogateescape").splitlines())
        print(f"{plural(count, 'image')} could not be used: {bad}")
    print(f"Report: {Path(run_dir) / 'report.html'}")


def _parser(recipe, choices):
    parser = Parser(description=f"Trains {recipe.name}, evaluates it and writes a report.")
    parser.add_argument("--data", help=f"data set (default: {recipe.dataset}); any TFDS name, "
                        "mnist_5k, idx:<directory>, or folder:<directory>")  # fmt: skip
    parser.add_argument("--data-dir", help="where TensorFlow Datasets keeps its data")
    parser.add_argument("--run-dir", help="folder of the run; an interrupted run in it continues")
    parser.add_argument("--epochs", type=int, help=f"(default: {recipe.epochs})")
    parser.add_argument("--batch-size", type=int, help="(default: the recipe's)")
    parser.add_argument("--seed", type=int, help=f"(default: {recipe.seed})")
    parser.add_argument("--limit-train", type=int, help="train on this many pictures only")
    parser.add_argument(
        "--on-bad-image",
        choices=("skip", "stop"),
        default="skip",
        help="picture files that cannot be decoded: list them and go on, or stop",
    )
    parser.add_argument(
        "--cache",
        choices=("none", "ram", "disk"),
        default="none",
        help="keep the files of a folder: in memory, or copied to this machine's cache",
    )
    parser.add_argument("--keep-epochs", help="epochs whose model is kept, e.g. 5,10,20")
    _add_device_flags(parser)
    for flag, options in choices.items():
        if set(options) == {"off", "on"}:
            parser.add_argument(f"--{flag}", action="store_const", const="on", default="off")
        else:
            parser.add_argument(f"--{flag}", choices=list(options), default=next(iter(options)))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change any field, e.g. model.activation=tanh; may be repeated",
    )
    return parser


def _add_device_flags(parser):
    group = parser.add_argument_group("devices")
    group.add_argument("--strategy", choices=STRATEGIES, default="auto", help="what computes: see "
                       "keras_classics.runs.distribution (default: auto)")  # fmt: skip
    group.add_argument("--replicas", type=int, help="how many devices (default: all there are)")
    group.add_argument("--coordinator", metavar="HOST:PORT", help="multi_machine: process 0")
    group.add_argument("--processes", type=int, help="multi_machine: how many processes")
    group.add_argument("--process", type=int, help="multi_machine: number of this one, from 0")
    group.add_argument("--linear-scaling", action="store_true", help="multiply the learning rate "
                       "by what --batch-size multiplies the batch by")  # fmt: skip
    group.add_argument("--sync-batch-norm", action="store_true",
                       help="normalise the whole batch, not each replica's part")  # fmt: skip
    group.add_argument("--precision", choices=PRECISIONS, help="(default: the recipe's)")
    group.add_argument("--accumulate", type=int, metavar="PIECES",
                       help="compute each batch in so many pieces")  # fmt: skip
    group.add_argument("--jit", choices=("auto", "on", "off"), default="auto",
                       help="compile the step (default: as Keras chooses)")  # fmt: skip
    group.add_argument("--steps-per-execution", type=int, default=1, metavar="STEPS",
                       help="steps in one call of the backend")  # fmt: skip


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


def _apply(recipe, choices, arguments):
    chosen = {}
    for flag, options in choices.items():
        chosen |= options[getattr(arguments, flag.replace("-", "_"))]
    recipe = as_published(vary(recipe, chosen))  # a choice is an experiment of its own
    direct = ("epochs", "batch_size", "seed", "limit_train")
    given = {name: getattr(arguments, name) for name in direct}
    given |= {"dataset": arguments.data, "keep_epochs": _epochs(arguments.keep_epochs)}
    given |= {
        "precision": arguments.precision,
        "sync_batch_norm": arguments.sync_batch_norm or None,
    }
    given["gradient_accumulation_steps"] = arguments.accumulate
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= settings(arguments.set)
    varied = vary(recipe, changes)
    return _scaled(varied, recipe.batch_size) if arguments.linear_scaling else varied


def _scaled(recipe, batch_size):
    """Goyal et al. 2017: k times the batch, k times the learning rate."""
    factor = recipe.batch_size / batch_size
    scaled = vary(recipe, {"learning_rate": recipe.learning_rate * factor})
    print(
        f"Learning rate {recipe.learning_rate:g} × {factor:g} = {scaled.learning_rate:g}: batches "
        f"of {recipe.batch_size} in place of {batch_size} (--linear-scaling)."
    )
    return scaled


def _epochs(text):
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise RecipeError(
            f"`--keep-epochs` takes epochs, e.g. 5,10,20. Received: --keep-epochs {text}"
        ) from None


def settings(texts):
    """Returns {field: value} of the texts behind `--set`; values are Python literals, or texts."""
    values = {}
    for setting in texts:
        name, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(f"`--set` takes FIELD=VALUE. Received: --set {setting}")
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


def _new_run_dir(recipe):
    return Path("runs") / recipe.name / f"{datetime.now():%Y%m%d-%H%M%S}-{recipe.seed}"


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
