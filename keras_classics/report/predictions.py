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
# What runs of earlier versions have not; each group is there as a whole.
LATER = (
    ("certain_index", "certain_images"),
    ("near_index", "near_images", "near_labels", "near_distances", "near_among"),
    ("batch_images", "batch_labels"),
)


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """Reads predictions.npz.

    Args:
        path: the file.

    Returns:
        The arrays named in `PREDICTIONS`, and those groups of `LATER` that are there.

    Raises:
        ReportError: if it is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > _MOST_BYTES:
            raise ValueError(f"it unpacks to {unpacked:,} bytes")
        with np.load(path, allow_pickle=False) as file:
            later = [name for group in LATER if group[0] in file.files for name in group]
            arrays = {name: file[name] for name in (*PREDICTIONS, *later)}
    except FileNotFoundError as error:
        raise ReportError("The run has no predictions.npz (yet).") from error
    except Exception as error:  # NumPy and zipfile raise nearly anything for a damaged file
        raise ReportError(f"predictions.npz cannot be read ({short(error)}).") from error
    for name, fits in _FIT_TOGETHER.items():
        if name in arrays and not fits(arrays):
            raise ReportError(f"predictions.npz cannot be read ({name} does not fit the others).")
    return {name: _wide(values) for name, values in arrays.items()}


def extremes(
    labels: np.ndarray, predicted: np.ndarray, certainty: np.ndarray, most: int
) -> dict[tuple[bool, bool], np.ndarray]:
    """Finds the pictures of whose class the network was the most and the least certain.

    Args:
        labels: integers of shape (n,).
        predicted: the answers, the same.
        certainty: the probabilities of these answers.
        most: how many pictures of each kind.

    Returns:
        {(whether the answer is right, whether it is a certain one): positions}, the most extreme
        first; of few pictures a half each, so that none is both.

    Example:
        >>> import numpy as np
        >>> from keras_classics.report.predictions import extremes
        >>> labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
        >>> found = extremes(labels, predicted, np.array([0.6, 0.9, 0.8, 0.7]), most=2)
        >>> {kind: places.tolist() for kind, places in found.items()}
        {(True, True): [2, 3], (True, False): [0], (False, True): [1], (False, False): []}
    """
    found = {}
    for right in (True, False):
        places = np.flatnonzero((labels == predicted) == right)
        order = places[np.argsort(-certainty[places], kind="stable")]
        half = (len(order) + 1) // 2
        found[right, True] = order[:half][:most]
        found[right, False] = order[half:][::-1][:most]
    return found


def certainty(predictions: dict[str, np.ndarray]) -> np.ndarray:
    """Returns the probability of each answer, of shape (n,)."""
    predicted = predictions["predicted"]
    return predictions["probabilities"][np.arange(len(predicted)), predicted]


def first_of(label: int, labels: np.ndarray) -> int:
    """Returns the position of the first picture of a class, which is the one that is kept."""
    return int(np.flatnonzero(labels == label)[0])


def _wide(values):
    """Classes and positions in a type that counts of pairs of them fit in too."""
    is_index = values.dtype.kind in "iu" and values.ndim < 3  # else they are pictures
    return values.astype("int64") if is_index else values


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


def _are_neighbours(predictions):
    labels, index = predictions["near_labels"], predictions["near_index"]
    return (
        labels.ndim == 2 and len(labels) == len(index) and _is_classes(labels.ravel(), predictions)
    )


def _are_distances(values, shape):
    return values.dtype.kind == "f" and values.shape == shape and np.isfinite(values).all()


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
    "certain_index": lambda p: _are_indices(p["certain_index"], len(p["labels"])),
    "certain_images": lambda p: _are_pictures(p["certain_images"], len(p["certain_index"])),
    "near_index": lambda p: _are_indices(p["near_index"], len(p["labels"])),
    "near_labels": _are_neighbours,
    "near_images": lambda p: _are_pictures(p["near_images"], p["near_labels"].size),
    "near_distances": lambda p: _are_distances(p["near_distances"], p["near_labels"].shape),
    "near_among": lambda p: _are_indices(p["near_among"], 2**53, 1),
    "batch_labels": lambda p: _is_classes(p["batch_labels"], p),
    "batch_images": lambda p: _are_pictures(p["batch_images"], len(p["batch_labels"])),
}
