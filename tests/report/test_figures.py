import io

import numpy as np
import pytest
from PIL import Image

from keras_classics.report import figures


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_confusion_counts_true_classes_in_rows():
    counts = figures.confusion(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 0]), 3)
    assert counts.tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_most_confused_agrees_with_the_matrix():
    labels, predicted = np.random.default_rng(0).integers(0, 7, (2, 500))
    counts = figures.confusion(labels, predicted, 7)
    np.fill_diagonal(counts, 0)
    expected = np.argsort(-counts, axis=None, kind="stable")[:9]
    found = figures.most_confused(labels, predicted, 7, most=9)
    assert found == [(int(n // 7), int(n % 7), int(counts.flat[n])) for n in expected]


def test_most_confused_of_many_classes_makes_no_matrix():
    found = figures.most_confused(np.array([5, 5, 2]), np.array([9, 9, 2]), 10**9, most=5)
    assert found == [(5, 9, 2)]


@pytest.mark.parametrize("classes", [2, 10, 21, 100])
def test_draws_confusions_of_any_number_of_classes(classes):
    counts = np.eye(classes, dtype=int) * 9
    counts[0, 1] = 3
    names = [f"${index}_\\frac" for index in range(classes)]  # no formula, whatever it looks like
    assert min(pixels_of(figures.draw_confusion(counts, names)).shape[:2]) > 500


def test_empty_confusions_are_drawn_too():
    assert pixels_of(figures.draw_confusion(np.zeros((3, 3), int), list("abc"))).size


@pytest.mark.parametrize("channels", [1, 3])
def test_draws_filters(channels):
    kernels = np.random.default_rng(0).normal(size=(6, 5, 5, channels))
    height, width, _ = pixels_of(figures.draw_filters([kernels])).shape
    assert width > 5 * height


def test_two_towers_lie_below_each_other_in_three_rows_each():
    towers = [np.full((48, 11, 11, 3), value) for value in (1.0, -1.0)]
    drawn = pixels_of(figures.draw_filters(towers))
    light = (drawn == 255).all(axis=(1, 2))  # rows of pixels without a cell
    ends = np.flatnonzero(np.diff(light.astype(int)))
    assert len(ends) == 10  # five gaps between six rows
    gaps = ends[1::2] - ends[::2]
    assert gaps.argmax() == 2 and gaps[2] > 2 * gaps[0]
    white, black = drawn[: len(drawn) // 2].mean(), drawn[len(drawn) // 2 :].mean()
    assert white > 200 > 100 > black
    cells = (drawn[len(drawn) - 20, :, 0] == 0).astype(int)
    assert (np.diff(cells) == 1).sum() == 16


def test_single_values_become_a_strip_of_cells():
    height, width, _ = pixels_of(figures.draw_maps([np.ones((120, 1, 1))])).shape
    assert width > 3 * height > 300


def test_large_maps_are_shrunk():
    assert pixels_of(figures.draw_maps([np.ones((64, 224, 224))])).shape[1] < 1000


def test_the_nearest_bitmap_is_framed():
    centers = np.where(np.random.default_rng(0).random((10, 84)) < 0.5, -1.0, 1.0)
    image = np.zeros((28, 28, 1), "uint8")
    found = {k: figures.code_cells(image, centers[k], centers, list("0123456789")) for k in (0, 7)}
    cells, texts, nearest = found[7]
    assert cells.shape == (12, 28, 28, 3) and nearest == 9
    assert texts[:2] == ["the picture", "84 values"] and texts[9] == "7: 0.0"
    np.testing.assert_array_equal(cells[1], cells[9])  # the values are the bitmap
    drawn = {
        k: pixels_of(figures.draw_labelled(cells, texts, 6, nearest))
        for k, (cells, texts, nearest) in found.items()
    }
    orange = {k: np.argwhere(abs(d.astype(int) - [208, 90, 30]).sum(-1) == 0).mean(axis=0)
              for k, d in drawn.items()}  # fmt: skip
    assert orange[7][0] > orange[0][0]  # in the second row
    assert orange[7][1] > orange[0][1]  # further to the right
