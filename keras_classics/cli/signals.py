"""How a command ends when it is told to: at once, with one sentence."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading

from keras_classics.cli import output

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
SIGINT_STATUS = 128 + signal.SIGINT
_promise = None


def promise(words: str) -> None:
    """Says what the same command would do after a stop, e.g. "continues the search"."""
    global _promise
    _promise = words


def stopped() -> str:
    """Returns the sentence of a command that was told to end."""
    return f"Stopped. The same command {_promise}." if _promise else "Stopped."


def end_on_signals() -> None:
    """Ends this process on SIGINT and SIGTERM, whatever it is doing.

    A thread waits for them: in the main one, Python would hear of them only after TensorFlow's or
    JAX's calls, and an exception could be lost anywhere, or keep pipelines alive that never end.
    What a run has written is safe at any instant, even from being killed.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _NUMBERS:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_end_at, args=(reading,), daemon=True).start()
    atexit.register(_leave_to_the_system)


def _end_at(reading):
    while (number := os.read(reading, 1)[0]) not in _NUMBERS:
        pass
    output.speak()
    line_end = "\n" if sys.stdout.isatty() else ""  # of a progress bar
    print(f"{line_end}{stopped()}", file=sys.stderr, flush=True)
    os._exit(128 + number)


def _leave_to_the_system():
    """While Python ends, no thread of it can act."""
    for number in _NUMBERS:
        signal.signal(number, signal.SIG_DFL)
