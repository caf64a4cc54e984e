"""The sections about what a network answered, for few classes and for many."""

from collections import Counter

import numpy as np
import pytest

from keras_classics import imagenet_classes
from keras_classics.report import ReportError, write_report
from keras_classics.report.answers import answers, confusions, pictures
from keras_classics.report.predictions import LATER, read_predictions
from keras_classics.report.run_files import read_run
from tests.report.test_page import Page, change


def alter(run_dir, without=(), **arrays):
    """Writes predictions.npz with other arrays."""
    path = run_dir / "predictions.npz"
    with np.load(path) as file:
        content = {name: file[name] for name in file.files if name not in without} | arrays
    np.savez(path, **content)


def with_classes(run_dir, count, names=None):
    """Makes the run one of `count` classes: three pictures of 100 of them, a tenth read wrong."""
    labels = np.repeat(np.linspace(0, count - 1, min(count, 100)).astype(int), 3)
    wrong = np.arange(0, len(labels), 10)
    predicted = labels.copy()
    predicted[wrong] = (labels[wrong] + 1) % count
    shares = np.full((len(labels), count), 0.1 / count, "float16")
    shares[np.arange(len(labels)), predicted] = 0.9
    sample = np.unique(labels)
    picture = np.random.default_rng(0).integers(0, 255, (1, 8, 8, 3), "uint8")
    np.savez(
        run_dir / "predictions.npz",
        labels=labels,
        predicted=predicted,
        probabilities=shares,
        wrong_index=wrong[:200],
        wrong_images=picture.repeat(len(wrong[:200]), axis=0),
        sample_images=picture.repeat(len(sample), axis=0),
        sample_labels=sample,
    )
    names = names or [f"class {number}" for number in range(count)]
    change(run_dir / "metrics.json", class_names=list(names))
    return labels, predicted


def section(run_dir, name):
    """The text of one section of the page."""
    found = [part for part in answers(read_run(run_dir)) if part.startswith(f'<section id="{name}')]
    return "".join(found)


def test_imagenets_classes_are_called_by_their_names(evaluated):
    with_classes(evaluated, 1000, [wnid for wnid, _ in imagenet_classes()])
    page = Page(write_report(evaluated))
    assert "tench" in page.text and "goldfish" in page.text
    assert "n01440764" not in page.text


def test_many_classes_have_a_table_of_confused_pairs_and_no_square(evaluated):
    labels, predicted = with_classes(evaluated, 21)
    predicted[labels == 7] = 3
    alter(evaluated, predicted=predicted)
    page = Page(write_report(evaluated))
    assert "Most confused classes" in page.text and "Confusion matrix" not in page.text
    found = section(evaluated, "confusion")
    first = found[found.index("<tbody>") :].partition("</tr>")[0]
    assert [text in first for text in ("class 7", "class 3", "3 of 3", "100.0 %")] == [True] * 4


def test_no_confusion_of_many_classes_is_said_too(evaluated):
    labels, _ = with_classes(evaluated, 30)
    alter(evaluated, predicted=labels, wrong_index=np.zeros(0, int),
          wrong_images=np.zeros((0, 8, 8, 3), "uint8"))  # fmt: skip
    assert "Not one picture is taken for another class." in Page(write_report(evaluated)).text


def test_ten_thousand_classes_make_no_large_page(evaluated):
    with_classes(evaluated, 10_000)
    page = Page(write_report(evaluated))
    assert len(page.source) < 1_000_000
    assert "Of 10,000 classes" in page.text
    assert "9,900 classes without a picture here." in page.text


def test_the_square_holds_each_count_and_each_error(evaluated):
    with np.load(evaluated / "predictions.npz") as file:
        pairs = Counter(zip(file["labels"].tolist(), file["predicted"].tolist(), strict=True))
    body = section(evaluated, "confusion").partition("<tbody>")[2].partition("</tbody>")[0]
    for true, row in enumerate(body.strip().split("</tr>")[:10]):
        cells = [cell.rpartition(">")[2] for cell in row.split("</td>")[:-1]]
        assert [int(cell or 0) for cell in cells[:10]] == [pairs[true, n] for n in range(10)]
        assert cells[10] == f"{100 * (1 - pairs[true, true] / 4):.1f} %"


