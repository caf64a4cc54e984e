"""Looks inside a saved network: its first filters, the maps of its stages, its last code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_classics.compat import forget_tracings, graph_of
from keras_classics.report.run_files import ReportError
from keras_classics.trained_model import (
    channels_first,
    convolutions_of_pixels,
    kernels_of,
    load_model,
    network_of,
    towers_of,
)
from keras_classics.words import plural

MAX_MAPS = 128


# Classes of layers that no paper counts as one: these are shown as the end of what they follow, …
_FOLLOWING = {"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization"}
# … and these not at all.
_UNNAMED = {
    "InputLayer", "ZeroPadding2D", "Rescaling", "Dropout", "SpatialDropout2D", "Concatenate",
    "LocalResponseNormalization", "SpatialResponseNormalization",
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One layer's output for one picture.

    Attributes:
        name: the layer's name, without the letter of a tower.
        towers: floats of shape (maps, height, width), one array; of AlexNet's towers two.
        count: how many maps a tower has; at most `MAX_MAPS` of all are in `towers`.
        becomes: what a padding in front of the layer does to the size; empty where there is none.
    """

    name: str
    towers: tuple[np.ndarray, ...]
    count: int
    becomes: str = ""


class Network:
    """The network of a saved inference model, and the pixels it sees.

    Args:
        path: a `.keras` file in the form that training saves: input, normalisation, network,
            "logits", "probabilities".

    Raises:
        ReportError: if the file is missing or Keras cannot read it.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise ReportError(f"The run has no {path.name} (yet).")
        self.model = load_model(path, ReportError)
        self.network = network_of(self.model)

    def first_filters(self) -> list[tuple[str, np.ndarray]]:
        """The kernels of the first convolution that sees grey or RGB pixels; of two towers, both.

        Returns:
            The layer's name and floats of shape (filters, height, width, 1 or 3): one pair, of two
            towers two, none where no layer sees pixels.
        """
        seen = convolutions_of_pixels(self.network)
        if not seen:
            return []
        found = list(kernels_of(self.network, seen[0]).items())
        name, kernels = found[0]
        if self._has_groups() and len(kernels) % 2 == 0:
            halves = zip(("first", "second"), np.array_split(kernels, 2), strict=True)
            return [(f"the {which} half of {name}", half) for which, half in halves]
        return found

    def becomes(self, image: np.ndarray) -> str:
        """What happens to the size of a picture before the network sees it; empty if nothing."""
        if not getattr(self.network, "inputs", None):
            return ""
        before = image.shape[:2]
        behind = _sides(self.network.inputs[0], channels_first(self.network))
        if before == behind or not _becomes(before, behind):
            return ""
        front = [one for one in self.model.layers if one is not self.network]
        inner = [part for one in front for part in (one, *getattr(one, "layers", ()))]
        words = _becomes(before, behind)
        if any(type(layer).__name__ == "ZeroPadding2D" for layer in inner):
            words += " by a border of background"
        return words

    def stages(self, image: np.ndarray) -> list[Stage]:
        """The maps of the layers that papers name, with the activation behind each.

        That is convolutions and poolings, of networks with blocks and modules these. The towers of
        AlexNet are side by side.

        Args:
            image: uint8 picture of shape (h, w, c).

        Returns:
            Stages in the order of the network.
        """
        rows = _rows_of(self.network)
        tensors = [tensor for row in rows for tensor in row.tensors]
        values = iter(self._outputs(tensors, image[None]))
        stages, is_first = [], channels_first(self.network)
        for row in rows:
            towers = [next(values)[0] for _ in row.tensors]
            if not is_first:
                towers = [np.moveaxis(maps, -1, 0) for maps in towers]
            if self._has_groups() and len(towers[0]) % 2 == 0:
                towers = np.array_split(towers[0], 2)
            most = MAX_MAPS // len(towers)
            shown = tuple(maps[:most] for maps in towers)
            stages.append(Stage(row.name, shown, len(towers[0]), row.becomes))
        return stages

    def code(self, images: np.ndarray) -> tuple[str, np.ndarray, np.ndarray] | None:
        """What a Euclidean RBF output layer compares with its centres.

        Args:
            images: uint8 pictures of shape (n, h, w, c).

        Returns:
            The name of the layer before, its outputs of shape (n, units) and the centres of shape
            (classes, units); None for a network with another output layer.
        """
        for before, layer in zip(self.network.layers, self.network.layers[1:], strict=False):
            if type(layer).__name__ == "EuclideanRBF":
                (values,) = self._outputs([layer.input], images)
                return before.name, values, _numpy(layer.centers)
        return None

    def _has_groups(self):
        """Whether both of AlexNet's towers lie in each layer, one behind the other."""
        return any(
            type(layer).__name__ == "GroupedConv2D" and layer.groups == 2
            for layer in self.network.layers
        )

    def _outputs(self, tensors, images):
        """Values of tensors inside the network, which the outer model does not reach."""
        import keras

        if not tensors:
            return []
        pixels = images.astype("float32")
        if tuple(self.model.input_shape[1:]) != pixels.shape[1:]:
            pixels = np.moveaxis(pixels, -1, 1)  # the model wants channels first
        x = self.model.inputs[0]
        if self.network is not self.model:
            for layer in self.model.layers[1 : self.model.layers.index(self.network)]:
                x = layer(x)
            tensors = keras.Model(self.network.inputs[0], tensors)(x)
        forget_tracings()
        # One compiled graph: layer by layer, JAX would compile every operation by itself.
        values = keras.Model(self.model.inputs[0], tensors).predict_on_batch(pixels)
        return [np.asarray(value, "float32") for value in keras.tree.flatten(values)]


