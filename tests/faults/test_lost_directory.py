"""A run directory that is taken away, or used by two, while a run goes on in it."""

import shutil
import threading

import keras
import pytest

from keras_classics.runs import RunDirectoryError, train
from keras_classics.training import vary
from tests.runs import small_recipes

RECIPE = vary(small_recipes.PLAIN, {"limit_train": 64, "epochs": 2, "schedule.at": (99,)})


class AtEpoch(keras.callbacks.Callback):
    """Does something at the end of the first epoch of a process."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.act()


def test_a_directory_removed_while_running_is_said_so_and_stays_away(tmp_path):
    run_dir = tmp_path / "run"
    remove = AtEpoch(lambda: shutil.rmtree(run_dir))
    with pytest.raises(RunDirectoryError) as raised:
        train(RECIPE, run_dir, verbose=0, callbacks=[remove])
    assert str(raised.value) == (
        f"The run directory {run_dir} was removed while the run went on, and what it held with it; "
        "put it back from a copy and the same command continues it, or begin anew with another "
        "`run_dir`."
    )
    assert not run_dir.exists()


def test_a_second_process_on_the_same_directory_is_refused_and_harms_nothing(tmp_path):
    run_dir, refused = tmp_path / "run", []

    def intrude():
        with pytest.raises(RunDirectoryError) as raised:
            train(RECIPE, run_dir, verbose=0)
        refused.append(str(raised.value))

    def from_outside():  # a lock of the kernel's is that of an open file: a thread will do
        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()

    train(RECIPE, run_dir, verbose=0, callbacks=[AtEpoch(from_outside)])
    assert refused == [
        f"Another process is running in {run_dir}; wait for it or choose another directory with "
        "`run_dir`."
    ]
    rows = (run_dir / "history.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["epoch", "1", "2"]
