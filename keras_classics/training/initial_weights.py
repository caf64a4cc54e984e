"""Weights that a network starts with: layers of another run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_classics import checks
from keras_classics.schema import short
from keras_classics.trained_model import network_of
from keras_classics.training.recipe import RecipeError


@dataclass(frozen=True)
class CopyLayers:
    """Copies layers of the same name from the network of a finished run.

    Nothing is copied unless every layer is there, in both networks and with the same shapes.

    Args:
        source: a run directory, or a `.keras` file.
        layers: names of the layers, e.g. `("conv1_1", "fc8")`; None for all of the finished run's
            network. Auxiliary heads are not saved there, and start anew.

    Raises:
        RecipeError: if an argument is none of the above; when called, if the layers are not there.

    Reference:
        Simonyan and Zisserman 2014, section 3.1: "we initialised the first four convolutional
        layers and the last three fully-connected layers with the layers of net A".

    Example:
        >>> import tempfile
        >>> import keras
        >>> from keras_classics.training.initial_weights import CopyLayers
        >>> def network(hidden):
        ...     inputs = keras.Input((4,))
        ...     x = keras.layers.Dense(hidden, name="hidden")(inputs)
        ...     return keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
        >>> with tempfile.NamedTemporaryFile(suffix=".keras") as file:
        ...     network(hidden=3).save(file.name)
        ...     CopyLayers(file.name, layers=("hidden",))(network(hidden=5))
        Traceback (most recent call last):
        ...
        keras_classics.training.recipe.RecipeError: `initial_weights` cannot copy from ...:
        hidden has weights of (4, 3), (3,) there and of (4, 5), (5,) here.
    """

    source: str
    layers: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) or not self.source or "\0" in self.source:
            checks.refuse("source", "a run directory or a `.keras` file", self.source, RecipeError)
        names = self.layers if isinstance(self.layers, tuple | list) else ()
        named = names and all(isinstance(name, str) for name in names)
        if self.layers is not None and not named:
            checks.refuse("layers", "None or a tuple of names of layers", self.layers, RecipeError)

    def __call__(self, network: keras.Model) -> None:
        theirs, ours = _layers_of(self._load()), _layers_of(network)
        found, faults = {"there": theirs, "here": ours}, []
        names = list(theirs) if self.layers is None else self.layers
        for name in names:
            absent = [where for where, layers in found.items() if name not in layers]
            if absent:
                faults.append(f"{name} is no layer with weights {' or '.join(absent)}")
            elif _shapes(theirs[name]) != _shapes(ours[name]):
                faults.append(
                    f"{name} has weights of {_shapes(theirs[name])} there and of "
                    f"{_shapes(ours[name])} here"
                )
        if faults:
            raise RecipeError(
                f"`initial_weights` cannot copy from {self.source}: {'; '.join(faults)}."
            )
        for name in names:
            ours[name].set_weights(theirs[name].get_weights())

    def _load(self):
        path = Path(os.path.expanduser(self.source))
        path = path / "model.keras" if os.path.isdir(path) else path
        if not os.path.isfile(path):
            raise RecipeError(
                f"`initial_weights` wants to copy from {path}, which does not exist; is that run "
                "finished?"
            )
        try:
            return network_of(keras.models.load_model(path, compile=False))
        except Exception as error:  # of a torn or foreign file: OSError, ValueError, KeyError, …
            reason = short(error, 100)
            raise RecipeError(
                f"`initial_weights` cannot load {path} as a model: {reason}"
            ) from error


def _layers_of(network):
    return {layer.name: layer for layer in network.layers if layer.weights}


def _shapes(layer):
    return ", ".join(str(tuple(w.shape)) for w in layer.weights)
