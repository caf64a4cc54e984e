"""Reads predictions.npz: what a run's network said of its test pictures, and some of these."""

import zipfile
from pathlib import Path

import numpy as np

from keras_classics.report.run_files import ReportError
from keras_classics.schema import short

_MOST_BYTES = 2**32  # sixteen times those of ImageNet
PREDICTIONS = (
    "labels",
    "predicted",
    "probabilities",
    "wrong_index",
    "wrong_images",
    "sample_images",
    "sample_labels",
)


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """Reads predictions.npz.

    Args:
        path: the file.

    Returns:
        The arrays named in `PREDICTIONS`.

    Raises:
        ReportError: if it is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > _MOST_BYTES:
            raise ValueError(f"it unpacks to {unpacked:,} bytes")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in PREDICTIONS}
    except FileNotFoundError as error:
        raise ReportError("The run has no predictions.npz (yet).") from error
    except Exception as error:  # NumPy and zipfile raise nearly anything for a damaged file
        raise ReportError(f"predictions.npz cannot be read ({short(error)}).") from error
    for name, fits in _FIT_TOGETHER.items():
        if not fits(arrays):
            raise ReportError(f"predictions.npz cannot be read ({name} does not fit the others).")
    return arrays


def _is_classes(values, predictions, size=None):
    shares = predictions["probabilities"]
    return shares.ndim == 2 and _are_indices(values, shares.shape[1], size)


def _are_indices(values, below, size=None):
    is_list = values.ndim == 1 and values.dtype.kind in "iu" and size in (None, len(values))
    return is_list and (not len(values) or (0 <= values.min() and values.max() < below))


def _are_pictures(values, size):
    # Of few channels and of sides that a page can hold.
    is_list = values.ndim == 4 and values.dtype == np.uint8 and len(values) == size
    return is_list and values.shape[-1] in (1, 3) and 0 < min(values.shape[1:3])


# How they fit together, in this order: what a damaged or altered file breaks.
_FIT_TOGETHER = {
    "labels": lambda p: _is_classes(p["labels"], p) and len(p["labels"]) > 0,
    "predicted": lambda p: _is_classes(p["predicted"], p, len(p["labels"])),
    "probabilities": lambda p: (
        p["probabilities"].dtype.kind == "f" and len(p["probabilities"]) == len(p["labels"])
    ),
    "wrong_index": lambda p: _are_indices(p["wrong_index"], len(p["labels"])),
    "wrong_images": lambda p: _are_pictures(p["wrong_images"], len(p["wrong_index"])),
    "sample_labels": lambda p: (
        _is_classes(p["sample_labels"], p) and np.isin(p["sample_labels"], p["labels"]).all()
    ),
    "sample_images": lambda p: _are_pictures(p["sample_images"], len(p["sample_labels"])),
}