def size_in_words(count: int, height: int = 1, width: int = 1) -> str:
    """Returns how many maps of which size a layer has, or how many values.

    Example:
        >>> from keras_classics.report.network import size_in_words
        >>> size_in_words(6, 28, 28), size_in_words(84)
        ('6 maps of 28×28', '84 values')
    """
    if height == width == 1:
        return plural(count, "value")
    return f"{plural(count, 'map')} of {height}×{width}"


def _numpy(tensor):
    from keras import ops

    return np.asarray(ops.convert_to_numpy(tensor), "float32")


@dataclass
class _Row:
    """A layer that a paper names: the tensors of its towers, behind what follows it."""

    name: str
    becomes: str
    tensors: list[Any] = field(default_factory=list)


def _rows_of(network):
    """The rows of a network, in its order."""
    from keras_classics.anatomy.dissection import dissect  # brings Keras

    if not getattr(network, "outputs", None):  # it is no graph of layers
        return []
    graph, rows, row_of, padded = graph_of(network), {}, {}, {}
    first = channels_first(network)
    for part in dissect(network)[0]:
        last = part.parts[-1].name if part.kind == "block" else part.name
        _, inputs, outputs = graph[last]
        if len(outputs) != 1 or len(outputs[0].shape) != 4 or part.name in rows:
            continue
        (output,), before = outputs, [id(tensor) for tensor in inputs]
        if part.kind in _FOLLOWING and before[0] in row_of:
            row = row_of[id(output)] = row_of[before[0]]
            row.tensors = [output]
        elif part.kind == "ZeroPadding2D":
            padded[id(output)] = _becomes(_sides(inputs[0], first), _sides(output, first))
        elif part.kind not in _UNNAMED | _FOLLOWING:
            becomes = next((padded[one] for one in before if one in padded), "")
            row = _Row(part.name.removesuffix("_conv"), becomes, [output])
            rows[part.name] = row_of[id(output)] = row
    return _joined(graph, rows)


def _joined(graph, rows):
    """The rows, those of a second tower in the first one's."""
    for name, row in list(rows.items()):
        first, *second = towers_of(graph, name)
        if first == name and second and second[0] in rows:
            row.tensors += rows.pop(second[0]).tensors
            row.name = row.name.removesuffix("_a")
    return list(rows.values())


def _sides(tensor, channels_first):
    return tuple(tensor.shape[2:] if channels_first else tensor.shape[1:3])


def _becomes(before, behind):
    """As "28×28 becomes 32×32"; sizes that are not known are left out."""
    if None in (*before, *behind):
        return ""
    return f"{before[0]}×{before[1]} becomes {behind[0]}×{behind[1]}"
