"""Looks inside a saved network: its first filters, the maps of its stages, its last code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_classics.report.run_files import ReportError
from keras_classics.trained_model import load_model, network_of
from keras_classics.words import plural

MAX_MAPS = 128
MAX_STAGES = 12


@dataclass(frozen=True)
class Stage:
    """One layer's output for one picture.

    Attributes:
        name: the layer's name.
        maps: floats of shape (maps, height, width).
        count: how many maps the layer has; at most `MAX_MAPS` of them are in `maps`.
    """

    name: str
    maps: np.ndarray
    count: int


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

    def first_filters(self) -> tuple[str, np.ndarray] | None:
        """The kernels of the first convolution that sees grey or RGB pixels.

        Returns:
            The layer's name and floats of shape (filters, height, width, 1 or 3), or None.
        """
        for layer in self.network.layers:
            kernel = getattr(layer, "kernel", None)
            if kernel is not None and len(kernel.shape) == 4 and kernel.shape[2] in (1, 3):
                return layer.name, np.moveaxis(_numpy(kernel), -1, 0)
        return None

    def stages(self, image: np.ndarray) -> list[Stage]:
        """The maps of every layer; in a deep network of the last layer at each resolution.

        Args:
            image: uint8 picture of shape (h, w, c).

        Returns:
            Stages in the order of the network.
        """
        layers = [layer for layer in self.network.layers[1:] if _has_maps(layer)]
        values = self._outputs([layer.output for layer in layers], image[None])
        stages = []
        for layer, value in zip(layers, values, strict=True):
            maps = value[0] if _channels_first(layer) else np.moveaxis(value[0], -1, 0)
            stages.append(Stage(layer.name, maps[:MAX_MAPS], len(maps)))
        if len(stages) > MAX_STAGES:
            stages = list({stage.maps.shape[1:]: stage for stage in stages}.values())
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


def _has_maps(layer):
    import keras

    if isinstance(layer, keras.Model):  # its output belongs to a graph of its own
        return False
    try:
        return len(layer.output.shape) == 4
    except (AttributeError, ValueError):  # several outputs, or used more than once
        return False


def _channels_first(layer):
    import keras

    setting = getattr(layer, "data_format", None) or keras.config.image_data_format()
    return setting == "channels_first"
