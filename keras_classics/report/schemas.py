"""What the small files of a run hold, as far as anything relies on it."""

from keras_classics.schema import (
    ANYTHING,
    NAME,
    NUMBER,
    PERCENT,
    SCALAR,
    TEXT,
    TRUTH,
    Kind,
    count,
    fields,
    items,
    or_null,
    values,
)

FAILURE = "failed.txt"  # why a run could not go on: a sentence, no JSON
FORMAT = 1  # of recipe.json and metrics.json, see docs/run_directory.md; none at first
_FORMAT = Kind(
    f"a format up to {FORMAT} (a newer version of keras_classics has written this)",
    lambda value: type(value) is int and 1 <= value <= FORMAT,
)
_PAPER = or_null(
    fields(
        optional={
            **{name: or_null(PERCENT) for name in ("test_error", "train_error", "top5_error")},
            "examples": or_null(count(1)),
            "where": TEXT,
        }
    )
)
_CHANGED = items(fields({"field": TEXT, "published": ANYTHING, "here": ANYTHING}), most=1000)
RECIPE = fields(
    {
        "recipe": fields(
            {"name": NAME, "dataset": NAME, "seed": count(0)},
            {
                "epochs": count(1, 1_000_000),
                "validation": SCALAR,
                "deviations": items(TEXT),
                "paper": _PAPER,
                "test_transforms": items(values(ANYTHING), most=100),
                "protocol": or_null(values(ANYTHING)),
            },
        )
    },
    {"format": _FORMAT, "identity": TEXT, "changed": _CHANGED, "validated_on": or_null(NAME)},
)
METRICS = fields(
    {
        "class_names": items(NAME, least=1),
        "image_shape": items(count(1, 8192), least=3, most=3),
        "examples": count(1),
        "wrong": count(0),
        "error": PERCENT,
    },
    {
        "format": _FORMAT,
        "dataset": NAME,
        "split": NAME,
        "seed": SCALAR,
        "train_error": or_null(PERCENT),
        "top5_error": PERCENT,
        "usual_penalty": or_null(NUMBER),
        "comparable": TRUTH,
        "note": or_null(TEXT),
        "paper": _PAPER,
        "changed": _CHANGED,
    },
)
ENVIRONMENT = values(SCALAR)
