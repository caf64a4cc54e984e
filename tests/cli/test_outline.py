"""Flags are read before anything heavy is imported: `--help` and mistakes answer at once."""

import subprocess
import sys
import time

import pytest

from keras_classics.cli.flags import recipe_parser, search_parser
from keras_classics.cli.outline import outlined_parser
from keras_classics.cli.recipe_files import load_recipe, recipe_path, recipe_paths
from tests import ROOT

# A command, and then what it has imported of what takes seconds.
THEN_LIST = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    if sys.argv[0].endswith(".py"):
        sys.path.insert(0, "recipes")
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        sys.argv.insert(0, "keras-classics")
        runpy.run_module("keras_classics", run_name="__main__", alter_sys=True)
finally:
    heavy = {"keras", "tensorflow", "numpy", "jax", "torch", "keras_tuner"}
    print("imported:", sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("name", recipe_paths())
def test_the_outline_has_the_flags_and_defaults_of_the_recipe(name):
    module = load_recipe(name)
    if name.startswith("tune_"):
        parser = search_parser(module.RECIPE)
    else:
        parser = recipe_parser(module.RECIPE, getattr(module, "CHOICES", {}))
    assert outlined_parser(recipe_path(name)).format_help() == parser.format_help()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "lenet5_mnist", "--help"], "(default: mnist)"),
        (["train", "lenet5_mnist", "--epohcs", "3"], "unrecognized arguments: --epohcs 3"),
        (["train", "lenet5_mnist", "--optimizer", "adm"], "invalid choice: 'adm'"),
        (["train", "lenet5_mnist", "--epochs", "abc"], "invalid int value: 'abc'"),
        (["recipes/lenet5_mnist.py", "--help"], "--distort"),
        (["recipes/vgg16_imagenet.py", "--stage", "q"], "invalid choice: 'q'"),
        (["train", "googlenet_cifar10", "--image-px", "31"], "'31' (choose from '32', '224')"),
        (["recipes/tuning/tune_lenet5_mnist.py", "--help"], "(default: 450)"),
        (["recipes/tuning/tune_cifar_resnet.py", "--trials", "x"], "invalid int value: 'x'"),
        (["evaluate", "run", "--batch-size", "x"], "invalid int value: 'x'"),
        (["evaluate", "--help"], "usage:"),
        (["--version"], "0.1"),
    ],
    ids=" ".join,
)
def test_help_and_mistakes_take_no_backend(words, says):
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", THEN_LIST, *words], cwd=ROOT, capture_output=True, text=True
    )
    assert time.monotonic() - begun < 3  # 0.3 s on a machine that does nothing else
    assert says in done.stdout + done.stderr
    assert done.returncode == (0 if words[-1].startswith("--") else 2)
    assert done.stdout.splitlines()[-1] == "imported: []"


def outlined(tmp_path, text):
    path = tmp_path / "mine.py"
    path.write_text(text)
    return outlined_parser(path)


def test_a_file_of_ones_own_has_an_outline_without_being_run(tmp_path):
    parser = outlined(
        tmp_path,
        """
import keras
from keras_classics.cli import run

open("touched", "w")  # no definition
class Layer(keras.layers.Layer):
    pass
RECIPE = keras.anything(name="mine", dataset="mnist", epochs=3, model=Layer, seed=7)
if __name__ == "__main__":
    run(RECIPE, {"pace": {"slow": {}, "fast": {"epochs": 1}}})
""",
    )
    assert parser.parse_args(["--pace", "fast"]).pace == "fast"
    assert "(default: 7)" in parser.format_help()
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "text",
    [
        "print('a script without a recipe')",
        "import sys\nfrom keras_classics.cli import run\nrun(1)\nwhile True: pass",
        "from keras_classics.cli import run\nx = open('touched', 'w')\nif __name__ == '__main__':\n"
        "    run(x)",
        "from keras_classics.cli import run\nif __name__ == '__main__':\n    run(RECIPE, argv=[])",
        "if",
    ],
)
def test_a_file_that_is_written_in_another_way_has_none(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    assert outlined(tmp_path, text) is None
    assert not (tmp_path / "touched").exists()
