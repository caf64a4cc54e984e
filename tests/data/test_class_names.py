"""ImageNet's names, and answers in words."""

import keras
import numpy as np
import pytest

from keras_classics import decode_predictions, imagenet_classes
from keras_classics.data.class_names import _FILE


def test_a_thousand_names_in_the_order_of_their_ids():
    ids, names = zip(*imagenet_classes(), strict=True)
    assert len(set(ids)) == len(set(names)) == 1000
    assert list(ids) == sorted(ids)
    # Numbers that everybody who has used such a network knows.
    known = {
        0: "tench",
        207: "golden retriever",
        281: "tabby",
        388: "giant panda",
        817: "sports car",
    }
    assert {number: names[number] for number in known} == known


def test_the_file_says_where_it_comes_from_and_under_which_licence():
    text = _FILE.read_text("utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in text
    assert "Permission to use, copy, modify and distribute" in text


def test_the_photographs_at_hand_are_of_these_classes(data_dir):
    folders = {path.name for path in (data_dir.parent / "imagenet_sample" / "train").iterdir()}
    assert folders <= {wnid for wnid, _ in imagenet_classes()}


@pytest.mark.backend
def test_tensors_of_the_backend():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    found = decode_predictions(model(np.ones((1, 3), "float32")), 1, ("cat", "dog"))
    assert found[0][0][1] in ("cat", "dog")


def test_best_first():
    rows = np.zeros((2, 1000), "float32")
    rows[0, [207, 208]] = 0.7, 0.2
    rows[1, 999] = 1
    first, second = decode_predictions(rows, top=2)
    assert [name for _, name, _ in first] == ["golden retriever", "Labrador retriever"]
    assert second[0] == ("n15075141", "toilet tissue", 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((1, 10)),), "`predictions` has 10 classes, ImageNet has 1,000; pass the names"),
        ((np.zeros((1, 3)), 1, ("a", "b")), "`predictions` has 3 classes, `class_names` has 2."),
        ((np.zeros(1000),), "must be finite numbers of shape"),
        ((np.full((1, 1000), np.nan),), "Received: NaN or infinite numbers"),
        ((np.zeros((1, 1000)), 0), "`top` must be a positive integer"),
        ((np.zeros((1, 1000)), 1001), "`top` must be at most 1,000"),
        ((np.zeros((1, 3)), 1, "abc"), "`class_names` must be None or a sequence of names"),
        (([["a", "b"]],), "must be finite numbers of shape"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        decode_predictions(*arguments)
