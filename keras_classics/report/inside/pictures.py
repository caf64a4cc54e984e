"""The sections of the page that show a network from inside: filters, maps and codes."""

from __future__ import annotations

import math
import re

import numpy as np

from keras_classics.report import figures, markup, pixels
from keras_classics.report.markup import figure, paragraph, section
from keras_classics.report.network import Network, Stage, size_in_words
from keras_classics.report.run_files import RecordedRun, write_figure
from keras_classics.report.values import sure

MAX_STAGES = 12


def filters(run: RecordedRun, network: Network) -> str:
    """The kernels of the first convolution; of two towers those of both."""
    title = "First-layer filters"
    found = network.first_filters()
    if not found:
        text = "The first layer of this network has no filters that can be drawn."
        return section("filters", title, paragraph(text))
    name, kernels = found[0]
    count, height, width, channels = kernels.shape
    size = f"{count} filters of {height}×{width} weights"
    lead = f"{name} slides these {size} over the picture; each makes one map."
    if len(found) > 1:
        names = " and ".join(name for name, _ in found)
        lead = f"{names} slide {size} each over the picture, one tower below the other."
    picture = figures.draw_filters([kernels for _, kernels in found])
    return section(
        "filters",
        title,
        paragraph(lead),
        markup.scale() if channels == 1 else "",
        figure(_keep(run, "filters.png", picture), f"The filters: {lead}"),
    )


def maps(
    run: RecordedRun, network: Network, predictions: dict[str, np.ndarray], names: list[str]
) -> str:
    """One picture on its way through the network."""
    shown = _sample(predictions)
    image = predictions["sample_images"][shown]
    label = predictions["sample_labels"][shown]
    name = names[label]
    position = int(np.flatnonzero(predictions["labels"] == label)[0])
    said = names[predictions["predicted"][position]]
    share = predictions["probabilities"][position].max()
    picture = pixels.pictures(image[None])
    height, width = image.shape[:2]
    drawn = pixels.png(pixels.tile(picture, 1, max(1, 112 // width)))
    becomes = network.becomes(image)
    rows = [
        markup.stage("picture", f"{height}×{width}", drawn, f"The picture, class {name}.", becomes)
    ]
    stages, thinned = network.stages(image), ""
    if len(stages) > MAX_STAGES:
        last = {stage.towers[0].shape[1:]: stage for stage in stages}
        thinned = f" Of {len(stages)} layers those are shown with which a size of the maps ends."
        stages = list(last.values())
    rows += [_row(run, stage) for stage in stages]
    return section(
        "maps",
        "Feature maps",
        paragraph(
            f"One test picture of class {name} on its way through the network, which answers "
            f"{said} and is {sure(share)} sure. The maps of one layer share one colour scale."
            f"{thinned}"
        ),
        markup.scale(),
        *rows,
    )


def code(
    run: RecordedRun, network: Network, predictions: dict[str, np.ndarray], names: list[str]
) -> str:
    """The values that the output layer of LeNet-5 reads as a drawing; nothing of other networks."""
    found = network.code(predictions["sample_images"])
    if found is None or found[1].shape[1] != np.prod(figures.BITMAP):
        return ""
    name, codes, centers = found
    shown = _sample(predictions)
    images, labels = predictions["sample_images"], predictions["sample_labels"]
    cells, texts, nearest = figures.code_cells(images[shown], codes[shown], centers, names)
    columns = math.ceil(len(cells) / 2)
    _keep(run, "code.png", figures.draw_labelled(cells, texts, columns, nearest))
    every = figures.draw_codes(images, codes, centers[labels])
    gallery = [
        (markup.image(pixels.png(cell), f"Drawn: {text}"), [text])
        for cell, text in zip(cells, texts, strict=True)
    ]
    return section(
        "code",
        f"{name} beside the bitmaps",
        paragraph(
            f"The 84 values of {name}, laid out as 12 rows of 7, should look like a drawing of the "
            "digit: the output layer compares them with ten fixed drawings, and the nearest wins."
        ),
        markup.gallery(gallery, chosen=nearest),
        paragraph(
            "Below each drawing its squared distance from the 84 values; the nearest is framed.",
            "soft",
        ),
        figure(
            _keep(run, "codes.png", every),
            f"Pictures of the classes {', '.join(names[label] for label in labels)}, the 84 values "
            "that each became, and the bitmap of its class.",
            f"Above: the first test picture of each class. Middle: what {name} makes of it. "
            "Below: the drawing that it should match.",
        ),
    )


def _keep(run, name, content):
    write_figure(run.path / "figures" / name, content)
    return content


def _sample(predictions):
    """The picture to follow through the network: one that it gets right, if there is any."""
    classes, first = np.unique(predictions["labels"], return_index=True)
    kept = first[np.searchsorted(classes, predictions["sample_labels"])]
    right = np.flatnonzero(predictions["labels"][kept] == predictions["predicted"][kept])
    return int(right[len(right) // 2]) if right.size else 0


def _row(run: RecordedRun, stage: Stage):
    file = f"maps_{re.sub('[^A-Za-z0-9_-]', '_', stage.name)}.png"
    drawn = _keep(run, file, figures.draw_maps(stage.towers))
    reach = f"full colour: ±{max(np.abs(tower).max() for tower in stage.towers):.2g}"
    notes = [stage.becomes, reach]
    return markup.stage(stage.name, _size(stage), drawn, f"The maps of {stage.name}.", *notes)


def _size(stage):
    _, *sides = stage.towers[0].shape
    shown = len(stage.towers[0])
    size = size_in_words(stage.count, *sides) + (f", {shown} shown" if shown < stage.count else "")
    return f"{len(stage.towers)} towers of {size}" if len(stage.towers) > 1 else size
