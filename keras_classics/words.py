"""Words that follow a number."""


def plural(count, one, many=None):
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
