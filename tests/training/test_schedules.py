import csv
import dataclasses
import re

import keras
import pytest

from keras_classics.runs import train
from keras_classics.training import (
    Constant,
    DivideOnPlateau,
    ExponentialDecay,
    PassTable,
    Step,
    StepAtIterations,
    WarmUp,
    describe,
    vary,
)
from tests.runs import small_recipes

HISTORY = [{"epoch": 1, "loss": 2.0, "error": 10.0}]


def rates(schedule, first, epochs):
    return [first * schedule(epoch, HISTORY) for epoch in range(epochs)]


def test_constant():
    assert rates(Constant(), 0.3, 3) == [0.3, 0.3, 0.3]


def test_pass_table_gives_the_rates_of_lenet5():
    schedule = PassTable(((2, 1.0), (3, 0.4), (3, 0.2), (4, 0.1), (8, 0.02)))
    # Section III-B: η for each of the 20 passes; the last one stays from then on.
    expected = [5e-4] * 2 + [2e-4] * 3 + [1e-4] * 3 + [5e-5] * 4 + [1e-5] * 12
    assert rates(schedule, 5e-4, 24) == pytest.approx(expected, rel=1e-12)


def test_pass_table_of_one_stage_never_ends():
    assert rates(PassTable(((1, 0.5),)), 1.0, 3) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Step(at=(), by=10), [1, 1, 1, 1, 1]),
        (Step(at=(0,), by=2), [0.5, 0.5, 0.5, 0.5, 0.5]),
        (Step(at=(2, 4), by=10), [1, 1, 0.1, 0.1, 0.01]),
        (Step(at=(3, 3), by=10), [1, 1, 1, 0.01, 0.01]),
    ],
    ids=str,
)
def test_step_divides_from_the_named_epochs_on(schedule, expected):
    assert rates(schedule, 1.0, 5) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ((), [1, 1, 1, 1]),
        ((0,), [0.1] * 4),
        ((2,), [1, 1, 0.1, 0.1]),
        ((1, 3), [1, 0.1, 0.1, 0.01]),
    ],
    ids=str,
)
def test_step_at_iterations_divides_at_the_very_update(at, expected):
    schedule = StepAtIterations(at=at, by=10)
    found = [schedule(7, HISTORY, iteration) for iteration in range(4)]
    assert found == pytest.approx(expected, rel=1e-12)


def test_exponential_decay_gives_the_rates_of_googlenet():
    found = rates(ExponentialDecay(factor=0.96, every=8), 1.0, 24)
    assert found == pytest.approx([1.0] * 8 + [0.96] * 8 + [0.9216] * 8, rel=1e-12)


def factors(schedule, errors, column="val_error"):
    """The factor in every epoch, each after the errors of those before it."""
    rows = [{"error": 0.0, column: error} for error in errors]
    return [round(1 / schedule(epoch, rows[:epoch])) for epoch in range(len(rows) + 1)]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([9, 8, 7, 6, 5, 4], [1, 1, 1, 1, 1, 1, 1]),
        ([9, 9, 9], [1, 1, 1, 10]),  # as good as before is no improvement
        ([9, 10, 8, 10, 7, 10], [1, 1, 1, 1, 1, 1, 1]),  # never two in a row
        ([9, 10, 10, 10, 8, 8, 8], [1, 1, 1, 10, 10, 10, 10, 100]),  # counted anew
        ([9, 10, 10, 10, 10], [1, 1, 1, 10, 10, 100]),  # and it never improved again
        ([9] * 12, [1, 1, 1, 10, 10, 100, 100, 1000, 1000, 1000, 1000, 1000, 1000]),
    ],
    ids=str,
)
def test_divide_on_plateau(errors, expected):
    assert factors(DivideOnPlateau(by=10, patience=2, times=3), errors) == expected


def test_divide_on_plateau_takes_the_training_error_where_nothing_is_validated():
    schedule = DivideOnPlateau(by=2, patience=1, times=9)
    assert factors(schedule, [9, 9, 8, 8], "error") == [1, 1, 2, 2, 4]


def test_warm_up_ends_once_and_for_all():
    schedule = WarmUp(then=StepAtIterations((30, 40), by=10), factor=0.2, until_error=80)
    rows = [{"error": error} for error in (90.0, 80.0, 79.9, 95.0)]
    found = [schedule(epoch, rows[:epoch], 10 * epoch) for epoch in range(5)]
    assert found == pytest.approx([0.2, 0.2, 0.2, 0.1, 0.01], rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "field"), [(DivideOnPlateau, "patience"), (ExponentialDecay, "every")]
)
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_refuses_what_is_no_number_of_epochs(kind, field, value):
    message = f"`{field}` must be a positive integer. Received: {field}={value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind(**{field: value})


@pytest.mark.backend
def test_the_rate_changes_inside_an_epoch(tmp_path):
    """Of 4 updates in an epoch, the third sees another rate; the tenth of the run is the last."""
    recipe = vary(
        small_recipes.FRAGILE,
        {
            "schedule": StepAtIterations(at=(2, 7), by=10),
            "learning_rate": 0.1,
            "limit_train": 100,
            "epochs": 5,
            "iterations": 10,
        },
    )
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            seen.append(float(self.model.optimizer.learning_rate))

    metrics = train(recipe, tmp_path / "run", callbacks=[Look()], verbose=0)
    assert seen == pytest.approx([0.1] * 2 + [0.01] * 5 + [0.001] * 3)
    history = list(csv.DictReader((tmp_path / "run" / "history.csv").open()))
    assert [float(row["learning_rate"]) for row in history] == pytest.approx([0.1, 0.01, 0.001])
    assert metrics["epochs"] == 3
    assert train(recipe, tmp_path / "run", verbose=0) == metrics  # finished: nothing is trained
    assert len(seen) == 10


SCHEDULES = (
    Constant(),
    DivideOnPlateau(),
    ExponentialDecay(),
    PassTable(((1, 0.5),)),
    Step(at=(2,), by=10),
    StepAtIterations(at=(2,), by=10),
    WarmUp(then=Constant()),
)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_is_a_value(schedule):
    assert schedule == dataclasses.replace(schedule)
    assert describe(schedule)["call"] == f"{type(schedule).__module__}:{type(schedule).__name__}"
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.at = ()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PassTable(()), "`stages` must be pairs (passes, factor), at least one. Received"),
        (lambda: PassTable(((0, 1.0),)), "`passes` must be a positive integer. Received: passes=0"),
        (lambda: PassTable(((1, None),)), "`factor` must be a finite number of at least 0."),
        (lambda: Step(at=(1,), by=0), "`by` must be a finite number in 1e-06 … 1,000,000.0."),
        (lambda: Step(at=5, by=2), "`at` must be a tuple of integers. Received: at=5"),
        (lambda: StepAtIterations(at=(-1,), by=2), "`at` must be an integer of at least 0."),
        (lambda: ExponentialDecay(factor="x"), "`factor` must be a finite number in 0 … 1."),
        (lambda: DivideOnPlateau(times=-1), "`times` must be an integer of at least 0."),
        (lambda: DivideOnPlateau(by=None), "`by` must be a finite number in 1e-06 … "),
        (lambda: WarmUp(Constant(), factor=None), "`factor` must be a finite number of at least"),
        (lambda: WarmUp(None), "`then` must be a schedule. Received: then=None"),
        (lambda: WarmUp(Constant(), until_error=101), "`until_error` must be a finite number in"),
    ],
)
def test_refuses_before_the_first_step(build, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()
