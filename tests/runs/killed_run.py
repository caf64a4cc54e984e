"""Runs a small recipe and sends itself SIGKILL at a chosen moment; run as a process by the tests.

    python killed_run.py RECIPE RUN_DIR MOMENT CHECKPOINT_MINUTES

MOMENT is `never`, `step:N` (after the N-th optimiser step of this process), `validation` (inside
the validation), `write:N` (half-way through the N-th checkpoint), or `final` (between
the model and its metrics).
"""

import io
import os
import signal
import sys

import keras
import numpy as np

from keras_classics.runs import directory, loop, run
from tests.runs import small_recipes


def die():
    """Ends this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Killer(keras.callbacks.Callback):
    """Counts batches and dies at the right one."""

    def __init__(self, kind, number):
        super().__init__()
        self.kind, self.left = kind, number

    def _count(self, kind):
        if kind == self.kind:
            self.left -= 1
            if self.left == 0:
                die()

    def on_train_batch_end(self, batch, logs=None):
        self._count("step")


def tear_the_write(number):
    """Makes the N-th checkpoint stop half-way through its bytes."""
    whole, calls = np.savez, []

    def torn(file, **arrays):
        calls.append(1)
        buffer = io.BytesIO()
        whole(buffer, **arrays)
        if len(calls) < number:
            file.write(buffer.getvalue())
        else:
            file.write(buffer.getvalue()[: buffer.tell() // 2])
            file.flush()
            die()

    directory.np.savez = torn


def main():
    name, run_dir, moment, minutes = sys.argv[1:]
    kind, _, number = moment.partition(":")
    if kind == "write":
        tear_the_write(int(number))
    if kind == "final":
        run.evaluate = lambda *arguments, **options: die()
    if kind == "validation":
        run.collect = lambda *arguments, **options: die()
    loop.train(
        getattr(small_recipes, name),
        run_dir,
        callbacks=[Killer(kind, int(number or 0))],
        checkpoint_minutes=float(minutes),
        log_steps=3,
    )


if __name__ == "__main__":
    main()
