"""`keras-classics runs`: what it finds below a folder, and what it says of what is no whole run."""

import json
import os
import shutil
import threading

import keras
import pytest

from keras_classics import compare, list_runs, shipped
from keras_classics.cli.main import main
from keras_classics.comparison.run_list import find_runs
from keras_classics.files import write_json
from keras_classics.runs import RunDirectory, TrainingError, train
from keras_classics.training import vary
from tests.comparison.conftest import RECIPE


def printed(capsys, *words):
    main([str(word) for word in words])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    return lines


def fails(*words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    message = str(ended.value.code)
    assert message.startswith("error: ") and "\n" not in message and len(message) < 260
    return message


def test_each_run_is_a_line_below_its_recipe(copies, capsys):
    header, *lines = printed(capsys, "runs")
    assert header.split() == ["run", "state", "epochs", "seed", "error", "when"]
    titles = [line for line in lines if line and line[0] != " "]
    assert titles == [
        "small: fragile on mnist_5k, nothing measured yet",
        "small: fragile on mnist_5k, validation error",
        "tested: fragile on mnist_5k, held-out error",
        "runs/failed, failed:",
    ]
    found = {line.split()[0]: line.split() for line in lines if line[:3].strip()}
    names = ("failed", "fast/seed-0", "fast/seed-1", "slow/seed-0", "slow/seed-1", "stopped")
    assert [name for name in found if name in (*names, "ended", "plateau")] == [
        *(*names, "ended", "plateau"),
    ]
    error = json.loads((copies / "slow/seed-1/metrics.json").read_text())["error"]
    assert found["slow/seed-1"][1:5] == ["finished", "2/2", "1", f"{error:.2f}"]
    assert found["stopped"][1:4] == ["interrupted", "1/2", "2"]
    assert found["failed"][1] == "failed" and found["ended"][1:3] == ["finished", "2/3"]
    assert "The loss became NaN" in lines[-2] or "The weights became NaN" in lines[-2]


def test_as_data(copies, capsys):
    main(["runs", "runs/slow", "--json"])
    runs = json.loads(capsys.readouterr().out)
    assert runs == list_runs(copies / "slow")
    metrics = json.loads((copies / "slow/seed-0/metrics.json").read_text())
    assert {
        key: runs[0][key] for key in ("error", "top5_error", "train_error", "split", "seed")
    } == {key: metrics[key] for key in ("error", "top5_error", "train_error", "split", "seed")}
    assert (runs[0]["network"], runs[0]["epochs"], runs[0]["planned_epochs"]) == ("fragile", 2, 2)


def test_seeds_are_in_the_order_of_their_numbers(copies):
    shutil.copytree(copies / "slow/seed-1", copies / "slow/seed-10")
    shutil.copytree(copies / "slow/seed-1", copies / "slow/seed-2")
    names = [run["path"].rpartition("-")[2] for run in list_runs(copies / "slow")]
    assert names == ["0", "1", "2", "10"]


def test_a_run_that_is_still_being_written(copies):
    directory = RunDirectory(copies / "stopped", vary(RECIPE, {"seed": 2}))
    assert list_runs(copies / "stopped")[0]["state"] == "running"
    directory.close()
    assert list_runs(copies / "stopped")[0]["state"] == "interrupted"


def test_a_failed_run_is_tried_again(copies):
    """The sentence goes when training begins anew, and comes back where it fails again."""
    recipe = vary(RECIPE, {"learning_rate": 1e30, "epochs": 3})
    RunDirectory(copies / "failed", recipe).close()
    assert list_runs(copies / "failed")[0]["state"] == "interrupted"
    with pytest.raises(TrainingError) as error:
        train(recipe, copies / "failed", verbose=0)
    (found,) = list_runs(copies / "failed")
    assert found["state"] == "failed" and found["problem"] == str(error.value)


def test_a_failure_that_cannot_be_noted_is_still_said(tmp_path):
    """A folder stands where the sentence should; a full disk says no as well."""
    block = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs=None: (tmp_path / "run/failed.txt").mkdir(exist_ok=True)
    )
    recipe = vary(RECIPE, {"learning_rate": 1e30, "epochs": 3})
    with pytest.raises(TrainingError, match="became NaN"):
        train(recipe, tmp_path / "run", verbose=0, callbacks=[block])


