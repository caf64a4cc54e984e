"""The classes that a model tells apart: their probabilities, and the scores in front of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics import checks
from keras_classics.compat import calls_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras


@dataclass(frozen=True)
class Explanation:
    """Where in a picture a model saw a class.

    Attributes:
        map: floats of shape (rows, columns), which cover the picture.
        class_index: the class.
        probability: that the model gives the class for the whole picture.
        layers: whose maps were looked at; none for occlusion.
    """

    map: np.ndarray
    class_index: int
    probability: float
    layers: tuple[str, ...] = ()

    def class_name(self, class_names: Sequence[str] | None) -> str:
        """The name of the class; its number where there are no names."""
        return str(self.class_index if class_names is None else class_names[self.class_index])


def class_output(model: keras.Model) -> Any:
    """Returns a model's output with a value for each class.

    Of several outputs by name these are the "logits" of `classifier_activation="both"`, or "main"
    beside auxiliary heads.

    Raises:
        ValueError: if there is none.
    """
    import keras

    output = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
    if isinstance(output, list | tuple) and len(output) == 1:
        output = output[0]
    if isinstance(output, dict):
        output = output.get("logits", output.get("main"))
    if len(getattr(output, "shape", ())) != 2:
        shapes = [tuple(one.shape[1:]) for one in model.outputs]
        raise ValueError(
            f"`model` must have one value for each class. Received: outputs of the shapes {shapes}"
        )
    return output


def check_class(model: keras.Model, class_index: Any, class_names: Any = None) -> int | None:
    """Returns the class as an integer, None for the most probable one, once there is such a class.

    Raises:
        ValueError: if there is none, or not one name for each.
    """
    classes = class_output(model).shape[-1]
    if isinstance(class_index, np.integer):
        class_index = int(class_index)
    if class_index is not None:
        checks.integer("class_index", class_index, least=0, most=classes - 1)
    if class_names is not None and len(class_names) != classes:
        raise ValueError(
            f"`class_names` must be {classes:,} names. Received: {len(class_names):,} names"
        )
    return class_index


def probabilities(model: keras.Model, rows: np.ndarray) -> np.ndarray:
    """Returns what a model gives as probabilities.

    What a softmax or sigmoid at its end gives is one already. Of anything else a single value is
    the logit of a sigmoid, and rows that do not add up to one are those of a softmax.

    Args:
        model: a Keras model that is a graph of layers.
        rows: what its `class_output` gave, floats of shape (pictures, classes).

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from keras_classics.visualization.classes import probabilities
        >>> def model(end):
        ...     return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, end)])
        >>> probabilities(model(None), np.array([[0.0, 0.0], [3.0, 3.0]])).tolist()
        [[0.5, 0.5], [0.5, 0.5]]
        >>> probabilities(model("sigmoid"), np.array([[0.75, 0.75]])).tolist()
        [[0.75, 0.75]]
    """
    if _ends_squashed(model):
        return rows
    if rows.shape[1] == 1:
        return (1 + np.tanh(rows / 2)) / 2  # the sigmoid, which never overflows
    if rows.min() >= 0 and np.allclose(rows.sum(-1), 1, atol=0.02):
        return rows
    powers = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def scores_of(model: keras.Model, output: Any) -> Any:
    """Returns the scores that a softmax or sigmoid at the end of a model makes its output of.

    Args:
        model: a Keras model that is a graph of layers.
        output: its output.

    Returns:
        What a layer that does nothing else takes; of a layer with weights, what it gives without
        its activation. If the model ends in something else, the output.
    """
    layer, inputs = _maker(model, output)
    if _is_squashing(layer):
        return inputs[0]
    if not _has_squashing(layer):
        return output
    linear = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    scores = linear(inputs[0])
    linear.set_weights(layer.get_weights())
    return scores


def _maker(model, output):
    """The layer that gives an output, and what it takes."""
    return next(
        (layer, inputs)
        for layer, inputs, outputs in calls_of(model)[0]
        if any(one is output for one in outputs)
    )


def _is_squashing(layer):
    return type(layer).__name__ in ("Softmax", "Sigmoid")  # as a layer, or as a function


def _has_squashing(layer):
    import keras

    squashing = keras.activations.softmax, keras.activations.sigmoid
    return getattr(layer, "activation", None) in squashing


def _ends_squashed(model):
    import keras

    layer, _ = _maker(model, class_output(model))
    if isinstance(layer, keras.Model) and len(getattr(layer, "outputs", ())) == 1:
        return _ends_squashed(layer)
    return _is_squashing(layer) or _has_squashing(layer)
