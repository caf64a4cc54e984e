"""Where a network trains: on one device, on all of a machine, or on several machines.

The choice, and what follows from it for the batches; `devices` is what there is to choose from.

    none            one device; all that PyTorch's backend can
    mirrored        TensorFlow: a copy of the network on each device of this machine
                    (`tf.distribute.MirroredStrategy`)
    data_parallel   JAX: the same by `keras.distribution.DataParallel`
    multi_machine   JAX: the same over the devices of several processes, see `peers`
    two_towers      JAX: AlexNet as its authors had it, each tower on a device of its own
    auto            mirrored or data_parallel on as many GPUs as the batches divide among, where
                    there is more than one; else none

Each replica takes an equal part of a batch and the gradients are averaged, so that `batch_size`
means what it means on one device. The last batch of an epoch is cut to a multiple of the replicas.

On TensorFlow each replica normalises its own part of the batch, as on the papers' GPUs, unless
`Recipe.sync_batch_norm` is set; JAX computes a batch as a whole, wherever its parts lie.
"""

import keras
import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.sharding import Share
from keras_classics.runs.devices import (
    DataParallel,
    DistributionError,
    Mirrored,
    MultiMachine,
    OneDevice,
    TwoTowers,
)
from keras_classics.runs.environment import facts
from keras_classics.training.optimizers import StochasticDiagonalLM

STRATEGIES = ("auto", "none", "mirrored", "data_parallel", "two_towers", "multi_machine")
_HEARTBEAT = 30  # seconds


def distribute(strategy="auto", replicas=None, peers=None, recipe=None):
    """Chooses the devices of a run.

    Args:
        strategy: one of `STRATEGIES`.
        replicas: how many devices to use, None for all.
        peers: for "multi_machine", the `Peers`.
        recipe: the `Recipe`: "auto" takes no more devices than its batches divide among, and all
            processes of "multi_machine" must have the same.

    Returns:
        One of the classes in `keras_classics.runs.devices`, a context manager.

    Raises:
        DistributionError: if the backend or the machine cannot do that.
        PeerError: if the processes do not find each other or do not fit together.

    Example:
        >>> from keras_classics.runs.distribution import distribute
        >>> distribute("none").replicas
        1
    """
    backend = keras.backend.backend()
    _check(strategy, replicas, peers, backend)
    if strategy == "multi_machine":
        return _meet(peers, replicas, recipe)
    devices = _devices(backend)
    if strategy == "auto":
        strategy, found = _choose(backend, devices, replicas, recipe)
        replicas = found if replicas is None else replicas
    if strategy == "none":
        if replicas not in (None, 1):
            raise DistributionError(
                f"--replicas {replicas} needs --strategy mirrored (TensorFlow) or data_parallel "
                "(JAX)."
            )
        return OneDevice()
    if replicas is not None and replicas > len(devices):
        raise DistributionError(
            f"--replicas {replicas} is more than the {len(devices)} devices of this machine "
            f"({', '.join(devices[:8])})."
        )
    if strategy == "two_towers":
        if len(devices) < 2:
            raise DistributionError(
                f"--strategy two_towers needs two devices; this machine has one ({devices[0]})."
            )
        return TwoTowers(devices[:2])
    kinds = {"mirrored": Mirrored, "data_parallel": DataParallel}
    return kinds[strategy](devices[:replicas])


def _choose(backend, devices, replicas, recipe):
    """Returns the strategy and the number of replicas that "auto" stands for."""
    strategy = {"tensorflow": "mirrored", "jax": "data_parallel"}.get(backend, "none")
    if strategy == "none" or devices[0].startswith("cpu") or len(devices) < 2 or replicas == 1:
        return "none", 1
    if recipe is None:
        return strategy, len(devices)
    pieces = recipe.gradient_accumulation_steps
    function = getattr(recipe.optimizer, "func", recipe.optimizer)
    if function is StochasticDiagonalLM or (pieces > 1 and strategy == "mirrored"):
        return "none", 1  # see `compilation`
    divides = [n for n in range(2, len(devices) + 1) if recipe.batch_size % (n * pieces) == 0]
    return (strategy, divides[-1]) if divides else ("none", 1)


