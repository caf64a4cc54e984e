"""The classic convolutional networks, exactly as their papers describe them, on any Keras backend.

Names are resolved on first use (PEP 562), so `import keras_classics` costs next to nothing and
imports no backend by itself. What they are stands once, in `__init__.pyi`, where type checkers and
editors look for them too.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

__version__ = "0.1.0"


def _exports():
    """{public name: module that it comes from}, as `__init__.pyi` imports them."""
    tree = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in imports for alias in node.names}


EXPORTS = _exports()
__all__ = ["__version__", *EXPORTS]


def __getattr__(name: str) -> object:
    if name not in EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = EXPORTS[name]
    if module == __name__:
        return importlib.import_module(f"{__name__}.{name}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


class _RegisterAfterKeras(importlib.abc.MetaPathFinder):
    """Imports our layers right after Keras, so that `keras.models.load_model` knows them.

    Keras finds a saved layer by its registered name and imports nobody's modules to look for it.
    """

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("keras")
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                importlib.import_module(f"{__name__}.layers")

            spec.loader.exec_module = execute_and_register
        return spec


if "keras" in sys.modules:
    importlib.import_module(f"{__name__}.layers")
else:
    sys.meta_path.insert(0, _RegisterAfterKeras())
