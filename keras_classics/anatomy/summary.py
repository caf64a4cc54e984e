"""A network as a table: its layers, what they are made of, and the totals beside the paper's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from keras_classics import checks
from keras_classics.anatomy.dissection import checked, dissect
from keras_classics.anatomy.table import COLUMNS, Summary
from keras_classics.network_figures import MOST_FLOORS, MULTIPLY_ADDS, STATED
from keras_classics.trained_model import network_of

if TYPE_CHECKING:
    import keras


def summary(
    model: keras.Model,
    *,
    depth: int | None = None,
    columns: Literal["default", "all"] = "default",
    slots: int = 1,
) -> Summary:
    """Returns the layers of any Keras model as a table, which prints in 80 columns.

    What is counted, and how, says `keras_classics.anatomy`. Of a network of this package, as it is
    built without options, the totals stand beside those of its paper.

    Args:
        model: a built model; blocks, Inception modules and models inside it are opened.
        depth: how many floors are shown: 1 for the model's own, with each block, module and model
            inside as one row; None for all.
        columns: "default": output, window, parameters, multiply-adds, receptive field; "all": also
            inputs, maps, activations, and the memory of training, layer by layer.
        slots: numbers that the optimiser keeps for each trained weight: 1 with momentum, 2 of Adam.

    Returns:
        `Summary`: printed, `markdown()`, or `data()` as JSON takes it.

    Raises:
        ValueError: for an argument that is none of the above, or a model that is not built.

    Example:
        >>> import keras_classics
        >>> table = keras_classics.summary(keras_classics.lenet5())
        >>> table.totals.trained, table.totals.multiply_adds
        (60000, 326520)
        >>> print(str(table).splitlines()[4])
        C1        28×28×6     5×5         156        117,600      5
    """
    checked("model", model)
    if depth is not None:
        checks.integer("depth", depth, most=MOST_FLOORS)
    checks.choice("columns", columns, COLUMNS)
    checks.integer("slots", slots, 0)
    parts, reductions = dissect(model)
    found = Summary(
        name=model.name,
        parts=parts,
        reductions=reductions,
        depth=depth,
        columns=columns,
        slots=slots,
    )
    network = network_of(model).name
    is_published = MULTIPLY_ADDS.get(network) == found.totals.multiply_adds
    return replace(found, stated=STATED.get(network, ())) if is_published else found
