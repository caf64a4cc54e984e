"""The outline of a recipe file: enough of it to read its flags, without what it imports.

A recipe imports Keras, which takes seconds: too long for `--help`, or to hear of a typing mistake.
Here the file's definitions are executed with stand-ins for all that it imports, which keep the
keywords that they are called with. Nothing outside the file can be touched: imports are not made,
and of the builtin functions only those are there that compute. Where a file is written in another
way than ours, it has no outline, and its flags are read when it runs.
"""

from __future__ import annotations

import argparse
import ast
import builtins
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from keras_classics.cli.flags import recipe_parser, search_parser

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_DEFINITIONS = (
    ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef
)  # fmt: skip
_HARMLESS = "dict enumerate float int len list map max min range round sorted str tuple zip"
_BUILTINS = {name: getattr(builtins, name) for name in ("__build_class__", *_HARMLESS.split())}


def check_flags(path: AnyPath, arguments: Sequence[str]) -> None:
    """Ends the process, as argparse does, where a recipe's command line is wrong or asks for help.

    Args:
        path: of the recipe's file.
        arguments: of the command line.
    """
    parser = outlined_parser(path)
    if parser is not None:
        parser.parse_args(arguments)


def outlined_parser(path: AnyPath) -> argparse.ArgumentParser | None:
    """Returns the parser of a recipe's command line, or None where the file has no outline.

    Args:
        path: of the recipe's file.

    Example:
        >>> from keras_classics.cli.outline import outlined_parser
        >>> from keras_classics.cli.recipe_files import recipe_path
        >>> parser = outlined_parser(recipe_path("lenet5_mnist"))
        >>> parser.parse_args(["--optimizer", "sdlm"]).optimizer
        'sdlm'
    """
    try:
        called: dict[str, Any] = {}
        _names_of(Path(path), called)
        [(command, (recipe, choices))] = called.items()
        # Where a recipe says nothing else; test_outline.py compares.
        recipe = SimpleNamespace(**{"seed": 0} | vars(recipe))
        if command == "tune":
            return search_parser(recipe)
        return recipe_parser(recipe, choices or {})
    except Exception:  # whatever a file does that is not ours
        return None


class _StandIn:
    """Stands for anything that is imported, and for what it returns: it keeps keywords."""

    def __init__(self, *values: Any, **fields: Any) -> None:
        for value in values:  # `vary(RECIPE, {field: value})`
            fields = vars(value) | fields if isinstance(value, _StandIn) else fields
            fields = fields | value if isinstance(value, dict) else fields
        vars(self).update(fields)

    def __call__(self, *values: Any, **fields: Any) -> _StandIn:
        return _StandIn(*values, **fields)

    def __getattr__(self, name: str) -> _StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn()


def _names_of(path, called=None):
    """Returns {name: value} of a recipe file; `called` takes what it passes to `run` or `tune`."""

    def imported(name, globals=None, locals=None, fromlist=(), level=0):
        if path.with_name(f"{name}.py").is_file():
            return neighbour(name)
        if name == "keras_classics.cli.recipe_files":
            return SimpleNamespace(load_recipe=neighbour)
        if name == "keras_classics.cli":
            return SimpleNamespace(start=_StandIn(), run=recorder("run"), tune=recorder("tune"))
        return _StandIn()

    def neighbour(name):
        """A recipe of the same folder, or of the one above: of ours, some have a room inside."""
        folders = (folder for folder in path.parents[:2] if (folder / f"{name}.py").is_file())
        return SimpleNamespace(**_names_of(next(folders) / f"{name}.py"))

    def recorder(command):
        return lambda recipe, choices=None: called.update({command: (recipe, choices)})

    tree = ast.parse(path.read_text("utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, _DEFINITIONS) or _is_main(node)]
    names = {
        "__name__": path.stem if called is None else "__main__",
        "__builtins__": _BUILTINS | {"__import__": imported},
    }
    exec(compile(tree, str(path), "exec"), names)
    return names


def _is_main(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
