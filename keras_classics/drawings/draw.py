"""Writes a drawing: what can be drawn, and where to."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics import checks
from keras_classics.errors import UserError
from keras_classics.files import utf8, write_bytes
from keras_classics.zoo import get_model, list_models, model_card

if TYPE_CHECKING:
    import keras

    from keras_classics.types import AnyPath


class DrawingError(UserError, ValueError):
    """A model that cannot be drawn, or a path that is no place for a drawing."""


def draw(model: keras.Model | str, path: AnyPath) -> AnyPath:
    """Draws the architecture of a network as SVG, for a lecture or a page.

    Slabs are to scale: their height grows with the square root of a map's side, their length with
    that of the number of maps, the bars of dense layers with that of their units. All of it comes
    from the model's own graph. Towers stand above each other; shortcuts are arcs, dotted where they
    change dimensions; below, a block of each kind is shown in detail. Colours follow the light or
    dark page around it. The same model gives the same bytes.

    Args:
        model: the name of a network, as in `list_models()`, or any functional Keras model, whose
            layers are drawn in their order, branches above each other.
        path: a file that ends in `.svg`; it must not exist yet. Its folder is made.

    Returns:
        The path.

    Raises:
        DrawingError: if `model` is no network of this package (the nearest is said) and no Keras
            model that is a graph of layers, if `path` does not end in `.svg`, or if there is
            something at it already.
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import keras_classics
        >>> path = Path(tempfile.mkdtemp(), "lenet5.svg")
        >>> keras_classics.draw("lenet5", path) == path
        True
        >>> "16@10×10" in path.read_text("utf-8")
        True
    """
    if not isinstance(path, str | os.PathLike) or Path(path).suffix.lower() != ".svg":
        checks.refuse("path", "a file that ends in .svg", path, DrawingError)
    target = Path(os.path.expanduser(path))
    if target.exists() or target.is_symlink():
        raise DrawingError(f"There is something at {path} already; nothing was written.")
    write_bytes(target, utf8(drawing_of(model)))
    return path


def drawing_of(model: keras.Model | str) -> str:
    """Returns the drawing itself, as text; see `draw`.

    Args:
        model: the name of a network, or a functional Keras model.
    """
    source = ""
    if isinstance(model, str):
        _check_name(model)
        source = source_of(model)
        model = get_model(model)
    import keras

    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        rule = "a Keras model that is a graph of layers, or the name of a network"
        checks.refuse("model", f"{rule}; a subclassed one has no graph", model, DrawingError)
    from keras_classics.drawings.figure import figure_of

    return figure_of(model, source)


def source_of(name: str) -> str:
    """Returns where a network comes from, as it stands below its name.

    Args:
        name: of a network of this package.

    Example:
        >>> from keras_classics.drawings.draw import source_of
        >>> source_of("vgg16")[-16:]
        'Table 1, D, 2014'
    """
    card = model_card(name)
    return f"{card.paper}, {card.year}" if card.year else card.paper


def _check_name(name):
    known = list_models()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1, 0.4)
        hint = f"similar: {close[0]}" if close else "see list_models()"
        checks.refuse("model", f"a network of this package ({hint})", name, DrawingError)
