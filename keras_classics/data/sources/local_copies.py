"""Image files copied once to the user's cache, for those that lie on a slow or distant disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics.data.errors import DataError
from keras_classics.files import written_beside
from keras_classics.progress import Progress
from keras_classics.words import plural

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_SPARE = 1_000_000_000  # bytes that are left free for the rest of the world


def user_cache() -> Path:
    """Returns the folder for what can be made again: `$XDG_CACHE_HOME` or `~/.cache`, and ours."""
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # a user without a home, as containers have them
        root = tempfile.gettempdir()
    return Path(root) / "keras_classics"


def copy_files(paths: Sequence[AnyPath], root: Path | None = None) -> list[str]:
    """Copies files to the user's cache, but for those that lie there unchanged.

    A file counts as unchanged if its size and its time of change are those of the copy. Killed in
    between, the next call goes on. A file that cannot be read has no copy.

    Args:
        paths: of the files.
        root: another folder than the cache.

    Returns:
        list of str, the paths of the copies.

    Raises:
        DataError: if the disk of the cache has no room for them, or cannot be written to.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from keras_classics.data.sources.local_copies import copy_files
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.jpg")
        ...     _ = path.write_text("pixels")
        ...     (copy,) = copy_files([path], Path(folder, "copies"))
        ...     Path(copy).read_text()
        'pixels'
    """
    root = user_cache() / "files" if root is None else root
    copies = [str(root / _name(os.path.abspath(path))) for path in paths]
    missing = [pair for pair in zip(paths, copies, strict=True) if not _is_copy(*pair)]
    try:
        root.mkdir(parents=True, exist_ok=True)
        size = sum(os.path.getsize(path) for path, _ in missing if os.path.exists(path))
        free = shutil.disk_usage(root).free
        if size + _SPARE > free:
            raise DataError(
                f"`cache` disk needs {size / 1e6:,.0f} MB more in {root}, and its disk has "
                f"{free / 1e6:,.0f} MB left; make room, or let XDG_CACHE_HOME name another disk."
            )
        with Progress(
            f"copying {plural(len(missing), 'file')} to {root}", len(missing)
        ) as progress:
            for number, (path, copy) in enumerate(missing):
                progress.show(number)
                _copy(path, copy)
    except OSError as error:
        raise DataError(
            f"The cache {root} cannot be written ({error.strerror}); let XDG_CACHE_HOME name "
            "another folder, or leave `cache` out."
        ) from error
    return copies


def _name(path):
    """A name for the copy: two folders, so that none holds all of ImageNet, and the suffix."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()
    return f"{digest[:2]}/{digest[2:32]}{os.path.splitext(path)[1]}"


def _is_copy(path, copy):
    try:
        one, other = os.stat(path), os.stat(copy)
    except OSError:
        return False
    # Some file systems keep even seconds only.
    return one.st_size == other.st_size and abs(one.st_mtime - other.st_mtime) <= 2


def _copy(path, copy):
    try:
        open(path, "rb").close()
    except OSError:  # found bad when it is wanted
        return
    with written_beside(copy) as beside:
        shutil.copy2(path, beside)
