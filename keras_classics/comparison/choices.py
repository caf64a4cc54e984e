"""Where the pictures of the test split chose something, as far as a run directory tells."""

from __future__ import annotations

from keras_classics.comparison.run_list import FoundRun
from keras_classics.report.values import plain


def sees_test(found: FoundRun) -> bool:
    """Whether a run measures after every epoch the pictures that it is measured on in the end."""
    run = found.run
    return run is not None and "test" in (run.recipe.get("validation"), run.validated_on)


def choices_by_test(found: FoundRun) -> list[str]:
    """Returns what the test pictures chose in a run, as ends of a sentence that begins with it.

    Recipes with `validation="test"` measure them after every epoch. That chooses nothing, unless
    the schedule divides the rate where the error stands still, or something ends the training.

    Args:
        found: a run that can be read.
    """
    if not sees_test(found):
        return []
    run, choices = found.run, []
    schedule = run.recipe.get("schedule")
    if _divides_on_plateau(schedule):
        choices.append(f"divides the rate where their error stands still ({plain(schedule)})")
    if run.recipe.get("early_stopping") is not None:
        choices.append("stops early by their loss")
    elif found.state == "finished" and run.epochs < (found.planned_epochs or 0):
        choices.append(
            f"ended after {run.epochs} of {found.planned_epochs} epochs, by a callback that could "
            "see their error"
        )
    return choices


def _divides_on_plateau(schedule):
    """Whether a described schedule is one that does, or holds one, as `WarmUp` may."""
    if isinstance(schedule, list):
        return any(map(_divides_on_plateau, schedule))
    if not isinstance(schedule, dict):
        return False
    is_one = "DivideOnPlateau" in str(schedule.get("call"))
    return is_one or any(map(_divides_on_plateau, schedule.values()))
