"""`keras-classics predict`: the classes of image files, by the model of a run."""

from keras_classics.cli.saved_runs import load_model, read_json
from keras_classics.errors import UserError


def predict_command(arguments):
    """Prints the classes of each image, and what was done to it."""
    metrics = read_json(arguments.run_dir, "metrics.json")
    names, shape = metrics["class_names"], tuple(metrics["image_shape"])
    from keras_classics.data.image_files import read_image

    # Pictures of digits are prepared as MNIST's were.
    digits = names == [str(digit) for digit in range(10)] and shape[-1] == 1
    pictures, failures = [], []
    for path in arguments.images:
        try:
            pictures.append((path, *read_image(path, shape, digits)))
        except UserError as error:
            failures.append(str(error))
    if pictures:
        _print_predictions(load_model(arguments.run_dir / "model.keras"), pictures, names)
    if failures:
        raise UserError(" ".join(failures))


def _print_predictions(model, pictures, names):
    import keras
    import numpy as np

    both = keras.Model(
        model.input, [model.get_layer("logits").output, model.get_layer("probabilities").output]
    )
    for path, pixels, done in pictures:
        row, shares = (np.asarray(out[0]) for out in both.predict_on_batch(pixels[np.newaxis]))
        best = int(shares.argmax())
        print(f"{path}: {names[best]}")
        for sentence in done:
            print(f"  {sentence}")
        for index in np.argsort(-shares, kind="stable")[:10]:
            print(f"  {names[index]:<16}{shares[index]:>9.4f}   logit {row[index]:.3f}")
