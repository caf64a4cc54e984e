"""Exact figures of a trained model on a split: every picture once."""

import keras
import numpy as np

from keras_classics.data.bad_images import BadImages
from keras_classics.data.pipeline import in_order, pictures_at
from keras_classics.data.sources.folder import FileSource
from keras_classics.evaluation.prediction import (
    check_classes,
    check_probabilities,
    check_shape,
    collect,
    in_chunks,
    mean_loss,
    result_of,
)
from keras_classics.training.recipe import describe

_WRONG_KEPT = 200
_SAMPLES_KEPT = 100
_TOP = 5
_NOT_ALIKE = "and without a protocol that crops, a picture of {} has"
_FEW = 100


def evaluate(model, source, protocol=None, batch_size=None, *, transforms=(), bad=None):
    """Classifies a whole source.

    Args:
        model: a model saved by `train`: pixels in, class probabilities out.
        source: a `Source`, `FileSource` or `RecordSource` with the same classes.
        protocol: see `keras_classics.evaluation.protocols`; None for each picture as it is, or as
            the transforms make it.
        batch_size: pictures or crops at once, None for a number that suits their size; does not
            change the result beyond float rounding.
        transforms: where there is no protocol, functions (images, seeds) -> images that draw
            nothing and bring the pictures to the model's size.
        bad: `BadImages`, for files; those that cannot be decoded are left out.

    Returns:
        dict of arrays: `labels` and `predicted` (n,), `probabilities` (n, classes), `indices` (n,),
        each row's position in the source; and without a protocol `logits` (n, classes), if the
        model has a layer of that name.

    Raises:
        ValueError: if the model takes other pictures or has other classes, or cannot be measured by
            the protocol.
        DataError: if too many pictures cannot be decoded.
    """
    check(model, source, protocol, transforms)
    bad = BadImages() if bad is None else bad
    if protocol is not None:
        options = {} if batch_size is None else {"batch_size": batch_size}
        return protocol(model, source, bad=bad, **options)
    batch_size = min(batch_size or evaluation_batch_size(model.input_shape), len(source))
    batches = _of_one_size(source, batch_size, model, transforms, bad)
    has_logits = any(layer.name == "logits" for layer in model.layers)
    if not has_logits:
        labels, probabilities = collect(batches, in_chunks(model, batch_size), bad)
        check_probabilities(probabilities)
        return result_of(labels, probabilities, source, bad)
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    labels, logits = collect(batches, in_chunks(to_logits, batch_size), bad)
    exact = logits.astype("float64")
    shares = np.exp(exact - exact.max(-1, keepdims=True))
    result = result_of(labels, shares / shares.sum(-1, keepdims=True), source, bad)
    return {**result, "predicted": logits.argmax(-1), "logits": logits}


def check(model, source, protocol=None, transforms=()):
    """Raises the ValueError that `evaluate` would raise, before any picture is read."""
    if protocol is not None:
        protocol.check(model, source)
        return
    check_classes(model, source)
    pictures = in_order(source, 1, transforms)
    shape = pictures.element_spec[0].shape[1:]
    check_shape(model, shape, f"{source.name} has")
    if not shape.is_fully_defined():
        for image, _ in pictures.take(1):
            check_shape(model, image.shape[1:], _NOT_ALIKE.format(source.name))


