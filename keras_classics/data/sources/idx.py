"""The four files in which MNIST was published, and the data sets that took over their format.

An IDX file is a magic number, the sizes of its axes and then the values, integers big-endian:
2051, n, height, width and n·height·width bytes for images; 2049, n and n bytes for labels.
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from keras_classics.data.errors import DataError

_PREFIXES = {"train": "train", "test": "t10k"}
_IMAGES, _LABELS = 2051, 2049
_PIECE = 2**24
_KINDS = {_IMAGES: "images", _LABELS: "labels"}


def read_idx_directory(
    directory: str | Path, split: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Reads one split of a directory that holds the four original files.

    They are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    `t10k-labels-idx1-ubyte`; a dot instead of the second hyphen (`train-images.idx3-ubyte`) and
    an added `.gz` are understood, and a gzipped file is known by its content, not by its name.
    A file `labels.txt` beside them, one class name a line, names the classes; without it they
    are "0", "1", … up to the largest label of both splits.

    Args:
        directory: the directory; `~` is expanded.
        split: `"train"`, or `"test"` for the `t10k` files.

    Returns:
        The images `(n, height, width, 1)` uint8, the labels `(n,)` int64 and the class names.

    Raises:
        DataError: if the directory or a file is missing, damaged, or does not fit the others.

    Example:
    >>> read_idx_directory("no/such/directory", "train")
    Traceback (most recent call last):
    keras_classics.data.errors.DataError: The directory no/such/directory does not exist; ...
    """
    directory = Path(directory).expanduser()
    if not directory.is_dir():
        raise DataError(
            f"The directory {directory} does not exist; set `dataset` to idx:<directory>, one that "
            "holds the four IDX files."
        )
    images_file = _find(directory, split, "images-idx3-ubyte")
    labels_file = _find(directory, split, "labels-idx1-ubyte")
    images = _read_array(images_file, _IMAGES)
    labels = _read_array(labels_file, _LABELS)
    if len(images) != len(labels):
        raise DataError(
            f"{images_file} holds {len(images):,} images but {labels_file} {len(labels):,} "
            "labels; put two files of the same data set there."
        )
    class_names = _class_names(directory)
    if labels.max() >= len(class_names):
        raise DataError(
            f"{labels_file} holds the label {labels.max()}, but {directory / 'labels.txt'} names "
            f"{len(class_names)} classes, counted from 0; complete labels.txt, one name a line."
        )
    return images[..., np.newaxis], labels.astype(np.int64), class_names


def _find(directory: Path, split: str, rest: str) -> Path:
    dashed = f"{_PREFIXES[split]}-{rest}"
    dotted = dashed.replace("-idx", ".idx")
    for name in (dashed, f"{dashed}.gz", dotted, f"{dotted}.gz"):
        if (directory / name).is_file():
            return directory / name
    raise DataError(
        f"{directory / dashed} is missing, with .gz and as {dotted}, too; put the file there, or "
        "set `dataset` to idx:<directory>, one that holds the four IDX files."
    )


def _class_names(directory: Path) -> tuple[str, ...]:
    file = directory / "labels.txt"
    if os.path.lexists(file):  # a link that leads nowhere was meant to name them
        try:
            # "utf-8-sig": some editors write a byte order mark, which is no part of the first name.
            lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{file} cannot be read ({error}); write one class name a line, in UTF-8."
            ) from error
        names = tuple(line.strip() for line in lines)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{file} names {twice!r} twice; write one class name a line.")
        return names
    labels = [_read_array(_find(directory, s, "labels-idx1-ubyte"), _LABELS) for s in _PREFIXES]
    return tuple(str(label) for label in range(max(array.max() for array in labels) + 1))


def _read_array(file: Path, magic: int) -> np.ndarray:
    """Reads an IDX file that must begin with `magic`, whose last byte is the number of axes."""
    start = 4 + 4 * (magic & 0xFF)
    try:
        with open(file, "rb") as packed:
            is_gzip = packed.read(2) == b"\x1f\x8b"
            packed.seek(0)
            stream: Any = gzip.open(packed) if is_gzip else packed  # noqa: SIM115  packed is closed
            header = stream.read(start)
            shape = _shape(file, header, magic)
            size = math.prod(shape) if shape else 0
            # One byte more than there should be: a small gzip stream can hold gigabytes.
            data = _read(file, stream, size + 1)
    except EOFError as error:
        raise DataError(
            f"{file} is truncated: its gzip stream has no end; fetch it again."
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{file} is damaged ({error}); fetch it again.") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); check its rights.") from error
    expected, found = start + size, len(header) + len(data)
    if found < expected:
        raise DataError(
            f"{file} is truncated: {expected:,} bytes expected, {found:,} found; fetch it again."
        )
    if found > expected:
        least = "at least " * is_gzip
        found = found if is_gzip else file.stat().st_size
        raise DataError(
            f"{file} has surplus bytes: {expected:,} expected, {least}{found:,} found; fetch it "
            "again."
        )
    if not size:
        raise DataError(f"{file} holds no {_KINDS[magic]}; fetch it again.")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read(file: Path, stream: IO[bytes], most: int) -> bytearray:
    """Reads at most so many bytes; whatever a header says, no more memory than they take."""
    import psutil  # comes with TFDS

    data, available = bytearray(), psutil.virtual_memory().available // 2
    while len(data) < most and (piece := stream.read(min(_PIECE, most - len(data)))):
        data += piece
        if len(data) > available:
            raise DataError(
                f"{file} holds more than {available / 2**30:,.1f} GiB, which is half of the free "
                "memory; choose a smaller `dataset`."
            )
    return data


def _shape(file: Path, header: bytes, magic: int) -> list[int]:
    """Returns the sizes of the axes; none where the header is cut off."""
    if not header:
        raise DataError(f"{file} is empty; fetch it again.")
    found = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and found != magic:
        meaning = f" (a file of {_KINDS[found]})" if found in _KINDS else ""
        raise DataError(
            f"{file} begins with the magic number {found}{meaning} instead of {magic} "
            f"({_KINDS[magic]}); put the original file of {_KINDS[magic]} there."
        )
    start = 4 + 4 * (magic & 0xFF)
    if len(header) < start:
        return []
    # Python's integers: the absurd sizes in a damaged header do not overflow.
    return [int.from_bytes(header[k : k + 4], "big") for k in range(4, start, 4)]