def _check(strategy, replicas, peers, backend):
    if strategy not in STRATEGIES:
        legal = ", ".join(STRATEGIES)
        raise DistributionError(f"--strategy must be one of {legal}. Received: {strategy}")
    needed = {"mirrored": "tensorflow", "auto": backend, "none": backend}.get(strategy, "jax")
    if needed != backend:
        # Keras 3.15's `fit` fails under MultiWorkerMirroredStrategy: benchmarks/results/scaling.md.
        why = " (TensorFlow's own for several machines does not work with Keras 3)"
        raise DistributionError(
            f"--strategy {strategy} needs the {needed} backend"
            f"{why * (strategy == 'multi_machine' and backend == 'tensorflow')}; set "
            f"KERAS_BACKEND={needed}. Received: {backend}"
        )
    if replicas is not None and (type(replicas) is not int or replicas < 1):
        raise DistributionError(f"--replicas must be at least 1. Received: {replicas}")
    if strategy == "two_towers" and replicas is not None:
        raise DistributionError("--strategy two_towers takes two devices; leave out --replicas.")
    if (strategy == "multi_machine") != (peers is not None):
        raise DistributionError(
            "--strategy multi_machine and the flags --coordinator, --processes and --process go "
            "together."
        )


def _devices(backend):
    """Names of the devices of this machine: its GPUs, or else its processors."""
    if backend == "torch":
        return ["cpu:0"]
    return [name.lower() for name in keras.distribution.list_devices()]


def _meet(peers, replicas, recipe):
    import jax

    if replicas is not None:
        raise DistributionError("--strategy multi_machine uses all devices; leave out --replicas.")
    meeting = peers.meet(facts(recipe))
    jax.distributed.initialize(
        peers.service, peers.processes, peers.process, heartbeat_timeout_seconds=_HEARTBEAT
    )
    return MultiMachine(meeting)


def share_of(recipe, devices):
    """Returns the part of each batch that this process makes.

    Args:
        recipe: a `Recipe`.
        devices: what `distribute` returned.

    Returns:
        A `keras_classics.data.sharding.Share`.

    Raises:
        DistributionError: if the batches do not divide among replicas and pieces.
    """
    pieces, size = recipe.gradient_accumulation_steps, recipe.batch_size
    multiple = devices.replicas * pieces
    if size % multiple:
        low = size - size % multiple
        sizes = f"{low} or {low + multiple}" if low else f"{multiple}"
        raise DistributionError(
            f"Batches of {size} do not divide by {multiple}, the number of replicas "
            f"({devices.replicas}) times that of pieces ({pieces}); the nearest --batch-size that "
            f"does: {sizes}."
        )
    return Share(devices.process, devices.processes, multiple, pieces)


def predictor(model, size):
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
            predict = _mirrored_predictor(model)
    elif keras.distribution.distribution() is not None:
        replicas, predict = _jax_predictor(model)
    return predict, -(-size // replicas) * replicas


def _mirrored_predictor(model):
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


def _jax_predictor(model):
    import jax

    distribution = keras.distribution.distribution()
    mesh = distribution.device_mesh.backend_mesh
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())

    @jax.jit
    def outputs_of(trainable, others, inputs):
        outputs, _ = model.stateless_call(trainable, others, inputs, training=False)
        return jax.lax.with_sharding_constraint(outputs, everywhere)

    def predict(inputs):
        layout = distribution.get_data_layout(inputs.shape).backend_layout
        trainable = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        return np.asarray(outputs_of(trainable, others, jax.device_put(inputs, layout)))

    return mesh.size, predict
