import json
import re

import numpy as np
import pytest
from PIL import Image

from keras_classics.network_figures import CURVES
from keras_classics.report import ReportError, curves
from keras_classics.report.curves import draw_curves
from keras_classics.report.run_files import read_run
from keras_classics.zoo import list_models, model_card

NAN = float("nan")


def test_draws_beside_and_renames(unfinished):
    path = draw_curves(unfinished)
    assert path == unfinished / "figures" / "curves.png"
    assert [file.name for file in path.parent.iterdir()] == ["curves.png"]
    with Image.open(path) as picture:
        assert min(picture.size) > 500


@pytest.mark.parametrize(
    "columns",
    [
        {"loss": [0.5], "error": [9.0]},
        {"loss": [0.5, NAN], "error": [9.0, NAN], "val_loss": [0.4, NAN], "val_error": [8.0, NAN]},
        {"loss": [NAN], "error": [NAN]},
        {"loss": [0.5, 0.1], "error": [9.0, 0.0], "val_loss": [0.4, 0.3], "val_error": [8.0, 5.0]},
        {"loss": [-1.0, -2.0], "error": [0.0, 0.0]},
        {"loss": ["", "0.1"], "error": [50, 2]},
    ],
    ids=["one epoch", "diverged", "only NaN", "zeros", "negative loss", "empty field"],
)
def test_draws_whatever_the_history_holds(unfinished, write_history, columns):
    rates = [0.01] * len(columns["loss"])
    write_history(unfinished, learning_rate=rates, **columns)
    with Image.open(draw_curves(unfinished)) as picture:
        assert np.asarray(picture.convert("L")).min() < 100


def test_growing_curves_have_one_frame_per_epoch_and_hold_the_last(unfinished):
    path = curves.draw_growing_curves(read_run(unfinished))
    with Image.open(path) as movie:
        assert movie.n_frames == 3
        assert movie.info["loop"] == 0
        durations = []
        for frame in range(movie.n_frames):
            movie.seek(frame)
            durations.append(movie.info["duration"])
    assert durations[-1] >= 3000 > 1000 > max(durations[:-1])
    assert path.stat().st_size < 2e6


def test_growing_curves_end_as_the_still_ones(unfinished):
    with Image.open(draw_curves(unfinished)) as still:
        expected = np.asarray(still.convert("L"), "int16")
    with Image.open(curves.draw_growing_curves(read_run(unfinished))) as movie:
        movie.seek(movie.n_frames - 1)
        last = np.asarray(movie.convert("L"), "int16")
    assert np.abs(last - expected).mean() < 2  # a palette has fewer greys


def test_long_runs_skip_epochs_but_not_the_last(unfinished, write_history, monkeypatch):
    monkeypatch.setattr(curves, "MAX_FRAMES", 4)
    values = list(np.linspace(9, 1, 11))
    write_history(unfinished, learning_rate=values, loss=values, error=values)
    with Image.open(curves.draw_growing_curves(read_run(unfinished))) as movie:
        assert movie.n_frames == 4  # epochs 2, 5, 8, 11


def test_without_an_epoch_there_is_nothing_to_draw(unfinished):
    (unfinished / "history.csv").unlink()
    with pytest.raises(ReportError, match="has no finished epoch to draw yet"):
        draw_curves(unfinished)


def test_held_out_pictures_are_called_what_they_are(unfinished):
    file = unfinished / "recipe.json"
    content = json.loads(file.read_text())
    assert curves.series_names(read_run(unfinished)) == (("", "training"), ("val_", "validation"))
    content["recipe"]["validation"] = "test"  # of a run from before `validated_on` was written
    file.write_text(json.dumps(content))
    assert curves.series_names(read_run(unfinished)) == (("", "training"), ("val_", "test"))
    file.write_text(json.dumps({**content, "validated_on": "held-out"}))
    assert curves.series_names(read_run(unfinished)) == (("", "training"), ("val_", "held-out"))


