"""Sections that show training pictures: those near to a measured one, and the first batch."""

import numpy as np

from keras_classics.report import markup, pixels
from keras_classics.report.answers.pictures import shown
from keras_classics.report.markup import paragraph, section
from keras_classics.report.run_files import RecordedRun
from keras_classics.report.values import plain


def neighbours(
    predictions: dict[str, np.ndarray], names: list[str], pictures: dict[int, np.ndarray]
) -> str:
    """Pictures with the training pictures that are nearest in the last hidden layer."""
    if "near_index" not in predictions:
        return ""
    labels = predictions["labels"]
    near, distances = predictions["near_labels"], predictions["near_distances"]
    images = shown(predictions, "near_images")
    rows = []
    for row, place in enumerate(predictions["near_index"]):
        if place not in pictures:
            continue
        first = row * near.shape[1]
        others = [
            _cell(images[first + column], names[label], f"distance {distance:.3g}")
            for column, (label, distance) in enumerate(zip(near[row], distances[row], strict=True))
        ]
        rows.append((_cell(pictures[place], names[labels[place]], f"picture {place}"), others))
    if not rows:
        return ""
    return section(
        "near",
        "Nearest in the last hidden layer",
        paragraph(
            "As in Fig. 4 of the AlexNet paper: behind each picture the training pictures, of "
            f"{predictions['near_among'][0]:,}, whose values in the last hidden layer have the "
            "smallest Euclidean distance from its own. The network takes them to be alike, even "
            "where their pixels are not."
        ),
        *[markup.beside(first, others) for first, others in rows],
    )


def first_batch(run: RecordedRun, predictions: dict[str, np.ndarray], names: list[str]) -> str:
    """What the network was shown in its first step."""
    if "batch_images" not in predictions or not len(predictions["batch_images"]):
        return ""
    labels = predictions["batch_labels"]
    cells = [
        _cell(picture, names[label], "as it was shown")
        for picture, label in zip(shown(predictions, "batch_images"), labels, strict=True)
    ]
    which = "picture" if len(labels) == 1 else f"{len(labels)} pictures"
    transforms = run.recipe.get("train_transforms")
    done = f"behind {plain(transforms)}" if transforms else "which no transform changes"
    return section(
        "batch",
        "The first batch",
        paragraph(
            f"The first {which} that training showed the network, {done}. Whoever "
            f"trains the recipe again with seed {run.seed} sees the same."
        ),
        markup.gallery(cells, max(map(len, names)) > 9),
    )


def _cell(picture, name, note):
    return markup.image(pixels.png(picture), f"{name}, {note}", title=note), [name]
