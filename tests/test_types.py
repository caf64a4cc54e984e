"""Whether public functions say their types."""

import ast

import pytest

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
        elif isinstance(inner, ast.FunctionDef) and is_public(inner.name):
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
