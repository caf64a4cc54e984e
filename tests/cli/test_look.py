"""`keras-classics filters`, `maps` and `explain`, on networks that come trained."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from keras_classics.cli.main import main
from keras_classics.data.sources import load
from tests.cli.test_networks import fails


@pytest.fixture(scope="module")
def digit():
    source = load("mnist_5k", "train")
    return source.images[(source.labels == 7).argmax()][..., 0]


@pytest.fixture
def folder(tmp_path, monkeypatch, digit):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(255 - digit).resize((280, 280)).save("seven.png")
    return tmp_path


def printed(capsys, *arguments):
    main(list(arguments))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 or "--json" in arguments
    return lines


@pytest.mark.parametrize(
    ("words", "file", "sentence"),
    [
        (["filters", "lenet5"], "filters.png", "C1: 6 filters of 5×5"),
        (["maps", "lenet5", "seven.png"], "seven_maps.png", "the maps of 5 layers"),
        (
            ["explain", "lenet5", "seven.png"],
            "seven_grad-cam.png",
            "grad-cam of class 7, probability 1.000",
        ),
        (
            ["explain", "mnist_cnn", "seven.png", "--method", "occlusion", "--class", "7"],
            "seven_occlusion.png",
            "occlusion of class 7, probability 1.000",
        ),
    ],
)
def test_what_is_drawn_and_where(folder, capsys, words, file, sentence):
    first, *others = printed(capsys, *words)
    assert first == f"{file}: {sentence}"
    assert words[0] == "filters" or any("Inverted" in line for line in others)
    with Image.open(file) as picture:
        assert min(picture.size) > 200
    assert sorted(path.name for path in folder.iterdir()) == sorted([file, "seven.png"])
    assert "There is something at" in fails(*words)


def test_as_json_and_as_svg(folder, capsys):
    (line,) = printed(
        capsys, "maps", "lenet5", "seven.png", "--layers", "C1,C3", "-o", "a/m.svg", "--json"
    )
    found = json.loads(line)
    assert (found["file"], found["layers"]) == ("a/m.svg", ["C1", "C3"])
    assert "<svg" in (folder / "a" / "m.svg").read_text("utf-8")


def test_a_saved_model_has_numbers_for_classes(folder, capsys):
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    model.save("own.keras")
    words = ("explain", "own.keras", "seven.png", "--class", "2", "-o", "new.png", "--json")
    found = json.loads(printed(capsys, *words)[0])
    assert (found["class"], found["layers"]) == ("2", ["conv"])
    assert 0 < found["probability"] < 1
    assert any("224×224" in sentence for sentence in found["picture"])


def test_classes_have_the_names_that_predict_prints(folder, capsys, copy_of_run):
    metrics = json.loads((copy_of_run / "metrics.json").read_text("utf-8"))
    metrics["class_names"][:2] = ["n01440764", "a\x1b[31m"]
    (copy_of_run / "metrics.json").write_text(json.dumps(metrics), "utf-8")
    for name, file in (("tench", "a.png"), ("n01440764", "b.png")):
        first, *_ = printed(
            capsys, "explain", str(copy_of_run), "seven.png", "--class", name, "-o", file
        )
        assert first.startswith(f"{file}: grad-cam of class tench, ")
    first, *_ = printed(
        capsys, "explain", str(copy_of_run), "seven.png", "--class", "a\x1b[31m", "-o", "c.png"
    )
    assert "class a\\x1b[31m, " in first
    message = fails("explain", str(copy_of_run), "seven.png", "--class", "tensh", "-o", "d.png")
    assert "(such as tench)" in message


def test_a_home_of_nobody_is_a_folder(folder, capsys):
    (first,) = printed(capsys, "filters", "lenet5", "-o", "~nobodyxx/a.png")
    assert first.startswith("~nobodyxx/a.png: ") and (folder / "~nobodyxx" / "a.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["filters", "lenet5", "--layer", "c1"], "lenet5: --layer must be one of the names"),
        (["filters", "lenet5", "-o", "new.gif"], "--output must be a file that ends in .png or"),
        (["filters", "nothing"], "nothing does not exist; name a run directory, or a network"),
        (["maps", "lenet5", "none.png"], "none.png does not exist"),
        (["maps", "lenet5", "text.png"], "text.png is not an image that can be read"),
        (["maps", "lenet5", "seven.png", "--layers", "C1,F6"], "--layers must be layers with maps"),
        (["explain", "lenet5", "seven.png", "--layer", "F6"], "--layer must be a layer with maps"),
        (["explain", "lenet5", "seven.png", "--class", "77"], "`--class` must be a class of the"),
        (
            ["explain", "lenet5", "seven.png", "--method", "occlusion", "--layer", "C1"],
            "--layer belongs to the method grad-cam",
        ),
        (["explain", "text.png", "seven.png"], "text.png cannot be loaded as a model"),
        (["explain", "flat.keras", "seven.png"], "flat.keras: `model` must be a model with one"),
    ],
)
def test_wrong_words_are_one_sentence(folder, words, message):
    (folder / "text.png").write_text("a text")
    if "flat.keras" in words:
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save("flat.keras")
    before = sorted(folder.iterdir())
    assert message in fails(*words)
    assert sorted(folder.iterdir()) == before


def test_a_blank_sheet_shows_no_digit(folder):
    Image.fromarray(np.full((50, 50), 255, "uint8")).save("blank.png")
    assert "blank.png shows no ink" in fails("explain", "lenet5", "blank.png")
