"""The sections of the page that show pictures: mistakes, filters, maps and codes."""

import re

import numpy as np

from keras_classics.report import figures, live, markup, pixels
from keras_classics.report.markup import bullets, figure, paragraph, section
from keras_classics.report.network import Network, size_in_words
from keras_classics.report.predictions import read_predictions
from keras_classics.report.run_files import RecordedRun, ReportError, write_figure

MISTAKES = 100


def mistakes(run: RecordedRun) -> list[str]:
    """The confusion matrix and the misclassified pictures."""
    try:
        predictions = read_predictions(run.path / "predictions.npz")
    except ReportError as error:
        text = paragraph(f"{error} Without it there are no confusions and mistakes to show.")
        return [section("confusion", "Confusions and mistakes", text)]
    labels, predicted = predictions["labels"], predictions["predicted"]
    names = run.class_names(predictions["probabilities"].shape[1])
    return [
        _confusion(run, labels, predicted, names),
        _misclassified(run, predictions, names),
    ]


def inside(run: RecordedRun) -> list[str]:
    """The pad to draw on, first filters, maps of every stage, the code before an RBF output."""
    try:
        network = Network(run.path / "model.keras")
    except ReportError as error:
        text = paragraph(f"{error} Without it there is no network to look into.")
        return [section("filters", "Inside the network", text)]
    sections = [*live.pad(run, network), _filters(run, network)]
    try:
        predictions = read_predictions(run.path / "predictions.npz")
    except ReportError as error:
        text = paragraph(f"{error} Without it there is no picture to show the network.")
        return [*sections, section("maps", "Feature maps", text)]
    if len(predictions["sample_images"]):
        names = run.class_names(predictions["probabilities"].shape[1])
        shown = _sample(predictions)
        sections += [
            _maps(run, network, predictions, names, shown),
            _code(run, network, predictions, names, shown),
        ]
    return sections


def _keep(run, name, content):
    write_figure(run.path / "figures" / name, content)
    return content


def _confusion(run, labels, predicted, names):
    classes = len(names)
    totals = np.bincount(labels, minlength=classes)
    is_drawn = classes <= figures.DRAWN_CLASSES  # the matrix grows with their square
    confused = figures.most_confused(labels, predicted, classes, most=5 if is_drawn else 20)
    common = [
        f"{names[true]} taken for {names[said]}: {count} of {totals[true]} pictures"
        for true, said, count in confused
        if count > 1
    ]
    return section(
        "confusion",
        "Confusion matrix" if is_drawn else "Confusions",
        _matrix(run, labels, predicted, names) if is_drawn else "",
        paragraph("Most frequent confusions:") + bullets(common) if common else "",
    )


def _matrix(run, labels, predicted, names):
    counts = figures.confusion(labels, predicted, len(names))
    return figure(
        _keep(run, "confusion.png", figures.draw_confusion(counts, names)),
        f"Confusion matrix of {len(counts)} classes: {np.trace(counts):,} of {counts.sum():,} "
        "pictures lie on the diagonal.",
        "Each row is a true class, each column an answer. Blue: right. Orange: wrong.",
    )


def _misclassified(run, predictions, names):
    title = "Misclassified pictures"
    true, said = predictions["labels"], predictions["predicted"]
    total = int((true != said).sum())
    chosen = predictions["wrong_index"][:MISTAKES]
    if not len(chosen):
        return section("mistakes", title, paragraph("Not one picture."))
    drawn = pixels.shrink(pixels.pictures(predictions["wrong_images"][:MISTAKES]), 84)
    texts = [f"{names[true[i]]}→{names[said[i]]}" for i in chosen]
    wide = max(map(len, texts)) > 9
    columns, labels = (8, [t.replace("→", "→\n") for t in texts]) if wide else (10, texts)
    _keep(run, "misclassified.png", figures.draw_labelled(drawn, labels, columns))
    pictures = [
        (_mistake(picture, text, index, predictions), (names[true[index]], names[said[index]]))
        for picture, text, index in zip(drawn, texts, chosen, strict=True)
    ]
    count = "The one picture" if total == 1 else f"All {total:,} pictures"
    if total > len(chosen):
        count = f"The first {len(chosen)} of {total:,} pictures"
    lead = f"{count} of {len(true):,} that it got wrong, each with what it is → what it said."
    return section("mistakes", title, paragraph(lead), markup.gallery(pictures, wide))