@pytest.mark.skipif(os.name == "nt", reason="there is no such lock on Windows")
def test_looking_keeps_no_run_from_starting(copies):
    """A look holds the lock for a moment, for which training waits; for another run it does not."""
    import fcntl

    with open(copies / "stopped/.lock", "rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        timer = threading.Timer(0.15, fcntl.flock, (look, fcntl.LOCK_UN))
        timer.start()
        RunDirectory(copies / "stopped", vary(RECIPE, {"seed": 2})).close()
        timer.join()


def test_what_cannot_be_read_is_named(copies, capsys):
    """A half-written, a foreign, a newer and a damaged one beside the others."""
    (copies / "half").mkdir()
    (copies / "half" / ".lock").touch()
    (copies / "cake").mkdir()
    write_json(copies / "cake" / "recipe.json", {"ingredients": ["flour"]})
    newer = copies / "slow/seed-0/recipe.json"
    newer.write_text(newer.read_text().replace('"format": 1', '"format": 99'))
    damaged = copies / "slow/seed-1/history.csv"
    damaged.write_bytes(damaged.read_bytes()[:-40] + b"x\x1b[31m\n")
    main(["runs"])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    said = " ".join(said.replace("\n\n", "\0").split()).split("\0")
    for name, words in {
        "half": "is not a run directory (it holds no recipe.json)",
        "cake": '("recipe" is missing',
        "slow/seed-0": "a newer version of keras_classics has written this",
        "slow/seed-1": "history.csv` cannot be read (",
    }.items():
        (sentence,) = (one for one in said if one.startswith(f"runs/{name}, unreadable: "))
        assert words in sentence
    states = [run["state"] for run in list_runs(copies)]
    assert states.count("unreadable") == 4 and states.count("finished") == 4


def test_links_are_followed_once(copies, tmp_path):
    """A seed on another disk is found; a second name of a run, and a loop, add nothing."""
    shutil.move(copies / "slow/seed-1", tmp_path / "elsewhere")
    (copies / "slow/seed-1").symlink_to(tmp_path / "elsewhere")
    (copies / "slow/latest").symlink_to("seed-0")
    (copies / "slow/loop").symlink_to(".")
    paths = [run["path"] for run in list_runs(copies / "slow")]
    assert paths == ["runs/slow/seed-0", "runs/slow/seed-1"]
    assert compare(copies / "slow").rows[0].seeds == [0, 1]
    assert len(list_runs(copies)) == 8


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_that_may_not_be_read(copies, mode):
    locked = copies / "slow/seed-1"
    locked.chmod(mode)
    try:
        found = list_runs(copies / "slow")
        (note,) = compare(copies / "slow").notes
    finally:
        locked.chmod(0o755)
    assert [run["state"] for run in found] == ["finished", "unreadable"]
    assert "(Permission denied)" in found[1]["problem"] and note.startswith("Left out: `runs/slow")


def test_a_folder_that_vanishes(copies):
    (found,) = find_runs(copies / "ended")
    shutil.rmtree(copies / "ended")
    assert found.when is None and found.data()["when"] is None


def test_a_network_that_comes_trained():
    (run,) = list_runs(shipped.folder("mnist_cnn", "mnist"))
    assert (run["epochs"], run["planned_epochs"], run["state"]) == (15, None, "finished")


def test_a_folder_without_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no folder runs; `keras-classics train`" in fails("runs")
    (tmp_path / "runs").mkdir()
    assert "no run directory in runs" in fails("runs")
    assert "no folder rnus (similar: runs)" in fails("runs", "rnus")
