"""The files that `model.save_weights` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from keras_classics.weights.files import layers_of, open_hdf5
from keras_classics.weights.fitting import check_numbers, weights_of

# Layers without weights that make another network of the same weights: plain or residual, with or
# without response normalisation, and with dropout as AlexNet's paper or today's packages have it.
_STRUCTURE = (
    *("Add", "LocalResponseNormalization", "SpatialResponseNormalization"),
    "Rescaling",
)
_LISTED = 6


def load_weights_file(model: keras.Model, path: str | Path) -> keras.Model:
    """Loads a `.weights.h5` file of the same network, written under any backend.

    Keras goes by the order of the layers of a class: it takes a deeper network's file, or one with
    batch normalisation, without a word, and leaves a half-filled model behind if it stops. Here
    the layers' names and shapes are compared first. What layers do without weights of their own,
    as their activations, constants and order, stands in no such file: build the network with the
    options that it was saved with, or keep the whole model in a `.keras` file.

    Args:
        model: the network.
        path: the file that `model.save_weights` wrote.

    Returns:
        `model`, which is unchanged if an error is raised.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file's name does not end in `.weights.h5`, if it is damaged or no such
            file, if it is of another network, or if it holds NaN, infinite numbers or negative
            variances.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import keras_classics
        >>> from keras_classics.weights import load_weights_file
        >>> path = Path(tempfile.mkdtemp()) / "mine.weights.h5"
        >>> keras_classics.lenet5().save_weights(path)
        >>> load_weights_file(keras_classics.lenet5(), path).name
        'lenet5'
        >>> load_weights_file(keras_classics.lenet5(subsampling="max"), path)
        Traceback (most recent call last):
        ValueError: ...mine.weights.h5 is of another network than 'lenet5'; surplus: S2, S4.
    """
    path = Path(path).expanduser()
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"The name of a file of weights must end in .weights.h5. Received: {path}")
    with open_hdf5(path) as file:
        saved = _shapes(layers_of(file))
        groups = list(file.get("layers", ()))
    if not groups:
        raise ValueError(f"{path} holds no weights of a Keras model.")
    faults = _shape_faults(model, saved) or _structure_faults(model, groups)
    if faults:
        raise ValueError(f"{path} is of another network than {model.name!r}; {'; '.join(faults)}.")
    with _unchanged_on_error(model):
        _load(model, path)
    return model


def _shapes(saved: Mapping[str, Mapping]) -> dict[str, list[tuple[int, ...]]]:
    return {
        name: sorted(tuple(dataset.shape) for dataset in datasets.values())
        for name, datasets in saved.items()
    }


def _shape_faults(model, saved: Mapping[str, list]) -> list[str]:
    ours = {
        layer.name: sorted(tuple(weight.shape) for weight in layer.weights)
        for layer in model.layers
        if layer.weights
    }
    misshaped = [
        f"{name} with {_listing(saved[name])} instead of {_listing(shapes)}"
        for name, shapes in ours.items()
        if name in saved and saved[name] != shapes
    ]
    faults = {
        "missing": [name for name in ours if name not in saved],
        "surplus": [name for name in saved if name not in ours],
        "mis-shaped": misshaped,
    }
    return [f"{kind}: {_listing(names)}" for kind, names in faults.items() if names]


def _listing(items: list) -> str:
    rest = len(items) - _LISTED
    return ", ".join(str(item) for item in items[:_LISTED]) + (
        f" and {rest} more" if rest > 0 else ""
    )


def _structure_faults(model, groups: list[str]) -> list[str]:
    faults = []
    for name in _STRUCTURE:
        ours = sum(type(layer).__name__ == name for layer in model.layers)
        stem = re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
        theirs = sum(bool(re.fullmatch(rf"{stem}(_\d+)?", group)) for group in groups)
        if ours != theirs:
            faults.append(f"it has {theirs} layers {name} instead of {ours}")
    return faults


@contextmanager
def _unchanged_on_error(model) -> Iterator[None]:
    """Takes back what was changed before an error."""
    before = [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights]
    try:
        yield
    except Exception:
        for weight, value in zip(model.weights, before, strict=True):
            weight.assign(value)
        raise


def _load(model, path: Path) -> None:
    # A random generator is no part of a network; a file written without dropout has none.
    generators = [
        layer.seed_generator for layer in model.layers if hasattr(layer, "seed_generator")
    ]
    try:
        model.load_weights(path, objects_to_skip=generators)
    except Exception as error:
        reason = [line for line in str(error).split("\n") if line][:2][-1].rstrip(".")
        raise ValueError(f"{path} could not be read ({reason}); fetch it again.") from error
    for layer, weight in weights_of(model):
        array = keras.ops.convert_to_numpy(weight)
        check_numbers(f"{layer}/{weight.name}", array, weight.name, str(path))