def evaluation_batch_size(input_shape):
    """Returns how many pictures of an input (batch, height, width, channels) to take at once."""
    height, width = input_shape[1:3]
    return max(1, min(500, 128 * 224**2 // ((height or 224) * (width or 224))))


def _of_one_size(source, batch_size, model, transforms, bad):
    """Batches of pictures that all have the model's size, or a ValueError at the first other."""
    together = in_order(source, batch_size, transforms, bad)
    if together.element_spec[0].shape[1:].is_fully_defined():
        yield from together
        return
    images, labels = [], []
    for image, label in in_order(source, 1, transforms, bad):
        check_shape(model, image.shape[1:], _NOT_ALIKE.format(source.name))
        images.append(image)
        labels.append(label)
        if len(images) == batch_size:
            yield np.concatenate(images), np.concatenate(labels)
            images, labels = [], []
    if images:
        yield np.concatenate(images), np.concatenate(labels)


def error_percent(result):
    """Returns the share of wrong predictions in percent."""
    return 100 * float(np.mean(result["labels"] != result["predicted"]))


def top_k_error_percent(result, k=_TOP):
    """Returns the share of labels that are not among the k most probable classes, in percent.

    Among equally probable classes the first counts as the more probable one, as in `predicted`, so
    that k = 1 is `error_percent`.

    Args:
        result: what `evaluate` or `ensemble` returned.
        k: how many classes may be named.

    Example:
        >>> import numpy as np
        >>> from keras_classics.evaluation.classification import top_k_error_percent
        >>> result = {"labels": np.array([0, 2]), "probabilities": np.array([[0.5, 0.3, 0.2]] * 2)}
        >>> top_k_error_percent(result, k=1), top_k_error_percent(result, k=3)
        (50.0, 0.0)
    """
    probabilities, labels = result["probabilities"], result["labels"][:, np.newaxis]
    own = np.take_along_axis(probabilities, labels, axis=1)
    not_before = np.arange(probabilities.shape[1]) >= labels
    # Not "greater than", so that NaN is never among the best.
    ahead = ~((probabilities < own) | ((probabilities == own) & not_before))
    return 100 * float(np.mean(ahead.sum(axis=1) >= k))


def ensemble(results):
    """Averages the probabilities of several evaluations of the same pictures.

    Of several networks (AlexNet's five, GoogLeNet's seven), or of one network by several protocols
    (VGG's dense evaluation and 150 crops together).

    Args:
        results: what `evaluate` returned, each.

    Returns:
        A result, without logits.

    Raises:
        ValueError: if they are of other pictures or classes.
    """
    first = results[0]
    for other in results[1:]:
        if other["probabilities"].shape != first["probabilities"].shape or any(
            not np.array_equal(other[name], first[name]) for name in ("labels", "indices")
        ):
            raise ValueError("An ensemble needs results of the same pictures and classes.")
    probabilities = np.mean([r["probabilities"] for r in results], axis=0, dtype="float64")
    return {
        "labels": first["labels"],
        "predicted": probabilities.argmax(-1),
        "probabilities": probabilities.astype("float32"),
        "indices": first["indices"],
    }


def for_report(result, source, transforms=()):
    """Adds to an evaluation the pictures that the report shows.

    Args:
        result: what `evaluate` returned.
        source: the source that was evaluated.
        transforms: what brings a picture to the network's size.

    Returns:
        dict of arrays: labels, predicted, probabilities, and wrong_index, wrong_images (the first
        misclassified), sample_images, sample_labels (the first of each class, of 100 classes).
    """
    wrong = np.flatnonzero(result["labels"] != result["predicted"])[:_WRONG_KEPT]
    classes, first = np.unique(result["labels"], return_index=True)
    classes, first = classes[:_SAMPLES_KEPT], first[:_SAMPLES_KEPT]
    shown = result["indices"][np.concatenate([wrong, first])]
    images = pictures_at(source, shown, transforms)
    return {
        "labels": result["labels"],
        "predicted": result["predicted"],
        "probabilities": result["probabilities"],
        "wrong_index": wrong,
        "wrong_images": images[: len(wrong)],
        "sample_images": images[len(wrong) :],
        "sample_labels": classes,
    }


def summarize(
    recipe, result, source, last_epoch, train_examples, *, protocol=None, image_shape=None
):
    """Returns the content of `metrics.json`: a run's figures with the paper's beside them.

    The loss is the recipe's. Where a protocol averages, it is that of the averaged probabilities,
    whose logarithms take the place of the logits.

    Args:
        recipe: the `Recipe`.
        result: what `evaluate` returned.
        source: the source that was evaluated.
        last_epoch: last row of the history.
        train_examples: pictures that were trained on.
        protocol: that of the evaluation.
        image_shape: of the network's input; None for that of the source.
    """
    logits = result.get("logits")
    if logits is None:
        smallest = np.finfo("float32").tiny
        logits = np.log(np.maximum(result["probabilities"], smallest))
    loss = mean_loss(recipe.loss(), result["labels"], logits)
    examples = len(result["labels"])
    top = {"top5_error": top_k_error_percent(result)} if source.num_classes > _TOP else {}
    return {
        "recipe": recipe.name,
        "dataset": recipe.dataset,
        "split": source.split,
        "examples": examples,
        "protocol": describe(protocol),
        "wrong": int((result["labels"] != result["predicted"]).sum()),
        "error": error_percent(result),
        **top,
        "loss": loss,
        "train_examples": train_examples,
        "train_error": last_epoch["error"],
        "train_loss": last_epoch["loss"],
        "epochs": last_epoch["epoch"],
        "seed": recipe.seed,
        "class_names": list(source.class_names),
        "image_shape": list(image_shape or source.image_shape),
        **_comparison(recipe, source, examples),
    }


def _comparison(recipe, source, examples):
    paper = recipe.paper
    if paper is None:
        return {"paper": None, "comparable": False, "note": "no published figure"}
    published = {key: value for key, value in describe(paper).items() if key != "call"}
    whole = source.split == "test" and examples == paper.examples
    if whole and recipe.dataset == paper.dataset:
        return {"paper": published, "comparable": True, "note": f"{examples:,} {paper.what}"}
    what = "other pictures" if isinstance(source, FileSource) else f"held-out {paper.what}"
    few = ", and too few to say anything" if examples < _FEW else ""
    return {
        "paper": published,
        "comparable": False,
        "note": f"{examples:,} {what}: not comparable with the paper's {paper.examples:,}{few}",
    }
