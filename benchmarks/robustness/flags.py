"""Bad inputs of every flag, made from the parsers themselves."""

import argparse
from dataclasses import dataclass, replace

from benchmarks.robustness import intact, texts
from benchmarks.robustness.trial import Case

_TEXTS = (
    "",
    " ",
    "\n",
    "\x1b[31mred",
    "漢字",
    "\udcff",
    "$(touch it)",
    "../..",
    "%s{0}",
    "9" * 5000,
)
_NUMBERS = (
    *("", "x", "1.5", "-1", "0", "nan", "inf", "1e3", "0x10", "9" * 30, "9" * 5000, "\udcff"),
    *("1;2", "\x1b[31m1"),
)
_FROM_ZERO = ("seed", "process")
# What Python's int() reads, though nobody would write it.
_ODD_NUMBERS = ("٣", "1_0", " 2 ")
_SWITCHED = ("=", "=1", "=true", "=\udcff", "=漢", "=$(id)", "=\n", "=-1", "=nan", "x", "-x")


@dataclass(frozen=True)
class Flag:
    """A flag or an argument of a command, and a command that is good but for it."""

    command: str
    action: argparse.Action
    words: tuple
    needs: tuple = ()

    @property
    def name(self):
        """As it is typed, or as the usage shows it."""
        return (self.action.option_strings or [self.action.metavar or self.action.dest])[-1]

    @property
    def subject(self):
        """The row of the table."""
        return f"{self.command} {self.name}"


def flags():
    """Returns every `Flag` of every parser; what recipes share is there once."""
    from keras_classics.cli import main
    from keras_classics.cli.recipe_files import load_recipe, recipe_paths

    found = []
    (commands,) = (a for a in main._parser()._actions if isinstance(a, argparse._SubParsersAction))
    for command, parser in commands.choices.items():
        for action in _of(parser):
            flag = Flag(command, action, *_COMMANDS[command])
            if command == "predict" and action.option_strings:
                flag = replace(flag, words=("predict", "run", "digit.png"))
            found.append(flag)
    seen = set()
    for name in recipe_paths():
        module = load_recipe(name)
        for action in _of(_recipe_parser(module)):
            place = "search" if hasattr(module, "space") else "train RECIPE"
            own = name if action.dest in getattr(module, "CHOICES", {}) else place
            if (own, action.dest) not in seen:
                seen.add((own, action.dest))
                found.append(Flag(own, action, *_base(own, place)))
    return found


def _recipe_parser(module):
    try:
        from keras_classics.cli.flags import recipe_parser, search_parser
    except ImportError:  # where the flags stand beside what they start
        from keras_classics.cli.recipe_flags import _parser as recipe_parser
        from keras_classics.cli.search_flags import _parser as search_parser
    if hasattr(module, "space"):
        return search_parser(module.RECIPE)
    return recipe_parser(module.RECIPE, getattr(module, "CHOICES", {}))


def _of(parser):
    passed = (argparse._HelpAction, argparse._VersionAction)
    return [action for action in parser._actions if not isinstance(action, passed)]


_COMMANDS = {
    "list": (("list",),),
    "show": (("show", "lenet5"),),
    "train": (("train",),),
    "report": (("report",), ("run",)),
    "runs": (("runs", "run"), ("run",)),
    "compare": (("compare", "run"), ("run",)),
    "evaluate": (("evaluate", "run"), ("run",)),
    "predict": (("predict",), ("run", "digit.png")),
    "claims": (("claims",),),
    "draw": (("draw",),),
    "filters": (("filters", "run", "--output=new.png"), ("run",)),
    "maps": (("maps", "run", "digit.png", "--output=new.png"), ("run", "digit.png")),
    "explain": (("explain", "run", "digit.png", "--output=new.png"), ("run", "digit.png")),
}


def _base(own, place):
    if place == "search":
        return (*intact.SEARCH, "new"), ()
    if own == place:
        return intact.TRAIN, ()
    return ("train", own, *intact.SHORT, "--data-dir", "nowhere", "--run-dir", "new"), ()


def cases():
    """Returns the bad inputs of all flags."""
    return [case for flag in flags() for case in _cases_of(flag)]


def _cases_of(flag):
    given = texts.of(flag.command, flag.action.dest)
    if given is not None:
        return [_case(flag, **one) for one in given]
    return [_case(flag, **one) for one in _generated(flag.action)]


def _generated(action):
    if action.nargs == 0:
        yield from ({"joined": text} for text in _SWITCHED)
    elif action.choices is not None:
        first = list(action.choices)[-1]
        yield from (
            {"value": text} for text in (*_TEXTS, first.upper() + "!", first + " ", first[:-1])
        )
    elif action.type is int:
        counts = action.dest in _FROM_ZERO
        zero = {"0": "it counts from 0"} if counts else {}
        yield from ({"value": text, "accepted": zero.get(text)} for text in _NUMBERS)
        yield from (
            {"value": text, "accepted": "Python's int() reads it"} for text in _ODD_NUMBERS[:1]
        )
    if action.nargs is None:
        yield {"missing": True}


def _case(flag, value=None, joined=None, missing=False, accepted=None, words=None, more=(),
          needs=(), damage=None, names=(), label=None):  # fmt: skip
    """Makes a `Case` of what differs from the good command."""
    options = flag.action.option_strings
    base = flag.words if words is None else words
    if missing:
        typed, label = (*base, flag.name), label or "no value"
    elif joined is not None:
        typed, label = (*base, flag.name + joined), label or flag.name + joined
    elif options:
        # `--flag=-1`, so that a minus is not taken for the next flag.
        typed, label = (*base, *more, f"{flag.name}={value}"), label or value
    else:
        typed, label = (
            (*base, *((value,) if isinstance(value, str) else value or ()), *more),
            (label or value),
        )
    first = value[0] if isinstance(value, tuple) and value else value
    printed = str(first)[:12].strip().lstrip("\x1b")
    known = (flag.name, f"`{flag.action.dest}`", *names, *((printed,) if printed else ()))
    return Case(
        subject=flag.subject, label=str(label), words=typed, names=known,
        needs=(*flag.needs, *needs), damage=damage, accepted=accepted,
    )  # fmt: skip
