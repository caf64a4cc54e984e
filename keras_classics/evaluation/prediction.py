"""What every way of measuring shares: checks before, batches through the network, one result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics.data.encoded import errors_of_pipeline
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.evaluation.measurement import Measurement
from keras_classics.progress import tracked
from keras_classics.words import pictures

if TYPE_CHECKING:
    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.types import Shape


def check_classes(model: keras.Model, source: LabelledImages) -> None:
    """Raises a ValueError unless the model maps one picture to as many classes as a source has."""
    shapes = (model.input_shape, model.output_shape)
    if not all(isinstance(shape, tuple) for shape in shapes) or tuple(map(len, shapes)) != (4, 2):
        raise ValueError(
            f"{model.name} does not map one picture to one probability for each class: its input "
            f"has the shape {shapes[0]}, its output {shapes[1]}."
        )
    if model.output_shape[-1] != source.num_classes:
        raise ValueError(
            f"The model has {model.output_shape[-1]} classes, "
            f"{source.name} has {source.num_classes}."
        )


def check_shape(model: keras.Model, shape: Shape, what: str) -> None:
    """Raises a ValueError unless the model takes pictures of a shape, whose None is unknown."""
    taken = tuple(model.input_shape[1:])
    if any(a != b for a, b in zip(taken, shape, strict=True) if a is not None and b is not None):
        raise ValueError(f"The model takes pictures of shape {taken}, {what} {tuple(shape)}.")


def check_probabilities(rows: np.ndarray) -> None:
    """Raises a ValueError if a model's outputs are something else than probabilities."""
    if not (np.allclose(rows.sum(-1), 1, atol=0.02) and rows.min() >= 0):
        raise ValueError(
            "The model's outputs are no probabilities, which are positive and add up to 1; "
            "averages of them would mean nothing."
        )


def in_chunks(model: keras.Model, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function, inputs -> NumPy outputs, that computes `size` inputs at a time.

    The last ones are filled up, so that nothing is compiled for another number of them, and every
    device of a distributed model has as many.
    """
    outputs_of, size = on_all_devices(model, size)

    def predict(inputs):
        parts = []
        for start in range(0, len(inputs), size):
            chunk = inputs[start : start + size]
            missing = size - len(chunk)
            if missing:
                chunk = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])
            parts.append(np.asarray(outputs_of(chunk))[: size - missing])
        return np.concatenate(parts)

    return predict


def collect(
    batches: Iterable[tuple[Any, Any]],
    function: Callable[[Any], np.ndarray],
    bad: BadImages,
    source: LabelledImages,
) -> tuple[np.ndarray, np.ndarray]:
    """Runs batches (images, labels) through a function.

    Args:
        batches: a `tf.data.Dataset`, or another iterable of pairs of arrays.
        function: images -> one row for each.
        bad: the `BadImages` that keeps account of what is left out of the batches.
        source: whose pictures they are.

    Returns:
        labels int64 (n,) and rows (n, …).

    Raises:
        DataError: if too many pictures are bad, or a record is.
    """
    labels, rows = [], []
    what = f"measuring {pictures(len(source), source.split)}"
    with errors_of_pipeline(bad, source.name):
        for images, own in tracked(batches, what, len(source)):
            rows.append(function(np.asarray(images)))
            labels.append(np.asarray(own))
    return np.concatenate(labels).astype("int64"), np.concatenate(rows)


def mean_loss(loss: keras.losses.Loss, labels: np.ndarray, logits: np.ndarray) -> float:
    """Returns the mean of a Keras loss over NumPy rows, without the share of a replica."""
    logits = keras.ops.convert_to_tensor(logits, "float32")  # of mixed precision: half of that
    labels = keras.ops.convert_to_tensor(labels)
    return float(np.mean(keras.ops.convert_to_numpy(loss.call(labels, logits))))


def measured(
    labels: np.ndarray,
    probabilities: np.ndarray,
    source: LabelledImages,
    bad: BadImages | None,
    logits: np.ndarray | None = None,
) -> Measurement:
    """Returns the `Measurement` of rows that come in the order of a source.

    Args:
        labels: int64 (n,).
        probabilities: (n, classes).
        source: what was measured.
        bad: the `BadImages` that were left out.
        logits: (n, classes), or None.
    """
    predicted = (probabilities if logits is None else logits).argmax(-1)
    probabilities = probabilities.astype("float32")
    return Measurement(labels, predicted, probabilities, source.positions(bad), logits)


def on_all_devices(model: keras.Model, size: int) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Returns a function, inputs -> NumPy outputs, on all devices that the model is on.

    Args:
        model: a Keras model.
        size: how many inputs at once are wanted.

    Returns:
        The function, and the number of inputs that it takes: `size`, or a little more.
    """
    replicas, predict = 1, model.predict_on_batch
    if keras.backend.backend() == "tensorflow":
        replicas = model.distribute_strategy.num_replicas_in_sync
        if replicas > 1:
            predict = _on_replicas(model)
    elif keras.distribution.distribution() is not None:
        replicas, predict = _on_mesh(model)
    return predict, -(-size // replicas) * replicas


def _on_replicas(model):
    tf, strategy = import_tensorflow(), model.distribute_strategy

    @tf.function
    def outputs_of(inputs):
        return strategy.run(model, (inputs,), {"training": False})

    def predict(inputs):
        # Not `model.predict`, which makes a tf.data pipeline for each call.
        parts = np.split(inputs, strategy.num_replicas_in_sync)
        placed = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )
        outputs = strategy.experimental_local_results(outputs_of(placed))
        return np.concatenate([part.numpy() for part in outputs])

    return predict


def _on_mesh(model):
    import jax

    distribution = keras.distribution.distribution()
    mesh, axis = distribution.device_mesh.backend_mesh, distribution.batch_dim_name
    # Each process then measures pictures of its own, see `MultiMachine`.
    is_shared = jax.process_count() > 1
    if is_shared:
        mesh = jax.sharding.Mesh(np.array(jax.local_devices()), (axis,))
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    divided = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(axis))

    def value(variable):
        """The weights as the devices of the mesh have them, moved nowhere."""
        if not is_shared:
            return variable.value
        copies = [shard.data for shard in variable.value.addressable_shards]
        shape = variable.value.shape
        return jax.make_array_from_single_device_arrays(shape, everywhere, copies)

    @jax.jit
    def outputs_of(trainable, others, inputs):
        outputs, _ = model.stateless_call(trainable, others, inputs, training=False)
        return jax.lax.with_sharding_constraint(outputs, everywhere)

    def predict(inputs):
        trainable = [value(v) for v in model.trainable_variables]
        others = [value(v) for v in model.non_trainable_variables]
        return np.asarray(outputs_of(trainable, others, jax.device_put(inputs, divided)))

    return mesh.size, predict
