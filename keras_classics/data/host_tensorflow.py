"""TensorFlow for reading and preparing data, whatever backend Keras computes with."""

import contextlib
import os
from types import ModuleType


def import_tensorflow() -> ModuleType:
    """Imports TensorFlow, and hides the GPUs from it when Keras runs on another backend.

    TensorFlow would otherwise reserve nearly all of their memory at its first operation.

    Returns:
        The module `tensorflow`.

    Example:
    >>> tf = import_tensorflow()
    >>> int(tf.constant(1) + 1)
    2
    """
    # Without a GPU, hiding it makes TensorFlow log an alarming CUDA error.
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:  # no `setdefault`: AutoGraph stumbles over it
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    if keras.config.backend() != "tensorflow":
        # Refused once TensorFlow has computed anything: then its devices are already chosen.
        with contextlib.suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
    return tf
