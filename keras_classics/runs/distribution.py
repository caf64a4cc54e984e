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

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from keras_classics.data.sharding import Shard
from keras_classics.runs.compute import Compute
from keras_classics.runs.devices import (
    DataParallel,
    DistributionError,
    Mirrored,
    MultiMachine,
    OneDevice,
    TwoTowers,
    leave,
)
from keras_classics.runs.environment import facts
from keras_classics.runs.peers import Peers

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe

_HEARTBEAT = 30  # seconds


def distribute(compute: Compute | None = None, recipe: Recipe | None = None) -> OneDevice:
    """Chooses the devices of a run.

    Args:
        compute: a `Compute`; None for its defaults.
        recipe: the `Recipe`: "auto" takes no more devices than its batches divide among, and all
            processes of "multi_machine" must have the same.

    Returns:
        One of the classes in `keras_classics.runs.devices`, a context manager.

    Raises:
        DistributionError: if the backend or the machine cannot do that, or not the rest of it.
        PeerError: if the processes do not find each other or do not fit together.

    Example:
        >>> from keras_classics.runs import Compute
        >>> from keras_classics.runs.distribution import distribute
        >>> distribute(Compute(strategy="none")).replicas
        1
    """
    compute = Compute() if compute is None else compute
    backend = keras.backend.backend()
    strategy, replicas = compute.strategy, compute.replicas
    _check_backend(compute, backend)
    if strategy == "multi_machine":
        return _meet(compute.peers or Peers.found(), recipe)
    devices = _devices(backend)
    if strategy == "auto":
        strategy, found = _choose(backend, devices, replicas, recipe)
        replicas = found if replicas is None else replicas
        Compute(strategy=strategy, replicas=replicas)  # one device, where more are asked for
    if strategy == "none":
        return OneDevice()
    if strategy == "mirrored":
        _check_mirrored(compute, recipe)
    if replicas is not None and replicas > len(devices):
        raise DistributionError(
            f"`replicas` {replicas} is more than the {len(devices)} devices of this machine "
            f"({', '.join(devices[:8])})."
        )
    if strategy == "two_towers":
        if len(devices) < 2:
            raise DistributionError(
                f"`strategy` two_towers needs two devices; this machine has one ({devices[0]})."
            )
        return TwoTowers(devices[:2])
    kinds = {"mirrored": Mirrored, "data_parallel": DataParallel}
    return kinds[strategy](devices[:replicas])


def _check_mirrored(compute, recipe):
    """Raises for what TensorFlow's replicas would refuse later, or get wrong."""
    wrong = {
        "`jit` on": compute.jit == "on",
        # Keras adds up under a condition, in which TensorFlow's replicas cannot meet.
        "`gradient_accumulation_steps`": recipe and recipe.gradient_accumulation_steps > 1,
        "`steps_per_execution`": compute.steps_per_execution > 1,
    }
    for what in (name for name, is_wrong in wrong.items() if is_wrong):
        raise DistributionError(f"{what} does not go with `strategy` mirrored; leave one out.")


def _choose(backend, devices, replicas, recipe):
    """Returns the strategy and the number of replicas that "auto" stands for."""
    strategy = {"tensorflow": "mirrored", "jax": "data_parallel"}.get(backend, "none")
    if strategy == "none" or devices[0].startswith("cpu") or len(devices) < 2 or replicas == 1:
        return "none", 1
    if recipe is None:
        return strategy, len(devices)
    pieces = recipe.gradient_accumulation_steps
    function = getattr(recipe.optimizer, "func", recipe.optimizer)
    if hasattr(function, "look") or (pieces > 1 and strategy == "mirrored"):
        return "none", 1  # see `_check_mirrored`
    divides = [n for n in range(2, len(devices) + 1) if recipe.batch_size % (n * pieces) == 0]
    return (strategy, divides[-1]) if divides else ("none", 1)


def _check_backend(compute, backend):
    strategy = compute.strategy
    needed = {"mirrored": "tensorflow", "auto": backend, "none": backend}.get(strategy, "jax")
    if needed != backend:
        # Keras 3.15's `fit` fails under MultiWorkerMirroredStrategy: benchmarks/results/scaling.md.
        why = " (TensorFlow's own for several machines does not work with Keras 3)"
        raise DistributionError(
            f"`strategy` {strategy} needs the {needed} backend"
            f"{why * (strategy == 'multi_machine' and backend == 'tensorflow')}; set "
            f"KERAS_BACKEND={needed}. Received: {backend}"
        )
    if compute.steps_per_execution > 1 and backend == "torch":
        raise DistributionError(
            "`steps_per_execution` does not go with the PyTorch backend; leave it out."
        )
    if compute.peers is not None and strategy != "multi_machine":
        raise DistributionError(
            "`coordinator`, `processes` and `process` need `strategy` multi_machine."
        )


def _devices(backend):
    """Names of the devices of this machine: its GPUs, or else its processors."""
    if backend == "torch":
        return ["cpu:0"]
    return [name.lower() for name in keras.distribution.list_devices()]


def _meet(peers, recipe):
    meeting = peers.meet(facts(recipe))
    try:
        _initialize(peers, alone=meeting.neighbours == 1)
        return MultiMachine(meeting)
    except BaseException:
        leave(meeting, failed=True)
        raise


def _initialize(peers, alone):
    """Starts JAX in all processes; `alone` says that this one is the only one on its machine."""
    import jax

    # It would turn the watch's request to end into a note that nobody reads.
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        peers.service,
        peers.processes,
        peers.process,
        coordinator_bind_address=peers.listening if peers.process == 0 else None,
        heartbeat_timeout_seconds=_HEARTBEAT,
        # Alone on its machine a process takes all devices, where JAX's rule for clusters is one.
        cluster_detection_method="deactivate" if alone else None,
    )


def shard_of(recipe: Recipe, devices: OneDevice) -> Shard:
    """Returns the part of each batch that this process makes.

    Args:
        recipe: a `Recipe`.
        devices: what `distribute` returned.

    Returns:
        A `keras_classics.data.sharding.Shard`.

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
            f"({devices.replicas}) times `gradient_accumulation_steps` ({pieces}); the nearest "
            f"`batch_size` that does: {sizes}."
        )
    return Shard(devices.process, devices.processes, multiple, pieces)
