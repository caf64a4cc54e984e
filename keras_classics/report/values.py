"""Described values in words, for the page and the terminal."""

_NOT_ARGUMENTS = ("call", "source text")


def plain(value: object) -> str:
    """Returns a described value of a recipe the way it would be written in Python."""
    if isinstance(value, dict):
        arguments = ", ".join(
            f"{key}={plain(v)}" for key, v in value.items() if key not in _NOT_ARGUMENTS
        )
        if "call" not in value:
            return f"{{{arguments}}}"
        name = str(value["call"]).rpartition(":")[2]
        return f"{name}({arguments})" if arguments else name
    if isinstance(value, list):
        return f"[{', '.join(plain(item) for item in value)}]" if value else "none"
    return "none" if value is None else str(value)


def sure(share: float) -> str:
    """Returns a probability in percent, which rounding makes no certainty.

    Example:
        >>> from keras_classics.report.values import sure
        >>> sure(0.5), sure(0.99999)
        ('50.0 %', 'more than 99.9 %')
    """
    return "more than 99.9 %" if share > 0.999 else f"{100 * share:.1f} %"


def changes_in_words(changed: list[dict]) -> list[str]:
    """Returns a line for each change of a published recipe.

    Args:
        changed: entries {"field", "published", "here"}, as `metrics.json` has them.

    Example:
        >>> from keras_classics.report.values import changes_in_words
        >>> changes_in_words([{"field": "epochs", "published": 20, "here": 1}])
        ['epochs: 1 of 20']
        >>> changes_in_words([{"field": "loss.j", "published": 1.0, "here": 10}])
        ['loss.j: 10 instead of 1.0']
    """
    return [_in_words(one["field"], one["published"], one["here"]) for one in changed]


def _in_words(field, published, here):
    is_part = type(published) is type(here) is int and here < published
    if is_part and field in ("limit_train", "limit_test"):
        kind = "training pictures" if field == "limit_train" else "pictures"
        return f"{field}: {here:,} of {published:,} {kind}"
    if is_part and field in ("epochs", "iterations"):
        return f"{field}: {here:,} of {published:,}"
    return f"{field}: {plain(here)} instead of {plain(published)}"
