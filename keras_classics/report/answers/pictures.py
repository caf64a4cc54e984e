"""The pictures that a run keeps, and the sections that show what the network said of them."""

import numpy as np

from keras_classics.report import figures, markup, pixels
from keras_classics.report.markup import paragraph, section
from keras_classics.report.predictions import certainty, extremes, first_of
from keras_classics.report.run_files import RecordedRun, write_figure
from keras_classics.report.values import sure

MISTAKES = 100
CERTAIN = 10
SIDE = 84  # pixels of the longer side of a picture in the page
_ANSWERED = 8  # pictures, and the answers of each: as in Fig. 4 of the AlexNet paper
_ANSWERS = 5
_KINDS = {
    (True, True): "Right, and the most certain:",
    (True, False): "Right, and the least certain:",
    (False, True): "Wrong, and the most certain:",
    (False, False): "Wrong, and the least certain:",
}


def shown(predictions: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Returns the pictures of a name as the page shows them, RGB and no larger than there.

    Whether grey ones are light on dark is decided by the samples, for all alike.
    """
    images, samples = predictions[name], predictions["sample_images"]
    if not len(images):
        return images
    return pixels.shrink(pixels.pictures(images, pixels.is_light_on_dark(samples)), SIDE)


def kept(predictions: dict[str, np.ndarray]) -> dict[int, np.ndarray]:
    """Returns {position: RGB picture} of the measured pictures that predictions.npz holds."""
    labels = predictions["labels"]
    first = np.array([first_of(label, labels) for label in predictions["sample_labels"]], int)
    groups = [(first, "sample_images"), (predictions["wrong_index"], "wrong_images")]
    if "certain_index" in predictions:
        groups.append((predictions["certain_index"], "certain_images"))
    return {
        int(position): picture
        for positions, name in groups
        for position, picture in zip(positions, shown(predictions, name), strict=True)
    }


def misclassified(run: RecordedRun, predictions: dict[str, np.ndarray], names: list[str]) -> str:
    """The first pictures that it got wrong."""
    title = "Misclassified pictures"
    true, said = predictions["labels"], predictions["predicted"]
    total = int((true != said).sum())
    chosen = predictions["wrong_index"][:MISTAKES]
    if not len(chosen):
        return section("mistakes", title, paragraph("Not one picture."))
    drawn = shown(predictions, "wrong_images")[:MISTAKES]
    texts = [f"{names[true[i]]}→{names[said[i]]}" for i in chosen]
    wide = max(map(len, texts)) > 9
    columns, labels = (8, [t.replace("→", "→\n") for t in texts]) if wide else (10, texts)
    file = run.path / "figures" / "misclassified.png"
    write_figure(file, figures.draw_labelled(drawn, labels, columns))
    pictures = [
        (_image(picture, text, index, predictions), [names[true[index]], names[said[index]]])
        for picture, text, index in zip(drawn, texts, chosen, strict=True)
    ]
    count = "The one picture" if total == 1 else f"All {total:,} pictures"
    if total > len(chosen):
        count = f"The first {len(chosen)} of {total:,} pictures"
    lead = f"{count} of {len(true):,} that it got wrong, each with what it is → what it said."
    return section("mistakes", title, paragraph(lead), markup.gallery(pictures, wide))


def certain(
    predictions: dict[str, np.ndarray], names: list[str], pictures: dict[int, np.ndarray]
) -> str:
    """Right and wrong answers of which the network was the most and the least certain."""
    if not pictures:
        return ""
    among = np.array(sorted(pictures))
    if "certain_index" in predictions:  # whose pictures are all kept
        lead = f"Of {len(predictions['labels']):,} pictures,"
    else:
        lead = f"Of the {len(among):,} pictures that this run has kept,"
    labels, predicted = predictions["labels"], predictions["predicted"]
    shares = certainty(predictions)
    parts = []
    for kind, found in extremes(labels[among], predicted[among], shares[among], CERTAIN).items():
        if len(found):
            cells = [_answer(place, pictures, predictions, names) for place in among[found]]
            wide = max(len(word) for _, words in cells for word in words) > 9
            parts += [paragraph(_KINDS[kind]), markup.gallery(cells, wide)]
    return section(
        "certain",
        "Most and least certain",
        paragraph(
            f"{lead} those with the highest and the lowest probability of the network's own answer."
        ),
        *parts,
    )


def _answer(place, pictures, predictions, names):
    true, said = names[predictions["labels"][place]], names[predictions["predicted"][place]]
    text = true if true == said else f"{true}→{said}"
    said += f" {sure(_certainty(place, predictions))}".replace(" %", "\u00a0%")
    words = [said] if text == true else [true, said]
    return _image(pictures[place], text, place, predictions), words


def best_answers(
    predictions: dict[str, np.ndarray], names: list[str], pictures: dict[int, np.ndarray]
) -> str:
    """Eight pictures with the five most probable classes of each."""
    labels = predictions["labels"]
    first = [first_of(label, labels) for label in predictions["sample_labels"]]
    if len(first) > _ANSWERED:  # some of all classes, not those of the first letters
        spread = np.linspace(0, len(first) - 1, _ANSWERED).round().astype(int)
        first = [first[place] for place in spread]
    mistakes = [int(place) for place in predictions["wrong_index"] if place not in first]
    chosen = [*first, *mistakes][:_ANSWERED]
    if not chosen:
        return ""
    cards = []
    for place in chosen:
        shares = np.nan_to_num(predictions["probabilities"][place].astype("float64"))
        best = np.argsort(-shares, kind="stable")[:_ANSWERS]
        answers = [
            (names[one], sure(shares[one]), f"{100 * np.clip(shares[one], 0, 1):.1f}",
             one == labels[place])
            for one in best
        ]  # fmt: skip
        name = names[labels[place]]
        picture = markup.image(pixels.png(pictures[place]), f"Picture {place}, {name}.")
        cards.append((picture, name, answers))
    return section(
        "best",
        "The most probable answers",
        paragraph(
            "As in Fig. 4 of the AlexNet paper: beside each picture its class, and the answers "
            "that the network takes to be the most probable. The bar of the right one is orange. "
            "Each is the first picture of its class"
            + (", then come the first mistakes." if len(chosen) > len(first) else ".")
        ),
        markup.answers(cards),
    )


def _image(picture, text, index, predictions):
    hover = f"picture {index}, {sure(_certainty(index, predictions))} sure of its answer"
    return markup.image(pixels.png(picture), f"{text}, {hover}", title=hover)


def _certainty(place, predictions):
    return float(predictions["probabilities"][place, predictions["predicted"][place]])
