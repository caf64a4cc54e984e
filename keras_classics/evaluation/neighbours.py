"""The training pictures that a network takes to be like a measured one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.compat import forget_tracings
from keras_classics.data.bad_images import BadImages
from keras_classics.data.pipeline import images_at, in_order
from keras_classics.data.randomness import permutation
from keras_classics.evaluation.classification import evaluation_batch_size
from keras_classics.evaluation.figures import as_shown
from keras_classics.evaluation.prediction import collect, in_chunks
from keras_classics.trained_model import last_hidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras

    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.types import Transforms

_QUERIES, _NEAREST = 5, 6  # as in Fig. 4 of the AlexNet paper
_LEAST = 1000  # training pictures to look among, where as many were measured


def nearest_in_training(
    model: keras.Model,
    kept: Mapping[str, Any],
    source: LabelledImages,
    transforms: Transforms = (),
    bad: BadImages | None = None,
) -> dict[str, Any]:
    """Finds the training pictures nearest to some measured ones in the last hidden layer.

    By the Euclidean distance, as in Fig. 4 of the AlexNet paper. It looks among a tenth as many
    training pictures as were measured, 1,000 at least, but never more than were measured, so that
    it takes no longer than the measurement.

    Args:
        model: the inference model.
        kept: what `for_report` has returned.
        source: the training pictures.
        transforms: what brings a picture to the network's size.
        bad: the `BadImages` that are known, for files.

    Returns:
        dict of arrays, q measured pictures with k neighbours each: near_index (q,), their positions
        among the measured ones; near_labels and near_distances (q, k), near_images (q · k, …), the
        nearest first; near_among (1,), among how many. Empty for a network without a last hidden
        layer, and where a distance is too large for float32.

    Raises:
        DataError: if a picture cannot be read.

    Reference:
        Krizhevsky et al. 2012, section 6.1.
    """
    extractor = last_hidden(model)
    queries = _spread(len(kept["sample_labels"]), _QUERIES)
    if extractor is None or not len(queries):
        return {}
    measured = len(kept["labels"])
    places = _some(source, max(min(_LEAST, measured), measured // 10), bad)
    forget_tracings()
    part = source.part(places, source.split)
    batch_size = min(evaluation_batch_size(model.input_shape), len(part))
    values_of, bad = in_chunks(extractor, batch_size), BadImages()
    batches = in_order(part, batch_size, transforms, bad)
    own = values_of(kept["sample_images"][queries])

    def distances_of(images):  # of each batch at once, since the values may be whole maps
        return _distances(values_of(images), own)

    labels, distances = collect(batches, distances_of, bad, part)
    if not np.isfinite(distances).all():
        return {}
    distances = distances.T
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :_NEAREST]
    images = images_at(source, places[part.positions(bad)][nearest.ravel()], transforms)
    first = [np.flatnonzero(kept["labels"] == kept["sample_labels"][query])[0] for query in queries]
    return {
        "near_index": np.array(first),
        "near_labels": labels[nearest],
        "near_distances": np.take_along_axis(distances, nearest, axis=1),
        "near_images": as_shown(images),
        "near_among": np.array([len(labels)]),
    }


def _some(source, most, bad):
    """Positions of random pictures; in a stream the first, which is stored in random order."""
    places = source.positions(bad)
    if not source.is_stream:  # which would have to be read to its end
        places = places[permutation(0, len(places))]
    return np.sort(places[:most])


def _spread(count, most):
    """Some of `count` places, as far apart as can be."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _distances(values, own):
    """Euclidean distances (n, q) of n values from q others."""
    with np.errstate(over="ignore", invalid="ignore"):
        columns = [np.linalg.norm((values - one).reshape(len(values), -1), axis=1) for one in own]
    return np.stack(columns, axis=1)
