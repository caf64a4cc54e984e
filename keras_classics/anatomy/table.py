"""The table of a network: in a terminal, in Markdown, and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from keras_classics.anatomy.grid import Grid, Row, in_console, printable
from keras_classics.anatomy.parts import Counts, Part, Reduction
from keras_classics.network_figures import Stated
from keras_classics.words import amount

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

COLUMNS = ("default", "all")
_NAMED = 8  # of the layers that are not counted
_NOTE = (
    "Multiply-adds: of convolutions and dense layers, for one picture. "
    "Field: receptive field, pixels of the picture along one side."
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The layers of a network, and their totals; `print` shows it in 80 columns.

    Attributes:
        name: the model's.
        parts: its layers, blocks, and models inside.
        reductions: 1×1 convolutions in front of larger ones, in Inception modules.
        stated: figures of the network's paper; none of other networks.
        depth: how many floors are shown; None for all.
        columns: "default" or "all".
        slots: numbers that the optimiser keeps for each trained weight.
    """

    name: str
    parts: tuple[Part, ...]
    reductions: tuple[Reduction, ...] = ()
    stated: tuple[Stated, ...] = ()
    depth: int | None = None
    columns: str = "default"
    slots: int = 1

    @property
    def totals(self) -> Counts:
        """The counts of all layers together."""
        return sum((part.counts for part in self.parts), Counts())

    @property
    def uncounted(self) -> list[str]:
        """The layers whose multiply-adds are not known, as "name (class)"."""
        layers = (layer for part in self.parts for layer in part.layers())
        return [f"{layer.name} ({layer.kind})" for layer in layers if layer.uncounted]

    def data(self) -> dict[str, Any]:
        """Returns all of it as JSON takes it, down to `depth`, whatever `columns` is.

        Example:
            >>> import keras_classics
            >>> found = keras_classics.summary(keras_classics.lenet5()).data()
            >>> found["layers"][1]["name"], found["layers"][1]["output"], found["totals"]["neurons"]
            ('C1', [[28, 28, 6]], 6518)
        """
        return {
            "name": self.name,
            "layers": self._data_of(self.parts),
            "totals": self._data_of_counts(self.totals),
            "uncounted": self.uncounted,
            "stated": [one._asdict() for one in self.stated],
            "reductions": [
                asdict(one) | {"multiply_adds": one.multiply_adds, "without": one.without}
                for one in self.reductions
            ],
        }

    def _data_of(self, parts, floor=1):
        found = []
        for part in parts:
            row = {
                "name": part.name,
                "class": part.kind,
                "input": [list(shape) for shape in part.inputs],
                "output": [list(shape) for shape in part.outputs],
                "maps": part.maps,
                "kernel_size": list(part.window.kernel_size) if part.window else None,
                "strides": list(part.window.strides) if part.window else None,
                "receptive_field": _pixels(part.receptive_field),
                "shared": part.shared,
                **self._data_of_counts(part.counts),
            }
            if any(layer.uncounted for layer in part.layers()):
                row["multiply_adds"] = None
            if self._is_open(part, floor):
                row["layers"] = self._data_of(part.parts, floor + 1)
            found.append(row)
        return found

    def _data_of_counts(self, counts):
        return asdict(counts) | {"slot_bytes": self.slots * counts.gradient_bytes}

    def markdown(self) -> str:
        """Returns the tables in Markdown, as a page or a notebook shows them."""
        return "\n".join([*(grid.markdown() for grid in self.grids()), *self.notes(), ""])

    def _repr_markdown_(self):
        return self.markdown()

    def __str__(self) -> str:
        return in_console(self)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        for grid in self.grids():
            yield grid.rich()
            yield Text()
        yield from map(Text, self.notes())

    def _is_open(self, part, floor):
        return bool(part.parts) and (self.depth is None or floor < self.depth)

    def _rows(self, cells_of, parts=None, floor=1):
        """A row for each part; of an opened one without what the rows below it count."""
        for part in self.parts if parts is None else parts:
            name = "  " * (floor - 1) + _label(part)
            is_open = self._is_open(part, floor)
            cells = cells_of(replace(part, parts=()) if is_open else part)
            yield Row((name, *cells), is_heading=is_open)
            if is_open:
                yield from self._rows(cells_of, part.parts, floor + 1)

    def grids(self) -> Iterator[Grid]:
        """Yields its tables as texts: that of the layers first, that of the totals last."""
        header: Sequence[str] = (
            "Layer",
            "Output",
            "Kernel",
            "Parameters",
            "Multiply-adds",
            "Field",
        )
        yield Grid(self.name, header, list(self._rows(_cells)))
        if self.columns == "all":
            header = ("Layer", "Class", "Input", "Maps", "Activations")
            yield Grid(
                "Maps and activations of one picture", header, list(self._rows(_cells_of_maps))
            )
            header = ("Layer", "Weights", "Gradients", "Slots", "Activations")
            rows = list(self._rows(self._cells_of_memory))
            yield Grid("Memory in training; activations of one picture", header, rows)
            if self.reductions:
                header = ("Convolution", "Behind its reduction", "Without", "Saved")
                rows = [Row(_cells_of_reduction(one)) for one in self.reductions]
                yield Grid("Multiply-adds that reductions save", header, rows)
        yield self._grid_of_totals()

    def _cells_of_memory(self, part):
        counts = part.counts
        slots = self.slots * counts.gradient_bytes
        sizes = (counts.weight_bytes, counts.gradient_bytes, slots, counts.activation_bytes)
        return [amount(size, "B") if size else "" for size in sizes]

    def _grid_of_totals(self):
        counts, stated = self.totals, {one.figure: one for one in self.stated}
        fixed = counts.parameters - counts.trained
        saved = sum(one.without - one.multiply_adds for one in self.reductions)
        least = "at least " * bool(self.uncounted)
        rows = [
            ("Trained parameters", f"{counts.trained:,}", "parameters"),
            ("Other parameters", f"{fixed:,}" if fixed else "", ""),
            ("Multiply-adds", f"{least}{counts.multiply_adds:,}", "multiply_adds"),
            ("Saved by 1×1 reductions", f"{saved:,}" if saved else "", ""),
            ("Neurons", f"{counts.neurons:,}", "neurons"),
            ("Weights", amount(counts.weight_bytes, "B"), ""),
            ("Gradients", amount(counts.gradient_bytes, "B"), ""),
            (f"Slots, {self.slots} a weight", amount(self.slots * counts.gradient_bytes, "B"), ""),
            ("Activations of a picture", amount(counts.activation_bytes, "B"), ""),
        ]
        found = []
        for label, ours, figure in rows:
            paper = stated.get(figure)
            theirs = (f"{paper.value:,}", paper.where) if paper else ()
            if ours:
                found.append(Row((label, ours, *theirs)))
        header = ("Total", "here", "paper", "where") if stated else ("Total", "here")
        return Grid("Totals", header, found)

    def notes(self) -> Iterator[str]:
        """Yields what has to be said below the tables."""
        yield _NOTE
        if names := self.uncounted:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            yield printable(f"Multiply-adds not counted: {', '.join(names[:_NAMED])}{more}.")
        if any(layer.shared for part in self.parts for layer in part.layers()):
            yield "shared: a layer whose weights are counted where it is called first."


