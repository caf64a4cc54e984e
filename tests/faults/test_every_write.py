"""SIGKILL, or a full disk, at every write of a run: continued, it ends as if nothing had been."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from keras_classics.files import is_torn
from tests import ROOT
from tests.faults.sameness import assert_same, files_of

# Before the row of the last epoch is written, between a model and its figures, and before a kept
# epoch is counted.
CHOSEN = (r"^open \.history\.", r"^open \.predictions", r"^open checkpoints/\.epoch-00001")

# What a search itself writes, and what it reads of a run.
OF_A_SEARCH = (
    r"^open \.search", r"^open \.oracle", r"^os.rename oracle", r"^open \.tuner0",
    r"^os.mkdir trial_1$", r"^open trial_1/\.trial", r"^os.rename trial_1/trial",
    r"^open trial_1/run/\.history", r"^open trial_1/run/\.metrics",
    r"^open \.trials", r"^open \.report",
)  # fmt: skip


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 MB, room for one run after the other, which only root can make."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here; it takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def faults(task, fault, folder, patterns=()):
    """Runs `every_write`; returns its writes and results."""
    command = [sys.executable, "-m", "tests.faults.every_write", task, fault, str(folder)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [*command, *patterns], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for line in found["writes"]:
        event, path = line.split(" ", 1)
        name = os.path.basename(path)
        # Nothing is written into its place; the lock's file stays empty.
        assert event != "open" or is_torn(name) or name == ".lock", line
    return found["writes"], found["results"]


def killed_at(folder, patterns):
    _, results = faults("run", "kill", folder, patterns)
    for number, result in results.items():
        assert (result["status"], result["again"]) == (-signal.SIGKILL, 0), result
        assert_same(folder / "whole", folder / number)


def full_at(folder, patterns):
    _, results = faults("run", "full", folder, patterns)
    for number, result in results.items():
        assert result["again"] == 0, result
        if result["status"]:
            said = result["said"].strip().splitlines()[-1]
            assert re.fullmatch(
                rf"The run directory {folder}/{number} could not be written \(No space left on "
                r"device\); what it holds is unharmed: make room there, and the same command with "
                rf"`run_dir` {folder}/{number} continues it\.",
                said,
            ) or re.search(r"cannot be written \(No space left.*choose another|needs about", said)
        assert not result["torn"], result
        assert_same(folder / "whole", folder / number)
    return [result["status"] for result in results.values()]


def test_a_run_killed_at_chosen_writes(tmp_path):
    killed_at(tmp_path, CHOSEN)


@pytest.mark.slow
def test_a_run_killed_at_every_write(tmp_path):
    killed_at(tmp_path, ())


@pytest.mark.slow
def test_a_disk_that_is_full_at_every_write(small_disk):
    assert 1 in full_at(small_disk, ())


def search_killed_at(folder, patterns):
    _, results = faults("search", "kill", folder, patterns)
    for number, result in results.items():
        assert (result["status"], result["again"]) == (-signal.SIGKILL, 0), result
        whole, killed = folder / "whole", folder / number
        assert (whole / "trials.csv").read_text() == (killed / "trials.csv").read_text()
        assert files_of(whole) == files_of(killed)
        for trial in ("trial_0", "trial_1"):
            assert_same(whole / trial / "run", killed / trial / "run")


@pytest.mark.slow
def test_a_search_killed_at_its_own_writes(tmp_path):
    search_killed_at(tmp_path, OF_A_SEARCH)


@pytest.mark.full
def test_a_search_killed_at_every_write(tmp_path):
    search_killed_at(tmp_path, ())
