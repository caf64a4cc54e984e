"""A loss that is no number: found soon, named exactly, in no checkpoint, and seldom looked for."""

from functools import partial

import keras
import numpy as np
import pytest

from keras_classics.runs import Compute, TrainingError, train
from keras_classics.training import CoupledSGD, vary
from tests.runs import small_recipes

STEPS = 60  # an epoch


@keras.saving.register_keras_serializable(package="tests")
class NanAt(keras.layers.Layer):
    """Passes its input on; at one call in training NaN comes instead, or back as its gradient."""

    def __init__(self, call, where="loss", **options):
        super().__init__(**options)
        self.at, self.where = call, where

    def build(self, shape):
        self.calls = self.add_weight(name="calls", initializer="zeros", trainable=False)
        self.factor = self.add_weight(name="factor", initializer="ones")

    def call(self, x, training=False):
        if training:
            self.calls.assign(self.calls + 1)
        is_now = keras.ops.logical_and(training, keras.ops.equal(self.calls, float(self.at)))
        if self.where == "loss":
            return x * self.factor * keras.ops.where(is_now, np.nan, 1.0)
        on = keras.ops.where(is_now, 0.0, 1.0)  # √0 is a number, its slope is not
        return x * (keras.ops.sqrt(on * self.factor**2) + 1 - on)


def network(num_classes, classifier_activation, call=0, where="loss"):
    inputs = keras.Input((28, 28, 1))
    x = NanAt(call, where)(keras.layers.Flatten()(inputs))
    outputs = keras.layers.Dense(num_classes, activation=classifier_activation)(x)
    return keras.Model(inputs, outputs, name="small")


RECIPE = vary(
    small_recipes.PLAIN,
    {
        "name": "small_nan",
        "model": network,
        "train_transforms": (),
        "optimizer": partial(CoupledSGD, momentum=0.9),
        "learning_rate": 0.001,
        "batch_size": 2,
        "limit_train": 2 * STEPS,
        "epochs": 2,
        "validation": 20,
    },
)


def checkpoints(run_dir):
    """{name: arrays} of the checkpoints of a run."""
    found = {}
    for path in sorted((run_dir / "checkpoints").glob("epoch-*.npz")):
        with np.load(path) as file:
            found[path.stem] = [file[name] for name in file.files if name.isdigit()]
    return found


# Around the look after 50 steps, at the end of an epoch, and in the next one.
@pytest.mark.backend
@pytest.mark.parametrize("step", [1, 49, 50, 51, STEPS, STEPS + 3])
def test_the_first_step_is_named(step, tmp_path):
    epoch, of_epoch = (1, step) if step <= STEPS else (2, step - STEPS)
    recipe = vary(RECIPE, {"model.call": step})
    with pytest.raises(TrainingError, match=rf"^The loss .* epoch {epoch}, step {of_epoch};"):
        train(recipe, tmp_path, verbose=0)
    assert list(checkpoints(tmp_path)) == ["epoch-00001-step-0000000"] * (epoch - 1)
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.backend
@pytest.mark.parametrize("where", ["loss", "weights"])
@pytest.mark.parametrize("step", [7, STEPS])
def test_no_checkpoint_has_nan(where, step, tmp_path):
    """With one after every step; a loss of numbers can have a gradient that is none."""
    recipe = vary(RECIPE, {"model.call": step, "model.where": where})
    with pytest.raises(TrainingError, match=rf"^The {where} became NaN in epoch 1, step {step};"):
        train(recipe, tmp_path, verbose=0, checkpoint_minutes=0)
    found = checkpoints(tmp_path)
    assert list(found)[-1] == f"epoch-00000-step-{step - 1:07d}"
    assert all(np.isfinite(array).all() for arrays in found.values() for array in arrays)


def test_a_callback_that_stops_there_takes_no_message_away(tmp_path):
    stopper = keras.callbacks.TerminateOnNaN()
    with pytest.raises(TrainingError, match="epoch 1, step 4;"):
        train(vary(RECIPE, {"model.call": 4}), tmp_path, verbose=0, callbacks=[stopper])


@pytest.mark.backend
def test_pieces_of_a_batch_are_of_one_step(tmp_path):
    recipe = vary(RECIPE, {"model.call": 6, "gradient_accumulation_steps": 2})
    with pytest.raises(TrainingError, match="epoch 1, step 3;"):
        train(recipe, tmp_path / "second piece", verbose=0)
    with pytest.raises(TrainingError, match="epoch 1, step 3;"):
        train(vary(recipe, {"model.call": 5}), tmp_path / "first piece", verbose=0)


@pytest.mark.backend
def test_several_steps_in_one_execution_are_seen_as_one(tmp_path):
    if keras.backend.backend() == "torch":
        pytest.skip("which the PyTorch backend has not")
    compute = Compute(steps_per_execution=20)
    with pytest.raises(TrainingError, match="epoch 1, step 40;"):
        train(vary(RECIPE, {"model.call": 21}), tmp_path, verbose=0, compute=compute)


class Figure:
    """A figure of a step that counts how often somebody reads it."""

    def __init__(self, value, reads):
        self.value, self.reads = value, reads

    def __float__(self):
        self.reads.append(1)
        return float(self.value)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(float(self), dtype)


class Counted(keras.callbacks.Callback):
    """Puts a `Figure` in the place of every figure that a step gives."""

    def __init__(self):
        super().__init__()
        self.steps, self.reads, self.is_on = 0, [], False

    def on_epoch_begin(self, epoch, logs=None):
        if self.is_on:
            return
        self.is_on, function = True, self.model.train_function

        def counted(*arguments):
            self.steps += 1
            logs, *state = found if isinstance(found := function(*arguments), tuple) else (found,)
            figures = {name: Figure(value, self.reads) for name, value in logs.items()}
            return (figures, *state) if state else figures

        self.model.train_function = counted


class Listener(Counted):
    """One that asks for the figures of each step."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


@pytest.mark.backend
def test_figures_are_rarely_read(tmp_path):
    """After 50 steps and at the end; before each checkpoint; in every step for a callback."""
    often, seldom, listener = Counted(), Counted(), Listener()
    recipe = vary(RECIPE, {"epochs": 1})
    train(recipe, tmp_path / "seldom", verbose=0, callbacks=[seldom])
    assert (seldom.steps, len(seldom.reads)) == (STEPS, 2)
    train(recipe, tmp_path / "often", verbose=0, callbacks=[often], checkpoint_minutes=0)
    assert (often.steps, len(often.reads)) == (STEPS, STEPS)
    train(recipe, tmp_path / "listener", verbose=0, callbacks=[listener])
    assert len(listener.losses) == STEPS and set(map(type, listener.losses)) == {float}
