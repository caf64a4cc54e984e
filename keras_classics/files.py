"""The one way to write a file: beside its place, and renamed once it is whole."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_MARK = ".partial"
# In former runs the process' number stood behind the name, or in front of it.
_SUFFIX = r"\.(csv|gif|html|json|keras|npy|npz|png)"
_FORMER = re.compile(rf"\.([\w-]+{_SUFFIX}\.\d+|\d+\.[\w-]+{_SUFFIX})")


@contextmanager
def written_beside(path: AnyPath) -> Iterator[Path]:
    """Yields a path to write to, which takes the name `path` once it is complete.

    A file that exists is therefore whole, whenever the process is killed; what that leaves, `sweep`
    removes. The last suffix is kept, since writers such as `model.save` look at it.

    Args:
        path: of the file; its folder is made.

    Raises:
        OSError: if it cannot be written; then `path` is as it was.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from keras_classics.files import written_beside
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with written_beside(Path(folder, "a.txt")) as beside:
        ...         _ = beside.write_text("whole")
        ...     Path(folder, "a.txt").read_text()
        'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # With the process' number: several may fill a cache that they share.
    beside = path.with_name(f".{path.stem}.{os.getpid()}{_MARK}{path.suffix}")
    try:
        yield beside
        with open(beside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names none
        raise
    finally:
        with suppress(OSError):
            beside.unlink()


def is_torn(name: str) -> bool:
    """Whether a file's name is that of one that a killed process was writing.

    Example:
        >>> from keras_classics.files import is_torn
        >>> is_torn(".report.42.partial.html"), is_torn(".report.html.42"), is_torn("report.html")
        (True, True, False)
    """
    stem = name.rpartition(".")[0] if not name.endswith(_MARK) else name
    is_ours = name.startswith(".") and stem.endswith(_MARK)
    return is_ours or _FORMER.fullmatch(name) is not None


def sweep(folder: AnyPath, pattern: str = "**/*", age: float = 0) -> None:
    """Removes what killed processes were writing in a folder.

    Args:
        folder: the folder.
        pattern: of the names in it that are looked at; else also those below.
        age: in seconds; what is younger, another process may be writing.
    """
    for path in list(Path(folder).glob(pattern)):
        with suppress(FileNotFoundError):
            is_young = age and time.time() - path.stat().st_mtime < age
            if is_torn(path.name) and not is_young:
                path.unlink()


def write_bytes(path: AnyPath, content: bytes) -> Path:
    """Writes bytes; returns the path."""
    with written_beside(path) as beside:
        beside.write_bytes(content)
    return Path(path)


def utf8(text: str) -> bytes:
    r"""Returns a text as UTF-8, whatever names are in it.

    A byte of a file's name that is no UTF-8 stands in Python's texts as a lone surrogate, and here
    as its escape; which is JSON's own, so that such a name comes back from there as it was.

    Example:
        >>> import os
        >>> from keras_classics.files import utf8
        >>> utf8(os.fsdecode(b"caf\xe9"))
        b'caf\\udce9'
    """
    return text.encode("utf-8", "backslashreplace")


def write_json(path: AnyPath, value: object) -> None:
    """Writes plain data as readable JSON."""
    write_bytes(path, utf8(json.dumps(value, indent=2, ensure_ascii=False) + "\n"))


def write_csv(path: AnyPath, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes dicts as CSV; the columns are the keys of the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, utf8(text.getvalue()))
