"""Exact figures of a trained model on a split: every picture once."""

import keras
import numpy as np

from keras_classics.data.pipeline import in_order
from keras_classics.training.recipe import describe

_WRONG_KEPT = 200


def evaluate(model, source, batch_size=500):
    """Classifies a whole source.

    Args:
        model: a model saved by `train`: pixels in, class probabilities out.
        source: a `Source` with the same picture shape and classes.
        batch_size: pictures at once; does not change the result beyond float rounding.

    Returns:
        dict of arrays: `labels` and `predicted` (n,), `logits` (n, classes).

    Raises:
        ValueError: if the model takes other pictures or has other classes.
    """
    if tuple(model.input_shape[1:]) != source.image_shape:
        raise ValueError(
            f"The model takes pictures of shape {tuple(model.input_shape[1:])}, "
            f"{source.name} has {source.image_shape}."
        )
    if model.output_shape[-1] != source.num_classes:
        raise ValueError(
            f"The model has {model.output_shape[-1]} classes, "
            f"{source.name} has {source.num_classes}."
        )
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    logits = to_logits.predict(in_order(source, batch_size), verbose=0)
    return {"labels": source.labels, "predicted": logits.argmax(-1), "logits": logits}


def error_percent(result):
    """Returns the share of wrong predictions in percent."""
    return 100 * float(np.mean(result["labels"] != result["predicted"]))


def for_report(result, source):
    """Adds to an evaluation the pictures that the report shows.

    Returns:
        dict of arrays: labels, predicted, probabilities, and wrong_index, wrong_images (the first
        misclassified), sample_images, sample_labels (the first of each class).
    """
    logits = result["logits"].astype("float64")
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    wrong = np.flatnonzero(result["labels"] != result["predicted"])[:_WRONG_KEPT]
    classes, first = np.unique(result["labels"], return_index=True)
    return {
        "labels": result["labels"],
        "predicted": result["predicted"],
        "probabilities": (shares / shares.sum(-1, keepdims=True)).astype("float32"),
        "wrong_index": wrong,
        "wrong_images": source.images[wrong],
        "sample_images": source.images[first],
        "sample_labels": classes,
    }


def summarize(recipe, result, source, last_epoch, train_examples):
    """Returns the content of `metrics.json`: a run's figures with the paper's beside them.

    Args:
        recipe: the `Recipe`.
        result: what `evaluate` returned.
        source: the `Source` that was evaluated.
        last_epoch: last row of the history.
        train_examples: pictures that were trained on.
    """
    loss = recipe.loss()(result["labels"], result["logits"])
    return {
        "recipe": recipe.name,
        "dataset": recipe.dataset,
        "split": source.split,
        "examples": len(source),
        "wrong": int((result["labels"] != result["predicted"]).sum()),
        "error": error_percent(result),
        "loss": float(keras.ops.convert_to_numpy(loss)),
        "train_examples": train_examples,
        "train_error": last_epoch["error"],
        "train_loss": last_epoch["loss"],
        "epochs": last_epoch["epoch"],
        "seed": recipe.seed,
        "class_names": list(source.class_names),
        "image_shape": list(source.image_shape),
        **_comparison(recipe, source),
    }


def _comparison(recipe, source):
    paper = recipe.paper
    if paper is None:
        return {"paper": None, "comparable": False, "note": "no published figure"}
    published = {key: value for key, value in describe(paper).items() if key != "call"}
    whole = source.split == "test" and len(source) == paper.examples
    if whole and recipe.dataset == paper.dataset:
        return {"paper": published, "comparable": True, "note": f"{len(source):,} {paper.what}"}
    return {
        "paper": published,
        "comparable": False,
        "note": f"{len(source):,} held-out {paper.what}: not comparable with the paper's "
        f"{paper.examples:,}",
    }
