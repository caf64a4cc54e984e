"""The only training loop: one `fit` per epoch, and a checkpoint after each.

Everything random is a function of (seed, epoch, example), the order of the variables is fixed, and
whatever a schedule needs to know stands in the history. A checkpoint therefore holds the variables
and the history, and a run that was killed ends as if it had not been.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import keras

from keras_classics import checks
from keras_classics.data.bad_images import BadImages
from keras_classics.files import utf8, write_bytes
from keras_classics.report import write_report
from keras_classics.report.schemas import FAILURE
from keras_classics.runs.assembly import assemble, check_looking, check_own_rates, check_pixels
from keras_classics.runs.callback import TrainingError, check_callbacks
from keras_classics.runs.compute import JIT, Compute, check_memory, precision
from keras_classics.runs.directory import (
    RunDirectory,
    RunDirectoryError,
    check_owner,
    has_checkpoint,
    writing,
)
from keras_classics.runs.distribution import distribute, shard_of
from keras_classics.runs.run import Run
from keras_classics.runs.sources import facts_of, load_sources
from keras_classics.trained_model import network_of
from keras_classics.training.recipe import RecipeError

if TYPE_CHECKING:
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import AnyPath

__all__ = ["TrainingError", "train"]


def train(
    recipe: Recipe,
    run_dir: AnyPath,
    *,
    data_dir: AnyPath | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: str | int = "auto",
    checkpoint_minutes: float = 5.0,
    on_bad_image: Literal["skip", "stop"] = "skip",
    cache: Literal["none", "ram", "disk"] = "none",
    compute: Compute | None = None,
    stop_after: int | None = None,
    log_steps: int | None = None,
) -> dict[str, Any] | None:
    """Trains a recipe in a run directory, or continues it there, up to the report.

    Args:
        recipe: a `Recipe`.
        run_dir: the folder; see `RunDirectory`.
        data_dir: where TensorFlow Datasets keeps its data; None for its default.
        callbacks: Keras callbacks. They see one training, from where a continued run goes on: each
            step, and each epoch with `loss`, `accuracy`, `error` and, where the recipe validates,
            `val_loss`, `val_accuracy`, `val_error` (errors in percent). They may stop it, and the
            run is then measured as it is. What they keep in memory is lost where the run is killed
            (as `EarlyStopping`'s count; see `Recipe.early_stopping` for one that is not), and an
            epoch that was killed before its checkpoint is told to them twice.
        verbose: 0 says nothing, 2 a line for each epoch, 1 that and a bar while it goes on; "auto"
            is 1 on a terminal and else 2; in a notebook it also shows the curves, drawn in place.
        checkpoint_minutes: how often the state is also saved inside an epoch.
        on_bad_image: what happens where a picture file cannot be decoded: "skip" lists it in
            `bad_images.txt` and goes on, unless they are more than 1 %; "stop" ends the run. With
            several processes it is always "stop": their batches would not fit together.
        cache: "ram" keeps the picture files' bytes in memory, "disk" copies the files once to the
            user's cache, "none" reads them where they are.
        compute: a `Compute`: the devices, and how they compute a step; None for its defaults.
        stop_after: epochs after which to leave the run as it is, to be continued by another call;
            None goes on to its end.
        log_steps: writes `steps.csv`, a row for every so many updates: `iteration` counts them from
            the start of the run, `loss` and `error` are means over the training pictures of the
            epoch so far. None writes no such file.

    Returns:
        dict, the content of `metrics.json`; None where `stop_after` came before the end.

    Raises:
        DataError: if the data cannot be had.
        DistributionError: if the devices cannot be used like that.
        PeerError: if the processes do not find each other, or run different things.
        RecipeError: if the recipe does not fit the data or the devices, a callback not the run, or
            `log_steps` is no number of updates.
        RunDirectoryError: if the folder cannot be used.
        TrainingError: if the loss becomes NaN.
    """
    if log_steps is not None:
        checks.integer("log_steps", log_steps, error=RecipeError, most=2**31)
    check_callbacks(callbacks)
    check_pixels(recipe)
    compute = Compute() if compute is None else compute
    with contextlib.ExitStack() as stack:
        devices = stack.enter_context(distribute(compute, recipe))
        shard = shard_of(recipe, devices)
        asked, recipe = recipe, devices.adapt(recipe)
        with devices.scope(), precision(recipe.precision):
            begins = not has_checkpoint(run_dir)
            if devices.is_writer:
                check_owner(run_dir, recipe)  # before a mean image is computed
            sources = load_sources(recipe, data_dir, cache)
            facts = facts_of(asked, sources)  # what the devices adapt computes the same
            policy = on_bad_image if devices.processes == 1 else "stop"
            training, inference = _models(recipe, sources, devices, compute, policy, begins)
            check_memory(recipe, network_of(training), shard, len(sources["train"]))
            directory, bad = None, BadImages("stop")
            if devices.is_writer:
                directory = stack.enter_context(
                    contextlib.closing(RunDirectory(run_dir, recipe, facts))
                )
                bad = BadImages(policy, directory.path / "bad_images.txt")
            with writing(run_dir):
                run = Run(recipe, directory, devices, shard, sources, training, inference, bad)
                with _noting_failure(directory):
                    run.fit(callbacks, verbose, 60 * checkpoint_minutes, stop_after, log_steps)
                metrics = run.finish(facts["changed"]) if run.is_over else None
        if directory is not None and metrics is not None:
            with writing(run_dir):
                write_report(run_dir)  # on one device again
        return metrics


@contextlib.contextmanager
def _noting_failure(directory):
    """Leaves word in the run directory where training cannot go on, for whoever lists runs."""
    try:
        yield
    except TrainingError as error:
        if directory is not None:
            # What went wrong is to be read, whatever the disk says to a word about it.
            with contextlib.suppress(OSError, RunDirectoryError):
                write_bytes(directory.file(FAILURE), utf8(f"{error}\n"))
        raise


def _models(recipe, sources, devices, compute, policy, begins):
    """Builds both models, and checks whatever could fail after hours of training."""
    keras.utils.set_random_seed(recipe.seed)
    options = {
        "jit_compile": JIT[compute.jit],
        "steps_per_execution": compute.steps_per_execution,
    }
    # Its bad pictures are found anew in training: a mean that was kept changes no run.
    training, inference = assemble(recipe, sources["train"], bad=BadImages(policy), **options)
    network = network_of(training)
    check_looking(recipe, training.optimizer, devices, sources["train"], network)
    check_own_rates(recipe, training.optimizer, training.trainable_variables)
    if recipe.protocol is not None:
        try:
            recipe.protocol.check(inference, sources["final"])
        except ValueError as error:
            reason, remedy = str(error).rstrip("."), "choose another"
            if hasattr(recipe.protocol, "size"):
                remedy = "set `protocol.size`"
            raise RecipeError(
                f"`protocol` does not fit {recipe.name}: {reason}; {remedy}."
            ) from error
    if begins and recipe.initial_weights is not None:
        recipe.initial_weights(network)
    return training, inference
