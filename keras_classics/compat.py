"""What has to touch private names of others, each with its reason and a test in test_compat.py.

A method of theirs that a class of ours overrides cannot stand here; its reason stands beside it and
its test there too: `CoupledSGD._backend_update_step`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import torch


@contextlib.contextmanager
def untuned_device_iterators() -> Iterator[None]:
    """Lets the passes of `MirroredStrategy` on processors end when their data ends.

    The strategy puts a dataset of its own in front of each device, with default options whatever
    ours are; on a processor tf.data's autotuner then runs for it and its end can sleep like others
    (see `keras_classics.data.parallelism`). On a GPU none runs: TensorFlow adds it to what is
    iterated on a processor. TensorFlow 2.21 has no public way to give these datasets options.
    """
    import tensorflow as tf
    from tensorflow.python.data.ops import multi_device_iterator_ops

    theirs = multi_device_iterator_ops._create_device_dataset
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    multi_device_iterator_ops._create_device_dataset = lambda *parts: theirs(*parts).with_options(
        untuned
    )
    try:
        yield
    finally:
        multi_device_iterator_ops._create_device_dataset = theirs


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns the layers of a Keras model, and those inside them.

    `model.layers` ends at the first floor: GoogLeNet's modules and their batch normalisations lie
    in attributes of other layers, which only Keras itself knows to follow.
    """
    return model._flatten_layers()


def graph_of(model: keras.Model) -> dict[str, tuple[Any, list[Any], list[Any]]]:
    """Returns {name: (layer, inputs, outputs)} of a functional model, first what comes first.

    Of a layer that is called more than once, this is the first call; `calls_of` has all.
    """
    found: dict[str, tuple[Any, list[Any], list[Any]]] = {}
    for operation, inputs, outputs in calls_of(model)[0]:
        found.setdefault(operation.name, (operation, inputs, outputs))
    return found


def calls_of(
    model: keras.Model, inputs: Sequence[Any] | None = None
) -> tuple[list[tuple[Any, list[Any], list[Any]]], list[Any]]:
    """Returns the calls of a functional model, first what comes first, and the model's outputs.

    `layer.output` is that of a layer's first call, in whatever model that was; here the tensors are
    those of this model. Only the tensors themselves know which call they come from.

    Args:
        model: built from its inputs and outputs.
        inputs: symbols that stand for the model's own inputs; what follows from their sizes is
            worked out anew where they are others.

    Returns:
        [(layer or operation, its inputs, its outputs), …] and [output, …], all of them symbols.
    """
    import keras

    nodes = _nodes_of(model)
    tensors = {id(x): x for node in nodes for x in node.outputs}
    if inputs is not None:
        pairs = list(zip(model.inputs, inputs, strict=True))
        tensors.update((id(x), y) for x, y in pairs)
        for node in nodes if any(x.shape != y.shape for x, y in pairs) else ():
            if not node.is_input:
                arguments, named = node.arguments.fill_in(tensors)
                results = node.operation.compute_output_spec(*arguments, **named)
                flat = keras.tree.flatten(results)
                tensors.update((id(x), y) for x, y in zip(node.outputs, flat, strict=True))

    def these(own):
        return [tensors[id(x)] for x in own]

    calls = [(node.operation, these(node.input_tensors), these(node.outputs)) for node in nodes]
    return calls, these(model.outputs)


def _nodes_of(model):
    """Keras' records of the calls in a model's graph, each behind those that it needs."""
    nodes = []
    done = set()
    left = [(tensor, False) for tensor in reversed(model.outputs)]
    while left:
        tensor, is_ready = left.pop()
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        if id(node) in done:
            continue
        if is_ready:
            done.add(id(node))
            nodes.append(node)
        else:
            left.append((tensor, True))
            left += [(one, False) for one in reversed(node.input_tensors)]
    return nodes


