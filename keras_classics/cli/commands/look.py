"""`keras-classics filters`, `maps` and `explain`: looks into a network, each drawn into a file."""

from __future__ import annotations

import difflib
import json
import os
import textwrap
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_classics import checks, shipped
from keras_classics.cli.recipe_files import load_module
from keras_classics.errors import UserError
from keras_classics.files import written_beside
from keras_classics.trained_model import load_model
from keras_classics.words import plural

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

_DPI = 200


def filters_command(arguments: Namespace) -> None:
    """Draws the filters of the first convolution, or of the one that is named."""
    path = _target(arguments.output, "filters.png")
    model, _ = _loaded(arguments)
    from keras_classics.visualization import filters

    found = _asked(arguments, filters.filters_of, model, arguments.layer)
    _save(filters.draw_filters(found), path)
    texts = [filters.filters_in_words(name, kernels) for name, kernels in found.items()]
    _tell(arguments, path, ", ".join(texts), {"layers": list(found)})


def maps_command(arguments: Namespace) -> None:
    """Draws what the layers make of a picture."""
    path = _target(arguments.output, f"{arguments.image.stem}_maps.png")
    model, metrics = _loaded(arguments)
    picture, done = _picture(arguments, model, metrics)
    from keras_classics.visualization import maps

    layers = arguments.layers and [name.strip() for name in arguments.layers.split(",")]
    found = _asked(arguments, maps.maps_of, model, picture, layers)
    _save(maps.draw_maps(found), path)
    _tell(arguments, path, f"the maps of {plural(len(found), 'layer')}", {"layers": list(found)},
          done)  # fmt: skip


def explain_command(arguments: Namespace) -> None:
    """Draws where in a picture the network sees a class."""
    path = _target(arguments.output, f"{arguments.image.stem}_{arguments.method}.png")
    if arguments.layer and arguments.method != "grad-cam":
        raise UserError("`layer` belongs to the method grad-cam; occlusion looks at no layer.")
    model, metrics = _loaded(arguments)
    picture, done = _picture(arguments, model, metrics)
    from keras_classics.data.class_names import in_words
    from keras_classics.visualization.grad_cam import draw_grad_cam, grad_cam_map
    from keras_classics.visualization.occlusion import draw_occlusion, occlusion_map

    raw = metrics["class_names"] if metrics else None
    names = raw and [in_words(name) for name in raw]  # as `predict` prints them
    index = _asked(arguments, _class_index, model, arguments.class_name, names, raw)
    if arguments.method == "grad-cam":
        found = _asked(arguments, grad_cam_map, model, picture, index, arguments.layer)
        figure = draw_grad_cam(found, picture, names)
    else:
        found = _asked(arguments, occlusion_map, model, picture, index)
        figure = draw_occlusion(found, picture, names)
    _save(figure, path)
    name = found.class_name(names)
    facts = {"class": name, "probability": found.probability, "layers": list(found.layers)}
    sentence = f"{arguments.method} of class {name}, probability {found.probability:.3f}"
    _tell(arguments, path, sentence, facts, done)


def _target(given: str | None, default: str) -> Path:
    path = Path(os.path.expanduser(given or default))
    if path.suffix.lower() not in (".png", ".svg"):
        checks.refuse("output", "a file that ends in .png or .svg", str(path), UserError)
    if os.path.lexists(path):
        raise UserError(f"There is something at {path} already; name another file by `output`.")
    return path


def _loaded(arguments: Namespace) -> tuple[keras.Model, Any]:
    """Returns a model, and of a run what its metrics.json says."""
    from keras_classics.report.run_files import read_metrics

    for path in arguments.imports:
        load_module(path)
    if arguments.run_dir.is_file():
        return load_model(arguments.run_dir), None
    folder = shipped.run_directory(arguments.run_dir)
    metrics = read_metrics(folder)
    return load_model(folder / "model.keras"), metrics


def _picture(
    arguments: Namespace, model: keras.Model, metrics: dict[str, Any] | None
) -> tuple[np.ndarray, list[str]]:
    """Reads a picture as `predict` does, and says what was done to it."""
    from keras_classics.data.image_files import read_image
    from keras_classics.report.run_files import reads_digits
    from keras_classics.visualization.pictures import picture_shape

    height, width, channels = _asked(arguments, picture_shape, model)
    if channels not in (1, 3):
        raise UserError(
            f"{arguments.run_dir} takes pictures of {channels} channels; picture files are grey or "
            "red, green and blue."
        )
    digits = metrics is not None and channels == 1 and reads_digits(metrics)
    return read_image(arguments.image, (height, width, channels), digits)


def _class_index(
    model: keras.Model, name: str | None, names: Sequence[str] | None, raw: Sequence[str] | None
) -> int | None:
    """Returns the number of a class, by the name that is printed or the one in the files."""
    from keras_classics.visualization.classes import check_class, class_output

    check_class(model, None, names)
    if name is None:
        return None
    known = list(names or map(str, range(class_output(model).shape[-1])))
    if name not in known and raw and name in raw:
        return raw.index(name)
    if name not in known:
        close = difflib.get_close_matches(name, known, 3, 0.4) or known[:3]
        rule = f"a class of the network (such as {', '.join(close)})"
        raise UserError(f"`--class` must be {rule}. Received: {name}")
    return known.index(name)


def _asked(arguments, function, *given):
    """Calls a function of the library, whose sentences the user gets with the model's name."""
    try:
        return function(*given)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{arguments.run_dir}: {error}") from error


def _save(figure: Figure, path: Path) -> None:
    with written_beside(path) as beside:
        figure.savefig(beside, dpi=_DPI)


def _tell(
    arguments: Namespace,
    path: Path,
    sentence: str,
    facts: Mapping[str, Any],
    done: Iterable[str] = (),
) -> None:
    if arguments.json:
        print(json.dumps({"file": str(path), **facts, "picture": list(done)}, ensure_ascii=False))
        return
    from keras_classics.anatomy.grid import printable

    print(printable(f"{path}: {sentence}"))  # names out of files may hold anything
    for one in done:
        print(textwrap.fill(printable(one), 80, initial_indent="  ", subsequent_indent="    "))
