"""Recipe + data -> the model that trains and the model that is saved, on the same weights."""

import inspect

import keras

from keras_classics.training.recipe import RecipeError


def assemble(recipe, source):
    """Builds both models of a recipe for the pictures and classes of a source.

    Args:
        recipe: a `Recipe`.
        source: the training `Source`.

    Returns:
        (training, inference): pixels -> logits, compiled; and pixels -> probabilities, complete
        with the layers `logits` and `probabilities`.

    Raises:
        RecipeError: if the network cannot take these pictures or classes.
    """
    fixed = getattr(recipe.model, "keywords", {}).get("num_classes", source.num_classes)
    if fixed != source.num_classes:
        raise RecipeError(
            f"`model.num_classes` is {fixed}, but {source.name} has {source.num_classes} classes; "
            "leave it unset to follow the data."
        )
    try:
        network = recipe.model(num_classes=fixed, classifier_activation=None)
        optimizer = recipe.optimizer(learning_rate=recipe.learning_rate)
        loss = recipe.loss()
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{recipe.name} on {source.name}: {error}") from error
    pixels = keras.Input(source.image_shape, name="pixels")
    normalized = recipe.normalization(source)(pixels)
    if normalized.shape[1:] != network.input_shape[1:]:
        raise RecipeError(
            f"{source.name} has pictures of {_size(source.image_shape)}, which makes an input of "
            f"{_size(normalized.shape[1:])}, and the network takes "
            f"{_size(network.input_shape[1:])}; choose other data with --data, or another "
            f"{_shape_fields(recipe)} with --set."
        )
    outputs = network(normalized)
    training = keras.Model(pixels, outputs, name=recipe.name)
    training.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    logits = keras.layers.Activation("linear", name="logits")(outputs)
    # Probabilities are summed in float32 whatever the precision of the network.
    probabilities = keras.layers.Activation("softmax", dtype="float32", name="probabilities")
    inference = keras.Model(pixels, probabilities(logits), name=recipe.name)
    return training, inference


def network_of(model):
    """Returns the network inside a model that `assemble` made.

    Layers inside are reached through it, since `model.get_layer("C1")` does not look inside.
    """
    networks = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return networks[-1]


def _size(shape):
    return "×".join(str(n) for n in shape)


def _shape_fields(recipe):
    function = getattr(recipe.model, "func", recipe.model)
    has_shape = "input_shape" in inspect.signature(function).parameters
    return "model.input_shape" if has_shape else "model"