def forget_used_tensors(model: keras.Model) -> None:
    """Lets a forward pass of a functional model forget each tensor behind its last use.

    Keras keeps what every layer gave until the pass ends, with and without gradients. TensorFlow
    and JAX see that when they trace, and free it all the same; on PyTorch it is memory, 0.9 of
    2.3 GiB in a step of ResNet-50 on 16 pictures. Results stay the same to the bit. A copy or a
    file of the model does not remember this. Keras 3.15 has no public way to do it.

    Args:
        model: built from its inputs and outputs.
    """
    import keras

    theirs, outputs = model._run_through_graph, [id(x) for x in model.outputs]
    by_depth = model._nodes_by_depth
    nodes = [n for depth in sorted(by_depth, reverse=True) for n in by_depth[depth]]
    nodes = [node for node in nodes if not node.is_input]
    last = {id(x): node for node in nodes for x in node.input_tensors}
    last.update(dict.fromkeys(outputs))
    steps = [(n, {id(x) for x in n.input_tensors if last[id(x)] is n}) for n in nodes]

    def run(
        inputs: Any,
        operation_fn: Callable[[Any], Any] = lambda operation: operation,
        call_fn: Callable[..., Any] | None = None,
    ) -> Any:
        if call_fn is not None:  # symbols, of no size
            return theirs(inputs, operation_fn, call_fn)
        tensors = {id(x): y for x, y in zip(model.inputs, keras.tree.flatten(inputs), strict=True)}
        for node, used in steps:
            arguments, named = node.arguments.fill_in(tensors)
            results = keras.tree.flatten(operation_fn(node.operation)(*arguments, **named))
            tensors.update((id(x), y) for x, y in zip(node.outputs, results, strict=True))
            for x in used:
                del tensors[x]
        return keras.tree.pack_sequence_as(model._outputs_struct, [tensors[x] for x in outputs])

    model._run_through_graph = run


def place_of(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> int:
    """Returns which of the trained variables this one is, counted as in `optimizer.build`.

    `update_step` is given a variable alone. TensorFlow passes another object of another name, so
    that only Keras' own table finds what the optimizer keeps for it.
    """
    return optimizer._get_variable_index(variable)


def sums_of_all(
    tensors: list[torch.Tensor], others: list[torch.Tensor], scale: float
) -> Sequence[torch.Tensor]:
    """Returns tensor + scale · other for each pair of PyTorch's tensors, in one call for all.

    Keras' own optimizers and PyTorch's do it by these functions; their public form, of
    `torch.optim`, is whole optimizers only.
    """
    import torch

    return torch._foreach_add(tensors, others, alpha=scale)


def add_to_all(tensors: list[torch.Tensor], others: list[torch.Tensor], scale: float = 1.0) -> None:
    """Adds scale · other to each tensor in place; see `sums_of_all`."""
    import torch

    torch._foreach_add_(tensors, others, alpha=scale)


def scale_all(tensors: list[torch.Tensor], factor: float) -> None:
    """Multiplies each tensor in place; see `sums_of_all`."""
    import torch

    torch._foreach_mul_(tensors, factor)


def base_tuner() -> Any:
    """Returns the class of KerasTuner that leaves a trial wholly to its subclass.

    `keras_tuner.Tuner`, the documented one, builds, fits and saves a model by itself.
    """
    from keras_tuner.engine.base_tuner import BaseTuner

    return BaseTuner


def oracle_file(oracle: Any) -> str:
    """Returns the path of the file from which KerasTuner's oracle continues.

    KerasTuner writes it into place; who writes it beside and renames it has to know where.
    """
    return oracle._get_oracle_fname()


def tuner_file(tuner: Any) -> str:
    """Returns the path of the file by which KerasTuner knows that a search has begun; see above."""
    return tuner._get_tuner_fname()


def forget_tracings() -> None:
    """Lets TensorFlow count anew how often Keras' functions are traced; before another network.

    Five tracings in ten calls make it warn of a mistake. It counts by the code of a function, and
    Keras makes the functions of all models from the same code: a process that trains one network
    after the other looks to it like one function that is traced again and again. What is traced too
    often for one network is still said. On other backends there is nothing to count.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    from tensorflow.python.eager.polymorphic_function import polymorphic_function as theirs

    theirs._frequent_tracing_detector_manager = type(theirs._frequent_tracing_detector_manager)()


def cluster() -> tuple[str, int, int, int] | None:
    """Returns (host, port, processes, process) as JAX finds them, None where it finds nothing.

    It knows SLURM, Open MPI, Kubernetes and cloud TPUs. `jax.distributed.initialize` asks the same
    and tells nobody; the processes have to meet before it is called.
    """
    from jax._src.clusters import ClusterEnv

    found = ClusterEnv.auto_detect_unset_distributed_params(None, None, None, [0], None, 120)
    coordinator, processes, process, _ = found
    if coordinator is None:
        return None
    host, _, port = coordinator.rpartition(":")
    return host, int(port), int(processes), int(process)
