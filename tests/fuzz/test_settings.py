"""`--set` with hostile fields and values, through the real command."""

import pytest

from keras_classics.cli import run
from keras_classics.cli.recipe_flags import settings
from keras_classics.training import RecipeError, vary
from tests.fuzz.harness import fault_of
from tests.runs.small_recipes import LENET5

FIELDS = (
    *("", ".", "model.", "model..x", ".model", "model.x.y.z", "train_transforms.9", "__class__"),
    *("train_transforms.-1.scale", "train_transforms.²", "loss.__call__", "x" * 5000, "a b", "\0"),
    *("name", "model", "dataset", "normalization.low", "train_transforms", "schedule.at"),
    *("schedule.by", "train_transforms.0.scale", "loss", "optimizer", "learning_rate", "paper"),
    *("deviations", "validation", "protocol", "seed", "epochs", "keep_epochs", "schedule"),
)
TEXTS = (
    *("", "None", "True", "-1", "0", "1e400", "nan", "abc", "../../x", "()", "[]", "{}", "(0,)"),
    *("9" * 5000, "[" * 150, "[" * 9_000, "-" * 9_000 + "1", "{[]: 1}", "b'x'", "\0", "'", "="),
    *(
        "1+" * 4_000 + "1",
        "1" * 100_000,
        "[" * 150 + "]" * 150,
        "__import__('os')",
        "lambda: 0",
        "1j",
        "x" * 5000,
    ),
)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_fields_and_values(text):
    found = [
        fault_of(lambda field=field: vary(LENET5, settings([f"{field}={text}"])))
        for field in FIELDS
    ]
    assert [fault for fault in found if fault] == []


REFUSED = [
    ("protocol=abc", "`protocol` must be None or a protocol"),
    ("schedule.at=5", "`schedule.at` cannot be 5: `at` must be a tuple of integers"),
    ("schedule.by=0", "`schedule.by` cannot be 0: `by` must be a finite number in 1e-06 … "),
    ("name=../../x", "`name` must be a name for a folder"),
    ("seed=1e400", "--seed must be an integer of at least 0. Received: seed=inf"),
    ("learning_rate=nan", "`learning_rate` must be a finite number above 0."),
    ("paper=abc", "`paper` must be None or a `Published`. Received: paper='abc'"),
    ("model.pooling=7", 'small_lenet5 on mnist_5k: `pooling` must be one of None, "avg", "max".'),
    ("loss.j=abc", "small_lenet5 on mnist_5k: `j` must be a finite number above 0."),
    ("optimizer.momentum=2", "small_lenet5 on mnist_5k: `momentum` must be in 0 … 1, without 1."),
    ("=1", "`--set` takes FIELD=VALUE. Received: --set =1"),
    ("model..x=1", "`model..x` cannot be set: there is no ''"),
    (f"seed={'-' * 9_000}1", "--seed cannot be set: '-----"),
    (f"seed={'1' * 100_000}", "--seed cannot be set: a value has at most 10,000 characters."),
]


@pytest.mark.parametrize(("setting", "sentence"), REFUSED, ids=lambda text: text[:20])
def test_the_command_ends_before_the_first_step(setting, sentence, tmp_path):
    with pytest.raises(SystemExit) as ended:
        run(LENET5, argv=["--run-dir", str(tmp_path / "run"), "--set", setting])
    text = str(ended.value)
    assert "\n" not in text and len(text) < 310
    assert text.startswith(f"error: {sentence}")
    assert not (tmp_path / "run").exists()


def test_a_value_that_no_parser_can_hold_is_named():
    with pytest.raises(RecipeError, match="^`seed` cannot be set: .* is nested too deeply.$"):
        settings(["seed=" + "-" * 9_000 + "1"])
