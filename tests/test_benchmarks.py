"""Every benchmark runs: nobody would see otherwise that one does not."""

import os
import re
import subprocess
import sys

import pytest

from benchmarks.training.groups import GROUPS
from keras_classics.cli.flags import recipe_parser
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.cli.recipe_flags import _apply
from tests import ROOT

FOLDER = ROOT / "benchmarks"
SCRIPTS = {  # name behind "benchmarks." -> path
    ".".join(path.relative_to(FOLDER).with_suffix("").parts): path
    for path in sorted(FOLDER.rglob("*.py"))
    if "def main(" in path.read_text("utf-8")
}
NEEDS_DATA = {"cifar_epoch", "epoch_parts", "training.finetuning"}  # what no package brings along


@pytest.mark.parametrize("name", SCRIPTS)
def test_benchmark_runs(name, request, tmp_path):
    command = [sys.executable, "-m", f"benchmarks.{name}", "--smoke"]
    if name in NEEDS_DATA:
        command += ["--data-dir", str(request.getfixturevalue("data_dir"))]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_shows_a_command_and_what_is_compared(name):
    text = SCRIPTS[name].read_text("utf-8")
    assert re.search(rf"(?m)^    (KERAS_BACKEND=\w+ )?python -m benchmarks\.{name}", text)
    # The docstring in its own lines, not its first line alone.
    assert "machine.parser(__doc__)" in text


@pytest.mark.parametrize("group", GROUPS)
def test_every_run_of_a_group_is_a_recipe(group):
    for script, *arguments in GROUPS[group].values():
        module = load_recipe(os.path.basename(script).removesuffix(".py"))
        choices = getattr(module, "CHOICES", {})
        flags = recipe_parser(module.RECIPE, choices).parse_args(arguments)
        assert _apply(module.RECIPE, choices, flags).name == module.RECIPE.name
