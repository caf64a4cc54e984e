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
_LOOK = 50  # steps between two looks at the loss, each of which waits for a device


class TrainingError(UserError):
    """Training that cannot go on; the message is one sentence for the user."""


class Unread(keras.callbacks.CallbackList):
    """Callbacks that are given the figures of a step as the backend has them.

    Keras makes numbers of them before its callbacks see them: every step then waits for the device,
    and the device for the next step.
    """

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)


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
        self.looked = run.step  # up to which step the loss is known to be a number
        self.unread: list[tuple[int, Any]] = []  # (step, loss) since then

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.run.metric_values is not None:
            for variable, value in zip(
                self.run.metric_variables(), self.run.metric_values, strict=True
            ):
                variable.assign(value)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._look()
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
            self._look()
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
        self.unread.append((done + (piece > 0), logs["loss"]))
        if done - self.looked >= _LOOK:
            self._look()
        if not piece:
            self.run.log(done, logs)
            self.run.let_optimizer_look(done)

    def _look(self):
        """Raises where a loss since the last look is NaN; as running means, all behind it are."""
        unread, self.unread = self.unread, []
        if unread and np.isnan(float(unread[-1][1])):
            first = next(step for step, loss in unread if np.isnan(float(loss)))
            raise is_nan("loss", self.run.epoch, first)
        if unread:
            self.looked = unread[-1][0]


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
        self.read = any(map(_sees_steps, self.callbacks))
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
        if not self.read:
            return
        numbers = {name: float(value) for name, value in logs.items()}  # as Keras has them
        for callback in self.callbacks:
            callback.on_train_batch_end(self._number(batch), numbers)

    def _number(self, batch):
        """A continued epoch does not begin with its first step."""
        return self.run.step * self.run.recipe.gradient_accumulation_steps + batch


def _sees_steps(callback):
    """Whether a callback wants to know what came out of a step, for which that has to wait."""
    return any(
        getattr(getattr(callback, name), "__func__", None)
        is not getattr(keras.callbacks.Callback, name)
        for name in ("on_train_batch_end", "on_batch_end")
    )


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


def is_nan(what: str, epoch: int, step: int) -> TrainingError:
    """Returns the error that says since when something is NaN.

    Args:
        what: "loss" or "weights".
        epoch: finished epochs.
        step: which one in the epoch, from 1.
    """
    return TrainingError(
        f"The {what} became NaN in epoch {epoch + 1}, step {step}; the last good checkpoint is "
        "kept in the run directory. Try a smaller learning rate."
    )


def training_in_words(error: float, loss: float) -> str:
    """Returns the figures of the training pictures as the line of an epoch has them."""
    return f"training error {error:.2f} %  loss {loss:.4g}"


def sync(model: keras.Model) -> None:
    """Brings the variables of a model that is training up to date: JAX keeps them elsewhere."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
