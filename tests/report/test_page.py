import base64
import io
import json
import os
import re
from html.parser import HTMLParser

import keras
import numpy as np
import pytest
from PIL import Image

import keras_classics
from keras_classics.report import ReportError, write_report
from keras_classics.report.sections import plain, wilson

SECTIONS = (
    "result", "deviations", "curves", "confusion", "classes", "mistakes", "certain", "best", "near",
    "batch", "draw", "network", "filters", "maps", "code", "recipe", "environment",
)  # fmt: skip
EMPTY = {"meta", "img", "wbr"}


class Page(HTMLParser):
    """Reads a page; fails where tags do not nest."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.images, self.ids, self.text = [], set(), [], [], ""
        self.attributes, self.links, self.fetched, self.told = set(), [], [], []
        self.feed(self.source)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value)
            elif name in ("alt", "aria-label"):
                self.told.append(value)
            elif name in ("src", "href", "xlink:href"):
                self.fetched.append(value)
        self.ids += [value for name, value in attrs if name == "id" and tag == "section"]
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data


def change(path, **fields):
    content = json.loads(path.read_text())
    (content.get("recipe") or content).update(fields)
    path.write_text(json.dumps(content))


@pytest.mark.backend
def test_a_finished_run_has_every_section_and_needs_nothing_else(finished):
    path = write_report(finished)
    page = Page(path)
    assert path == finished / "report.html"
    assert tuple(page.ids) == SECTIONS
    assert not re.search(r"url\((?!#)|@import|srcset|<link|<script[^>]+src", page.source)
    assert all(value.startswith(("data:image/", "#")) for value in page.fetched)
    assert not list(finished.rglob(".*"))  # nothing half-written is left


def test_every_image_decodes_and_the_figures_are_files_too(finished):
    page = Page(write_report(finished))
    assert len(page.images) > 15
    for image in page.images:
        assert len(image["alt"]) > 10
        content = base64.b64decode(image["src"].partition("base64,")[2])
        Image.open(io.BytesIO(content)).load()
    assert {file.name for file in (finished / "figures").iterdir()} == {
        "curves.png", "curves.gif", "confusion.png", "misclassified.png", "filters.png",
        "maps_C1.png", "maps_S2.png", "maps_C3.png", "maps_S4.png", "maps_C5.png",
        "code.png", "codes.png",
    }  # fmt: skip


def test_says_what_ran_and_how_well(evaluated):
    text = Page(write_report(evaluated)).text
    for expected in (
        "lenet5_mnist", "mnist_5k", "seed 7", "3 epochs", "2 min 5 s of training",
        "0.95 %", "20.00 %", "40 test pictures, 8 wrong", "10.50 – 34.76 %", "10,000 pictures",
        "40 held-out digits: not comparable with the paper's 10,000",
        "Momentum instead of second derivatives.", "CoupledSGD(momentum=0.9)", "jax",
        f"keras-classics report {evaluated}",
    ):  # fmt: skip
        assert expected in text, expected


@pytest.mark.parametrize(
    ("builder", "author", "link"),
    [
        ("keras_classics.models.lenet:lenet5", "Léon Bottou", "https://doi.org/10.1109/5.726791"),
        ("keras_classics.models.vgg:vgg16", "Zisserman", "https://arxiv.org/abs/1409.1556"),
        ("keras_classics.models.mnist_cnn:mnist_cnn", "", None),
        ("somebody.models.lenet:lenet5", "", None),
        (
            "keras_classics.models.pretrained:pretrained",
            "Kaiming He, Xiangyu Zhang",
            "https://arxiv.org/abs/1512.03385",
        ),
        ("somebody.models:pretrained", "", None),
        ("<script>", "", None),
        (None, "", None),
    ],
)
def test_names_the_paper_of_the_network(unfinished, builder, author, link):
    # Only `pretrained` builds the network that is named so.
    change(unfinished / "recipe.json", model={"call": builder, "network": "resnet50"})
    page = Page(write_report(unfinished))
    assert page.links == [link] * (link is not None)
    assert ("The network is from" in page.text) == bool(author) and author in page.text


def test_says_of_few_pictures_that_the_paper_had_more(unfinished):
    change(unfinished / "recipe.json", model={"call": "keras_classics.models.lenet:lenet5"})
    assert "trained on 60,000 pictures" in Page(write_report(unfinished)).text
    change(unfinished / "recipe.json", dataset="mnist")
    assert "trained on 60,000 pictures" not in Page(write_report(unfinished)).text


def test_the_network_is_drawn_and_counted(finished):
    text = Page(write_report(finished)).text
    assert "lenet5 has 60.0 k trained parameters" in text
    assert "desc" not in Page(finished / "report.html").tags  # the recipe names no builder
    change(finished / "recipe.json", model={"call": "keras_classics.models.lenet:lenet5"})
    page = Page(write_report(finished))
    assert "desc" in page.tags
    assert "6@28×28" in page.text and "section II-B" in page.text
    for expected in ("C3", "10×10×16", "1,516", "150,000", "Trained parameters", "60,000"):
        assert expected in page.text, expected


def test_a_network_of_a_family_is_the_papers(unfinished):
    model = {"call": "keras_classics.models.cifar_resnet:cifar_resnet", "depth": 20}
    change(unfinished / "recipe.json", model=model)
    keras_classics.cifar_resnet20(name="cifar_resnet").save(unfinished / "model.keras")
    text = Page(write_report(unfinished)).text
    assert "section 4.2, 2015" in text  # below the drawing's name
    assert re.search(r"Trained parameters\s*269,722\s*270,000\s*Table 6", text)


def test_of_many_layers_the_page_shows_the_last_at_each_size(evaluated):
    pixels = x = keras.Input((28, 28, 1))
    for number in range(13):
        x = keras.layers.Conv2D(1, 3, 2 if number == 6 else 1, "same", name=f"conv{number}")(x)
    outputs = keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(x))
    keras.Model(pixels, outputs).save(evaluated / "model.keras")
    text = Page(write_report(evaluated)).text
    assert "Of 13 layers those are shown with which a size of the maps ends." in text
    drawn = (evaluated / "figures").glob("maps_*.png")
    assert {file.stem for file in drawn} == {"maps_conv5", "maps_conv12"}


def test_a_padding_is_explained(finished):
    assert "28×28 becomes 32×32 by a border of background" in Page(write_report(finished)).text


def test_a_comparable_run_bears_no_warning(evaluated):
    change(evaluated / "metrics.json", comparable=True, note="40 test digits")
    assert 'class="notice"' not in write_report(evaluated).read_text()


def test_says_what_was_changed(evaluated):
    file = evaluated / "recipe.json"
    changed = [
        {"field": "epochs", "published": 20, "here": 5},
        {"field": "limit_train", "published": 60_000, "here": 2000},
        {
            "field": "schedule",
            "published": {"call": "m:Step", "by": 10},
            "here": {"call": "m:Once"},
        },
        {"field": "validation", "published": 0, "here": "<b>"},
    ]
    assert "Changed in this run" not in Page(write_report(evaluated)).text
    file.write_text(json.dumps(json.loads(file.read_text()) | {"changed": changed}))
    text = Page(write_report(evaluated)).text
    for expected in (
        "Changed in this run", "epochs: 5 of 20", "2,000 of 60,000 training pictures",
        "schedule: Once instead of Step(by=10)", "validation: <b> instead of 0",
    ):  # fmt: skip
        assert expected in text, expected


def test_held_out_pictures_are_never_called_a_test(evaluated):
    change(evaluated / "metrics.json", split="held-out", note="held-out training pictures")
    file = evaluated / "recipe.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"validated_on": "held-out"}))
    page = Page(write_report(evaluated))
    assert "40 held-out training pictures, 8 wrong" in page.text
    assert any("held-out from 20.00 % to 7.50 %" in told for told in page.told)
    assert "est error" not in page.text


def test_a_run_without_a_paper_stands_alone(evaluated):
    change(evaluated / "metrics.json", paper=None)
    change(evaluated / "recipe.json", paper=None, deviations=[])
    text = Page(write_report(evaluated)).text
    assert "Paper" not in text
    assert "20.00 %" in text


def test_misclassified_pictures_say_true_and_predicted(evaluated):
    text = Page(write_report(evaluated)).text
    assert "All 8 pictures of 40 that it got wrong" in text
    for label in ("1→6", "3→8", "8→3", "4→9", "0→5", "9→4"):
        assert label in text


def test_no_mistake_is_said_too(evaluated):
    with np.load(evaluated / "predictions.npz") as file:
        arrays = dict(file)
    arrays.update(predicted=arrays["labels"], wrong_index=np.zeros(0, int))
    arrays["wrong_images"] = arrays["wrong_images"][:0]
    np.savez(evaluated / "predictions.npz", **arrays)
    assert "Not one picture." in Page(write_report(evaluated)).text


def test_an_unfinished_run_shows_what_is_there_and_says_so(unfinished):
    page = Page(write_report(unfinished))
    assert "This run is unfinished: 3 of 5 epochs are done." in page.text
    assert "7.50 %" in page.text
    assert "The run has no predictions.npz (yet)." in page.text
    assert "The run has no model.keras (yet)." in page.text
    assert len(page.images) == 1  # the growing curves; the still ones are part of the page
    assert "svg" in page.tags


def test_a_run_that_has_just_begun(unfinished):
    for name in ("history.csv", "timings.csv", "environment.json"):
        (unfinished / name).unlink()
    text = Page(write_report(unfinished)).text
    assert "0 of 5 epochs are done" in text
    assert "No epoch is finished yet." in text


def test_a_model_without_predictions_still_shows_its_filters(finished):
    (finished / "predictions.npz").write_bytes(b"PK\x03\x04 cut short")
    page = Page(write_report(finished))
    assert "predictions.npz cannot be read" in page.text
    assert "filters" in page.ids
    assert "code" not in page.ids


def test_a_diverged_run_says_so(unfinished, write_history):
    write_history(unfinished, learning_rate=[1, 1], loss=[3.0, "nan"], error=[80.0, "nan"])
    assert "no longer a number from epoch 2" in Page(write_report(unfinished)).text


def test_names_are_escaped(finished):
    bad = '<script>alert("1")</script>'
    change(finished / "recipe.json", name=bad, deviations=[bad], optimizer={"call": bad, bad: bad})
    change(
        finished / "metrics.json", dataset=bad, note=bad, seed=bad, split=bad,
        class_names=['" onerror="alert(1)', *(bad + str(n) for n in range(9))],
        paper={"where": bad},
    )  # fmt: skip
    (finished / "environment.json").write_text(json.dumps({bad: bad}))
    page = Page(write_report(finished))
    assert "script" not in page.tags
    assert "onerror" not in page.attributes
    assert page.text.count(bad) > 8


def test_the_page_shows_text_as_text(unfinished):
    """Also where a text is no name: what the run ran on, and where it lies."""
    bad = """<b class="x">&amp;'<!--"""
    change(unfinished / "recipe.json", name=bad, deviations=[bad], validation=bad, extra=[{bad: 1}])
    (unfinished / "environment.json").write_text(json.dumps({"command": bad}))
    odd = unfinished.rename(unfinished.with_name("run <i> & 'me'"))
    page = Page(write_report(odd))
    assert not page.tags & {"b", "i"}
    assert page.text.count(bad) == 6  # title, heading, deviation, two fields, command
    assert "run <i> & " in page.text


