"""Every benchmark runs: nobody would see otherwise that one does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "machine")
NEEDS_DATA = {"cifar_epoch"}  # what no package brings along


@pytest.mark.parametrize("name", SCRIPTS)
def test_benchmark_runs(name, request, tmp_path):
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--smoke"]
    if name in NEEDS_DATA:
        command += ["--data-dir", str(request.getfixturevalue("data_dir"))]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_shows_a_command_and_what_is_compared(name):
    text = (FOLDER / f"{name}.py").read_text()
    assert re.search(rf"(?m)^    (KERAS_BACKEND=\w+ )?python benchmarks/{name}\.py", text)
    # The docstring in its own lines, not its first line alone.
    assert "machine.parser(__doc__)" in text
