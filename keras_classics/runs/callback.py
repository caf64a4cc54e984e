"""What has to happen around the single steps of an epoch, and what a user's callbacks see of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_classics.data.randomness import fold_in
from keras_classics.errors import UserError
from keras_classics.training.recipe import RecipeError

if TYPE_CHECKING:
    from keras_classics.progress import Progress

_STEP = 3  # purpose of a seed, see data/pipeline.py


class TrainingError(UserError):
    """Training that cannot go on; the message is one sentence for the user."""


class Steps(keras.callbacks.Callback):
    """What has to happen in a `fit`: the rate, reseeding, NaN, checkpoints."""

    def __init__(self, run: Any, epoch: int) -> None:
        super().__init__()
        self.run = run
        # What Keras calls a batch is a piece of ours.
        self.pieces = run.recipe.gradient_accumulation_steps
        self.skipped = run.step * self.pieces
        self.saved = time.monotonic()
        self.seed = fold_in(fold_in(run.recipe.seed, _STEP), epoch)
        self.rate = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.run.metric_values is not None:
            for variable, value in zip(
                self.run.metric_variables(), self.run.metric_values, strict=True
            ):
                variable.assign(value)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.run.stopped = self.model.stop_training  # by a callback, at one of the steps
        self.model.stop_training = True  # one `fit` per epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        step, piece = divmod(self.skipped + batch, self.pieces)
        if not piece:
            self._begin_step(step, is_first=not batch)
        if keras.backend.backend() == "torch":
            # Dropout there draws from the global generator, and each new iterator moves it on.
            import torch

            torch.manual_seed(int(fold_in(self.seed, self.skipped + batch)) % 2**63)

    def _begin_step(self, step, is_first):
        # Here and not after a step: where one step is left, there is something left to fit.
        if not is_first and time.monotonic() - self.saved > self.run.checkpoint_seconds:
            sync(self.model)
            self.run.save(step)
            self.saved = time.monotonic()
        rate = self.run.rate(step)
        if rate != self.rate:
            sync(self.model)
            self.model.optimizer.learning_rate.assign(rate)
            self.rate = rate

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        done, piece = divmod(self.skipped + batch + 1, self.pieces)
        if np.isnan(float(logs["loss"])):
            raise TrainingError(
                f"The loss became NaN in epoch {self.run.epoch + 1}, step {done}; the last good "
                "checkpoint is kept in the run directory. Try a smaller learning rate."
            )
        if not piece:
            self.run.log(done, logs)
            self.run.let_optimizer_look(done)


class Bar(keras.callbacks.Callback):
    """The bar of an epoch in progress, with the figures so far."""

    def __init__(self, run: Any, progress: Progress) -> None:
        super().__init__()
        self.progress, self.skipped = progress, run.step
        self.pieces = run.recipe.gradient_accumulation_steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        done = self.skipped + (batch + 1) // self.pieces
        self.progress.show(
            done,
            lambda: training_in_words(100 * (1 - float(logs["accuracy"])), float(logs["loss"])),
        )


class Listeners(keras.callbacks.Callback):
    """A user's callbacks, which see one training though each epoch is a `fit` of its own.

    In a `fit` it stands for all of them and passes on its steps; what `fit` cannot know, when an
    epoch is validated and the training over, is told from outside.

    Args:
        callbacks: the user's.
        run: the `Run`.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], run: Any) -> None:
        super().__init__()
        self.callbacks, self.run = tuple(callbacks), run
        for callback in self.callbacks:
            callback.set_params({"epochs": run.epochs, "steps": run.steps_per_epoch, "verbose": 0})
            callback.set_model(run.training)

    def tell(self, event: str, *values: Any) -> bool:
        """Calls e.g. `on_epoch_end` of each callback; returns whether one wants to stop."""
        model = self.run.training
        model.stop_training = False
        for callback in self.callbacks:
            getattr(callback, event)(*values)
        return model.stop_training

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_begin(self._number(batch), logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(self._number(batch), logs)

    def _number(self, batch):
        """A continued epoch does not begin with its first step."""
        return self.run.step * self.run.recipe.gradient_accumulation_steps + batch


_IN_VAIN = {
    "LearningRateScheduler": "the recipe's `schedule` sets the learning rate",
    "ReduceLROnPlateau": "the recipe's `schedule` sets the learning rate, see `DivideOnPlateau`",
    "BackupAndRestore": "a run continues from its own checkpoints",
}


def check_callbacks(callbacks: Any) -> None:
    """Raises for what is no callback, and for one that would do what the recipe or the run does.

    Args:
        callbacks: the user's.

    Raises:
        RecipeError: which says what does it instead.
    """
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            kind = type(callback).__name__
            raise RecipeError(f"`callbacks` takes Keras callbacks. Received: {kind}")
        for name, reason in _IN_VAIN.items():
            if isinstance(callback, getattr(keras.callbacks, name)):
                raise RecipeError(f"The callback {name} cannot be used: {reason}.")


def training_in_words(error: float, loss: float) -> str:
    """Returns the figures of the training pictures as the line of an epoch has them."""
    return f"training error {error:.2f} %  loss {loss:.4g}"


def sync(model: keras.Model) -> None:
    """Brings the variables of a model that is training up to date: JAX keeps them elsewhere."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
