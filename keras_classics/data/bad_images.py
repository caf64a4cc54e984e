"""Images that cannot be decoded: found, named, counted, and never turned into zeros."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from keras_classics import checks
from keras_classics.data.errors import DataError
from keras_classics.data.image_files import rgb_pixels
from keras_classics.files import write_bytes

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_MOST = 0.01  # share of a data set that may be bad
# Names of files are bytes, which need not be UTF-8.
_NAMES = {"encoding": "utf-8", "errors": "surrogateescape"}


class BadImages:
    """Keeps account of the images that could not be decoded.

    An image found bad is left out of its batch, whose place the next one takes, and of every
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
    >>> bad.add("/no/such/cat.jpg", of=1000)
    >>> bad.reasons
    {'/no/such/cat.jpg': 'does not exist'}
    """

    def __init__(
        self, policy: Literal["skip", "stop"] = "skip", path: AnyPath | None = None
    ) -> None:
        checks.choice("policy", policy, ("skip", "stop"))
        self.policy, self.path = policy, path
        self.reasons = {}
        self.error = None
        if path is not None and os.path.exists(path):
            self.reasons = _read(path)

    def __len__(self) -> int:
        return len(self.reasons)

    def add(
        self,
        path: str,
        of: int,
        number: int | None = None,
        explain: Callable[[], str] | None = None,
    ) -> None:
        """Takes note of a bad image, and raises a DataError if the run must stop.

        The error is kept as well: raised inside of a pipeline it arrives in other words.

        Args:
            path: of the image.
            of: how many images its data set has.
            number: how many of these are bad, with this one; None stands for all that are known.
            explain: function () -> what is wrong, for a file that is not at fault by itself.
        """
        if self.error is not None:
            # What a pipeline makes after an error lacks images that are good.
            raise DataError(str(self.error))
        if path not in self.reasons:
            self.reasons[path] = reason = _reason(path, explain)
            if self.path is not None:
                self._append(f"{path}\t{reason}\n")
        number = len(self) if number is None else number
        if self.policy == "stop":
            self._stop(
                f"{path} cannot be used: it {self.reasons[path]}; mend or delete it, or pass "
                "`on_bad_image` skip."
            )
        if number > _MOST * of:
            listed = f", listed in {self.path}" if self.path else ""
            self._stop(
                f"{number:,} of {of:,} images cannot be used, more than 1 %; mend or delete "
                f"them{listed} (the last one, {path}, {self.reasons[path]})."
            )

    def _append(self, line):
        try:
            with open(self.path, "a", **_NAMES) as file:
                file.write(line)
        except OSError as error:
            self._stop(
                f"{self.path} could not be written ({error.strerror}); make room there or make it "
                "writable, and the same command continues the run."
            )

    def _stop(self, sentence):
        # The one that is kept has no traceback, which would hold the pipeline whose threads have to
        # end before Python does; and the pipeline's function, which is never freed, holds this.
        self.error = DataError(sentence)
        raise DataError(sentence)


def _read(path):
    """Returns {name: reason} of a list; a line that a full disk cut off is taken out of it."""
    with open(path, **_NAMES) as file:
        content = file.read()
    whole, newline, torn = content.rpartition("\n")
    if torn:
        write_bytes(path, (whole + newline).encode(**_NAMES))
    lines = [line.rpartition("\t") for line in whole.split("\n") if "\t" in line]
    return {name: reason for name, _, reason in lines}


def _reason(path, explain):
    """Returns what is wrong with a file, in words that follow its name."""
    if not os.path.exists(path):
        return "does not exist"
    try:
        with open(path, "rb") as file:
            content = file.read()
        if not content:
            return "is empty"
        rgb_pixels(content, "it")
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except DataError as error:  # "it …; what to do."
        return str(error).removeprefix("it ").rpartition("; ")[0]
    return f"cannot be used ({explain()})" if explain else "cannot be used"
