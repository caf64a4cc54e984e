"""Which classes are taken for which, and how well each class is found."""

import numpy as np

from keras_classics.report import figures, markup
from keras_classics.report.markup import bullets, paragraph, section, table
from keras_classics.report.run_files import RecordedRun, write_figure
from keras_classics.words import plural

_PAIRS = 20
_BEST, _WORST = 10, 10


def confusion(run: RecordedRun, predictions: dict[str, np.ndarray], names: list[str]) -> str:
    """The confusion matrix; of many classes the pairs that are most often confused."""
    labels, predicted = predictions["labels"], predictions["predicted"]
    totals = np.bincount(labels, minlength=len(names))
    # Of more classes, the square of all pairs is nearly empty and cannot be read.
    is_square = len(names) <= figures.NUMBERED_CLASSES
    pairs = figures.most_confused(labels, predicted, len(names), most=5 if is_square else _PAIRS)
    if not is_square:
        return section("confusion", "Most confused classes", *_pairs(pairs, totals, names))
    common = [
        f"{names[true]} taken for {names[said]}: {count} of {totals[true]} pictures"
        for true, said, count in pairs
        if count > 1
    ]
    return section(
        "confusion",
        "Confusion matrix",
        *_square(run, labels, predicted, names),
        paragraph("Most frequent confusions:") + bullets(common) if common else "",
    )


def classes(predictions: dict[str, np.ndarray], names: list[str]) -> str:
    """Precision and recall of each class; of many, those of the best and of the worst."""
    labels, predicted = predictions["labels"], predictions["predicted"]
    count, said, hits = (
        np.bincount(values, minlength=len(names))
        for values in (labels, predicted, labels[labels == predicted])
    )
    # The harmonic mean of both: 0 for a class that is never found, however often it is named.
    scores = 2 * hits / np.maximum(count + said, 1)
    measured = np.flatnonzero(count)

    def listed(chosen):
        rows = [
            (names[one], f"{count[one]:,}", _share(hits[one], said[one]),
             _share(hits[one], count[one]))
            for one in chosen
        ]  # fmt: skip
        return table(rows, ("", "Pictures", "Precision", "Recall"), "plain")

    if len(measured) <= _BEST + _WORST:
        tables = [listed(measured)]
    else:
        order = measured[np.argsort(-scores[measured], kind="stable")]
        ordered = f"Of {len(measured):,} classes, by the harmonic mean of both (F1): "
        tables = [
            paragraph(f"{ordered}the {_BEST} best,"), listed(order[:_BEST]),
            paragraph(f"and the {_WORST} worst."), listed(order[: -_WORST - 1 : -1]),
        ]  # fmt: skip
    missing = len(names) - len(measured)
    return section(
        "classes",
        "Precision and recall",
        paragraph(
            "Precision: how many of the pictures that were called so are of the class. Recall: how "
            "many of the pictures of the class were called so."
        ),
        *tables,
        paragraph(f"{plural(missing, 'class', 'classes')} without a picture here.", "soft")
        if missing
        else "",
    )


def _square(run, labels, predicted, names):
    counts = figures.confusion(labels, predicted, len(names))
    write_figure(run.path / "figures" / "confusion.png", figures.draw_confusion(counts, names))
    totals = counts.sum(axis=1)
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    # Roots, so that rare confusions are seen too; hits paler, which are nearly all.
    shades = 0.7 * np.sqrt(wrong / max(wrong.max(), 1))
    np.fill_diagonal(shades, 0.35 * np.diag(counts) / np.maximum(totals, 1))
    rows = [
        (
            name,
            [(int(n), round(float(s), 3)) for n, s in zip(counts[true], shades[true], strict=True)],
            f"{100 * (1 - counts[true, true] / totals[true]):.1f} %" if totals[true] else "–",
        )
        for true, name in enumerate(names)
    ]
    yield markup.matrix(names, rows)
    yield paragraph(
        "Each row is a true class, each column an answer. Blue: right. Orange: wrong. The last "
        "column is the error of the class.",
        "soft",
    )


def _pairs(pairs, totals, names):
    if not pairs:
        yield paragraph("Not one picture is taken for another class.")
        return
    rows = [
        (names[true], names[said], f"{count:,} of {totals[true]:,}", _share(count, totals[true]))
        for true, said, count in pairs
    ]
    head = ("What it is", "What it said", "Pictures", "Of the class")
    yield paragraph(f"Of {len(names):,} classes, the pairs that were confused most often.", "soft")
    yield table(rows, head, "plain")


def _share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "–"
