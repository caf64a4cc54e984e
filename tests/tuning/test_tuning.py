"""Searches of a few small trials, with KerasTuner's own oracles, service and processes."""

import csv
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from html.parser import HTMLParser

import keras
import pytest

from keras_classics.cli import tune
from keras_classics.training import vary
from keras_classics.tuning import SearchError, make_tuner
from keras_classics.tuning.page import write_search_report
from keras_classics.tuning.results import read_trials
from tests import ROOT
from tests.runs import small_recipes

RECIPE = vary(small_recipes.PLAIN, {"limit_train": 64, "epochs": 2, "schedule.at": (99,)})


def space(hp):
    hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    hp.Choice("model.width", [8, 16])


def rate_alone(hp):
    hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")


def test_each_trial_is_an_ordinary_run(tmp_path):
    tuner = make_tuner("random", RECIPE, space, tmp_path / "search", trials=3)
    tuner.search(verbose=0)
    trials = read_trials(tmp_path / "search")
    assert [trial["status"] for trial in trials] == ["completed"] * 3
    assert len({trial["values"]["learning_rate"] for trial in trials}) == 3
    for trial in trials:
        run_dir = tmp_path / "search" / trial["run"]
        assert (run_dir / "report.html").exists()
        with open(run_dir / "history.csv") as file:
            last = list(csv.DictReader(file))[-1]
        assert float(last["val_error"]) == trial["val_error"]
        metrics = json.loads((run_dir / "metrics.json").read_text())
        assert metrics["split"] == "validation"  # the test split is left alone
        recipe = json.loads((run_dir / "recipe.json").read_text())["recipe"]
        assert recipe["learning_rate"] == trial["values"]["learning_rate"]
        assert recipe["model"]["width"] == trial["values"]["model.width"]
        network = keras.models.load_model(run_dir / "model.keras").get_layer("small")
        assert network.get_layer("hidden").units == trial["values"]["model.width"]
    best = tuner.oracle.get_best_trials()[0]
    assert best.trial_id == trials[0]["trial"]
    assert tuner.load_model(best).output_shape == (None, 10)


def test_hyperband_trains_the_good_ones_on(tmp_path):
    tuner = make_tuner("hyperband", vary(RECIPE, {"epochs": 3}), rate_alone, tmp_path / "search")
    tuner.search(verbose=0)
    trials = read_trials(tmp_path / "search")
    continued = [trial for trial in trials if trial["continues"]]
    assert continued and {t["epochs"] for t in trials} == {1, 3}
    for trial in continued:
        assert trial["run"] == f"trial_{trial['continues']}/run"
        timings = (tmp_path / "search" / trial["run"] / "timings.csv").read_text().splitlines()
        assert [line.partition(",")[0] for line in timings[1:]] == ["1", "2", "3"]  # each once


def test_a_rate_that_diverges_is_a_result(tmp_path):
    def wild(hp):
        hp.Choice("learning_rate", [0.02, 1e30])

    tuner = make_tuner("random", RECIPE, wild, tmp_path / "search", trials=2)
    tuner.search(verbose=0)
    assert [trial["val_error"] for trial in read_trials(tmp_path / "search")][1] == 100.0


SEARCH = """
import sys
from tests.tuning import test_tuning
test_tuning.tune(test_tuning.RECIPE, test_tuning.space, sys.argv[1:])
"""


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", SEARCH, "--tuner", "random", "--trials", "4", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_a_killed_search_goes_on(tmp_path):
    whole = start("--directory", str(tmp_path / "whole"))
    output, _ = whole.communicate(timeout=300)
    assert whole.returncode == 0, output
    killed = start("--directory", str(tmp_path / "killed"))
    second = tmp_path / "killed" / "trial_1" / "run" / "history.csv"
    deadline = time.monotonic() + 120
    while not second.exists():
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    first = tmp_path / "killed" / "trial_0" / "run" / "model.keras"
    written = first.stat().st_mtime_ns
    again = start("--directory", str(tmp_path / "killed"))
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    assert first.stat().st_mtime_ns == written  # no finished trial is run again
    tables = [(tmp_path / name / "trials.csv").read_text() for name in ("whole", "killed")]
    assert tables[0] == tables[1] and len(tables[0].splitlines()) == 5
    assert re.search(r"^Best: trial \d, .* % \(learning_rate=", output, re.M)
    assert "Trials, the best first" in (tmp_path / "killed" / "report.html").read_text()


