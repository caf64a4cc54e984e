"""The sections of the page that look into the network."""

from __future__ import annotations

from keras_classics.report import live
from keras_classics.report.inside.anatomy import anatomy
from keras_classics.report.inside.pictures import code, filters, maps
from keras_classics.report.markup import paragraph, section
from keras_classics.report.network import Network
from keras_classics.report.predictions import read_predictions
from keras_classics.report.run_files import RecordedRun, ReportError


def inside(run: RecordedRun) -> list[str]:
    """The pad to draw on, what the network is made of, filters, maps, and the code of LeNet-5."""
    try:
        network = Network(run.path / "model.keras")
    except ReportError as error:
        text = paragraph(f"{error} Without it there is no network to look into.")
        return [section("filters", "Inside the network", text)]
    sections = [*live.pad(run, network), anatomy(run, network), filters(run, network)]
    try:
        predictions = read_predictions(run.path / "predictions.npz")
    except ReportError as error:
        text = paragraph(f"{error} Without it there is no picture to show the network.")
        return [*sections, section("maps", "Feature maps", text)]
    if len(predictions["sample_images"]):
        names = run.class_names(predictions["probabilities"].shape[1])
        sections += [
            maps(run, network, predictions, names),
            code(run, network, predictions, names),
        ]
    return sections
