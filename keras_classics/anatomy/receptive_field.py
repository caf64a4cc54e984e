"""How much of the picture a unit sees."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_classics import checks
from keras_classics.anatomy.windows import Side

if TYPE_CHECKING:
    import keras


def receptive_field(
    network: keras.Model | Sequence[tuple[int, int]], layer: str | None = None
) -> int | tuple[int, ...]:
    """Returns how many pixels of the picture, along one side, a unit depends on.

    A unit behind windows of k pixels sees (k − 1) · (the strides before, multiplied) pixels more
    than one in front of them. At a border some of these pixels lie outside of the picture; so does
    a field that is larger than the picture.

    Args:
        network: a Keras model that is a graph of layers; or windows one behind the other, each
            (kernel size, stride).
        layer: of a model, the name of a layer, also "inception_4a/conv_5x5"; None for the last one
            whose units do not see all of the picture.

    Returns:
        int; (rows, columns) where they differ; of a layer whose units see all of the picture, as a
        dense one, the picture's sides.

    Raises:
        ValueError: if it is neither a model nor windows, there is no such layer, or it lies behind
            a layer whose windows are not known.

    Reference:
        Simonyan and Zisserman 2014, section 2.3: two 3×3 convolutions see 5×5, three see 7×7.

    Example:
        >>> import keras_classics
        >>> from keras_classics import receptive_field
        >>> receptive_field([(3, 1), (3, 1)]), receptive_field([(3, 1), (3, 1), (3, 1)])
        (5, 7)
        >>> model = keras_classics.lenet5()
        >>> receptive_field(model, "C1"), receptive_field(model, "S2"), receptive_field(model, "C3")
        (5, 6, 14)
    """
    if isinstance(network, Sequence) and not isinstance(network, str):
        if layer is not None:
            checks.refuse("layer", "None with windows", layer)
        return _of_windows(network)
    # Keras takes seconds, which windows alone need not wait for.
    from keras_classics.anatomy.dissection import checked, dissect

    parts = [part for top in dissect(checked("network", network))[0] for part in _all(top)]
    return _of_part(parts, layer, network)


def _of_windows(windows):
    side = Side()
    for window in windows:
        pair = tuple(window) if isinstance(window, Sequence) else ()
        if len(pair) != 2:
            checks.refuse("network", "a model, or pairs (kernel size, stride)", windows)
        for name, value in zip(("kernel_size", "strides"), pair, strict=True):
            checks.integer(name, value)
        side = side.behind(*pair)
    return side.size


def _all(part):
    yield part
    for inner in part.parts:
        yield from _all(inner)


def _of_part(parts, name, network: Any):
    named = {part.name.rpartition("/")[2]: part for part in reversed(parts)}
    named |= {part.name: part for part in reversed(parts)}
    if name is None:
        known = [part for part in parts if part.inputs and isinstance(part.receptive_field, tuple)]
        if not known:
            raise ValueError(f"{network.name!r} has no maps whose receptive field is known.")
        part = known[-1]
    elif isinstance(name, str) and name in named:
        part = named[name]
    else:
        close = difflib.get_close_matches(str(name), named, n=3, cutoff=0.4) or list(named)[:3]
        checks.refuse("layer", f"a layer of {network.name!r} (nearest: {', '.join(close)})", name)
    field = part.receptive_field
    sides = _picture(parts) if field == "all" else [side.size for side in field or ()]
    if not sides or None in sides:
        raise ValueError(
            f"What {part.name!r} sees is not known: it lies behind a layer of a kind that is not "
            "known here, or sees all of a picture of any size."
        )
    return sides[0] if len(set(sides)) == 1 else tuple(sides)


def _picture(parts):
    """The sides of the model's first input that is a picture."""
    from keras_classics.anatomy.counting import sides

    shapes = (part.outputs[0] for part in parts if not part.inputs and part.outputs)
    return next((sides(None, (None, *shape)) for shape in shapes if len(shape) > 1), ())
