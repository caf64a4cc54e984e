"""What a comparison holds: a row for each experiment, and what can be said of all of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_classics.comparison import texts
from keras_classics.comparison.choices import sees_test
from keras_classics.comparison.run_list import FoundRun
from keras_classics.comparison.spread import FIGURES, Spread, spread_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_MANY_CLASSES = 50  # from which on the top-5 error is shown, as a run's report does


@dataclass(frozen=True, kw_only=True)
class Row:
    """Runs that differ in nothing but the seed.

    Attributes:
        number: from 1.
        runs: in the order of their seeds.
        settings: {flag: text} of what is not the same in all rows.
    """

    number: int
    runs: tuple[FoundRun, ...]
    settings: Mapping[str, str]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.runs[0].run.name

    @property
    def counted(self) -> list[FoundRun]:
        """The runs that the figures are of: the finished ones, or all where none is."""
        finished = [one for one in self.runs if one.state == "finished"]
        return finished or list(self.runs)

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs that are counted."""
        return [one.seed for one in self.counted]

    @functools.cached_property
    def values(self) -> dict[str, list[float]]:
        """{figure: percent of each run that has it}."""
        figures = [one.figures for one in self.counted]
        return {key: [one[key] for one in figures if one[key] is not None] for key in FIGURES}

    @property
    def spreads(self) -> dict[str, Spread | None]:
        """{figure: its `Spread`, None where no run has it}."""
        return {key: spread_of(each) if each else None for key, each in self.values.items()}

    @property
    def split(self) -> str | None:
        """Which pictures the error is of; None where none were measured yet."""
        return next((one.split for one in self.counted if one.split), None)

    @property
    def errors(self) -> dict[int, float]:
        """{seed: error in percent} of the finished runs."""
        return {one.seed: one.figures["error"] for one in self.runs if one.state == "finished"}

    @property
    def measured_on(self) -> tuple[Any, ...]:
        """Which pictures the error is of: the data set, its split and what is taken of that."""
        recipe = self.runs[0].run.recipe
        part = "validation" if self.split == "validation" else "limit_test"
        return recipe["dataset"], self.split, recipe.get(part)

    @property
    def paper(self) -> dict[str, Any]:
        """The published figures, empty where there are none."""
        return next((paper for one in self.runs if (paper := one.run.paper())), {})

    def published(self, figure: str) -> float | None:
        """The paper's figure beside one of ours."""
        return self.paper.get({"error": "test_error"}.get(figure, figure))

    def data(self) -> dict[str, Any]:
        """Returns it as JSON takes it."""
        return {
            "row": self.number,
            "recipe": self.name,
            "settings": dict(self.settings),
            "seeds": self.seeds,
            "split": self.split,
            **{
                key: spread and {"each": self.values[key], **spread._asdict()}
                for key, spread in self.spreads.items()
            },
            "paper": self.paper or None,
            "runs": [one.data() for one in self.runs],
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` has found; `print` shows it in 80 columns.

    Attributes:
        rows: one for each experiment, see `Row`.
        chosen: sentences on where the pictures of the test split chose anything.
        notes: sentences on what is not finished, left out, or not comparable with its paper.
    """

    rows: tuple[Row, ...]
    chosen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> list[str]:
        """The flags of what differs between the rows."""
        return list(self.rows[0].settings)

    @property
    def figures(self) -> dict[str, str]:
        """{figure: its name} of those that a table shows."""
        metrics = [one.run.metrics or {} for row in self.rows for one in row.runs]
        classes = max(len(one.get("class_names", ())) for one in metrics)
        is_shown = any(row.published("top5_error") is not None for row in self.rows)
        is_shown = is_shown or classes >= _MANY_CLASSES
        splits = {row.split for row in self.rows} - {None}
        names = FIGURES | {"error": f"{splits.pop()} error" if len(splits) == 1 else "error"}
        return {k: name for k, name in names.items() if is_shown or k != "top5_error"}

    def difference(self, row: Row) -> Spread | None:
        """Returns how far a row's errors are above the first row's, seed by seed.

        Equal seeds share their order of pictures and much of their luck: where the interval of
        their differences leaves out zero, what differs between the rows did something.

        Args:
            row: of `rows`.

        Returns:
            A `Spread`; None for the first row, for other pictures, or fewer than two equal seeds.
        """
        first = self.rows[0]
        ours, theirs = row.errors, first.errors
        seeds = [seed for seed in ours if seed in theirs]
        if row is first or row.measured_on != first.measured_on or len(seeds) < 2:
            return None
        return spread_of([ours[seed] - theirs[seed] for seed in seeds])

    @property
    def about_test_set(self) -> list[str]:
        """Sentences on what the test pictures have chosen, and what they should not choose."""
        runs = [one for row in self.rows for one in row.runs]
        said = list(self.chosen) or ["The test pictures chose nothing, as far as the runs tell."]
        if not self.chosen and any(map(sees_test, runs)):
            said = [
                "After every epoch the test pictures were measured; they chose nothing, as far as "
                "the runs tell."
            ]
        if len(self.rows) > 1 and any(row.split == "test" for row in self.rows):
            said.append(
                "Whoever picks a row by its test error lets them choose: pick by held-out training "
                "pictures (--set validation=5000), and measure the choice once."
            )
        return said

    def data(self) -> dict[str, Any]:
        """Returns all of it as JSON takes it."""
        return {
            "rows": [
                {**row.data(), "above_row_1": spread and spread._asdict()}
                for row in self.rows
                for spread in [self.difference(row)]
            ],
            "chosen_by_test": list(self.chosen),
            "notes": list(self.notes),
        }

    def csv(self) -> str:
        """Returns the table as CSV, each figure in columns of its own."""
        return texts.csv_of(self)

    def markdown(self) -> str:
        """Returns the table in Markdown, as a page or a notebook shows it."""
        return texts.markdown_of(self)

    def latex(self) -> str:
        r"""Returns the table as a `tabular` of LaTeX, which needs `\usepackage{booktabs}`."""
        return texts.latex_of(self)

    def html(self) -> str:
        """Returns a page that needs nothing else, with the curves over each other."""
        from keras_classics.comparison.page import page_of

        return page_of(self)

    def _repr_markdown_(self):
        return self.markdown()

    def __str__(self) -> str:
        return texts.plain_of(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from texts.renderables_of(self)