def _label(part):
    """The last part of a name; of an input that Keras named by a number, what it is."""
    is_unnamed = part.kind == "InputLayer" and part.name.startswith("input_layer")
    return "input" if is_unnamed else part.name.rpartition("/")[2]


def _cells(part):
    counts = part.counts
    is_unknown = any(layer.uncounted for layer in part.layers())
    products = f"{counts.multiply_adds:,}" if counts.multiply_adds else ""
    return (
        _shape(part.outputs),
        _window(part.window),
        "shared" if part.shared else f"{counts.parameters:,}" if counts.parameters else "",
        "unknown" if is_unknown else products,
        _field(part.receptive_field),
    )


def _cells_of_maps(part):
    activations = part.counts.activations
    return (
        part.kind,
        _shape(part.inputs) if part.inputs else "",
        "" if part.maps is None else f"{part.maps:,}",
        f"{activations:,}" if activations else "",
    )


def _cells_of_reduction(one):
    return (one.name, *one.operands, f"{one.without - one.multiply_adds:,}")


def _shape(shapes):
    """The first of several: "28×28×6", "10", "?×?×3"."""
    if not shapes:
        return "?"
    more = " …" * (len(shapes) > 1)
    return "×".join("?" if side is None else str(side) for side in shapes[0]) + more


def _window(window):
    """As "5×5", or "11×11/4" where it strides."""
    if window is None:
        return ""
    kernel_size, strides, _ = window
    step = strides if len(set(strides)) > 1 else strides[:1]
    return "×".join(map(str, kernel_size)) + (
        "" if step == (1,) else f"/{'×'.join(map(str, step))}"
    )


def _pixels(field):
    """What a unit sees, as JSON takes it: [rows, columns], "all", or None."""
    if field is None or isinstance(field, str):
        return field
    return [side.size for side in field]


def _field(field):
    sides = _pixels(field)
    if sides is None or isinstance(sides, str):
        return sides or "?"
    return "×".join(map(str, sides if len(set(sides)) > 1 else sides[:1]))