def _mistake(picture, text, index, predictions):
    sure = predictions["probabilities"][index, predictions["predicted"][index]]
    hover = f"picture {index}, {_sure(sure)} sure of its answer"
    return markup.image(pixels.png(picture), f"{text}, {hover}", title=hover)


def _filters(run, network):
    title = "First-layer filters"
    found = network.first_filters()
    if found is None:
        text = "The first layer of this network has no filters that can be drawn."
        return section("filters", title, paragraph(text))
    name, kernels = found
    count, height, width, channels = kernels.shape
    size = f"{count} filters of {height}×{width} weights"
    picture = _keep(run, "filters.png", figures.draw_filters(kernels))
    lead = f"{name} slides these {size} over the picture; each makes one map."
    return section(
        "filters", title, paragraph(lead), markup.scale() if channels == 1 else "",
        figure(picture, f"The {size} of layer {name}."),
    )  # fmt: skip


def _sure(probability):
    return "more than 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def _sample(predictions):
    """The picture to follow through the network: one that it gets right, if there is any."""
    labels, predicted = predictions["labels"], predictions["predicted"]
    first = [int(np.flatnonzero(labels == label)[0]) for label in predictions["sample_labels"]]
    right = np.flatnonzero(labels[first] == predicted[first])
    return int(right[len(right) // 2]) if right.size else 0


def _maps(run, network, predictions, names, shown):
    image_shown = predictions["sample_images"][shown]
    label = predictions["sample_labels"][shown]
    name = names[label]
    position = int(np.flatnonzero(predictions["labels"] == label)[0])
    said = names[predictions["predicted"][position]]
    sure = predictions["probabilities"][position].max()
    picture = pixels.pictures(image_shown[None])
    scale = max(1, 112 // picture.shape[2])
    height, width = image_shown.shape[:2]
    rows = [markup.stage("picture", f"{height}×{width}", pixels.png(pixels.tile(picture, 1, scale)),
                 f"The picture, class {name}.")]  # fmt: skip
    for stage in network.stages(image_shown):
        file = f"maps_{re.sub('[^A-Za-z0-9_-]', '_', stage.name)}.png"
        drawn = _keep(run, file, figures.draw_maps(stage.maps))
        alt = f"The maps of layer {stage.name}."
        reach = f"full colour: ±{np.abs(stage.maps).max():.2g}"
        rows.append(markup.stage(stage.name, _size(stage), drawn, alt, reach))
    return section(
        "maps",
        "Feature maps",
        paragraph(
            f"One test picture of class {name} on its way through the network, which answers "
            f"{said} and is {_sure(sure)} sure. The maps of one layer share one colour scale."
        ),
        markup.scale(),
        *rows,
    )


def _size(stage):
    count, *sides = stage.maps.shape
    shown = f", {count} shown" if stage.count > count else ""
    return size_in_words(stage.count, *sides) + shown


def _code(run, network, predictions, names, shown):
    found = network.code(predictions["sample_images"])
    if found is None or found[1].shape[1] != np.prod(figures.BITMAP):
        return ""
    name, codes, centers = found
    images, labels = predictions["sample_images"], predictions["sample_labels"]
    one = figures.draw_code(images[shown], codes[shown], centers, names)
    every = figures.draw_codes(images, codes, centers[labels])
    distances = np.square(codes[shown] - centers).sum(axis=-1)
    listed = ", ".join(f"{n} {d:.1f}" for n, d in zip(names, distances, strict=True))
    return section(
        "code",
        f"{name} beside the bitmaps",
        paragraph(
            f"The 84 values of {name}, laid out as 12 rows of 7, should look like a drawing of the "
            "digit: the output layer compares them with ten fixed drawings, and the nearest wins."
        ),
        figure(
            _keep(run, "code.png", one),
            f"A picture, its 84 values and ten bitmaps. Squared distances: {listed}.",
            "Above each drawing its squared distance from the 84 values; the nearest is framed.",
        ),
        figure(
            _keep(run, "codes.png", every),
            f"Pictures of the classes {', '.join(names[label] for label in labels)}, the 84 values "
            "that each became, and the bitmap of its class.",
            f"Above: the first test picture of each class. Middle: what {name} makes of it. "
            "Below: the drawing that it should match.",
        ),
    )
