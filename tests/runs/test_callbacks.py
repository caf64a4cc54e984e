"""Keras' callbacks in our loop: they see one training, as in a single `fit`."""

import csv

import keras
import pytest

from keras_classics.cli import run
from keras_classics.runs import train
from keras_classics.training import Constant, RecipeError, vary
from tests.runs import small_recipes

QUICK = vary(
    small_recipes.LENET5,
    {
        "limit_train": 96,
        "epochs": 3,
        "validation": 50,
        "copies": 1,
        "train_transforms": (),
        "schedule": Constant(),
    },
)


class Journal(keras.callbacks.Callback):
    """Writes down what it is told."""

    def __init__(self):
        super().__init__()
        self.events, self.logs = [], []

    def on_train_begin(self, logs=None):
        self.events.append(("begin", self.params["epochs"], self.params["steps"]))

    def on_train_end(self, logs=None):
        self.events.append(("end",))

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(("step", batch))

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(("epoch end", epoch))
        self.logs.append(logs)


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


@pytest.mark.backend
def test_they_see_one_training(tmp_path):
    whole, first, second = Journal(), Journal(), Journal()
    train(QUICK, tmp_path / "whole", verbose=0, callbacks=[whole])
    epochs = [
        [("epoch", n), ("step", 0), ("step", 1), ("step", 2), ("epoch end", n)] for n in range(3)
    ]
    assert whole.events == [
        ("begin", 3, 3),
        *(event for epoch in epochs for event in epoch),
        ("end",),
    ]
    history = rows_of(tmp_path / "whole" / "history.csv")
    for logs, row in zip(whole.logs, history, strict=True):
        assert set(logs) == {"loss", "accuracy", "error", "val_loss", "val_accuracy", "val_error"}
        assert logs["val_error"] == pytest.approx(float(row["val_error"]))
        assert logs["val_accuracy"] == pytest.approx(1 - logs["val_error"] / 100)

    train(QUICK, tmp_path / "parts", verbose=0, callbacks=[first], stop_after=1)
    train(QUICK, tmp_path / "parts", verbose=0, callbacks=[second])
    assert first.events == [("begin", 3, 3), *epochs[0], ("end",)]
    assert second.events == [("begin", 3, 3), *epochs[1], *epochs[2], ("end",)]
    assert first.logs + second.logs == whole.logs


def test_csv_logger_has_a_row_for_each_epoch_also_when_continued(tmp_path):
    for stop_after in (1, None):
        logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"), append=True)
        train(QUICK, tmp_path / "run", verbose=0, callbacks=[logger], stop_after=stop_after)
    rows = rows_of(tmp_path / "log.csv")
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    history = rows_of(tmp_path / "run" / "history.csv")
    assert [row["val_loss"] for row in rows] == [row["val_loss"] for row in history]


def test_tensorboard_writes_one_file_a_training(tmp_path):
    board = keras.callbacks.TensorBoard(str(tmp_path / "board"))
    train(QUICK, tmp_path / "run", verbose=0, callbacks=[board])
    files = [path for path in (tmp_path / "board" / "train").iterdir() if "tfevents" in path.name]
    assert len(files) == 1


def test_model_checkpoint_keeps_the_best(tmp_path):
    keeper = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "best.keras"), monitor="val_loss", save_best_only=True
    )
    train(QUICK, tmp_path / "run", verbose=0, callbacks=[keeper])
    best = min(float(row["val_loss"]) for row in rows_of(tmp_path / "run" / "history.csv"))
    assert keeper.best == pytest.approx(best)
    assert keras.models.load_model(tmp_path / "best.keras").count_params() > 0


def test_a_lambda_and_nan(tmp_path):
    """Where all is well, `TerminateOnNaN` stops nothing; else see test_nan.py."""
    seen = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    nan = keras.callbacks.TerminateOnNaN()
    train(QUICK, tmp_path / "run", verbose=0, callbacks=[callback, nan])
    assert seen == [0, 1, 2]


class StopAt(keras.callbacks.Callback):
    """Stops at one event."""

    def __init__(self, event, number):
        super().__init__()
        self.event, self.number = event, number

    def on_epoch_end(self, epoch, logs=None):
        self._look("epoch", epoch)

    def on_train_batch_end(self, batch, logs=None):
        self._look("step", batch)

    def _look(self, event, number):
        if (event, number) == (self.event, self.number):
            self.model.stop_training = True


@pytest.mark.backend
@pytest.mark.parametrize(("event", "number", "epochs"), [("epoch", 1, 2), ("step", 1, 1)])
def test_one_that_stops_is_obeyed_and_the_run_is_over(event, number, epochs, tmp_path):
    metrics = train(QUICK, tmp_path / "run", verbose=0, callbacks=[StopAt(event, number)])
    assert metrics["epochs"] == epochs and not metrics["comparable"]
    assert {"field": "epochs", "published": 3, "here": epochs} in metrics["changed"]
    assert len(rows_of(tmp_path / "run" / "history.csv")) == epochs
    # The same command without the callback finds it finished.
    (tmp_path / "run" / "metrics.json").unlink()
    assert train(QUICK, tmp_path / "run", verbose=0) == metrics


@pytest.mark.backend
def test_early_stopping_of_keras(tmp_path):
    stopper = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=0, min_delta=1e9, restore_best_weights=True
    )
    metrics = train(QUICK, tmp_path / "run", verbose=0, callbacks=[stopper])
    # The first epoch is always better than none, and the second is then not better.
    assert metrics["epochs"] == 2 and stopper.stopped_epoch == 1
    best = rows_of(tmp_path / "run" / "history.csv")[0]["val_error"]
    assert metrics["error"] == pytest.approx(float(best))  # measured with the weights put back


def test_our_early_stopping_is_a_function_of_the_history(tmp_path):
    """At a rate of nearly nothing each step is noise in the last digits: it soon stalls."""
    recipe = vary(QUICK, {"learning_rate": 1e-30, "epochs": 9, "early_stopping": 2})
    whole = train(recipe, tmp_path / "whole", verbose=0)
    assert whole["epochs"] == 3
    for stop_after in (1, 2, 3, None):
        metrics = train(recipe, tmp_path / "parts", verbose=0, stop_after=stop_after)
    assert metrics == whole


@pytest.mark.parametrize("validation", [0, "test"])
def test_the_test_split_does_not_stop_a_training(validation):
    with pytest.raises(RecipeError, match="the test split chooses nothing: set `validation`"):
        vary(QUICK, {"early_stopping": 2, "validation": validation})


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (
            keras.callbacks.ReduceLROnPlateau(),
            "ReduceLROnPlateau cannot be used: the recipe's `sch",
        ),
        (keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate), "LearningRateScheduler"),
        (keras.callbacks.BackupAndRestore("x"), "a run continues from its own checkpoints"),
        ("tensorboard", "`callbacks` takes Keras callbacks. Received: str"),
    ],
)
def test_callbacks_that_would_do_nothing_are_refused(callback, words, tmp_path):
    with pytest.raises(RecipeError, match=words):
        train(QUICK, tmp_path / "run", verbose=0, callbacks=[callback])
    assert not (tmp_path / "run").exists()


def test_the_flags(tmp_path):
    run(QUICK, argv=["--run-dir", str(tmp_path), "--epochs", "2", "--tensorboard"])
    assert list((tmp_path / "tensorboard" / "train").iterdir())
    with pytest.raises(SystemExit, match="belongs to another run .it differs in early_stopping"):
        run(QUICK, argv=["--run-dir", str(tmp_path), "--epochs", "2", "--early-stopping", "1"])
