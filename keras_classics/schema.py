"""What a JSON file of a run holds: declared as a value, and checked once, when it is read.

A schema is a `Kind`, of plain values, or made of others by `items` and `fields`:

    RECIPE = fields(required={"name": TEXT, "epochs": count(1)}, optional={"paper": or_null(...)})

Whatever reads the value afterwards may rely on it. Fields that nothing relies on are not named, and
may hold anything.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_classics.errors import UserError

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_MOST_BYTES = 64_000_000  # ten times the class names of ImageNet-21k
_DEEPEST = 50  # five times a described recipe


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Args:
        words: what it is, as in "must be …".
        fits: function (value) -> whether a value is of this kind.
        inside: function (value) -> {place: (Kind, value)} of what it holds.
    """

    words: str
    fits: Callable
    inside: Callable = lambda value: {}

    def misfit(self, value: Any, place: str = "") -> tuple[str, str, Any] | None:
        """Returns (place, words, value) of the first thing that does not fit, or None."""
        if not self.fits(value):
            return place, self.words, value
        found = (
            kind.misfit(part, f"{place}.{name}".lstrip("."))
            for name, (kind, part) in self.inside(value).items()
        )
        return next(filter(None, found), None)


def is_number(value: Any) -> bool:
    """Whether a value is a number that is not a truth value."""
    return type(value) in (int, float)


_MISSING = object()
ANYTHING = Kind("anything", lambda value: value is not _MISSING)
TEXT = Kind("a text", lambda value: isinstance(value, str))
NAME = Kind(
    "a text of at most 1,000 characters, not empty",
    lambda value: isinstance(value, str) and 0 < len(value) <= 1000,
)
# Far from the end of floating point, where arithmetic overflows.
NUMBER = Kind("a finite number", lambda value: is_number(value) and abs(value) < 1e100)
PERCENT = Kind("a number from 0 to 100", lambda value: is_number(value) and 0 <= value <= 100)
TRUTH = Kind("true or false", lambda value: isinstance(value, bool))
# For what is only shown.
SCALAR = Kind("a text or a number", lambda value: isinstance(value, str) or is_number(value))


def count(least: int = 0, most: int = 2**53) -> Kind:
    """Returns the kind of an integer in a range."""
    words = f"an integer from {least:,} to {most:,}" if most < 2**53 else f"an integer ≥ {least}"
    return Kind(words, lambda value: type(value) is int and least <= value <= most)


def any_of(*kinds: Kind) -> Kind:
    """Returns the kind of plain values that are of one of several kinds."""
    words = " or ".join(kind.words for kind in kinds)
    return Kind(words, lambda value: any(kind.fits(value) for kind in kinds))


def or_null(kind: Kind) -> Kind:
    """Returns the kind of what is null or of another kind."""
    return Kind(
        f"null or {kind.words}",
        lambda value: value is None or kind.fits(value),
        lambda value: {} if value is None else kind.inside(value),
    )


def items(kind: Kind, least: int = 0, most: int = 1_000_000) -> Kind:
    """Returns the kind of a list of values of one kind."""
    size = f" of {least}" if least == most else f" of at least {least}" * bool(least)
    return Kind(
        f"a list{size}, each value {kind.words}",
        lambda value: isinstance(value, list) and least <= len(value) <= most,
        lambda value: {number: (kind, part) for number, part in enumerate(value)},
    )


def fields(
    required: Mapping[str, Kind] | None = None, optional: Mapping[str, Kind] | None = None
) -> Kind:
    """Returns the kind of an object by its fields; others may be there too."""
    required = required or {}
    known = {**required, **(optional or {})}
    return Kind(
        "an object",
        lambda value: isinstance(value, dict),
        lambda value: {
            name: (kind, value.get(name, _MISSING))
            for name, kind in known.items()
            if name in value or name in required
        },
    )


def values(kind: Kind) -> Kind:
    """Returns the kind of an object whose values are all of one kind."""
    return Kind(
        f"an object, each value {kind.words}",
        lambda value: isinstance(value, dict),
        lambda value: {name: (kind, part) for name, part in value.items()},
    )


def read_json(path: AnyPath, schema: Kind, error: type[Exception] = UserError) -> Any:
    """Reads a JSON file and checks that it is what its schema says.

    Args:
        path: the file.
        schema: a `Kind`.
        error: class of the exception, which says what is wrong with the file, in one sentence.

    Returns:
        What the file holds.

    Raises:
        error: if the file is missing, is no JSON, or does not fit.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from keras_classics.schema import count, fields, read_json
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "recipe.json")
        ...     _ = path.write_text('{"epochs": -1}')
        ...     read_json(path, fields({"epochs": count(1)}))
        Traceback (most recent call last):
        keras_classics.errors.UserError: `.../recipe.json` cannot be read ("epochs" must be an
        integer ≥ 1, not -1).
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES:,} bytes")
        found = json.loads(data.decode("utf-8"))
        if _depth(found) > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
        misfit = schema.misfit(found)
        if misfit:
            raise ValueError(_sentence(*misfit))
    except OSError as problem:
        raise error(f"`{path}` cannot be read ({problem.strerror}).") from problem
    except RecursionError:
        raise error(f"`{path}` cannot be read (it is nested more than {_DEEPEST} deep).") from None
    except ValueError as problem:
        raise error(f"`{path}` cannot be read ({short(problem)}).") from problem
    return found


def short(value: Any, most: int = 160) -> str:
    r"""Returns a text in one line, cut in its middle where it is long.

    Example:
        >>> from keras_classics.schema import short
        >>> short("a long\\nline", 8)
        'a lo…ine'
    """
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most // 2]}…{text[1 - most // 2 :]}"


def _sentence(place, words, value):
    place = f'"{short(place, 60)}"' if place else "it"
    if value is _MISSING:
        return f"{place} is missing, which must be {words}"
    return f"{place} must be {words}, not {_repr.repr(value)}"


def _depth(value):
    """How deep lists and objects are nested; without recursion, which they could exhaust."""
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            part
            for one in level
            if isinstance(one, (list, dict))
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxdict = 2, 3, 2
