"""Pictures that cannot be decoded: found, named, counted, and never turned into zeros."""

import os

from keras_classics.data.errors import DataError
from keras_classics.data.pictures import rgb_pixels

_MOST = 0.01  # share of a data set that may be bad


class BadImages:
    """Keeps account of the pictures that could not be decoded.

    A picture found bad is left out of its batch, whose place the next one takes, and of every
    later epoch. Since a bad one is bad wherever it is met, a run that was interrupted and knows
    them from its file makes the batches of one that was not.

    Args:
        policy: "skip" lists them and goes on, unless they are more than 1 %; "stop" ends with the
            first.
        path: file that lists them, one a line with the reason; None keeps them in memory.

    Raises:
        ValueError: for another policy.

    Example:
    >>> from keras_classics.data.bad_images import BadImages
    >>> bad = BadImages("skip")
    >>> bad.add(["/no/such/cat.jpg"], of=1000)
    >>> bad.reasons
    {'/no/such/cat.jpg': 'does not exist'}
    """

    def __init__(self, policy="skip", path=None):
        if policy not in ("skip", "stop"):
            raise ValueError(f'`policy` must be one of "skip", "stop". Received: policy={policy!r}')
        self.policy, self.path = policy, path
        self.reasons = {}
        self.error = None
        if path is not None and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines = [line.rstrip("\n").partition("\t") for line in file if "\t" in line]
            self.reasons = {name: reason for name, _, reason in lines}

    def __len__(self):
        return len(self.reasons)

    def add(self, paths, of):
        """Takes note of bad pictures among a data set's `of`; raises a DataError if it must stop.

        The error is kept as well: raised inside of a pipeline it arrives in other words.
        """
        for path in paths:
            if path not in self.reasons:
                self.reasons[path] = _reason(path)
                if self.path is not None:
                    with open(self.path, "a", encoding="utf-8") as file:
                        file.write(f"{path}\t{self.reasons[path]}\n")
        if not paths:
            return
        if self.policy == "stop":
            self._stop(f"{paths[0]} cannot be used: {self.reasons[paths[0]]}; mend or delete it, "
                       "or pass --on-bad-image skip.")  # fmt: skip
        if len(self) > _MOST * of:
            where = f" (listed in {self.path})" if self.path else f", e.g. {paths[0]}"
            self._stop(f"{len(self):,} of {of:,} pictures cannot be used{where}, which is more "
                       "than 1 %; mend the data.")  # fmt: skip

    def _stop(self, sentence):
        self.error = DataError(sentence)
        raise self.error


def _reason(path):
    if not os.path.exists(path):
        return "does not exist"
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        return error.strerror
    if not content:
        return "is empty"
    try:
        rgb_pixels(content, "it")
    except DataError as error:
        return str(error)
    return "cannot be decoded by TensorFlow"
