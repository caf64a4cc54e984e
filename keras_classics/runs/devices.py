"""The devices of a run: one, all of a machine, those of several machines, or one for each tower."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

import keras
import numpy as np

from keras_classics.compat import untuned_device_iterators
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.errors import UserError
from keras_classics.layers.convolution import GROUPS
from keras_classics.training.fields import vary
from keras_classics.training.recipe import RecipeError
from keras_classics.words import pictures

if TYPE_CHECKING:
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.runs.peers import Meeting
    from keras_classics.training.recipe import Recipe


class DistributionError(UserError):
    """Devices that cannot be used as asked; the message is one sentence for the user."""


class OneDevice:
    """The device that the backend prefers."""

    name = "none"
    distribution: Any = None
    replicas = 1
    process = 0
    processes = 1

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the run directory."""
        return self.process == 0

    def scope(self) -> AbstractContextManager[Any]:
        """Returns the context in which networks are built and trained."""
        return contextlib.nullcontext() if self.distribution is None else self.distribution.scope()

    def adapt(self, recipe: Recipe) -> Recipe:
        """Returns the recipe, or the form of it that these devices can share."""
        return recipe

    def from_writer(
        self, state: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Returns what the writing process passed, in every process."""
        return state, arrays

    def share(self, source: LabelledImages) -> LabelledImages:
        """Returns the pictures of a source that this process measures."""
        return source

    def gathered(self, rows: np.ndarray, size: int) -> np.ndarray:
        """Returns a row for each picture of a source of that size, of all processes' shares."""
        return rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Ends the connections to the other processes."""


class Mirrored(OneDevice):
    """A copy of the network on each of this machine's devices, by TensorFlow."""

    name = "mirrored"

    def __init__(self, devices: Sequence[Any]) -> None:
        tf = import_tensorflow()
        self.replicas = len(devices)
        self.distribution = tf.distribute.MirroredStrategy(devices)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        with untuned_device_iterators(), self.distribution.scope():
            yield


class DataParallel(OneDevice):
    """The same by JAX."""

    name = "data_parallel"

    def __init__(self, devices: Sequence[Any]) -> None:
        self.replicas = len(devices)
        # The pipeline of each process makes its own share: nothing is left to be sharded.
        self.distribution = keras.distribution.DataParallel(
            devices=devices, auto_shard_dataset=False
        )


class MultiMachine(DataParallel):
    """The same over the devices of several processes, which have met."""

    name = "multi_machine"

    def __init__(self, meeting: Meeting) -> None:
        import jax

        self.meeting = meeting
        self.process, self.processes = jax.process_index(), jax.process_count()
        devices = [f"{device.platform}:{device.id}" for device in jax.devices()]
        super().__init__(devices)
        if self.replicas % self.processes:
            raise DistributionError(
                f"{self.replicas} devices do not divide among {self.processes} processes; give "
                "each as many."
            )

    def from_writer(
        self, state: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        from jax.experimental import multihost_utils

        def shared(value):
            return multihost_utils.broadcast_one_to_all(value, is_source=self.is_writer)

        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        size = int(shared(np.int64(text.size)))
        buffer = np.zeros(size, np.uint8)
        if self.is_writer:
            buffer[:] = text
        state = json.loads(bytes(np.asarray(shared(buffer))).decode())
        return state, [np.asarray(shared(array)) for array in arrays]

    def share(self, source: LabelledImages) -> LabelledImages:
        if len(source) < self.processes:
            raise DistributionError(
                f"{self.processes} processes cannot share {pictures(len(source), source.split)}; "
                "start fewer."
            )
        first, end = self._bounds(len(source))[self.process]
        return source.part(np.arange(first, end), source.split)

    def gathered(self, rows: np.ndarray, size: int) -> np.ndarray:
        from jax.experimental import multihost_utils

        bounds = self._bounds(size)
        longest = np.zeros((max(end - first for first, end in bounds), *rows.shape[1:]), rows.dtype)
        longest[: len(rows)] = rows
        parts = multihost_utils.process_allgather(longest)
        return np.concatenate(
            [part[: end - first] for part, (first, end) in zip(parts, bounds, strict=True)]
        ).astype(rows.dtype)  # JAX has no 64 bits

    def _bounds(self, size):
        """The first picture of each process and the one behind its last."""
        ends = [size * number // self.processes for number in range(self.processes + 1)]
        return list(itertools.pairwise(ends))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        leave(self.meeting, failed=kind is not None)


def leave(meeting: Meeting, failed: bool) -> None:
    """Ends the connections to the other processes, which end as well where this one fails alone."""
    all_end = not failed or meeting.fails()
    if all_end:
        import jax

        jax.distributed.shutdown()  # waits for all, as long as they are watched
    meeting.close(goodbye=all_end)


class TwoTowers(OneDevice):
    """AlexNet's Fig. 2: one tower on each of two devices, every picture on both.

    The weights of conv1 … conv5, fc6 and fc7 are divided along their outputs; conv2, conv4, conv5
    and the normalisations see their own half only. fc8, which the figure draws once, is on both.
    """

    name = "two_towers"

    def __init__(self, devices: Sequence[Any]) -> None:
        mesh = keras.distribution.DeviceMesh((1, 2), ("batch", GROUPS), devices)
        layouts = keras.distribution.LayoutMap(mesh)
        for weights, rank in (
            (r"conv\d/kernel$", 4),
            (r"fc[67]/kernel$", 2),
            (r"(conv\d|fc[67])/bias$", 1),
            (r"conv\d_bn/\w+$", 1),
        ):
            layouts[weights] = (*[None] * (rank - 1), GROUPS)
        self.distribution = keras.distribution.ModelParallel(
            layout_map=layouts, batch_dim_name="batch", auto_shard_dataset=False
        )

    def adapt(self, recipe: Recipe) -> Recipe:
        try:
            return vary(recipe, {"model.towers": "grouped"})
        except RecipeError as error:
            raise DistributionError(
                f"`strategy` two_towers needs AlexNet's two towers, and {recipe.name} has none."
            ) from error
