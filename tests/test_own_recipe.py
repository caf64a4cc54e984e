"""What a page shows of plain Keras, and of a recipe of one's own: killed and continued."""

import os
import re
import signal
import subprocess
import sys
import time

import nbformat
import numpy as np
import pytest

from tests import ROOT
from tests.faults.sameness import assert_same, final_state

PAGE = (ROOT / "docs" / "how_to" / "own_network.md").read_text("utf-8")
TEXT = re.search(r"## A recipe of your own\n.*?```python\n(.*?)```", PAGE, re.DOTALL)[1]
SPLIT = "RECIPE = "  # the notebook's second cell begins here


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder of the finished script."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "my_recipe.py").write_text(TEXT)
    assert python(folder, "my_recipe.py").wait() == 0
    return folder


def python(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_RUNTIME_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill_after_an_epoch(folder, pid):
    """Ends a process by SIGKILL when it has written the checkpoint of its first epoch."""
    deadline = time.monotonic() + 100
    while not list((folder / "runs" / "mine").glob("checkpoints/epoch-00001-*.npz")):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(pid(), signal.SIGKILL)


def test_the_script_killed_and_continued_ends_the_same(undisturbed, tmp_path):
    (tmp_path / "my_recipe.py").write_text(TEXT)
    process = python(tmp_path, "my_recipe.py")
    kill_after_an_epoch(tmp_path, lambda: process.pid)
    process.communicate()
    assert not (tmp_path / "runs" / "mine" / "metrics.json").exists()
    said = python(tmp_path, "my_recipe.py").communicate()[0]
    assert "Continuing runs/mine after epoch 1" in said
    assert_same(undisturbed / "runs" / "mine", tmp_path / "runs" / "mine")


def test_the_notebook_killed_and_continued_ends_as_the_script(undisturbed, tmp_path):
    path = tmp_path / "my_recipe.ipynb"
    first, second = TEXT.split(SPLIT)
    write_pid = "import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))"
    nbformat.write(notebook(write_pid, first, SPLIT + second), path)
    run = ("-m", "jupyter", "execute", "--inplace", path)
    process = python(tmp_path, *run)
    kill_after_an_epoch(tmp_path, lambda: int((tmp_path / "pid").read_text()))
    assert "kernel died" in process.communicate()[0].lower()
    process = python(tmp_path, *run)
    assert process.wait() == 0, process.communicate()[0]
    outputs = nbformat.read(path, as_version=4).cells[-1].outputs
    said = "".join(output.get("text", "") for output in outputs)
    assert "Continuing runs/mine after epoch 1" in said and "epoch 2/2" in said
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 1  # the curves, drawn in their place
    # What the page says of the command is the only difference.
    (arrays, texts), (others, other_texts) = map(
        final_state, (undisturbed / "runs" / "mine", tmp_path / "runs" / "mine")
    )
    assert other_texts.pop("report.html").replace("a notebook", "python my_recipe.py") == (
        texts.pop("report.html")
    )
    np.testing.assert_equal((others, other_texts), (arrays, texts))

    # Changed between two runs of one directory, it is another network.
    changed = first.replace("Conv2D(16", "Conv2D(17")
    nbformat.write(notebook(write_pid, changed, SPLIT + second), path)
    refused = python(tmp_path, *run).communicate()[0]
    assert "runs/mine belongs to another run (it differs in model)" in refused


def notebook(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def test_a_network_in_plain_keras_learns():
    text = re.search(r"## In plain Keras\n.*?```python\n(.*?)```", PAGE, re.DOTALL)[1]
    names = {}
    exec(text, names)
    accuracy = names["model"].history.history["accuracy"]
    assert accuracy[-1] > 0.8  # 0.87; a network that does not learn has 0.1


def test_the_parts_of_the_papers_make_a_network():
    text = re.search(r"## From the papers' parts\n.*?```python\n(.*?)```", PAGE, re.DOTALL)[1]
    names = {}
    exec(text, names)
    assert names["model"].output_shape == (None, 10)


def test_its_run_is_looked_at_from_elsewhere(undisturbed):
    for words in (["report"], ["evaluate"]):
        process = python(undisturbed, "-m", "keras_classics", *words, "runs/mine")
        said = process.communicate()[0]
        assert process.returncode == 0, said
    assert re.search(r"final model  error \d+\.\d\d %", said)
