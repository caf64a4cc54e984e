"""The one way to write a file: beside its place, and renamed once it is whole."""

import csv
import io
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = ".partial"


@contextmanager
def written_beside(path):
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
    finally:
        with suppress(OSError):
            beside.unlink()


def is_torn(name):
    """Whether a file's name is that of one that a killed process was writing."""
    stem = name.rpartition(".")[0] if not name.endswith(_MARK) else name
    return name.startswith(".") and stem.endswith(_MARK)


def sweep(folder):
    """Removes what killed processes were writing in a folder and below it."""
    for path in Path(folder).rglob(f".*{_MARK}*"):
        if is_torn(path.name):
            path.unlink(missing_ok=True)


def write_bytes(path, content):
    """Writes bytes; returns the path."""
    with written_beside(path) as beside:
        beside.write_bytes(content)
    return Path(path)


def write_json(path, value):
    """Writes plain data as readable JSON."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def write_csv(path, rows):
    """Writes dicts as CSV; the columns are the keys of the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())
