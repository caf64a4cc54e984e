"""The intact things that bad inputs are made of: data, runs, a search, weights, pictures."""

import gzip
import shutil
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 40  # digits of each data set
SHORT = ("--epochs", "1", "--limit-train", "20", "--batch-size", "10")
TRAIN = ("train", "lenet5_mnist", "--data", "mnist_5k", *SHORT, "--run-dir", "new")
CONTINUE = ("train", "mine.py", "--run-dir", "begun")
SEARCH = (
    *("train", "tune_lenet5_mnist", "--tuner", "random", "--trials", "1", "--epochs", "1"),
    *("--limit-train", "20", "--validation", "10", "--directory"),
)
FOLDER = ("train", "pictures.py", "--run-dir", "new")

_MINE = """\
from dataclasses import replace

from keras_classics.cli import run
from keras_classics.cli.recipe_files import load_recipe

RECIPE = load_recipe("lenet5_mnist").RECIPE
RECIPE = replace(RECIPE, name="mine", dataset="mnist_5k", limit_train=20, batch_size=10, epochs=2)

if __name__ == "__main__":
    run(replace(RECIPE, keep_epochs=(1, 2)))
"""
_PICTURES = """\
from dataclasses import replace

from keras_classics.cli import run
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.transforms.crops import CenterCrop
from keras_classics.data.transforms.resizing import ResizeShorterSide

RECIPE = load_recipe("cifar_resnet_cifar10").RECIPE
SAME = (ResizeShorterSide(32), CenterCrop(32))

if __name__ == "__main__":
    run(replace(RECIPE, name="pictures", dataset="folder:pictures", train_transforms=SAME,
                test_transforms=SAME, epochs=1, batch_size=4, iterations=None, paper=None))
"""


def write(folder):
    """Makes everything in a folder, but for what `train` leaves; that is left to `trained`."""
    folder = Path(folder)
    (folder / "mine.py").write_text(_MINE)
    (folder / "pictures.py").write_text(_PICTURES)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (SIZE, 28, 28, 1), dtype="uint8")
    labels = np.arange(SIZE, dtype="uint8") % 10
    _idx(folder / "idx", images, labels)
    _pictures(folder / "pictures", rng)
    Image.fromarray(images[0, ..., 0]).save(folder / "digit.png")
    _prepared(folder / "tfds", images, labels)
    _tar_files(folder / "tars" / "downloads" / "manual")
    _weights(folder)


def _idx(folder, images, labels):
    folder.mkdir()
    for prefix in ("train", "t10k"):
        head = b"".join(n.to_bytes(4, "big") for n in (2051, len(images), 28, 28))
        pictures = head + images.tobytes()
        if prefix == "train":
            (folder / "train-images-idx3-ubyte").write_bytes(pictures)
        else:
            (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(pictures))
        head = b"".join(n.to_bytes(4, "big") for n in (2049, len(labels)))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    (folder / "labels.txt").write_text("".join(f"digit {n}\n" for n in range(10)))


def _pictures(folder, rng):
    for split in ("train", "val"):
        for number in range(8):
            path = folder / split / f"class{number % 2}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (36, 40, 3), dtype="uint8")).save(path)


def _prepared(folder, images, labels):
    """A data set named and shaped like `mnist`, written by TFDS itself."""
    import tensorflow_datasets as tfds

    class Mnist(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("3.0.1")
        name = "mnist"

        def _info(self):
            image = tfds.features.Image(shape=(28, 28, 1))
            features = {"image": image, "label": tfds.features.ClassLabel(num_classes=10)}
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, _):
            return {"train": self._generate_examples(), "test": self._generate_examples()}

        def _generate_examples(self):
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                yield number, {"image": image, "label": int(label)}

    Mnist(data_dir=str(folder)).download_and_prepare()


def _tar_files(folder):
    """ImageNet's, but for what is inside: they are refused, whatever becomes of them."""
    folder.mkdir(parents=True)
    for split in ("train", "val"):
        with tarfile.open(folder / f"ILSVRC2012_img_{split}.tar", "w") as archive:
            archive.add(folder.parent, "ILSVRC2012_val_00000001.JPEG", recursive=False)


def _weights(folder):
    import safetensors.numpy
    import torch

    import keras_classics
    from keras_classics import shipped

    model = keras_classics.lenet5()
    shutil.copytree(shipped.FOLDER, folder / "shipped")
    model.save(folder / "w.keras")
    model.save_weights(folder / "w.weights.h5")
    values = {name: torch.zeros(3) for name in ("conv1.weight", "fc.bias")}
    torch.save(values, folder / "w.pth")
    arrays = {name: value.numpy() for name, value in values.items()}
    safetensors.numpy.save_file(arrays, folder / "w.safetensors")
    _onnx(folder / "w.onnx")


def _onnx(path):
    """Writes a graph of one convolution."""
    import numpy as np
    import onnx
    from onnx import helper

    kernel = onnx.numpy_helper.from_array(np.zeros((2, 3, 3, 3), "float32"), "w")
    sides = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in "xy"]
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv")
    onnx.save(
        helper.make_model(helper.make_graph([node], "g", sides[:1], sides[1:], [kernel])), path
    )


def trained(folder, call):
    """Trains the runs and the search.

    Args:
        folder: where they shall be, and `write` has been.
        call: function (words), which runs a command there.
    """
    call(("train", "mine.py", "--run-dir", "run"))
    call(("train", "pictures.py", "--run-dir", "seen"))
    call((*SEARCH, "search"))
    # A run that is not finished: one that was killed before it had measured its model.
    shutil.copytree(folder / "run", folder / "begun")
    for name in ("metrics.json", "predictions.npz", "report.html", "model.keras"):
        (folder / "begun" / name).unlink()
