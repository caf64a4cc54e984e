"""The section of the page that says what the network is made of: its drawing and its table."""

from __future__ import annotations

from dataclasses import replace

from keras_classics.drawings.draw import source_of
from keras_classics.network_figures import MULTIPLY_ADDS, STATED
from keras_classics.report import markup
from keras_classics.report.markup import paragraph, section
from keras_classics.report.network import Network
from keras_classics.report.run_files import RecordedRun
from keras_classics.words import amount

_MOST_ROWS = 60  # of a table that is open from the start


def anatomy(run: RecordedRun, network: Network) -> str:
    """The drawing of a network of this package, and the table of any."""
    from keras_classics.anatomy.summary import summary  # brings Keras

    model = network.network
    found = summary(model, depth=1)
    if MULTIPLY_ADDS.get(run.network) == found.totals.multiply_adds:
        found = replace(found, stated=STATED.get(run.network, ()))  # whatever it is called
    layers, totals = found.grids()
    is_long = len(layers.rows) > _MOST_ROWS
    tables = [] if is_long else [markup.grid(*layers)]
    if is_long or any(part.parts for part in found.parts):
        every, _ = summary(model).grids()
        tables.append(markup.details("Every layer", markup.grid(*every)))
    return section(
        "network",
        "The network",
        paragraph(
            f"{model.name} has {amount(found.totals.trained)} trained parameters, and multiplies "
            f"and adds {amount(found.totals.multiply_adds)} times for one picture."
        ),
        _drawing(run, model),
        *tables,
        markup.grid(*totals),
        *(paragraph(note, "soft") for note in found.notes()),
    )


def _drawing(run, model):
    from keras_classics.drawings.figure import figure_of

    is_ours = run.builder.startswith("keras_classics.models.")
    if not is_ours or not getattr(model, "inputs", None):  # the file may hold another than it says
        return ""
    return markup.drawing(figure_of(model, source_of(run.network) if run.network else ""))