@pytest.mark.parametrize("classes", [2, 10, 20, 21, 300])
def test_precision_and_recall_are_those_of_the_counts(classes):
    labels, predicted = np.random.default_rng(0).integers(0, classes, (2, 40 * classes))
    names = [f"c{number:04}" for number in range(classes)]
    found = str(confusions.classes({"labels": labels, "predicted": predicted}, names))
    rows = [row for row in found.split("<tr>") if 'scope="row"' in row]
    assert len(rows) == min(classes, 20)
    for row in rows:
        name = int(row.partition(">c")[2][:4])
        cells = [cell.partition("</td>")[0] for cell in row.split("<td>")[1:]]
        both = np.sum((labels == name) & (predicted == name))
        wholes = (np.sum(predicted == name), np.sum(labels == name))
        assert cells[1:] == [f"{100 * both / whole:.1f} %" for whole in wholes]
        assert int(cells[0]) == np.sum(labels == name)


def test_the_best_classes_come_first_and_the_worst_last():
    labels = np.repeat(np.arange(40), 40)
    # Of class n, 40 - n are read right; the others are all taken for class 0.
    predicted = np.where(np.arange(1600) % 40 < 40 - labels, labels, 0)
    names = [f"c{number:04}" for number in range(40)]
    found = str(confusions.classes({"labels": labels, "predicted": predicted}, names))
    listed = [int(part[:4]) for part in found.split('scope="row">c')[1:]]
    # All the wrong ones make class 0 the one that is named most often for others: 40 of 820.
    assert listed == [*range(1, 11), 39, 0, *range(38, 30, -1)]


def test_a_class_that_is_never_named_has_no_precision():
    found = str(
        confusions.classes({"labels": np.zeros(3, int), "predicted": np.ones(3, int)}, "abc")
    )
    assert found.count("–") == 1 and "2 classes without a picture here." in found


def test_the_most_and_the_least_certain_are_shown(evaluated):
    shares = np.full((40, 10), 0.01, "float32")
    with np.load(evaluated / "predictions.npz") as file:
        predicted = file["predicted"]
    shares[np.arange(40), predicted] = np.linspace(0.2, 0.98, 40)
    alter(evaluated, probabilities=shares, certain_index=np.arange(40),
          certain_images=np.zeros((40, 28, 28, 1), "uint8"))  # fmt: skip
    text = section(evaluated, "certain")
    assert "Of 40 pictures," in text
    sure, unsure, wrong, unsure_wrong = text.split("</p>")[2:6]
    assert "picture 38," in sure and "picture 39," not in sure and "picture 0," not in sure
    assert "picture 0," in unsure and "picture 1," not in unsure
    assert wrong.index("picture 39,") < wrong.index("picture 30,")
    assert unsure_wrong.index("picture 1,") < unsure_wrong.index("picture 3,")
    assert sure.count("<li>") == unsure.count("<li>") == 10
    assert wrong.count("<li>") == unsure_wrong.count("<li>") == 4  # of eight, and none twice


def test_five_answers_are_drawn_as_bars(evaluated):
    shares = np.zeros((40, 10), "float32")
    shares[:, [4, 3, 2, 1, 0]] = (0.5, 0.25, 0.125, 0.0625, 0.0625)
    alter(evaluated, probabilities=shares)
    text = section(evaluated, "best")
    cards = text.split("<strong>")[1:]
    assert len(cards) == 8
    for card in cards:
        widths = [float(part.partition("%")[0]) for part in card.split("width: ")[1:]]
        assert widths == [50, 25, 12.5, 6.2, 6.2]
        answered = [part.partition("<")[0] for part in card.split("<span>")[1:]]
        assert answered == ["4", "3", "2", "0", "1"]
        right = [part.partition("<")[0] for part in card.split('class="right"><span>')[1:]]
        assert right == ([card[0]] if card[0] in "01234" else [])


def test_two_classes_have_two_bars_and_eight_pictures(evaluated):
    with_classes(evaluated, 2)
    alter(evaluated, wrong_index=np.arange(6), wrong_images=np.zeros((6, 8, 8, 3), "uint8"))
    text = section(evaluated, "best")
    assert text.count("<strong>") == 6 and text.count("width: ") == 12  # 0 and 3 are both
    assert "then come the first mistakes" in text


