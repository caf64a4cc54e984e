"""The recipes: inside the package once it is installed, beside it in a clone."""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from keras_classics.cli.outline import check_flags
from keras_classics.errors import UserError

if TYPE_CHECKING:
    pass

_PACKAGE = Path(__file__).resolve().parents[1]
_COMMANDS = Path(__file__).parent


def recipe_paths() -> dict[str, Path]:
    """Returns {name: path} of all recipes, sorted.

    Raises:
        UserError: if there are none, or one exists twice.

    Example:
        >>> from keras_classics.cli.recipe_files import recipe_paths
        >>> recipe_paths()["lenet5_mnist"].name
        'lenet5_mnist.py'
    """
    folders = [_PACKAGE / "recipes"]
    if (_PACKAGE.parent / "pyproject.toml").is_file():  # else it is somebody's folder
        folders.append(_PACKAGE.parent / "recipes")
    paths: dict[str, Path] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("[!_]*.py")):
        if path.stem in paths:
            raise UserError(
                f"The recipe {path.stem} exists twice, in {paths[path.stem].parent} and in "
                f"{path.parent}; delete one."
            )
        paths[path.stem] = path
    if not paths:
        raise UserError(
            f"This installation holds no recipes ({folders[0]} is missing or empty); install "
            "keras_classics again."
        )
    return dict(sorted(paths.items()))


def recipe_path(name: str) -> Path:
    """Returns the path of a recipe.

    Args:
        name: a name of `recipe_paths`, or the path of a file that ends in .py.

    Raises:
        UserError: if there is none of that name.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise UserError(f"{name} does not exist; name a recipe's file, or a recipe.")
        return Path(name)
    paths = recipe_paths()
    if name not in paths:
        close = difflib.get_close_matches(name, paths)
        similar = f" (similar: {', '.join(close)})" if close else ""
        raise UserError(
            f"There is no recipe {name}{similar}; `keras-classics train` lists them, and a file "
            "of your own is named with its .py."
        )
    return paths[name]


def summary(path: Path) -> str:
    """Returns the first line of a recipe's docstring; nothing of it runs."""
    return (ast.get_docstring(_parsed(path)) or "").partition("\n")[0]


def run_as_script(name: str, arguments: Sequence[str]) -> None:
    """Runs a recipe exactly as `python recipes/<name>.py` would.

    Args:
        name: see `recipe_path`.
        arguments: of its command line.

    Raises:
        UserError: if it cannot be found or read as Python.
    """
    path = recipe_path(name)
    _parsed(path)
    before = sys.argv
    sys.argv = [str(path), *arguments]
    try:
        check_flags(path, arguments)
        with _siblings_of(path):
            runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before


def load_recipe(name: str) -> ModuleType:
    """Returns the module of a recipe, by the name that its siblings import it by.

    Args:
        name: a name of `recipe_paths`.

    Raises:
        UserError: if it cannot be found or read as Python.

    Example:
        >>> from keras_classics.cli.recipe_files import load_recipe
        >>> load_recipe("lenet5_mnist").RECIPE.epochs
        20
    """
    path = recipe_path(name)
    _parsed(path)
    with _siblings_of(path):
        return importlib.import_module(path.stem)


def load_module(path: str) -> ModuleType:
    """Runs a file of a person's own, and returns its module, under the file's name.

    Args:
        path: of a file that ends in .py.

    Raises:
        UserError: if it does not exist or cannot be read as Python.
    """
    if not path.endswith(".py"):
        raise UserError(f"`--import` takes the path of a file that ends in .py. Received: {path}")
    file = recipe_path(path)
    _parsed(file)
    with _siblings_of(file):
        module = importlib.import_module(file.stem)
    if Path(getattr(module, "__file__", "")).resolve() != file.resolve():
        raise UserError(f"{file} has the name of another module, {file.stem}; rename it.")
    return module


def _parsed(path):
    try:
        return ast.parse(path.read_text("utf-8"), str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        number = getattr(error, "lineno", None)  # None for bytes that are no text
        line = f", line {number}" if number else ""
        reason = getattr(error, "msg", error)
        raise UserError(f"{path}{line} cannot be read as Python: {reason}.") from None


@contextlib.contextmanager
def _siblings_of(path):
    """Lets a recipe import its neighbours, as a script does that Python runs.

    Raises:
        UserError: if the recipe fails in a line of its own, which the sentence names.
    """
    sys.path.insert(0, str(path.resolve().parent))
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        line = _failing_line(error, path)
        if line is None:
            raise
        reason = f"{type(error).__name__}: {str(error).rstrip('.')}".removesuffix(": ")
        raise UserError(f"{path}, line {line}, cannot be run ({reason}); correct it.") from error
    finally:
        sys.path.pop(0)


def _failing_line(error, path):
    """Returns the line of a recipe in which it failed, None once it had called `run` or `tune`."""
    frames = traceback.extract_tb(error.__traceback__)
    files = [frame.filename for frame in frames]
    if str(path) not in files:
        return None
    last = len(files) - 1 - files[::-1].index(str(path))
    was_running = any(Path(file).parent == _COMMANDS for file in files[last:])
    return None if was_running else frames[last].lineno
