"""Whether weights fit a model, said in one sentence before anything is assigned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

_LISTED = 12  # names per list; a checkpoint of another network would fill pages


@dataclass(frozen=True)
class Wanted:
    """One tensor that the model wants.

    Attributes:
        ours: `<layer>/<weight>` in the model.
        key: the tensor's name in the checkpoint; None if such checkpoints have no such tensor.
        shape: the tensor's shape in the checkpoint's order of axes.
        variable: where it goes; None if another tensor's `convert` takes it in.
        convert: from the checkpoint's NumPy array to the variable's value.
    """

    ours: str
    key: str | None
    shape: tuple[int, ...]
    variable: Any = None
    convert: Callable[[np.ndarray], np.ndarray] = lambda array: array


def check_fit(
    wanted: Iterable[Wanted], tensors: Mapping[Any, Any], source: str, hint: str = ""
) -> None:
    """Raises a ValueError that names every missing, surplus or mis-shaped tensor.

    Args:
        wanted: the tensors that the model wants.
        tensors: name to anything that has a `shape`.
        source: what the tensors are, for the message.
        hint: what to do about it, for the message.

    Raises:
        ValueError: if `wanted` and `tensors` differ in names or shapes.
    """
    wanted = list(wanted)
    missing = [_pair(w) for w in wanted if w.key not in tensors]
    surplus = sorted(set(tensors) - {w.key for w in wanted}, key=list(tensors).index)
    misshaped = [
        f"{_pair(w)} of shape {tuple(tensors[w.key].shape)} instead of {w.shape}"
        for w in wanted
        if w.key in tensors and tuple(tensors[w.key].shape) != w.shape
    ]
    faults = [
        f"{kind}: {_listing(names)}"
        for kind, names in (("missing", missing), ("surplus", surplus), ("mis-shaped", misshaped))
        if names
    ]
    if faults:
        raise ValueError(f"{source} does not fit the model; {'; '.join(faults)}{hint}")


def assign(
    wanted: Iterable[Wanted],
    tensors: Mapping[Any, Any],
    source: str,
    read: Callable[[Any], np.ndarray] = np.asarray,
) -> None:
    """Gives the model the tensors that `check_fit` has let pass: all of them, or none.

    Args:
        wanted: the tensors that the model wants.
        tensors: name to tensor.
        source: what the tensors are, for the message.
        read: from such a tensor to a NumPy array.

    Raises:
        ValueError: if a tensor cannot be read, or its numbers are those of no network.
    """
    values = []
    for one in wanted:
        if one.variable is not None:
            try:
                array = read(tensors[one.key])
            except Exception as error:  # PyTorch raises a type of its own for each kind of tensor
                raise ValueError(
                    f"{source} cannot be loaded: {_pair(one)} is no plain array of numbers "
                    f"({_first_sentence(error)})."
                ) from error
            check_numbers(_pair(one), array, one.variable.name, source)
            values.append((one.variable, one.convert(array)))
    for variable, value in values:
        variable.assign(value)


def check_numbers(name: str, array: np.ndarray, weight: str, source: str) -> None:
    """Raises a ValueError for weights that are no finite real numbers, or negative variances.

    Args:
        name: of the tensor, for the message.
        array: its values.
        weight: what it is in its layer, e.g. "kernel".
        source: what the tensors are, for the message.
    """
    array = np.asarray(array)
    faults = {
        "no real numbers": array.dtype.kind not in "biuf",
        "NaN or infinite numbers": array.dtype.kind == "f" and not np.isfinite(array).all(),
        "negative variances": weight == "moving_variance" and (array < 0).any(),
    }
    for fault in (what for what, is_so in faults.items() if is_so):
        raise ValueError(f"{source} cannot be loaded: {name} holds {fault}.")


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split()).partition(". ")[0].rstrip(".") or type(error).__name__


def _pair(one: Wanted) -> str:
    if one.key is None:
        return f"{one.ours} (no counterpart)"
    return one.ours if one.ours == one.key else f"{one.ours} ({one.key})"


def _listing(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def weights_of(model: keras.Model) -> list[tuple[str, Any]]:
    """Returns (layer name, variable) for every weight, in the order of the layers."""
    return [(layer.name, variable) for layer in model.layers for variable in layer.weights]


def layer_named(model: keras.Model, name: str) -> Any:
    """Returns the layer of that name, or None."""
    return next((layer for layer in model.layers if layer.name == name), None)


def has_operation(model: keras.Model, class_name: str) -> bool:
    """Whether the network has a layer, or another operation, of a class of that name."""
    return any(type(one).__name__ == class_name for one in model.operations)
