"""The still figures: confusions, mistakes, filters, maps and codes, each a PNG."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_classics.report import pixels
from keras_classics.report.charts import BLUE, GREY, INK, ORANGE, PALE, STYLE, png

NUMBERED_CLASSES = 20
NAMED_CLASSES = 60
TOWER_ROWS = 3  # of filters, as in Fig. 3 of the AlexNet paper
BITMAP = (12, 7)  # the output layer of LeNet-5 reads its 84 inputs as such a picture


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts how often each class (row) was taken for each class (column)."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes**2)
    return pairs.reshape(classes, classes)


def most_confused(
    labels: np.ndarray, predicted: np.ndarray, classes: int, most: int
) -> list[tuple[int, int, int]]:
    """Returns the most frequent (true class, answer, count) of wrong answers, without a matrix."""
    wrong = labels != predicted
    pairs, counts = np.unique(
        labels[wrong].astype(np.int64) * classes + predicted[wrong], return_counts=True
    )
    order = np.argsort(-counts, kind="stable")[:most]
    return [(*divmod(int(pairs[place]), classes), int(counts[place])) for place in order]


def draw_confusion(counts: np.ndarray, names: list[str]) -> bytes:
    """Draws `confusion_figure` as a PNG."""
    with matplotlib.rc_context(STYLE):
        return png(confusion_figure(counts, names))


def confusion_figure(counts: np.ndarray, names: list[str], kind: type[Figure] = Figure) -> Figure:
    """Draws a confusion matrix: hits in blue, confusions in orange, errors of each class beside.

    Args:
        counts: integers of shape (classes, classes), rows are the true classes.
        names: one name per class.
        kind: class of the figure.
    """
    classes = len(counts)
    totals = counts.sum(axis=1)
    hits = np.diag(counts) / np.maximum(totals, 1)
    wrong = counts * (1 - np.eye(classes, dtype=counts.dtype))
    strength = np.sqrt(wrong / max(wrong.max(), 1)) * 0.85
    np.fill_diagonal(strength, -0.3 * hits)
    with matplotlib.rc_context(STYLE):
        figure = kind(figsize=(6.4, 6.2), dpi=135, layout="constrained")
        axes = figure.subplots()
        axes.imshow(pixels.signed(strength, 1), interpolation="nearest")
        axes.set_xlabel("what the network said")
        axes.set_ylabel("what it was")
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.spines[:].set_color(PALE)
        if classes <= NAMED_CLASSES:
            size = min(11, 220 / classes)
            axes.set_xticks(range(classes), names, size=size,
                            rotation=90 if max(map(len, names)) > 2 else 0)  # fmt: skip
            axes.set_yticks(range(classes), names, size=size)
        if classes <= NUMBERED_CLASSES:
            _number(axes, counts, totals, hits)
        return figure


def _number(axes, counts, totals, hits):
    classes = len(counts)
    size = min(11, 130 / classes)
    for row, column in zip(*np.nonzero(counts), strict=True):
        hit = row == column
        axes.text(column, row, counts[row, column], ha="center", va="center", size=size,
                  color=BLUE if hit else INK, weight="normal" if hit else "bold")  # fmt: skip
    note = {"size": size, "va": "center", "color": GREY}
    axes.text(classes - 0.3, -0.9, "error", **note)
    for row in np.flatnonzero(totals):
        axes.text(classes - 0.3, row, f"{100 * (1 - hits[row]):.1f} %", **note)
    axes.set_xticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.grid(which="minor", color=PALE, linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def draw_labelled(cells: np.ndarray, labels: list[str], columns: int, framed: int = -1) -> bytes:
    """Draws pictures of one size in a grid, each with a label above.

    Args:
        cells: uint8 pictures of shape (n, h, w, 3).
        labels: a few words each, in one line or two.
        columns: how many in a row.
        framed: the index of the picture that is marked, or −1.

    Returns:
        A PNG.
    """
    count, height, width, _ = cells.shape
    pitch, gap = 848 // columns, 8
    lines = 1 + max(label.count("\n") for label in labels)
    above = 7 + 19 * lines
    scale = max(1, (pitch - gap) // width)
    longest = max(len(line) for label in labels for line in label.split("\n"))
    size = min(11.5, 0.95 * pitch / longest)  # in points: a letter is 0.6 of its size wide
    step = (height * scale + above + gap, pitch)
    shape = (math.ceil(count / columns) * step[0] + gap, columns * pitch + gap)
    canvas = np.full((*shape, 3), 255, "uint8")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(shape[1] / 120, shape[0] / 120), dpi=120)
        for index, (cell, label) in enumerate(zip(cells, labels, strict=True)):
            top = index // columns * step[0] + above
            left = index % columns * step[1] + gap
            chosen = index == framed
            border, color = (3, pixels.POSITIVE) if chosen else (1, pixels.LINE)
            picture = pixels.tile(cell[None], 1, scale, border=border, line=color)[..., :3]
            y, x = top + 3 - border, left + 3 - border
            canvas[y : y + len(picture), x : x + picture.shape[1]] = picture
            figure.text((x + picture.shape[1] / 2) / shape[1], 1 - (top - 5) / shape[0], label,
                        ha="center", size=size, color=ORANGE if chosen else INK)  # fmt: skip
        figure.figimage(canvas)
        return png(figure)


def draw_filters(towers: Sequence[np.ndarray]) -> bytes:
    """Draws the kernels of a first layer: grey ones by sign, RGB ones as colours.

    Two towers lie one below the other in three rows each, as in Fig. 3 of the AlexNet paper, on
    one scale.

    Args:
        towers: floats of shape (filters, height, width, 1 or 3), one array or two.

    Returns:
        A PNG.
    """
    limit = max(np.abs(kernels).max() for kernels in towers)
    cells = [filter_cells(kernels, limit) for kernels in towers]
    return _below(cells, rows=TOWER_ROWS if len(towers) > 1 else None)


def filter_cells(kernels: np.ndarray, limit: float) -> np.ndarray:
    """Returns each filter as a picture: grey ones by sign, RGB ones as colours, grey at zero.

    Args:
        kernels: floats of shape (filters, height, width, 1 or 3).
        limit: the value that gets the full colour.

    Returns:
        uint8 array of shape (filters, height, width, 3).
    """
    if kernels.shape[-1] == 1:
        return pixels.signed(kernels[..., 0], limit)
    return ((kernels / (limit or 1) + 1) * 127.5).round().astype("uint8")


def draw_maps(towers: Sequence[np.ndarray]) -> bytes:
    """Draws the maps of one layer on one colour scale, those of towers one below the other.

    Args:
        towers: floats of shape (maps, height, width), one array or two.

    Returns:
        A PNG.
    """
    limit = max(np.abs(maps).max() for maps in towers)
    side = 112 if sum(map(len, towers)) <= 12 else 56
    return _below([pixels.signed(pixels.shrink(maps, side), limit) for maps in towers])


def code_cells(
    image: np.ndarray, code: np.ndarray, centers: np.ndarray, names: list[str]
) -> tuple[np.ndarray, list[str], int]:
    """A picture, the 84 values it became, and the bitmaps they are compared with.

    Args:
        image: uint8 picture of shape (h, w, c).
        code: floats of shape (84,).
        centers: the bitmaps, floats of shape (classes, 84).
        names: one name per class.

    Returns:
        uint8 pictures of shape (2 + classes, side, side, 3), a label for each, and the index of the
        nearest bitmap.
    """
    side = max(*image.shape[:2], 28)
    distances = np.square(code - centers).sum(axis=-1)
    drawn = [_centred(pixels.pictures(image[None])[0], side)]
    drawn += _bitmaps(np.stack([code, *centers]), side)
    labels = [f"{name}: {distance:.1f}" for name, distance in zip(names, distances, strict=True)]
    return np.stack(drawn), ["the picture", "84 values", *labels], int(distances.argmin()) + 2


def draw_codes(images: np.ndarray, codes: np.ndarray, bitmaps: np.ndarray) -> bytes:
    """Draws one picture per class, under it the 84 values it became, under them its bitmap.

    Args:
        images: uint8 pictures of shape (n, h, w, c).
        codes: floats of shape (n, 84).
        bitmaps: the centre of each picture's class, floats of shape (n, 84).

    Returns:
        A PNG.
    """
    side = max(*images.shape[1:3], 28)
    drawn = [_centred(picture, side) for picture in pixels.pictures(images)]
    cells = np.stack([*drawn, *_bitmaps(codes, side), *_bitmaps(bitmaps, side)])
    return pixels.png(pixels.tile(cells, len(images), max(1, 840 // len(images) // side)))


def _bitmaps(codes, side):
    return [_centred(cell, side) for cell in pixels.ink(codes.reshape(-1, *BITMAP))]


def _centred(cell, side):
    """Enlarges a cell by a whole number and centres it on a white square."""
    scale = max(1, side // max(cell.shape[:2]))
    cell = cell.repeat(scale, axis=0).repeat(scale, axis=1)
    canvas = np.full((side, side, 3), 255, "uint8")
    top, left = (side - cell.shape[0]) // 2, (side - cell.shape[1]) // 2
    canvas[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return canvas


def _below(towers, rows=None):
    """Tiles the cells of each tower, with a gap between towers of one size."""
    strips = [tiled(cells, rows) for cells in towers]
    gap = pixels.blank(14, strips[0].shape[1])
    strips = [strip for one in strips for strip in (gap, one)]
    return pixels.png(np.concatenate(strips[1:]))


def tiled(cells: np.ndarray, rows: int | None = None) -> np.ndarray:
    """Tiles cells as large as fits on 700 by 250 pixels, in rows of about equal length.

    Args:
        cells: uint8 pictures of shape (n, h, w, 3).
        rows: how many, which then may be higher than that; None for as many as fit.

    Returns:
        uint8 array of shape (H, W, 4), as `pixels.tile`.
    """
    count, height, width, _ = cells.shape
    if rows:
        columns = math.ceil(count / rows)
        return pixels.tile(cells, columns, max(1, (700 // columns - 6) // width))
    for scale in range(max(1, 110 // width), 0, -1):
        columns = max(1, 700 // (width * scale + 6))
        rows = math.ceil(count / columns)
        if rows * (height * scale + 6) <= 250:
            break
    return pixels.tile(cells, math.ceil(count / rows), scale)
