"""Exported networks in other runtimes: the same answers, sizes and speeds beside each other.

    python -m benchmarks.runtimes FOLDER [--repeats 5] [--networks lenet5 resnet50 alexnet]

LeNet-5 with the weights that ship on 100 digits of mnist_5k; ResNet-50 and AlexNet with random ones
(He's normal start) on the first 100 photographs of FOLDER/train at 224 pixels. They end in logits:
of probabilities most are nought in float32, and nothing orders those. Each is exported to ONNX,
LiteRT and a SavedModel; onnxruntime, LiteRT's interpreter and TensorFlow compute the 100 pictures
one by one. The table has for each the largest difference from Keras as a share of the largest
logit, the pictures whose five best classes are Keras' in the same order, the size, and the median
milliseconds of a picture in rounds that take turns.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import machine

PICTURES = 100
FORMATS = {"ONNX": "net.onnx", "LiteRT": "net.tflite", "SavedModel": "saved"}


def photographs(folder):
    """The first photographs, 224×224."""
    paths = sorted(Path(folder, "train").glob("*/*"))[:PICTURES]
    pictures = [Image.open(path).convert("RGB").resize((224, 224)) for path in paths]
    return np.stack([np.asarray(picture, "float32") for picture in pictures])


def digits():
    from keras_classics.data.sources import load

    return load("mnist_5k", "test").images[:PICTURES].astype("float32")


def network(name):
    """The network with its pixels in front: 0 … 255 in, logits out."""
    import keras

    import keras_classics

    keras.utils.set_random_seed(0)
    if name == "lenet5":
        return keras_classics.lenet5(
            weights="mnist", with_preprocessing=True, classifier_activation=None
        )
    options = {"alexnet": {"kernel_initializer": "he_normal", "bias_value": 0.0}}
    body = keras_classics.get_model(name, classifier_activation=None, **options.get(name, {}))
    pixels = keras.Input(body.input_shape[1:], name="pixels")
    front = keras_classics.preprocessing("resnet50", weights="torchvision")
    return keras.Model(pixels, body(front(pixels)), name=name)


def runtimes(model, folder):
    """{name: (function of one picture, bytes)}, each from a file that was exported."""
    import onnxruntime
    import tensorflow as tf

    from keras_classics import export

    paths = {kind: folder / file for kind, file in FORMATS.items()}
    for path in paths.values():
        export(model, path)
    session = onnxruntime.InferenceSession(str(paths["ONNX"]))
    signature = tf.lite.Interpreter(
        str(paths["LiteRT"]), num_threads=os.cpu_count()
    ).get_signature_runner()
    saved = tf.saved_model.load(str(paths["SavedModel"]))
    compiled = tf.function(lambda x: model(x, training=False))
    calls = {
        "Keras": lambda x: compiled(tf.constant(x)).numpy(),
        "ONNX": lambda x: session.run(None, {"pixels": x})[0],
        "LiteRT": lambda x: signature(pixels=x)["outputs"],
        "SavedModel": lambda x: saved.serve(tf.constant(x))["outputs"].numpy(),
    }
    sizes = {kind: size_of(path) for kind, path in paths.items()}
    return {kind: (call, sizes.get(kind)) for kind, call in calls.items()}


def size_of(path):
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def main():
    os.environ["KERAS_BACKEND"] = "tensorflow"
    parser = machine.parser(__doc__)
    parser.add_argument("folder", nargs="?", help="with train/<class>/ of photographs")
    parser.add_argument("--networks", nargs="+", default=["lenet5", "resnet50", "alexnet"])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if options.smoke:
        options.networks, options.repeats = ["lenet5"], 1
    print("| network | runtime | MB | ms a picture | largest difference | same five best |")
    print("|---|---|---|---|---|---|")
    for name in options.networks:
        pictures = digits() if name == "lenet5" else photographs(options.folder)
        with tempfile.TemporaryDirectory() as folder:
            found = runtimes(network(name), Path(folder))
            rows = {}
            for kind, (call, _) in found.items():
                rows[kind] = np.concatenate([call(picture[None]) for picture in pictures])
            seconds = {kind: [] for kind in found}
            for _ in range(options.repeats):
                for kind, (call, _) in found.items():
                    start = time.perf_counter()
                    for picture in pictures:
                        call(picture[None])
                    seconds[kind].append((time.perf_counter() - start) / len(pictures))
        best = {kind: np.argsort(-row, axis=1, kind="stable")[:, :5] for kind, row in rows.items()}
        for kind, (_, size) in found.items():
            same = int((best[kind] == best["Keras"]).all(axis=1).sum())
            difference = np.abs(rows[kind] - rows["Keras"]).max() / np.abs(rows["Keras"]).max()
            print(
                f"| {name} | {kind} | {'–' if size is None else f'{size / 1e6:.1f}'} | "
                f"{1e3 * statistics.median(seconds[kind]):.2f} | {difference:.0e} | "
                f"{same} of {len(pictures)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
