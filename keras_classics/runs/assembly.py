"""Recipe + data -> the model that trains and the model that is saved, on the same weights."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from keras_classics import shipped
from keras_classics.compat import all_layers
from keras_classics.data.pipeline import in_order
from keras_classics.data.statistics import PixelStatistics
from keras_classics.errors import UserError
from keras_classics.runs.weight_averages import keep_averages_apart
from keras_classics.training.fields import describe
from keras_classics.training.pixels import WeightsPixels
from keras_classics.training.recipe import RecipeError
from keras_classics.zoo import list_models, model_card

if TYPE_CHECKING:
    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.runs.devices import OneDevice
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import Tensor

_TRANSFORMS = ("train_transforms", "test_transforms")


def check_pixels(recipe: Recipe) -> None:
    """Raises where a network gets published weights and other pixels than those that they expect.

    Args:
        recipe: a `Recipe`; a `normalization` that is not of this package is its owner's business.

    Raises:
        RecipeError: if none of this package's normalizations gives the pixels.
    """
    name = getattr(recipe.model, "func", recipe.model).__name__
    weights = getattr(recipe.model, "keywords", {}).get("weights")
    if name not in list_models() or weights not in model_card(name).weights:
        return
    if recipe.normalization == WeightsPixels(name, weights):
        return
    if weights in shipped.names(name):
        trained = shipped.card(name, weights)["normalization"]
        if describe(recipe.normalization) == trained:
            return
    kind = getattr(recipe.normalization, "func", recipe.normalization)
    kind = kind if isinstance(kind, type) else type(kind)
    if kind.__module__.partition(".")[0] == "keras_classics":
        pixels = (model_card(name).preprocessing or "").partition(":")[0]
        raise RecipeError(
            f'`model.weights` is "{weights}", whose pixels are {pixels}; {kind.__name__} gives '
            f'others: set `normalization` to WeightsPixels("{name}", "{weights}"), or write one '
            "that gives those."
        )


def assemble(
    recipe: Recipe, source: LabelledImages, *, bad: BadImages | None = None, **compilation: Any
) -> tuple[keras.Model, keras.Model]:
    """Builds both models of a recipe for the pictures and classes of a source.

    Args:
        recipe: a `Recipe`.
        source: the training `Source`.
        bad: the `BadImages` for the pictures behind a mean image; the run has its own.
        **compilation: passed to `compile`, e.g. `jit_compile`.

    Returns:
        (training, inference): pixels -> logits, compiled; and pixels -> probabilities, complete
        with the layers `logits` and `probabilities`.

    Raises:
        DataError: if too many pictures cannot be decoded.
        RecipeError: if the network cannot take these pictures or classes, or has auxiliary heads
            where the recipe has no weight for them, or none where it has, or its optimizer cannot
            train it on them.
    """
    fixed = getattr(recipe.model, "keywords", {}).get("num_classes", source.num_classes)
    if fixed != source.num_classes:
        raise RecipeError(
            f"`model.num_classes` is {fixed}, but {source.name} has {source.num_classes} classes; "
            "leave it unset to follow the data."
        )
    try:
        network = recipe.model(num_classes=fixed, classifier_activation=None)
        optimizer = recipe.optimizer(learning_rate=recipe.learning_rate, **_accumulation(recipe))
        loss = recipe.loss()
        shape = _picture_shape(recipe, source)
        pixels = keras.Input(shape, name="pixels")
        statistics = PixelStatistics(source, recipe.test_transforms, bad)
        normalized = recipe.normalization(statistics)(pixels)
    except UserError:  # says already what is wrong, and with what
        raise
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{recipe.name} on {source.name}: {error}") from error
    if normalized.shape[1:] != network.input_shape[1:]:
        raise RecipeError(
            f"{source.name} gives pictures of {_size(shape)}, which makes an input of "
            f"{_size(normalized.shape[1:])}, and the network takes "
            f"{_size(network.input_shape[1:])}; choose another `dataset`, or "
            f"{_other_input(recipe, normalized.shape[1:])}."
        )
    if recipe.sync_batch_norm and keras.backend.backend() == "tensorflow":
        _synchronize_batch_norm(network)
    outputs = network(normalized)
    keep_averages_apart(optimizer)
    compiled = {
        **compilation,
        "optimizer": optimizer,
        "metrics": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    }
    if _has_auxiliary_heads(recipe, network):
        training = _WithAuxiliaryHeads(pixels, outputs, name=recipe.name)
        weights = dict.fromkeys(outputs, recipe.auxiliary_weight) | {"main": 1.0}
        training.compile(loss=dict.fromkeys(outputs, loss), loss_weights=weights, **compiled)
        # The same layers without those that only the auxiliary heads need.
        network = keras.Model(network.inputs, network.output["main"], name=network.name)
        outputs = network(normalized)
    else:
        training = keras.Model(pixels, outputs, name=recipe.name)
        training.compile(loss=loss, **compiled)
    # Compared and summed in float32 whatever the precision of the network.
    logits = keras.layers.Activation("linear", dtype="float32", name="logits")(outputs)
    probabilities = keras.layers.Activation("softmax", dtype="float32", name="probabilities")
    inference = keras.Model(pixels, probabilities(logits), name=recipe.name)
    return training, inference


def check_looking(
    recipe: Recipe,
    optimizer: keras.optimizers.Optimizer,
    devices: OneDevice,
    source: LabelledImages,
    network: keras.Model,
) -> None:
    """Raises a RecipeError where an optimizer that looks at the run would not see it.

    Args:
        recipe: a `Recipe`.
        optimizer: a Keras optimizer; see `StochasticDiagonalLM.look`.
        devices: what `distribute` returned.
        source: the training source.
        network: the network inside the model.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # what float16 scales the loss for
    if not hasattr(optimizer, "look"):
        return
    name = type(optimizer).__name__
    if not source.in_memory or len(network.outputs) > 1:
        raise RecipeError(
            f"{name} needs its pictures in memory and a network with one output; choose another "
            "optimizer, data whose pictures have one size, or no auxiliary heads."
        )
    if (
        devices.replicas > 1
        or recipe.gradient_accumulation_steps > 1
        or recipe.precision != "float32"
    ):
        raise RecipeError(
            f"{name} trains in float32, on one device and in whole batches; leave out `strategy`, "
            "`gradient_accumulation_steps` and `precision`."
        )


