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
