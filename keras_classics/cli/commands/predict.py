"""`keras-classics predict`: the classes of image files, by a run's model or one of the package."""

from __future__ import annotations

from argparse import Namespace

from keras_classics import shipped
from keras_classics.cli.recipe_files import load_module
from keras_classics.errors import UserError
from keras_classics.trained_model import load_model


def predict_command(arguments: Namespace) -> None:
    """Prints the classes of each image, and what was done to it."""
    from keras_classics.data.image_files import read_image
    from keras_classics.report.run_files import read_metrics, reads_digits

    for path in arguments.imports:
        load_module(path)
    run_dir = shipped.run_directory(arguments.run_dir)
    metrics = read_metrics(run_dir)
    names, shape = metrics["class_names"], tuple(metrics["image_shape"])
    if shape[-1] not in (1, 3):
        raise UserError(
            f"{arguments.run_dir} was trained on pictures of {shape[-1]} channels; picture files "
            "are grey or red, green and blue."
        )
    digits = reads_digits(metrics)  # whose pictures are prepared as MNIST's were
    pictures, failures = [], []
    for path in arguments.images:
        try:
            pictures.append((path, *read_image(path, shape, digits)))
        except UserError as error:
            failures.append(str(error))
    if pictures:
        path = run_dir / "model.keras"
        _print_predictions(_model(path, shape, names), pictures, metrics)
    if failures:
        raise UserError(" ".join(failures))


def _model(path, shape, names):
    """Returns the model that computes both logits and probabilities."""
    import keras

    model = load_model(path)
    ends = [layer for layer in model.layers if layer.name in ("logits", "probabilities")]
    shapes = [model.input_shape, *(layer.output.shape for layer in ends)]
    if len(ends) != 2 or shapes != [(None, *shape), *[(None, len(names))] * 2]:
        raise UserError(
            f"{path} and the metrics.json beside it are not of one run: that tells of "
            f"{len(names):,} classes of pictures of shape {shape}."
        )
    return keras.Model(model.input, [layer.output for layer in ends])


def _print_predictions(model, pictures, metrics):
    import numpy as np

    from keras_classics.data.class_names import in_words

    names = [in_words(name) for name in metrics["class_names"]]
    for path, pixels, done in pictures:
        row, shares = (np.asarray(out[0]) for out in model.predict_on_batch(pixels[np.newaxis]))
        best = int(shares.argmax())
        print(f"{path}: {names[best]}")
        for sentence in (*done, *_unlike(row, metrics)):
            print(f"  {sentence}")
        first = np.argsort(-shares, kind="stable")[:10]
        width = max(16, *(len(names[index]) for index in first))
        for index in first:
            print(f"  {names[index]:<{width}}{shares[index]:>9.4f}   logit {row[index]:.3f}")


def _unlike(row, metrics):
    """Returns a sentence where even the smallest penalty of the RBF output is an unusual one."""
    from keras_classics.report.run_files import reads_digits

    usual, smallest = metrics.get("usual_penalty"), -row.max()
    if usual is None or smallest <= usual:
        return []
    return [
        f"Unlike any {'digit' if reads_digits(metrics) else 'class'}: the smallest penalty is "
        f"{smallest:.1f}; where the network was measured, 999 in 1,000 of the pictures that it "
        f"read right stayed below {usual:.1f}."
    ]