def built_by(run_dir, dataset, **model):
    file = run_dir / "recipe.json"
    content = json.loads(file.read_text())
    content["recipe"] |= {"model": model, "dataset": dataset}
    file.write_text(json.dumps(content))
    return read_run(run_dir)


LENET5 = {"call": "keras_classics.models.lenet:lenet5"}
CIFAR = {"call": "keras_classics.models.cifar_resnet:cifar_resnet"}


def test_the_papers_curve_as_far_as_the_axis_reaches(unfinished):
    drawn = curves.curves_svg(built_by(unfinished, "mnist", **LENET5), "told")
    assert drawn.count("○ paper") == 2
    # Of five planned passes the last one is 1.22 % in training and 1.43 % in the test.
    assert "○ paper, training 1.22 %" in drawn and "○ paper, test 1.43 %" in drawn


@pytest.mark.parametrize(
    ("dataset", "model", "ends"),
    [
        ("cifar10", {**CIFAR, "depth": 20, "residual": True}, ["8.75"]),
        ("cifar10_jpeg", {**CIFAR, "depth": 56, "residual": False}, ["5.90", "13.20"]),
        ("cifar10:3.0.2", {**CIFAR, "depth": 20}, ["8.75"]),
        ("cifar10", {"call": "keras_classics.models.cifar_resnet:cifar_plain20"}, ["1.50", "9.70"]),
        ("cifar10", {**CIFAR, "depth": 26}, []),  # the paper has none of this depth
        ("cifar100", {**CIFAR, "depth": 20, "residual": True}, []),
        ("cifar10_corrupted", {**CIFAR, "depth": 20}, []),
        ("fashion_mnist", LENET5, []),
        ("mnist", {"call": "somebody.models.lenet:lenet5"}, []),
    ],
)
def test_the_ends_of_the_papers_curves(unfinished, dataset, model, ends):
    drawn = curves.curves_svg(built_by(unfinished, dataset, **model), "told")
    assert re.findall(r"○ paper, \w+ ([0-9.]+) %", drawn) == ends


def test_every_curve_of_a_paper_fits_a_network_of_ours():
    assert set(CURVES) <= set(list_models())
    for name, curve in CURVES.items():
        for errors in (curve.training, curve.test):
            assert len(errors) == (len(curve.epochs) or min(1, len(errors))), name
        error = model_card(name).test_error
        assert curve.test[-1] == pytest.approx(error, abs=0.06)  # as exactly as it can be read


def test_the_axes_of_a_finished_run_end_with_it(evaluated):
    run = read_run(evaluated)  # after three epochs of the five that were planned
    assert run.planned_epochs == 3
    low, high = curves._Chart(run).figure.axes[0].get_xlim()
    assert 0 < low < 1 and 3 < high < 3.5


def test_the_page_gives_the_colours(unfinished):
    drawn = curves.curves_svg(read_run(unfinished), 'told "<b>"')
    assert drawn.startswith("<svg viewBox=") and drawn.rstrip().endswith("</svg>")
    assert 'aria-label="told &#34;&lt;b&gt;&#34;"' in drawn
    assert not re.search(r"#[0-9a-f]{6}|<style|<metadata|http", drawn)
    assert {"ink", "soft", "line", "accent", "mark"} == set(re.findall(r"var\(--(\w+)\)", drawn))
    ids = re.findall(r' id="([^"]+)"', drawn)
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r'(?:url\(|href=")#([^")]+)', drawn))
    assert referred == set(ids)


def test_one_epoch_has_one_tick(unfinished, write_history):
    write_history(unfinished, learning_rate=[0.1], loss=[0.5], error=[9.0])
    run = read_run(unfinished)
    run.recipe["epochs"] = 1
    chart = curves._Chart(run)
    axes = chart.figure.axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    assert (low, high) == (0.5, 1.5)
