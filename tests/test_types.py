"""Whether public functions say their types, and whether a user's checker hears of them."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_classics
from tests import ROOT

PACKAGE = ROOT / "keras_classics"
FILES = sorted(PACKAGE.rglob("*.py"))


def is_public(name):
    """Whether somebody else may call it; `__init__` and its like are called by Python itself."""
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def public_functions(node, prefix=""):
    """(name, `ast.FunctionDef`, whether in a class) of a module's functions and methods."""
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            yield from public_functions(inner, f"{prefix}{inner.name}.")
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(inner.name):
            yield prefix + inner.name, inner, bool(prefix)


def unannotated(function, is_method):
    """The arguments without an annotation, and "return" for what comes back."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args]
    arguments = arguments[1:] if is_method else arguments  # self
    arguments += [*given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    missing = [argument.arg for argument in arguments if argument.annotation is None]
    return missing + ["return"] * (function.returns is None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_public_function_is_annotated(path):
    tree = ast.parse(path.read_text("utf-8"))
    found = {
        name: missing
        for name, function, is_method in public_functions(tree)
        if (missing := unannotated(function, is_method))
    }
    assert not found


def test_names_for_checkers_are_those_of_python():
    """The stub is all that a checker reads; `__init__.py` takes its names from there."""
    no_builders = ("fully_convolutional", "pretrained")
    builders = {
        name
        for name, module in keras_classics.EXPORTS.items()
        if module.startswith("keras_classics.models.") and name not in no_builders
    }
    assert builders == set(keras_classics.list_models())
    assert all(hasattr(keras_classics, name) for name in keras_classics.__all__)


# A mistake says behind its line by which of mypy's rules it is refused.
USERS_FILE = Path(__file__).with_name("users_file.py")


def refused(path, folder):
    """{line: mypy's rule} of the mistakes in a user's file."""
    config = folder / "users.ini"
    config.write_text(
        "[mypy]\nstrict = true\nfollow_imports = silent\nignore_missing_imports = true\n"
        "[mypy-jax.*,torch.*]\nfollow_imports = skip\n"
    )
    mypy = [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", folder, path]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(mypy, cwd=folder, env=environment, capture_output=True, text=True)
    found = re.findall(r":(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert not done.stderr
    return {int(line): rule for line, rule in found}


def test_a_users_checker_takes_right_calls_and_refuses_wrong_ones(tmp_path):
    expected = {
        number: rule[1]
        for number, line in enumerate(USERS_FILE.read_text("utf-8").splitlines(), start=1)
        if (rule := re.search(r"# refused: ([a-z-]+)", line))
    }
    assert len(expected) >= 15
    assert refused(USERS_FILE, tmp_path) == expected
