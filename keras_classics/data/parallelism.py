"""How many calls of a pipeline run at a time: the one place that decides."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keras_classics.data.host_tensorflow import import_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf

# More would wait for each other: one at a time goes through Python, for a sixteenth of what a
# picture takes (benchmarks/results/pictures.md). It also bounds what waits in memory.
_MOST_CALLS = 16


def parallel_calls() -> int:
    """Returns how many calls of a `map` run at a time: one a core of this process, 16 at most.

    Example:
        >>> from keras_classics.data.parallelism import parallel_calls
        >>> 1 <= parallel_calls() <= 16
        True
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows bind no process to cores
        cores = os.cpu_count() or 1
    return min(cores, _MOST_CALLS)


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns a `tf.data.Dataset` whose passes end when their data ends.

    The thread of tf.data's autotuner sleeps 10 ms, then twice as long each time, up to a minute.
    The end of a pass waits for it, and the call that should wake it is often lost (TensorFlow
    2.21). Whatever the package iterates goes through here, with `parallel_calls` in the place of
    what the tuner would choose.

    Example:
        >>> import tensorflow as tf
        >>> from keras_classics.data.parallelism import without_autotuning
        >>> without_autotuning(tf.data.Dataset.range(3)).options().autotune.enabled
        False
    """
    return dataset.with_options(untuned_options())


def untuned_options() -> tf.data.Options:
    """Returns `tf.data.Options` that turn the autotuner off, for those who make datasets for us."""
    options = import_tensorflow().data.Options()
    options.autotune.enabled = False
    return options
