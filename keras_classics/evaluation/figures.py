"""What a measurement is kept as: the figures of a run beside the paper's, and examples to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.data.pipeline import images_at
from keras_classics.evaluation.prediction import mean_loss
from keras_classics.report import pixels
from keras_classics.report.predictions import certainty, extremes
from keras_classics.report.schemas import FORMAT
from keras_classics.training.fields import describe
from keras_classics.words import pictures

if TYPE_CHECKING:
    from keras_classics.data.sources.base import LabelledImages
    from keras_classics.evaluation.measurement import EvaluationProtocol, Measurement
    from keras_classics.training.recipe import Recipe
    from keras_classics.types import Shape, Transforms

_WRONG_KEPT = 200
_SAMPLES_KEPT = 100
_CERTAIN_KEPT = 10  # right and wrong, of which it was the most and the least certain
_BATCH_KEPT = 24
_SIDE = 84  # pixels of what is kept for the eye alone, as the page shows it
_TOP = 5
_FEW = 100
_USUAL = 99.9  # percent of the pictures


def for_report(
    result: Measurement, source: LabelledImages, transforms: Transforms = ()
) -> dict[str, Any]:
    """Adds to an evaluation the pictures that the report shows.

    Args:
        result: the `Measurement`.
        source: the source that was evaluated.
        transforms: what brings a picture to the network's size.

    Returns:
        dict of arrays: labels, predicted, probabilities, and wrong_index, wrong_images (the first
        misclassified), sample_images, sample_labels (the first of each class, of 100 classes), and
        certain_index, certain_images (of the most and least certain answers). All but the samples,
        which networks are shown again, are small.
    """
    wrong = np.flatnonzero(result.labels != result.predicted)[:_WRONG_KEPT]
    classes, first = np.unique(result.labels, return_index=True)
    classes, first = classes[:_SAMPLES_KEPT], first[:_SAMPLES_KEPT]
    answers = {
        "labels": result.labels,
        "predicted": result.predicted,
        "probabilities": result.probabilities,
    }
    sure = extremes(result.labels, result.predicted, certainty(answers), _CERTAIN_KEPT)
    certain = np.unique(np.concatenate(list(sure.values())))
    chosen = (wrong, first, certain)
    images = images_at(source, result.indices[np.concatenate(chosen)], transforms)
    ends = np.cumsum([len(one) for one in chosen])
    wrong_images, sample_images, certain_images, _ = np.split(images, ends)
    return {
        **answers,
        "wrong_index": wrong,
        "wrong_images": as_shown(wrong_images),
        "sample_images": sample_images,
        "sample_labels": classes,
        "certain_index": certain,
        "certain_images": as_shown(certain_images),
    }


def first_pictures(batches: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Returns the pictures of a first batch that the report shows.

    Args:
        batches: (images, labels), e.g. a `tf.data.Dataset`.

    Returns:
        dict of arrays: batch_images, batch_labels.
    """
    images, labels = next(iter(batches))
    return {
        "batch_images": as_shown(np.asarray(images[:_BATCH_KEPT])),
        "batch_labels": np.asarray(labels[:_BATCH_KEPT]),
    }


def as_shown(images: np.ndarray) -> np.ndarray:
    """Returns pictures for the eye alone: small, uint8, what lies outside of 0 … 255 cut off.

    Args:
        images: (n, height, width, channels).

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.figures import as_shown
        >>> as_shown(np.full((1, 224, 200, 3), 300.0)).shape
        (1, 74, 66, 3)
    """
    whole = np.clip(np.round(images), 0, 255).astype("uint8")
    return pixels.shrink(whole, _SIDE) if len(whole) else whole


def usual_penalty(result: Measurement) -> float | None:
    """Returns the penalty that 999 of 1,000 pictures which are read right stay below.

    Of a network that ends in Euclidean RBF units, whose logits are penalties with their sign
    changed. A picture with a larger smallest penalty is unlike all classes: probabilities cannot
    tell, which only compare the classes with each other.

    Args:
        result: the `Measurement`.

    Returns:
        The 99.9th percentile of the smallest penalties; None without logits, or if no picture is
        read right.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.figures import usual_penalty
        >>> from keras_classics.evaluation.measurement import Measurement
        >>> logits = -np.array([[3.0, 50.0], [60.0, 5.0], [90.0, 70.0]])
        >>> labels, shares = np.array([0, 1, 0]), np.full((3, 2), 0.5, "float32")
        >>> usual_penalty(Measurement(labels, np.array([0, 1, 1]), shares, np.arange(3), logits))
        4.998
    """
    right = result.labels == result.predicted
    if result.logits is None or not right.any():
        return None
    return float(np.percentile(-result.logits[right].max(axis=-1), _USUAL))


def summarize(
    recipe: Recipe,
    result: Measurement,
    source: LabelledImages,
    last_epoch: Mapping[str, float],
    train_examples: int,
    *,
    changed: Sequence[Mapping[str, Any]] = (),
    protocol: EvaluationProtocol | None = None,
    image_shape: Shape | None = None,
    has_penalties: bool = False,
) -> dict[str, Any]:
    """Returns the content of `metrics.json`: a run's figures with the paper's beside them.

    The loss is the recipe's. Where a protocol averages, it is that of the averaged probabilities,
    whose logarithms take the place of the logits.

    Args:
        recipe: the `Recipe`.
        result: the `Measurement`.
        source: the source that was evaluated.
        last_epoch: last row of the history.
        train_examples: pictures that were trained on.
        changed: what the recipe changes in the published one, see `changes_of`.
        protocol: that of the evaluation.
        image_shape: of the network's input; None for that of the source.
        has_penalties: whether the network ends in Euclidean RBF units.
    """
    logits = result.logits
    if logits is None:
        smallest = np.finfo("float32").tiny
        logits = np.log(np.maximum(result.probabilities, smallest))
    loss = mean_loss(recipe.loss(), result.labels, logits)
    examples = len(result.labels)
    top = {"top5_error": result.top_k_error(_TOP)} if source.num_classes > _TOP else {}
    return {
        "format": FORMAT,
        "recipe": recipe.name,
        "dataset": recipe.dataset,
        "split": source.split,
        "examples": examples,
        "protocol": describe(protocol),
        "wrong": result.wrong,
        "error": result.error,
        **top,
        "loss": loss,
        **({"usual_penalty": usual_penalty(result)} if has_penalties else {}),
        "train_examples": train_examples,
        "train_error": last_epoch["error"],
        "train_loss": last_epoch["loss"],
        "epochs": last_epoch["epoch"],
        "seed": recipe.seed,
        "class_names": list(source.class_names),
        "image_shape": list(image_shape or source.image_shape),
        "changed": list(changed),
        **_comparison(recipe, source, examples, changed),
    }


def _comparison(recipe, source, examples, changed):
    paper = recipe.paper
    if paper is None:
        return {"paper": None, "comparable": False, "note": "no published figure"}
    published = {key: value for key, value in describe(paper).items() if key != "call"}
    whole = source.split == "test" and examples == paper.examples
    if whole and recipe.dataset == paper.dataset:
        note = f"{examples:,} {paper.what}"
        if changed:
            note += ", after another training than the paper's: not comparable with its figures"
        return {"paper": published, "comparable": not changed, "note": note}
    ours = pictures(examples, source.split)
    if source.split == "test":
        ours += f" of {source.name}" if source.is_published else " of other data"
    few = ", and too few to say anything" if examples < _FEW else ""
    theirs = f"the paper's {paper.examples:,} {paper.what}"
    return {
        "paper": published,
        "comparable": False,
        "note": f"{ours}: not comparable with {theirs}{few}",
    }