def test_two_workers_share_a_search(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    shared = ("--oracle", f"127.0.0.1:{port}", "--directory", str(tmp_path / "search"))
    processes = [start(*shared), *(start(*shared, "--worker", name) for name in "12")]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert "Best: trial" in outputs[0]
    trials = read_trials(tmp_path / "search")
    assert [trial["status"] for trial in trials] == ["completed"] * 4


@pytest.mark.parametrize(
    ("changes", "declare", "message"),
    [
        (
            {"validation": "test"},
            space,
            "A search chooses by held-out training pictures and leaves the test split alone; set "
            "`validation` to their number. Received: validation='test'",
        ),
        ({}, lambda hp: None, "The search space is empty; declare a field in it."),
        (
            {},
            lambda hp: hp.Float("rate", 0.0, 1.0),
            "The search space does not fit small_plain: `rate` cannot be set: there is no 'rate'; "
            "there are ",
        ),
        (
            {},
            lambda hp: hp.Choice("model.depth", [1, 2]),
            "The search space does not fit small_plain: `model.depth` cannot be set: there is no "
            "'depth'; there are num_classes, ",
        ),
    ],
    ids=["test split", "nothing", "no field", "no option"],
)
def test_searches_that_cannot_be_made(changes, declare, message, tmp_path):
    with pytest.raises(SearchError) as raised:
        make_tuner("random", vary(RECIPE, changes), declare, tmp_path / "search")
    assert str(raised.value).startswith(message)
    assert not (tmp_path / "search").exists()


def test_folders_of_something_else(tmp_path):
    make_tuner("random", RECIPE, space, tmp_path / "search")
    make_tuner("random", RECIPE, space, tmp_path / "search")  # the same goes on
    cases = [
        (("random", vary(RECIPE, {"seed": 1}), space), "seed"),
        (("bayesian", RECIPE, space), "oracle"),
        (("random", RECIPE, rate_alone), "space"),
    ]
    for arguments, differing in cases:
        with pytest.raises(SearchError, match=f"another search \\(it differs in {differing}\\)"):
            make_tuner(*arguments, tmp_path / "search")
    (tmp_path / "killed").mkdir()  # before it had written what is searched
    (tmp_path / "killed" / ".search.42.partial.json").write_text("{")
    make_tuner("random", RECIPE, space, tmp_path / "killed")
    assert not list((tmp_path / "killed").glob(".*"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("Dear")
    with pytest.raises(SearchError, match="is not empty and holds no search; choose another"):
        make_tuner("random", RECIPE, space, tmp_path / "other")
    (tmp_path / "search" / "search.json").write_text("{")
    with pytest.raises(SearchError, match="search.json is damaged; choose another directory"):
        make_tuner("random", RECIPE, space, tmp_path / "search")
    with pytest.raises(SearchError, match='^`kind` must be one of "hyperband", "random"'):
        make_tuner("best", RECIPE, space, tmp_path / "search")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--worker", "1"], "error: --worker needs --oracle, the address where trials are chosen."),
        (["--trials", str(2**31)], "error: --trials must be below 2**31. Received: 2147483648"),
        (["--oracle", "h:²"], "error: --oracle must be host:port. Received: h:²"),
        (["--oracle", "h:80", "--worker", "a/b"], "error: --worker must be a name of letters"),
        (["--oracle", "h:80", "--worker", "chief"], "error: --worker must be a name of letters"),
        (["--oracle", "here"], "error: --oracle must be host:port. Received: here"),
        (["--data", "mnits"], "error: `mnits` is not the name of a data set (similar names: mnist"),
        (["--validation", "9999"], "error: "),
        (["--trials", "0"], "error: --trials must be at least 1. Received: 0"),
        (["--set", "rate=1"], "error: `rate` cannot be set: there is no 'rate'"),
    ],
)
def test_wrong_command_lines(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        tune(RECIPE, space, arguments)
    assert str(stopped.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_the_page_before_any_trial_has_ended(tmp_path):
    make_tuner("random", RECIPE, space, tmp_path / "search")
    assert write_search_report(tmp_path / "search") is None


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}


def test_the_page_of_a_search_shows_names_as_text(tmp_path):
    bad = "<script src=\"x\" onload='y'>&</h1>"
    recipe = {"name": bad, "dataset": bad, "validation": 450, "seed": 0}
    search = {"recipe": recipe, "identity": bad, "oracle": bad, "space": []}
    (tmp_path / "search.json").write_text(json.dumps(search))
    for number in range(3):
        trial = {
            "trial_id": f"{number}{bad}",
            "status": "COMPLETED",
            "score": 1.5 + number,
            "hyperparameters": {"values": {f"model.{bad}": bad, "learning_rate": 0.1}},
        }
        folder = tmp_path / f"trial_{number}"
        folder.mkdir()
        (folder / "trial.json").write_text(json.dumps(trial))
    text = write_search_report(tmp_path).read_text("utf-8")
    assert not Tags(text).found & {"script", "onload"}
    assert text.count("&lt;script") >= 8


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search with one trial, and what began it."""
    path = tmp_path_factory.mktemp("searched") / "search"
    make_tuner("random", RECIPE, rate_alone, path, trials=1).search(verbose=0)
    return path


BROKEN = ["", "[]", "null", "{}", "[" * 50_000, '{"start_order": 1}', "\x00"]
CHANGED = [
    ("trial_0/trial.json", {"score": "x"}),
    ("trial_0/trial.json", {"score": 1e999}),
    ("trial_0/trial.json", {"trial_id": None}),
    ("trial_0/trial.json", {"hyperparameters": {"values": [1]}}),
    ("trial_0/trial.json", {"hyperparameters": {"values": {"learning_rate": 1e999}}}),
    ("trial_0/trial.json", {"hyperparameters": {"values": {"tuner/trial_id": "0"}}}),
    ("trial_0/trial.json", {"hyperparameters": {"values": {"tuner/trial_id": "7"}}}),
    ("oracle.json", {"start_order": []}),
    ("oracle.json", {"hyperparameters": 1}),
    ("oracle.json", {"ongoing_trials": None}),
    ("search.json", {"recipe": 1}),
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((name, text) for name in ("search.json", "oracle.json", "trial_0/trial.json")
          for text in BROKEN),
        *CHANGED,
    ],
    ids=lambda value: repr(value)[:50],
)  # fmt: skip
def test_a_damaged_search_is_one_sentence(searched, tmp_path, name, content):
    path = shutil.copytree(searched, tmp_path / "search")
    if isinstance(content, dict):
        content = json.dumps(json.loads((path / name).read_text("utf-8")) | content)
    (path / name).write_text(content)
    with pytest.raises(SearchError) as raised:
        make_tuner("random", RECIPE, rate_alone, path, trials=1)
    said = str(raised.value)
    assert "\n" not in said and len(said.replace(str(path), "")) < 300
    assert name in said or "KerasTuner cannot continue" in said or "Trial 0" in said
    assert (path / "trial_0" / "run" / "metrics.json").exists()
    if name != "oracle.json":  # which the page does not need
        with pytest.raises(SearchError):
            write_search_report(path)


@pytest.mark.parametrize(
    ("name", "as_folder", "message"),
    [
        ("trial.json", False, "trial_0/trial.json is not there; restore it, or choose another"),
        ("trial.json", True, "trial_0/trial.json is not there; restore it, or choose another"),
        ("run/history.csv", True, "history.csv is not a file; remove it, and the search goes on."),
    ],
)
def test_a_part_of_a_trial_that_is_gone(searched, tmp_path, name, as_folder, message):
    path = shutil.copytree(searched, tmp_path / "search")
    before = {p: p.read_bytes() for p in path.rglob("*.json")}
    (path / "trial_0" / name).unlink()
    if as_folder:
        (path / "trial_0" / name).mkdir()
    with pytest.raises(SearchError, match=re.escape(message)):
        make_tuner("random", RECIPE, rate_alone, path, trials=1)
    left = {p: content for p, content in before.items() if p.is_file()}
    assert {p: p.read_bytes() for p in left} == left  # KerasTuner has not written anything