def check_own_rates(
    recipe: Recipe, optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
) -> None:
    """Raises a RecipeError where a schedule sets rates that the optimizer or network has not.

    Args:
        recipe: a `Recipe`; see `RateTable.own_factors`.
        optimizer: a Keras optimizer; see `CoupledSGD.set_own_rates`.
        variables: what it trains.
    """
    if not hasattr(recipe.schedule, "own_factors"):
        return
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not hasattr(inner, "set_own_rates"):
        raise RecipeError(
            f"`schedule` sets rates for some weights alone, which {type(inner).__name__} does not "
            "have; set `optimizer` to CoupledSGD, or choose another schedule."
        )
    optimizer.build(variables)
    try:
        for epoch in range(recipe.epochs):
            inner.set_own_rates(recipe.schedule.own_factors(epoch))
    except ValueError as error:
        raise RecipeError(f"`schedule` does not fit {recipe.name}: {error}") from error


def _accumulation(recipe):
    steps = recipe.gradient_accumulation_steps
    return {"gradient_accumulation_steps": steps} if steps > 1 else {}


def _picture_shape(recipe, source):
    """Returns the shape of one picture behind the transforms, the same in training and test."""
    shapes = {name: _shape_behind(recipe, source, name) for name in _TRANSFORMS}
    train, test = shapes.values()
    if not train.is_fully_defined() or train != test:
        raise RecipeError(
            f"The pictures of {source.name} are {_size(train)} behind `train_transforms` and "
            f"{_size(test)} behind `test_transforms`, and must be of one and the same size; "
            f"{_one_size(recipe, shapes)}."
        )
    return tuple(train)


def _shape_behind(recipe, source, name):
    try:
        return in_order(source, 1, getattr(recipe, name)).element_spec[0].shape[1:]
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"`{name}` does not fit the pictures of {source.name}: {error}"
        ) from error


def _one_size(recipe, shapes):
    """Returns what to do about pictures of several sizes."""
    side = next((shape[0] for shape in shapes.values() if shape[0]), 224)
    fields = []
    for name, shape in shapes.items():
        if not shape.is_fully_defined():
            return f"end `{name}` in a crop, such as CenterCrop({side}), in the recipe's file"
        sized = [n for n, one in enumerate(getattr(recipe, name)) if hasattr(one, "size")]
        fields += [f"`{name}.{n}.size`" for n in sized[-1:]]
    return f"set {' or '.join(fields)}" if fields else "choose another `dataset`"


class _WithAuxiliaryHeads(keras.Model):
    """A network with several outputs for one label; `main` is the one that is measured."""

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Any = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        labels = dict.fromkeys(y_pred, y)
        return super().compute_loss(x, labels, y_pred, sample_weight, training=training)

    def compute_metrics(
        self, x: Tensor, y: Tensor, y_pred: Any, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        return super().compute_metrics(x, y, y_pred["main"], sample_weight)


def _has_auxiliary_heads(recipe, network):
    has_heads = isinstance(network.output, dict) and "main" in network.output
    if has_heads and recipe.auxiliary_weight is None:
        heads = ", ".join(name for name in network.output if name != "main")
        raise RecipeError(
            f"{recipe.name}'s network has auxiliary heads ({heads}); say how much their losses "
            "count with `auxiliary_weight`, or build it without them."
        )
    if not has_heads and recipe.auxiliary_weight is not None:
        raise RecipeError(
            f"`auxiliary_weight` is {recipe.auxiliary_weight}, but {recipe.name}'s network has no "
            "auxiliary heads: they are outputs in a dict, beside `main`."
        )
    return has_heads


def _synchronize_batch_norm(network):
    for layer in all_layers(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def _size(shape):
    return "×".join("any" if n is None else str(n) for n in shape)


def _other_input(recipe, shape):
    function = getattr(recipe.model, "func", recipe.model)
    if "input_shape" in inspect.signature(function).parameters:
        return f"set `model.input_shape` to {tuple(shape)}"
    return "another `model`"
