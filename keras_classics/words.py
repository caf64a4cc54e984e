"""Words that follow a number."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """Returns a count with its noun.

    Args:
        count: how many.
        one: the noun in the singular.
        many: in the plural; None for an s at the end.

    Example:
        >>> from keras_classics.words import plural
        >>> plural(1, "epoch"), plural(2500, "epoch"), plural(2, "process", "processes")
        ('1 epoch', '2,500 epochs', '2 processes')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def amount(value: float, unit: str = "") -> str:
    """Returns a large number in thousands, millions or milliards, with one digit behind the point.

    Args:
        value: 0 or more.
        unit: what is counted, e.g. "B".

    Example:
        >>> from keras_classics.words import amount
        >>> amount(25_557_032), amount(3_858_000_000), amount(60_000, "B"), amount(840)
        ('25.6 M', '3.9 G', '60.0 kB', '840')
    """
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.99995 * limit:
            return f"{value / limit:,.1f} {prefix}{unit}"
    return f"{value:,} {unit}".rstrip()


def pictures(count: int, split: str) -> str:
    """Returns a number of pictures with what they are.

    Args:
        count: how many.
        split: what the part of a data set is called, see `LabelledImages`.

    Example:
        >>> from keras_classics.words import pictures
        >>> pictures(10_000, "test"), pictures(500, "held-out")
        ('10,000 test pictures', '500 held-out training pictures')
    """
    kinds = {"train": "training picture", "test": "test picture"}
    return plural(count, kinds.get(split, "held-out training picture"))
