"""Recipes found in a clone and in an installation, and what cannot be trained."""

import os
import subprocess
import sys

import pytest

from keras_classics.cli import recipe_files
from keras_classics.cli.main import main
from keras_classics.errors import UserError
from tests import ROOT


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package of an installation, with the recipes inside and no clone around it."""
    package = tmp_path / "site-packages" / "keras_classics"
    (package / "recipes").mkdir(parents=True)
    monkeypatch.setattr(recipe_files, "_PACKAGE", package)
    return package


def fails(*arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["train", *map(str, arguments)])
    return str(stopped.value)


def test_all_recipes_of_the_clone_are_listed(capsys):
    main(["train"])
    lines = capsys.readouterr().out.splitlines()
    stems = sorted(path.stem for path in (ROOT / "recipes").rglob("*.py"))
    assert [line.split()[0] for line in lines] == stems
    assert all(len(line.split()) > 3 for line in lines)


def test_a_recipe_is_shown_as_it_is(capsys):
    main(["train", "mnist_cnn", "--show"])
    assert capsys.readouterr().out == (ROOT / "recipes" / "mnist_cnn.py").read_text("utf-8")


def test_listing_and_showing_import_no_backend():
    code = (
        "from keras_classics.cli.main import main; main(['train']); "
        "main(['train', 'lenet5_mnist', '--show']); import sys; "
        "print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


def test_a_file_of_ones_own_runs_as_a_script_with_its_neighbours(tmp_path, capsys):
    (tmp_path / "neighbour.py").write_text("word = 'hello'")
    script = tmp_path / "mine.py"
    script.write_text("import sys\nfrom neighbour import word\nprint(__name__, word, *sys.argv)\n")
    before = list(sys.path)
    main(["train", str(script), "--epochs", "3"])
    assert capsys.readouterr().out == f"__main__ hello {script} --epochs 3\n"
    assert sys.path == before


def test_the_module_is_the_command(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "keras_classics", "train"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "lenet5_mnist" in done.stdout


def test_recipes_inside_an_installed_package_are_found(installed):
    (installed / "recipes" / "mine.py").write_text('"""What it does."""\n')
    (installed.parent / "recipes").mkdir()  # somebody else's
    (installed.parent / "recipes" / "other.py").write_text("")
    paths = recipe_files.recipe_paths()
    assert list(paths) == ["mine"]
    assert recipe_files.summary(paths["mine"]) == "What it does."


def test_a_wheel_without_recipes(installed):
    assert fails("lenet5_mnist").startswith("error: This installation holds no recipes (")
    assert fails() == fails("lenet5_mnist")


def test_twice(installed):
    (installed.parent / "pyproject.toml").write_text("")
    for folder in (installed / "recipes", installed.parent / "recipes"):
        folder.mkdir(exist_ok=True)
        (folder / "mine.py").write_text("")
    sentence = fails("mine")
    assert sentence.startswith("error: The recipe mine exists twice, in ")
    assert f"{installed / 'recipes'} and in" in sentence
    assert f"{installed.parent / 'recipes'}; delete one." in sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lenet5_mnits", "error: There is no recipe lenet5_mnits (similar: lenet5_mnist"),
        ("zzz", "error: There is no recipe zzz; `keras-classics train` lists them"),
        ("no/such.py", "error: no/such.py does not exist; name a recipe's file, or a recipe."),
    ],
)
def test_names_of_no_recipe(name, sentence):
    assert fails(name).startswith(sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"RECIPE = Recipe(\n", ", line 1 cannot be read as Python: "),
        (b"print('never')\nif\n", ", line 2 cannot be read as Python: invalid syntax."),
        (b"\xff\xfe", " cannot be read as Python: "),
        (b"x = 1\x00", " cannot be read as Python: "),
        (b"x = " + b"-" * 100_000 + b"1", " cannot be read as Python: "),
        (b"raise ValueError('mine')", ", line 1, cannot be run (ValueError: mine); correct it."),
        (b"x = 1\nimport nowhere", ", line 2, cannot be run (ModuleNotFoundError: No module "),
        (b"from keras_classics import lenet6", ", line 1, cannot be run (ImportError: cannot "),
        (b"def f():\n    f()\nf()", ", line 2, cannot be run (RecursionError: maximum "),
        (b"assert 0", ", line 1, cannot be run (AssertionError); correct it."),
    ],
)
def test_files_that_are_no_python(tmp_path, capsys, content, sentence):
    path = tmp_path / "mine.py"
    path.write_bytes(content)
    assert fails(path).startswith(f"error: {path}{sentence}")
    assert capsys.readouterr().out == ""


def test_errors_name_the_file_before_anything_runs(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("raise AssertionError\n(")
    with pytest.raises(UserError, match="line 2"):
        recipe_files.run_as_script(str(path), [])


def test_a_failure_of_ours_keeps_its_traceback(tmp_path):
    """The line is the recipe's mistake only where it had not begun to train."""
    path = tmp_path / "mine.py"
    path.write_text(
        "from keras_classics.cli import run\n"
        "from keras_classics.cli.recipe_files import load_recipe\n"
        "run(load_recipe('lenet5_mnist').RECIPE, choices=3)\n"
    )
    with pytest.raises(AttributeError):
        main(["train", str(path)])


@pytest.mark.parametrize("call", ["run(None)", "run('lenet5_mnist')", "tune(3, None)"])
def test_what_is_no_recipe(tmp_path, call):
    path = tmp_path / "mine.py"
    path.write_text(f"from keras_classics.cli import run, tune\n{call}\n")
    assert fails(path).startswith(f"error: `{call[: call.index('(')]}` takes a Recipe. Received: ")


def test_a_search_without_keras_tuner(tmp_path):
    (tmp_path / "keras_tuner.py").write_text("raise ImportError('not installed')")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "recipes/tuning/tune_lenet5_mnist.py", "--trials", "1"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.endswith(
        'error: Searches need KerasTuner; run pip install "keras_classics[tuner]".\n'
    )
