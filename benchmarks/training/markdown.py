"""Rows of the record as Markdown: what every page's tables are made of."""

import statistics

from keras_classics.comparison.spread import spread_of


def table(head, lines):
    rule = "|".join(["", *["---"] * len(head), ""])
    return ["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(r) + " |" for r in lines), ""]


def of(rows, group, prefix=""):
    """The rows of a group whose names begin so."""
    return [row for row in rows if row["group"] == group and row["name"].startswith(prefix)]


def spread(rows, key="error"):
    """Returns e.g. `1.02 % (0.98, 1.03, 1.05)`."""
    values = [row[key] for row in rows]
    each = ", ".join(f"{value:.2f}" for value in values)
    return f"{statistics.mean(values):.2f} %" + (f" ({each})" if len(values) > 1 else "")


def seeds(rows):
    """Returns the seeds and the median of the wall times."""
    minutes = statistics.median(row["seconds"] for row in rows) / 60
    wall = f"{minutes:.0f} min" if minutes > 1.5 else f"{60 * minutes:.0f} s"
    each = ", ".join(str(row["seed"]) for row in rows)
    return f"seed{'s' * (len(rows) > 1)} {each}; {wall}"


def commands(rows, groups):
    return [
        f"- `{row['group']}/{row['name']}`: `{row['command']}`"
        for group in groups
        for row in of(rows, group)
    ]


def interval(values):
    """Returns the mean and its 95 % interval over seeds, e.g. `0.99 (0.86 … 1.11)`."""
    found = spread_of(values)
    reach = "" if found.low is None else f" ({found.low:.2f} … {found.high:.2f})"
    return f"{found.mean:.2f}{reach}"
