"""The sections of the page that show what the network got wrong."""

import numpy as np

from keras_classics.report import figures, markup, pixels, values
from keras_classics.report.markup import bullets, figure, paragraph, section
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
    hover = f"picture {index}, {values.sure(sure)} sure of its answer"
    return markup.image(pixels.png(picture), f"{text}, {hover}", title=hover)
