"""The only training loop: one `fit` per epoch, and a checkpoint after each.

Everything random is a function of (seed, epoch, example), the order of the variables is fixed, and
whatever a schedule needs to know stands in the history. A checkpoint therefore holds the variables
and the history, and a run that was killed ends as if it had not been.
"""

import sys
import time
import warnings

import keras
import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.errors import DataError
from keras_classics.data.pipeline import in_order, one_epoch, one_pass_of_copies
from keras_classics.data.randomness import fold_in, permutation
from keras_classics.data.sources import Source
from keras_classics.report import ReportError, draw_curves, write_report
from keras_classics.training.assembly import assemble, network_of
from keras_classics.training.averages import averaged_weights
from keras_classics.training.environment import environment
from keras_classics.training.evaluation import (
    evaluate,
    evaluation_batch_size,
    for_report,
    summarize,
)
from keras_classics.training.gauss_newton import diagonal_curvature
from keras_classics.training.optimizers import StochasticDiagonalLM
from keras_classics.training.recipe import RecipeError, describe
from keras_classics.training.run_directory import (
    RunDirectory,
    RunDirectoryError,
    has_checkpoint,
    write_csv,
    write_json,
    written_beside,
)
from keras_classics.training.run_sources import load_sources
from keras_classics.training.steps import Steps, TrainingError, sync

__all__ = ["TrainingError", "train"]

_CURVATURE_SAMPLE = 2  # purpose of a seed, see data/pipeline.py


