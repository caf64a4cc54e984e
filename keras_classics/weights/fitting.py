"""Whether weights fit a model, said in one sentence before anything is assigned."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    wanted: Iterable[Wanted], tensors: Mapping[str, Any], source: str, hint: str = ""
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


def assign(wanted: Iterable[Wanted], tensors: Mapping[str, Any], read=np.asarray) -> None:
    """Gives the model the tensors that `check_fit` has let pass."""
    for one in wanted:
        if one.variable is not None:
            one.variable.assign(one.convert(read(tensors[one.key])))


def _pair(one: Wanted) -> str:
    if one.key is None:
        return f"{one.ours} (no counterpart)"
    return one.ours if one.ours == one.key else f"{one.ours} ({one.key})"


def _listing(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def weights_of(model) -> list[tuple[str, Any]]:
    """Returns (layer name, variable) for every weight, in the order of the layers."""
    return [(layer.name, variable) for layer in model.layers for variable in layer.weights]


def layer_named(model, name: str):
    """Returns the layer of that name, or None."""
    return next((layer for layer in model.layers if layer.name == name), None)


def has_operation(model, class_name: str) -> bool:
    """Whether the network has a layer, or another operation, of a class of that name."""
    return any(type(one).__name__ == class_name for one in model.operations)
