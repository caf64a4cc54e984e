"""Trains a small recipe on devices that this process makes for itself; run by the tests.

    python distributed_run.py RECIPE RUN_DIR DEVICES OPTIONS

DEVICES is how many parts TensorFlow divides the processor into; JAX looks at XLA_FLAGS. OPTIONS is
JSON: arguments of `train` and of `Compute`, `peers` as [coordinator, processes, process], and under
"changes" what to vary in the recipe; under "kill", the number of optimiser steps after which the
process kills itself.
"""

import dataclasses
import json
import os
import signal
import sys

import keras

from keras_classics.errors import UserError
from keras_classics.runs.compute import Compute
from keras_classics.runs.loop import train
from keras_classics.runs.peers import Peers
from keras_classics.training.fields import vary
from tests.runs import small_recipes

COMPUTE = {field.name for field in dataclasses.fields(Compute)}


class Killer(keras.callbacks.Callback):
    """Ends this process as a power cut would."""

    def __init__(self, left):
        super().__init__()
        self.left = left

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    name, run_dir, devices, options = sys.argv[1:]
    options = json.loads(options)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        parts = [tf.config.LogicalDeviceConfiguration()] * int(devices)
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    recipe = vary(getattr(small_recipes, name), options.pop("changes", {}))
    try:
        if "peers" in options:
            options["peers"] = Peers(*options["peers"])
        compute = Compute(**{k: options.pop(k) for k in COMPUTE if k in options})
        killer = Killer(options.pop("kill", 0))
        train(recipe, run_dir, callbacks=[killer], compute=compute, **options)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
