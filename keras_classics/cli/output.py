"""What a command prints: printing never ends it, and its first line is ours."""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import tempfile
from typing import Any


class _Lenient(io.RawIOBase):
    """A file descriptor that takes what can be written to it, and forgets the rest."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        try:
            return os.write(self._number, data)
        except OSError:  # a full disk, or a reader that is gone
            return len(data)


def protect() -> None:
    """Lets `print` never fail: not where the output is closed, full, or without our letters."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened would be the output
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _text(1, sys.stdout)
    sys.stderr = _text(2, sys.stderr)


def _text(number, before):
    return io.TextIOWrapper(
        io.BufferedWriter(_Lenient(number)),
        encoding=getattr(before, "encoding", "utf-8"),
        errors="backslashreplace",
        line_buffering=True,
    )


class _Hush:
    """Keeps what libraries write on stderr while they are loaded; Python's `sys.stderr` speaks.

    TensorFlow's notices about processors and drivers come from C++, before it could be told how
    much to say. Where the process dies in there, another one shows what had been written.
    """

    def __init__(self) -> None:
        sys.stderr.flush()
        self.kept = tempfile.TemporaryFile()  # noqa: SIM115, it is open until the end
        self.stderr = os.dup(2)
        os.dup2(self.kept.fileno(), 2)
        sys.stderr = _text(self.stderr, sys.stderr)
        waiting, self.goodbye = os.pipe()
        self.witness = os.fork()
        if not self.witness:
            self._witness(waiting)
        os.close(waiting)

    def _witness(self, waiting):
        os.close(self.goodbye)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if not os.read(waiting, 1):
            self.show()
        os._exit(0)

    def show(self) -> None:
        self.kept.seek(0)
        os.write(self.stderr, self.kept.read())

    def end(self) -> None:
        os.dup2(self.stderr, 2)
        os.write(self.goodbye, b".")
        os.close(self.goodbye)
        os.waitpid(self.witness, 0)


_hushed = None


def hush() -> None:
    """Keeps what libraries write on stderr from now on, until `speak`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for what comes after that
    global _hushed
    _hushed = _Hush()
    sys.excepthook = _show_and_raise
    atexit.register(speak)


def speak() -> None:
    """Lets libraries write on stderr again: they are imported, or the command ends."""
    global _hushed
    hushed, _hushed = _hushed, None
    if hushed:
        hushed.end()
        sys.excepthook = sys.__excepthook__


def _show_and_raise(kind, error, traceback):
    if _hushed:
        _hushed.show()
    sys.__excepthook__(kind, error, traceback)