def test_neighbours_stand_behind_their_picture(evaluated):
    text = section(evaluated, "near")
    rows = text.split('class="beside"')[1:]
    assert len(rows) == 2 and [row.count("<img") for row in rows] == [4, 4]
    assert "of 1,000, whose values" in text
    assert [f"distance {value}" in rows[0] for value in ("0.5", "1.25", "2")] == [True] * 3
    assert "picture 5" in rows[1]


def test_the_first_batch_says_what_was_done_to_it(evaluated):
    assert section(evaluated, "batch").count("<img") == 12
    assert "which no transform changes" in section(evaluated, "batch")
    change(evaluated / "recipe.json", train_transforms=[{"call": "m:RandomFlip", "share": "<b>"}])
    assert "behind [RandomFlip(share=&lt;b&gt;)]" in section(evaluated, "batch")


def test_the_first_batch_may_be_one_picture(evaluated):
    alter(evaluated, batch_images=np.zeros((1, 28, 28, 1), "uint8"), batch_labels=np.array([3]))
    assert "The first picture that training showed the network" in section(evaluated, "batch")


def test_the_samples_decide_for_all_groups_whether_pictures_are_negatives(evaluated):
    bright = np.full((12, 28, 28, 1), 200, "uint8")  # the samples are light on dark
    alter(evaluated, batch_images=bright)
    predictions = read_predictions(evaluated / "predictions.npz")
    assert (pictures.shown(predictions, "batch_images") == 55).all()


def test_labels_of_few_bits_are_counted_as_others(evaluated):
    labels, predicted = with_classes(evaluated, 20)  # 20 · 20 is more than eight bits hold
    text = section(evaluated, "confusion")
    with np.load(evaluated / "predictions.npz") as file:
        sample = file["sample_labels"]
    alter(evaluated, labels=labels.astype("int8"), predicted=predicted.astype("int8"),
          sample_labels=sample.astype("int8"))  # fmt: skip
    assert section(evaluated, "confusion") == text


def test_a_run_of_an_earlier_version_shows_what_it_kept(evaluated):
    alter(evaluated, without=[name for group in LATER for name in group])
    ids = Page(write_report(evaluated)).ids
    assert {"certain", "best"} < set(ids) and not {"near", "batch"} & set(ids)
    assert "Of the 15 pictures that this run has kept" in section(evaluated, "certain")


DAMAGE = {
    "certain_index": np.arange(31, 41),
    "certain_images": np.zeros((3, 28, 28, 1), "uint8"),
    "near_index": np.array([0, -1]),
    "near_labels": np.zeros((2, 3, 1), int),
    "near_images": np.zeros((6, 28, 28, 2), "uint8"),
    "near_distances": np.full((2, 3), np.nan, "float32"),
    "near_among": np.zeros(0, int),
    "batch_images": np.zeros((12, 28, 28, 1), "float32"),
    "batch_labels": np.full(12, 10),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_says_which_array_does_not_fit(evaluated, name):
    alter(evaluated, **{name: DAMAGE[name]})
    words = f"predictions.npz cannot be read \\({name} does not fit the others\\)"
    with pytest.raises(ReportError, match=words):
        read_predictions(evaluated / "predictions.npz")


@pytest.mark.parametrize("group", LATER, ids=lambda group: group[0])
def test_half_a_group_is_damage(evaluated, group):
    alter(evaluated, without=group[1:])
    with pytest.raises(ReportError, match="cannot be read"):
        read_predictions(evaluated / "predictions.npz")


def test_a_class_called_like_a_tag_is_a_name(evaluated):
    with_classes(evaluated, 25, ["<script>", *(f"<b>{number}" for number in range(24))])
    page = Page(write_report(evaluated))
    assert "<script>" in page.text and "script" not in page.tags


def test_kept_pictures_are_told_by_their_positions(evaluated):
    predictions = read_predictions(evaluated / "predictions.npz")
    kept = pictures.kept(predictions)
    assert sorted(kept) == sorted({*range(10), 13, 21, 24, 30, 39, *range(0, 40, 4)})
    np.testing.assert_array_equal(kept[12], pictures.shown(predictions, "certain_images")[3])


def test_probabilities_that_are_no_numbers_are_shown(evaluated):
    alter(evaluated, probabilities=np.full((40, 10), np.nan, "float32"))
    assert "nan\u00a0%" in section(evaluated, "certain")
