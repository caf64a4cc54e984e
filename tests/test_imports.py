"""Who may import whom, and what an import must not bring with it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "keras_classics"
FILES = sorted(PACKAGE.rglob("*.py"))

# Room -> the other rooms it may import. A new room gets its line here.
GROUND = {"checks", "compat", "errors", "files", "trained_model", "words"}  # for everybody
MAY_IMPORT = {
    "layers": set(),
    "data": set(),
    "report": set(),
    "weights": {"layers"},
    "models": {"layers", "weights"},
    "zoo": {"models"},
    "export": {"layers"},
    "training": {"data", "layers"},
    "evaluation": {"data", "training"},
    "runs": {"data", "evaluation", "layers", "report", "training"},
    "tuning": {"data", "report", "runs", "training"},
    "cli": {"data", "evaluation", "models", "report", "runs", "training", "tuning", "zoo"},
    "__init__": {"layers", "models", "zoo"},
    **{room: set() for room in GROUND},
}
# Where TensorFlow may be imported, and there only inside functions.
MAY_USE_TENSORFLOW = ("data/", "layers/", "compat.py")


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_modules(path):
    """(module, whether the import runs as the file is loaded) for every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["keras_classics", *path.relative_to(PACKAGE).parent.parts]
    inside_functions = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        at_load = node not in inside_functions
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


@pytest.mark.parametrize("path", FILES, ids=relative_name)
def test_imports_only_what_its_room_may(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"the new room {room!r} needs its line in MAY_IMPORT"
    rooms = {
        [*module.split("."), "the package itself"][1]
        for module, _ in imported_modules(path)
        if module.split(".")[0] == "keras_classics"
    }
    assert rooms <= MAY_IMPORT[room] | GROUND | {room, "__version__"}


@pytest.mark.parametrize("path", FILES, ids=relative_name)
def test_nobody_imports_recipes(path):
    assert not [m for m, _ in imported_modules(path) if "recipes" in m.split(".")]


@pytest.mark.parametrize("path", FILES, ids=relative_name)
def test_tensorflow_is_imported_lazily_and_in_few_places(path):
    found = [at_load for module, at_load in imported_modules(path) if is_tensorflow(module)]
    assert not any(found), "TensorFlow is imported inside the function that uses it"
    assert not found or relative_name(path).startswith(MAY_USE_TENSORFLOW)


def test_every_room_is_there():
    assert {room_of(path) for path in FILES} >= {"layers", "data", "report", "models", "training"}


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
