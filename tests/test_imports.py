"""Who may import whom, and what an import must not bring with it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

PACKAGE = ROOT / "keras_classics"
FILES = sorted(PACKAGE.rglob("*.py"))

# Where TensorFlow may be imported, and there only inside functions.
MAY_USE_TENSORFLOW = (
    *("data/", "layers/", "compat.py", "export.py"),
    "visualization/gradients.py",
)


def imported_modules(path):
    """(module, whether the import runs as the file is loaded) for every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["keras_classics", *path.relative_to(PACKAGE).parent.parts]
    later_or_never = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        at_load = node not in later_or_never
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_load) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = [*base, *(node.module or "").split(".")] if node.module else base
            # `from . import data` names a module, `from .data import x` names one in the base.
            yield from ((".".join([*base, alias.name]), at_load) for alias in node.names)


def is_tensorflow(module):
    return module.split(".")[0] in ("tensorflow", "tensorflow_datasets")


def relative_name(path):
    return path.relative_to(PACKAGE).as_posix()


def test_imports_run_downward_and_in_no_circle():
    """The floors stand in pyproject.toml; the message names each import that runs upward."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


FOLDERS = [
    folder
    for top in (PACKAGE, ROOT / "recipes")
    for folder in (top, *top.rglob("*/"))
    if folder.is_dir()
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_crowded(folder):
    assert len([path for path in folder.iterdir() if path.suffix == ".py"]) <= 15


@pytest.mark.parametrize("path", FILES, ids=relative_name)
def test_nobody_imports_recipes(path):
    assert not [m for m, _ in imported_modules(path) if "recipes" in m.split(".")]


@pytest.mark.parametrize("path", FILES, ids=relative_name)
def test_tensorflow_is_imported_lazily_and_in_few_places(path):
    found = [at_load for module, at_load in imported_modules(path) if is_tensorflow(module)]
    assert not any(found), "TensorFlow is imported inside the function that uses it"
    assert not found or relative_name(path).startswith(MAY_USE_TENSORFLOW)


def loaded_after(code, backend):
    """The names of the modules that a fresh process has loaded after running `code`."""
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return set(printed.split())


@pytest.mark.parametrize("backend_name", ["jax", "torch"])
@pytest.mark.parametrize("first", ["keras", "keras_classics"])
def test_tensorflow_stays_out_under_other_backends(backend_name, first):
    pytest.importorskip(backend_name)
    loaded = loaded_after(
        f"import {first}, keras, keras_classics\n"
        "import keras_classics.layers, keras_classics.training, keras_classics.data\n"
        "keras_classics.lenet5, keras_classics.mnist_cnn",
        backend_name,
    )
    assert backend_name in loaded
    assert "tensorflow" not in loaded


def test_the_list_of_models_needs_no_keras():
    loaded = loaded_after("import keras_classics; keras_classics.list_models()", "tensorflow")
    assert "keras_classics" in loaded
    assert not loaded & {"keras", "tensorflow"}
