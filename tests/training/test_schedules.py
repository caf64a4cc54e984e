import dataclasses

import pytest

from keras_classics.training import Constant, PassTable, Step, describe

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
    "schedule", [Constant(), PassTable(((1, 0.5),)), Step(at=(2,), by=10)], ids=str
)
def test_is_a_value(schedule):
    assert schedule == dataclasses.replace(schedule)
    assert describe(schedule)["call"] == f"{type(schedule).__module__}:{type(schedule).__name__}"
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.at = ()