def test_refuses_what_is_no_run_directory(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(
            ReportError, match=r"is not a run directory \(it holds no recipe\.json\)"
        ):
            write_report(path)


def test_names_the_file_that_is_damaged(unfinished):
    for name, content in (("metrics.json", "{"), ("metrics.json", "[]"), ("history.csv", "a\nb")):
        (unfinished / name).write_text(content)
        with pytest.raises(ReportError, match=rf"{name}` cannot be read"):
            write_report(unfinished)
        (unfinished / name).unlink()


def test_says_where_it_cannot_write(unfinished):
    (unfinished / "figures").write_text("in the way")
    with pytest.raises(ReportError, match=r"curves\.png` could not be written \(.+\); make room"):
        write_report(unfinished)


def test_likely_range_is_wilsons_interval():
    assert wilson(0.95, 10_000) == pytest.approx((0.778, 1.160), abs=1e-3)
    assert wilson(0.0, 100) == pytest.approx((0.0, 3.700), abs=1e-3)


def test_described_values_read_like_python():
    described = {"call": "m:PassTable", "stages": [[2, 1.0], [3, 0.4]], "inner": {"call": "m:f"}}
    assert plain(described) == "PassTable(stages=[[2, 1.0], [3, 0.4]], inner=f)"
    assert plain([]) == plain(None) == "none"


def test_what_a_killed_drawing_left_is_swept_and_what_a_run_is_writing_is_not(unfinished):
    old = unfinished / ".report.html.4242", unfinished / "figures" / ".curves.42.partial.png"
    young = unfinished / ".history.43.partial.csv"
    (unfinished / "figures").mkdir()
    for path in (*old, young):
        path.write_text("")
    for path in old:
        os.utime(path, (0, 0))
    write_report(unfinished)
    assert [path.exists() for path in (*old, young)] == [False, False, True]
