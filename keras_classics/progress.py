"""How far something has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

_REDRAW = 0.1  # seconds between two drawings of a bar
_NEWS = 30  # seconds between two lines where there is no terminal
_WIDTH = 12  # characters of a bar


class Progress:
    """One line that says how far counted work has come, and how long it will still take.

    On a terminal the line is drawn again and again in its place; elsewhere there is a new one every
    half minute, so that a log stays short.

    Args:
        what: what is done, the beginning of the line.
        total: how much of it there is.
        live: whether the line is drawn in its place; None where the output is a terminal.

    Example:
        >>> from keras_classics.progress import Progress
        >>> with Progress("measuring", 10_000, live=False) as progress:
        ...     progress.show(500)
        ...     progress.close("10,000 pictures measured")
        10,000 pictures measured
    """

    def __init__(self, what: str, total: int, live: bool | None = None) -> None:
        self.what, self.total = what, total
        self.live = is_terminal() if live is None else live
        self.started = time.monotonic()
        self.shown = self.started - _REDRAW if self.live else self.started
        self.length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def show(self, done: int, words: Callable[[], str] = str) -> None:
        """Says how much is done, where it is time to.

        Args:
            done: how much of the total.
            words: function () -> what else the line says; called where it is drawn.
        """
        now = time.monotonic()
        if now - self.shown < (_REDRAW if self.live else _NEWS):
            return
        self.shown = now
        left = f"{duration((now - self.started) * (self.total / done - 1))} left" if done else ""
        share = f"{100 * done // self.total:>3} %"
        if not self.live:
            _write("  ".join(filter(None, [self.what, share.strip(), left, words()])) + "\n")
            return
        full = _WIDTH * done // self.total
        bar = "[" + "=" * full + "." * (_WIDTH - full) + "]"
        self._draw("  ".join(filter(None, [f"{self.what} {bar} {share}", left, words()])))

    def close(self, line: str = "") -> None:
        """Takes the bar away, and leaves a line in its place."""
        if self.live and self.length:
            self._draw("")
            _write("\r")
            self.length = 0
        if line:
            _write(line + "\n")

    def _draw(self, text):
        text = text[: shutil.get_terminal_size().columns - 1]
        _write("\r" + text.ljust(self.length))
        self.length = len(text)


def tracked(batches: Iterable[Any], what: str, total: int) -> Iterator[Any]:
    """Yields batches, and says how far they have come.

    Args:
        batches: iterable of (images, …) or other values with a length in the first place.
        what: see `Progress`.
        total: images in all batches.

    Example:
        >>> from keras_classics.progress import tracked
        >>> [labels for _, labels in tracked([("ab", [0, 1]), ("c", [1])], "measuring", 3)]
        [[0, 1], [1]]
    """
    with Progress(what, total) as progress:
        done = 0
        for batch in batches:
            yield batch
            done += len(batch[0])
            progress.show(done)


def in_notebook() -> bool:
    """Whether this is a notebook's process, which can show pictures."""
    return "ipykernel" in sys.modules


class LivePicture:
    """A picture in the output of a notebook's cell, which is drawn again in its place."""

    def __init__(self) -> None:
        self.handle = None

    def show(self, path: Path) -> None:
        """Shows a picture in the place of the one before.

        Args:
            path: of a PNG file.
        """
        from IPython.display import Image, display

        picture = Image(data=path.read_bytes())
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)


def is_terminal() -> bool:
    """Whether somebody looks on as the output is written."""
    return sys.stdout is not None and sys.stdout.isatty()


def duration(seconds: float) -> str:
    """Returns a time in words.

    Example:
        >>> from keras_classics.progress import duration
        >>> duration(7.8), duration(3725)
        ('8 s', '1 h 2 min')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _write(text):
    print(text, end="", flush=True)