def train(
    recipe,
    run_dir,
    *,
    data_dir=None,
    callbacks=(),
    verbose="auto",
    checkpoint_minutes=5.0,
    on_bad_image="skip",
    cache="none",
):
    """Trains a recipe in a run directory, or continues it there, up to the report.

    Args:
        recipe: a `Recipe`.
        run_dir: the folder; see `RunDirectory`.
        data_dir: where TensorFlow Datasets keeps its data; None for its default.
        callbacks: Keras callbacks besides our own; they keep no state across a resume.
        verbose: as in `fit`: "auto" shows progress bars on a terminal.
        checkpoint_minutes: how often the state is also saved inside an epoch.
        on_bad_image: what happens where a picture file cannot be decoded: "skip" lists it in
            `bad_images.txt` and goes on, unless they are more than 1 %; "stop" ends the run.
        cache: "ram" keeps the picture files' bytes in memory, "none" reads them in every epoch.

    Returns:
        dict, the content of `metrics.json`.

    Raises:
        DataError: if the data cannot be had.
        RecipeError: if the recipe does not fit the data.
        RunDirectoryError: if the folder cannot be used.
        TrainingError: if the loss becomes NaN.
    """
    describe(recipe)
    sources = load_sources(recipe, data_dir, cache)
    keras.utils.set_random_seed(recipe.seed)
    training, inference = assemble(recipe, sources["train"])
    if recipe.initial_weights is not None and not has_checkpoint(run_dir):
        recipe.initial_weights(network_of(training))
    directory = RunDirectory(run_dir, recipe)
    bad = BadImages(on_bad_image, directory.path / "bad_images.txt")
    try:
        run = _Run(recipe, directory, sources, training, inference, 60 * checkpoint_minutes, bad)
        run.fit(callbacks, verbose)
        return run.finish()
    except (OSError, ReportError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunDirectoryError(
            f"The run directory {run_dir} could not be written ({reason}); what it held is "
            f"unharmed, and the same command with --run-dir {run_dir} continues it."
        ) from error
    finally:
        directory.close()


class _Run:
    """One run in progress: the models, the data, and how far it has come."""

    def __init__(self, recipe, directory, sources, training, inference, checkpoint_seconds, bad):
        self.recipe, self.directory, self.sources, self.bad = recipe, directory, sources, bad
        self.training, self.inference = training, inference
        self.checkpoint_seconds = checkpoint_seconds
        training.optimizer.build(training.trainable_variables)
        # Three times the state: two checkpoints and one being written; and room for the figures.
        size = 4 * sum(int(np.prod(v.shape)) for v in self._variables())
        directory.require_space(3 * size + 20_000_000)
        self.epoch, self.step, self.history = 0, 0, []
        self.steps_per_epoch = -(-len(sources["train"]) // recipe.batch_size)
        self.iterations = recipe.epochs * self.steps_per_epoch
        if recipe.iterations is not None:
            self.iterations = min(self.iterations, recipe.iterations)
        self.epochs = -(-self.iterations // self.steps_per_epoch)
        self.metric_values = None
        self._restore()
        write_json(directory.path / "environment.json", environment())

    def _variables(self):
        """Everything that training changes, in a fixed order, each variable once."""
        groups = (
            self.training.variables,
            self.training.optimizer.variables,
            self.metric_variables(),
        )
        return list({id(v): v for group in groups for v in group}.values())

    def metric_variables(self):
        """The variables of the metrics, in a fixed order."""
        return [v for metric in self.training.metrics for v in metric.variables]

    def _restore(self):
        # Metrics make their variables when they first see data.
        images = np.zeros((1, *self.training.input_shape[1:]), "float32")
        self.training.evaluate(images, np.zeros(1, "int32"), verbose=0)
        checkpoint = self.directory.load_checkpoint(warn=lambda text: print(text, file=sys.stderr))
        if checkpoint is None:
            return
        arrays, state = checkpoint
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)
        self.epoch, self.step, self.history = state["epoch"], state["step"], state["history"]
        if self.step:
            self.metric_values = [_numpy(v) for v in self.metric_variables()]
        print(f"Continuing {self.directory.path} after epoch {self.epoch}, step {self.step}.")

    def save(self, step=0):
        """Writes a checkpoint; `step` counts the finished steps of the epoch in progress."""
        state = {"epoch": self.epoch, "step": step, "history": self.history}
        self.directory.save_checkpoint([_numpy(v) for v in self._variables()], state)

    def fit(self, callbacks, verbose):
        """Trains the epochs that are left."""
        if verbose == "auto":
            verbose = 1 if sys.stdout.isatty() else 2
        while self.epoch < self.epochs:
            started = time.perf_counter()
            row = self._fit_epoch(callbacks, verbose)
            self.history.append(row)
            self.epoch += 1
            self.step, self.metric_values = 0, None
            self._write_epoch(time.perf_counter() - started)

    def _fit_epoch(self, callbacks, verbose):
        epoch = self.epoch
        if not self.step:
            self.estimate_curvature(step=0)
        validation = self.sources["validation"]
        logs = self._fit(
            self._batches(),
            initial_epoch=epoch,
            epochs=self.epochs,  # for the progress bar; `Steps` stops after this one
            validation_data=None if validation is None else self._in_order(validation),
            callbacks=[Steps(self, epoch), *callbacks],
            verbose=verbose,
            shuffle=False,  # the pipeline has shuffled
        ).history
        row = {"epoch": epoch + 1, "learning_rate": self.rate(step=0)}
        for prefix in ("", "val_") if validation is not None else ("",):
            row[f"{prefix}loss"] = logs[f"{prefix}loss"][-1]
            row[f"{prefix}error"] = 100 * (1 - logs[f"{prefix}accuracy"][-1])
        return row

    def _fit(self, *arguments, **options):
        try:
            with warnings.catch_warnings():
                # How many batches there are is known when the last one came: bad pictures drop out.
                warnings.filterwarnings("ignore", "Your input ran out of data")
                return self.training.fit(*arguments, **options)
        except Exception as error:
            # What a pipeline raises arrives in TensorFlow's words.
            if self.bad.error is not None:
                raise self.bad.error from error
            if type(error).__name__ == "DataLossError":  # TensorFlow's, which stays in data/
                raise DataError(
                    f"{self.recipe.dataset} is damaged ({str(error).splitlines()[0]}); prepare it "
                    "again."
                ) from error
            raise

    def iteration(self, step):
        """Counts the updates since the start of the run, `step` steps into this epoch."""
        return self.epoch * self.steps_per_epoch + step

    def rate(self, step):
        """Returns the learning rate after `step` steps of this epoch."""
        factor = self.recipe.schedule(self.epoch, self.history, self.iteration(step))
        return self.recipe.learning_rate * factor

    def _in_order(self, source):
        size = evaluation_batch_size(self.training.input_shape)
        return in_order(source, size, self.recipe.test_transforms, self.bad)

    def _batches(self):
        recipe = self.recipe
        shared = {
            "seed": recipe.seed,
            "epoch": self.epoch,
            "start": self.step,
            "transforms": recipe.train_transforms,
        }
        if recipe.copies > 1:
            return one_pass_of_copies(
                self.sources["train"], recipe.batch_size, copies=recipe.copies, **shared
            )
        return one_epoch(
            self.sources["train"],
            recipe.batch_size,
            shuffle=recipe.shuffle,
            bad=self.bad,
            **shared,
        )

    def estimate_curvature(self, step):
        """Refreshes the curvatures of `StochasticDiagonalLM` where its plan says so."""
        source, optimizer = self.sources["train"], self.training.optimizer
        if not isinstance(optimizer, StochasticDiagonalLM):
            return
        if not isinstance(source, Source):
            raise RecipeError(
                "StochasticDiagonalLM needs its pictures in memory; choose another optimizer, or "
                "data whose pictures have one size."
            )
        if not optimizer.estimates_at(self.epoch, step, self.recipe.batch_size):
            return
        sync(self.training)
        seed = fold_in(fold_in(self.recipe.seed, _CURVATURE_SAMPLE), self.epoch)
        sample = np.sort(permutation(seed, len(source))[: optimizer.samples])
        values = diagonal_curvature(
            network_of(self.training),
            _numpy(self.training.get_layer("normalization")(source.images[sample])),
            source.labels[sample],
            self.recipe.loss(),
        )
        optimizer.set_curvature(values)

    def _write_epoch(self, seconds):
        path = self.directory.path
        if self.epoch in self.recipe.keep_epochs:
            self._save_model(path / "snapshots" / f"epoch-{self.epoch:04d}.keras")
        self.save()
        write_csv(path / "history.csv", self.history)
        timings = path / "timings.csv"
        new = not timings.exists()
        with open(timings, "a") as file:
            file.write("epoch,seconds\n" * new + f"{self.epoch},{seconds:.3f}\n")
        draw_curves(path)

    def _save_model(self, path):
        with averaged_weights(self.training), written_beside(path) as beside:
            self.inference.save(beside)

    def finish(self):
        """Saves the model, measures it, writes the report."""
        recipe, path, final = self.recipe, self.directory.path, self.sources["final"]
        self._save_model(path / "model.keras")
        with averaged_weights(self.training):
            result = evaluate(
                self.inference,
                final,
                recipe.protocol,
                transforms=recipe.test_transforms,
                bad=self.bad,
            )
        with written_beside(path / "predictions.npz") as beside, open(beside, "wb") as file:
            np.savez_compressed(file, **for_report(result, final, recipe.test_transforms))
        metrics = summarize(
            recipe,
            result,
            final,
            self.history[-1],
            len(self.sources["train"]),
            protocol=recipe.protocol,
            image_shape=self.training.input_shape[1:],
        )
        write_json(path / "metrics.json", metrics)
        write_report(path)
        return metrics


def _numpy(value):
    return keras.ops.convert_to_numpy(value)
