import shutil
from pathlib import Path

import keras
import pytest

from keras_classics.cli import run
from keras_classics.runs import TrainingError, train
from keras_classics.training import Constant, DivideOnPlateau, Published, vary
from tests.runs import small_recipes

RECIPE = vary(
    small_recipes.PLAIN,
    {
        "name": "small",
        "train_transforms": (),
        "schedule": Constant(),
        "limit_train": 64,
        "validation": 20,
        "epochs": 2,
    },
)
TESTED = vary(RECIPE, {"name": "tested", "validation": "test", "limit_test": 40, "epochs": 3})


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Real runs, made as their users make them; nothing writes into them.

    `slow` and `fast` have two seeds each, and differ in rate and batch size. `stopped` is `slow`
    with a third seed after one of its epochs, `failed` one whose loss became NaN. Of those measured
    on the test split, `plateau` divides its rate by it, and a callback has ended `ended`.
    """
    folder = tmp_path_factory.mktemp("trained") / "runs"
    flags = {"slow": [], "fast": ["--batch-size", "16", "--set", "learning_rate=0.1"]}
    for name, more in flags.items():
        run(RECIPE, argv=["--seeds", "0-1", "--run-dir", str(folder / name), *more])
    train(vary(RECIPE, {"seed": 2}), folder / "stopped", verbose=0, stop_after=1)
    with pytest.raises(TrainingError):
        train(vary(RECIPE, {"learning_rate": 1e30, "epochs": 3}), folder / "failed", verbose=0)
    paper = Published(
        test_error=12.5, train_error=3.0, dataset="mnist", examples=10_000, what="digits",
        where="Table 1",
    )  # fmt: skip
    plateau = vary(TESTED, {"schedule": DivideOnPlateau(by=2), "paper": paper})
    train(plateau, folder / "plateau", verbose=0)
    stop = keras.callbacks.LambdaCallback()
    stop.on_epoch_end = lambda epoch, logs=None: setattr(stop.model, "stop_training", epoch == 1)
    train(TESTED, folder / "ended", verbose=0, callbacks=[stop])
    return folder


@pytest.fixture
def copies(trained, tmp_path, monkeypatch):
    """A copy of `runs` to damage, in the folder in which commands are given."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained, tmp_path / "runs")).relative_to(tmp_path)
