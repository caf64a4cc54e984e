"""One run in progress: the models, the data, how far it has come, and what it leaves behind."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics.data.encoded import errors_of_pipeline
from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.pipeline import (
    in_order,
    one_epoch,
    one_pass_of_copies,
)
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.evaluation.classification import evaluate, evaluation_batch_size
from keras_classics.evaluation.figures import first_pictures, for_report, summarize
from keras_classics.evaluation.measurement import Measurement
from keras_classics.evaluation.neighbours import nearest_in_training
from keras_classics.evaluation.prediction import collect, in_chunks, mean_loss
from keras_classics.files import write_csv, write_json, written_beside
from keras_classics.layers import EuclideanRBF
from keras_classics.progress import LivePicture, Progress, in_notebook, is_terminal
from keras_classics.report.curves import draw_curves
from keras_classics.runs.callback import (
    Bar,
    Listeners,
    Steps,
    Unread,
    is_nan,
    sync,
    training_in_words,
)
from keras_classics.runs.compute import errors_of_memory, threads
from keras_classics.runs.environment import environment
from keras_classics.runs.weight_averages import averaged_weights
from keras_classics.trained_model import network_of
from keras_classics.training.recipe import RecipeError

if TYPE_CHECKING:
    from keras_classics.data.bad_images import BadImages
    from keras_classics.data.sharding import Shard
    from keras_classics.runs.devices import OneDevice
    from keras_classics.runs.directory import RunDirectory
    from keras_classics.training.recipe import Recipe

_REDRAW = 30  # seconds between two drawings of the curves, each of which takes 0.1
_LIVE = 2  # the same where somebody looks at them
_SAMPLE = 2  # purpose of a seed, see data/pipeline.py


class Run:
    """What `train` does once everything is built.

    Of several processes one has the run directory and writes; the others compute the same.
    """

    def __init__(
        self,
        recipe: Recipe,
        directory: RunDirectory | None,
        devices: OneDevice,
        shard: Shard,
        sources: Mapping[str, Any],
        training: keras.Model,
        inference: keras.Model,
        bad: BadImages,
    ) -> None:
        self.recipe, self.sources, self.devices, self.bad = recipe, sources, devices, bad
        self.directory, self.shard = directory, shard
        self.shares: dict[str, Any] = {
            name: None if sources[name] is None else devices.share(sources[name])
            for name in ("validation", "final")
        }
        self.training, self.inference, self.logits = training, inference, None
        training.optimizer.build(training.trainable_variables)
        self.epoch, self.step = 0, 0
        self.history: list[dict[str, float]] = []
        self.seconds: list[float] = []
        self.steps: list[dict[str, float]] = []  # rows of steps.csv
        self.stopped = False  # whether a callback, or `early_stopping`, has ended the training
        self.steps_per_epoch = _steps_per_epoch(recipe, len(sources["train"]), self.shard)
        self.iterations = recipe.epochs * self.steps_per_epoch
        if recipe.iterations is not None:
            self.iterations = min(self.iterations, recipe.iterations)
        self.epochs = -(-self.iterations // self.steps_per_epoch)
        self.metric_values, self.drawn = None, float("-inf")
        self.picture: LivePicture | None = None
        if directory is not None:
            # Three times the state: two checkpoints and one being written; and the figures.
            size = 4 * sum(int(np.prod(v.shape)) for v in self._variables())
            directory.require_space(3 * size + 20_000_000)
        self._restore()
        if directory is not None:
            write_json(directory.file("environment.json"), environment(devices))
            self._write_epochs()  # killed behind a checkpoint, they lack its last row

    def _variables(self):
        """Everything that training changes, in a fixed order, each variable once."""
        groups = (
            self.training.variables,
            self.training.optimizer.variables,
            self.metric_variables(),
        )
        return list({id(v): v for group in groups for v in group}.values())

    def metric_variables(self) -> list[keras.Variable]:
        """The variables of the metrics, in a fixed order."""
        return [v for metric in self.training.metrics for v in metric.variables]

    def _restore(self):
        found = None
        if self.directory is not None:
            found = self.directory.load_checkpoint(warn=lambda text: print(text, file=sys.stderr))
        if found is not None or self.devices.processes > 1:
            # Metrics make their variables when they first see data: in a new run its first step.
            size = self.devices.replicas // self.devices.processes
            images = np.zeros((size, *self.training.input_shape[1:]), "float32")
            self.training.test_on_batch(images, np.zeros(size, "int32"))
        arrays, state = found or ([_numpy(v) for v in self._variables()], None)
        state, arrays = self.devices.from_writer(state, arrays)
        if state is None:
            return
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)
        self.epoch, self.step = state["epoch"], state["step"]
        self.history, self.seconds = state["history"], state["seconds"]
        self.steps, self.stopped = state.get("steps", []), state.get("stopped", False)
        if self.step:
            self.metric_values = [_numpy(v) for v in self.metric_variables()]
        if self.directory is not None:
            print(f"Continuing {self.directory.path} after epoch {self.epoch}, step {self.step}.")

    def save(self, step: int = 0) -> None:
        """Writes a checkpoint; `step` counts the finished steps of the epoch in progress.

        Raises:
            TrainingError: if a weight is NaN, as behind a step whose loss was still a number.
        """
        arrays = [_numpy(v) for v in self._variables()]
        if any(np.isnan(array).any() for array in arrays):
            last = min(self.iteration(step), self.iterations) - 1
            raise is_nan("weights", last // self.steps_per_epoch, last % self.steps_per_epoch + 1)
        if self.directory is not None:
            figures = {"history": self.history, "seconds": self.seconds, "steps": self.steps}
            state = {"epoch": self.epoch, "step": step, "stopped": self.stopped, **figures}
            self.directory.save_checkpoint(arrays, state)

    def fit(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        verbose: str | int,
        checkpoint_seconds: float,
        stop_after: int | None = None,
        log_steps: int | None = None,
    ) -> None:
        """Trains the epochs that are left, and saves the state now and then inside of them."""
        self.checkpoint_seconds, self.log_steps = checkpoint_seconds, log_steps
        if verbose == "auto":
            if in_notebook() and self.devices.is_writer:
                self.picture = LivePicture()
            verbose = 1 if is_terminal() else 2
        if self.is_over or self.epoch >= (stop_after or self.epochs):
            return
        listeners = Listeners(callbacks, self)
        listeners.tell("on_train_begin")
        while not self.is_over and self.epoch < (stop_after or self.epochs):
            logs = self._epoch(listeners, verbose)
        listeners.tell("on_train_end", logs)
        if callbacks:  # which may have changed the weights
            self.save()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to train."""
        return self.stopped or self.epoch == self.epochs

    def _epoch(self, listeners, verbose):
        """Trains, validates and saves an epoch, or what is left of it; returns Keras' logs."""
        started = time.perf_counter()
        what = f"epoch {self.epoch + 1}/{self.epochs}"
        with Progress(what, self.steps_per_epoch, live=verbose == 1) as progress:
            bar = [Bar(self, progress)] if verbose == 1 and self.devices.is_writer else []
            row = self._fit_epoch([*bar, listeners])
            seconds = time.perf_counter() - started
            if verbose and self.devices.is_writer:
                progress.close(f"{what}  {seconds:.1f} s  {self._in_words(row)}")
        self.history.append(row)
        self.seconds.append(round(seconds, 3))
        logs = _keras_logs(row)
        wants_to_stop = listeners.tell("on_epoch_end", self.epoch, logs)
        self.stopped = self.stopped or wants_to_stop or self._has_stalled()
        self.epoch += 1
        self.step, self.metric_values = 0, None
        if self.epoch in self.recipe.keep_epochs:  # before the checkpoint: no kill loses one
            self._save_model("snapshots", f"epoch-{self.epoch:04d}.keras")
        self.save()
        if self.directory is not None:
            self._write_epochs()
        return logs

    def _has_stalled(self):
        """Whether the validation loss was lowest too many epochs ago, see `early_stopping`."""
        losses = [row.get("val_loss") for row in self.history]
        patience = self.recipe.early_stopping
        return patience is not None and len(losses) - 1 - losses.index(min(losses)) >= patience

    def _in_words(self, row):
        """Returns the line of an epoch, in the words of the table and the page."""
        words = f"rate {row['learning_rate']:.4g}  {training_in_words(row['error'], row['loss'])}"
        if "val_error" in row:
            words += f"  {self.sources['validation'].split} error {row['val_error']:.2f} %"
        return words

    def _set_own_rates(self):
        """Gives the weights that the schedule names the rates that they have in this epoch."""
        if not hasattr(self.recipe.schedule, "own_factors"):
            return
        factors = self.recipe.schedule.own_factors(self.epoch)
        rates = {name: self.recipe.learning_rate * factor for name, factor in factors.items()}
        optimizer = self.training.optimizer
        if getattr(optimizer, "inner_optimizer", optimizer).set_own_rates(rates):
            self.training.make_train_function(force=True)  # they are constants of a step

    def _fit_epoch(self, callbacks):
        epoch = self.epoch
        self._set_own_rates()
        if not self.step:
            self.let_optimizer_look(step=0)
        left = min(self.iterations - self.iteration(self.step), self.steps_per_epoch - self.step)
        listening = Unread(
            [Steps(self, epoch), *callbacks],
            add_history=True,
            model=self.training,
            epochs=self.epochs,
            steps=left * self.shard.pieces,
        )
        logs = self._fit(
            self._batches(self.epoch, self.step),
            # At the end of its data TensorFlow would count one more piece than it has added up.
            steps_per_epoch=left * self.shard.pieces,
            initial_epoch=epoch,
            epochs=self.epochs,  # for callbacks; `Steps` stops after this one
            callbacks=listening,
            verbose=0,  # its bar knows nothing of what is measured after the epoch
            shuffle=False,  # the pipeline has shuffled
        ).history
        return {
            "epoch": epoch + 1,
            "learning_rate": self.rate(step=0),
            "loss": logs["loss"][-1],
            "error": 100 * (1 - logs["accuracy"][-1]),
            **self._validated(),
        }

    def _validated(self):
        """Returns the figures of the held-out pictures, if there are any."""
        source = self.sources["validation"]
        if source is None:
            return {}
        size, share = evaluation_batch_size(self.training.input_shape), self.shares["validation"]
        if self.logits is None:
            model = self.inference
            outputs = keras.Model(model.input, model.get_layer("logits").output)
            self.logits = in_chunks(outputs, min(size, len(source)))
        batches = in_order(share, size, self.recipe.test_transforms, self.bad)
        with averaged_weights(self.training):
            own = collect(batches, self.logits, self.bad, share)
        labels, logits = (self.devices.gathered(rows, len(source)) for rows in own)
        loss = mean_loss(self.recipe.loss(), labels, logits)
        return {"val_loss": loss, "val_error": 100 * float(np.mean(logits.argmax(-1) != labels))}

    def _fit(self, *arguments, **options):
        with (
            errors_of_pipeline(self.bad, self.recipe.dataset),
            errors_of_memory(self.recipe),
            threads(self.recipe, network_of(self.training), self.shard),
            warnings.catch_warnings(),
        ):
            # How many batches there are is known when the last one came: bad pictures drop out.
            warnings.filterwarnings("ignore", "Your input ran out of data")
            return self.training.fit(*arguments, **options)

    def iteration(self, step: int) -> int:
        """Counts the updates since the start of the run, `step` steps into this epoch."""
        return self.epoch * self.steps_per_epoch + step

    def rate(self, step: int) -> float:
        """Returns the learning rate after `step` steps of this epoch."""
        factor = self.recipe.schedule(self.epoch, self.history, self.iteration(step))
        return self.recipe.learning_rate * factor

    def log(self, step: int, logs: Mapping[str, Any]) -> None:
        """Keeps a row of `steps.csv` where so many updates have passed since the last."""
        iteration = self.iteration(step)
        last = self.steps[-1]["iteration"] if self.steps else 0
        # Several steps in one execution are seen as one: not each multiple comes by.
        if self.log_steps is None or iteration // self.log_steps <= last // self.log_steps:
            return
        self.steps.append(
            {
                "iteration": iteration,
                "epoch": self.epoch + 1,
                "learning_rate": self.rate(step - 1),
                "loss": float(logs["loss"]),
                "error": 100 * (1 - float(logs["accuracy"])),
            }
        )

    def _batches(self, epoch, step):
        recipe = self.recipe
        shared = {
            "seed": recipe.seed,
            "epoch": epoch,
            "start": step,
            "transforms": recipe.train_transforms,
            "shard": self.shard,
        }
        source, size = self.sources["train"], recipe.batch_size
        if recipe.copies > 1:
            return one_pass_of_copies(source, size, copies=recipe.copies, **shared)
        return one_epoch(source, size, shuffle=recipe.shuffle, bad=self.bad, **shared)

    def let_optimizer_look(self, step: int) -> None:
        """Shows training pictures to an optimizer that wants to see some before a step."""
        source, optimizer = self.sources["train"], self.training.optimizer
        if not hasattr(optimizer, "look"):
            return
        if not optimizer.looks_at(self.epoch, step, self.recipe.batch_size):
            return
        sync(self.training)
        seed = fold_in(fold_in(self.recipe.seed, _SAMPLE), self.epoch)
        sample = np.sort(permutation(seed, len(source))[: optimizer.samples])
        inputs = self.training.get_layer("normalization")(source.images[sample])
        network = network_of(self.training)
        optimizer.look(network, _numpy(inputs), source.labels[sample], self.recipe.loss())

    def _write_epochs(self):
        """Writes the figures of all finished epochs, as the checkpoint has them."""
        if not self.history:
            return
        timings = [
            {"epoch": epoch, "seconds": f"{seconds:.3f}"}
            for epoch, seconds in enumerate(self.seconds, start=1)
        ]
        write_csv(self.directory.file("history.csv"), self.history)
        write_csv(self.directory.file("timings.csv"), timings)
        if self.steps:
            write_csv(self.directory.file("steps.csv"), self.steps)
        if self.is_over or time.monotonic() - self.drawn > (_LIVE if self.picture else _REDRAW):
            figure = draw_curves(self.directory.path)
            if self.picture is not None:
                self.picture.show(figure)
            self.drawn = time.monotonic()

    def _save_model(self, *names):
        with averaged_weights(self.training):  # in all processes, which move weights together
            if self.directory is not None:
                with written_beside(self.directory.file(*names)) as beside:
                    self.inference.save(beside)

    def _of_all(self, own):
        """Returns the measurement of all pictures, of which each process has measured a share."""
        if self.devices.processes == 1:
            return own
        pictures = len(self.sources["final"])
        rows = {
            name: self.devices.gathered(values, pictures)
            for name, values in vars(own).items()
            if values is not None
        }
        # No picture is left out where there are several processes, see `train`.
        return Measurement(**{**rows, "indices": np.arange(pictures)})

    def finish(self, changed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Saves the model and measures it; returns the figures.

        Args:
            changed: what the recipe changes in the published one, see `facts_of`.
        """
        recipe, final = self.recipe, self.sources["final"]
        protocol: Any = recipe.protocol
        self._save_model("model.keras")
        with averaged_weights(self.training):
            result = evaluate(
                self.inference,
                self.shares["final"],
                protocol,
                transforms=recipe.test_transforms,
                bad=self.bad,
            )
        result = self._of_all(result)
        if self.epoch < self.epochs:
            published = (recipe.published or recipe).epochs
            changed = [one for one in changed if one["field"] != "epochs"]
            if published != self.epoch:
                changed.append({"field": "epochs", "published": published, "here": self.epoch})
        metrics = summarize(
            recipe,
            result,
            final,
            self.history[-1],
            len(self.sources["train"]),
            changed=changed,
            protocol=protocol,
            image_shape=self.training.input_shape[1:],
            has_penalties=_has_penalties(network_of(self.inference)),
        )
        if self.directory is not None:
            arrays = self._for_report(result)
            predictions = self.directory.file("predictions.npz")
            with written_beside(predictions) as beside, open(beside, "wb") as file:
                np.savez_compressed(file, **arrays)
            write_json(self.directory.file("metrics.json"), metrics)
        return metrics

    def _for_report(self, result):
        """Returns the arrays of `predictions.npz`."""
        transforms, train = self.recipe.test_transforms, self.sources["train"]
        arrays = for_report(result, self.sources["final"], transforms)
        # A picture that the page lacks ends no run, nor does a file that is gone.
        with contextlib.suppress(DataError, import_tensorflow().errors.OpError):
            with errors_of_pipeline(self.bad, train.name):
                arrays |= first_pictures(self._batches(epoch=0, step=0))
            if self.devices.processes == 1:  # the others do not compute here
                with averaged_weights(self.training):
                    near = nearest_in_training(self.inference, arrays, train, transforms, self.bad)
                arrays |= near
        return arrays


def _has_penalties(network):
    return any(isinstance(layer, EuclideanRBF) for layer in network.layers[-1:])


def _keras_logs(row):
    """Returns a row of the history under the names that Keras' callbacks know, and ours."""
    logs = {key: value for key, value in row.items() if key not in ("epoch", "learning_rate")}
    for key in ("error", "val_error"):
        if key in row:
            logs[key.replace("error", "accuracy")] = 1 - row[key] / 100
    return logs


def _steps_per_epoch(recipe, size, shard):
    """Returns how many batches an epoch of so many pictures has."""
    if recipe.drop_last:
        if size < recipe.batch_size:
            raise RecipeError(
                f"{size:,} pictures are fewer than a batch of {recipe.batch_size:,}, and "
                "`drop_last` leaves them out; use smaller batches."
            )
        return size // recipe.batch_size
    steps = shard.batches(size, recipe.batch_size)
    if not steps:
        raise RecipeError(
            f"{size:,} pictures are fewer than the {shard.multiple} parts of a batch; use fewer "
            "replicas or pieces."
        )
    return steps


def _numpy(value):
    return keras.ops.convert_to_numpy(value)
