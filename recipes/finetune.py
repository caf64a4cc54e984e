"""Fine-tuning: a trained network learns the classes of your own photographs.

    python recipes/finetune.py --data folder:my_photos                     # ResNet-50
    python recipes/finetune.py --data folder:my_photos --model vgg16
    python recipes/finetune.py --data folder:my_photos --model cifar_resnet20
    python recipes/finetune.py --data folder:my_photos --set model.weights=runs/mine

`my_photos` holds a folder for each class; a fifth of each class is never trained on, and `keras-
classics evaluate RUN --split test` measures it. Of the rest a tenth is held out: it decides when
training ends.

The network starts from trained weights with a last layer of its own for your classes, and its
pixels are those that the weights were trained on. For five epochs that last layer learns alone;
then everything learns, at a tenth of the rate. Batch normalisation keeps the statistics and the
scale of its training: a few hundred photographs are too few to estimate them anew.

There is no paper. The recipe follows what He et al. (2015, appendix A) do with their networks for
other tasks, where batch normalisation is fixed too, and common practice: the head first, then all
at a low rate.

ResNet and VGG take ImageNet's weights, which keras.applications fetches once; `cifar_resnet20`
takes those that come with this package, trained on pictures of 32×32. With `model.weights` they are
those of a run of your own, or of a `.keras` file that training made.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import pretrained
from keras_classics.data.transforms.crops import CenterCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.training import CoupledSGD, RateTable, Recipe
from keras_classics.training.pixels import WeightsPixels

HEAD_EPOCHS = 5  # in which the last layer learns alone


def head_then_all(head):
    """The rates: the last layer alone, then all at a tenth."""
    return RateTable(((0, 1.0, {f"{head}/*": 1.0, "*": 0.0}), (HEAD_EPOCHS, 0.1)))


SIZES = {
    224: {
        "train_transforms": (ResizeShorterSide(256), RandomCrop(224), RandomFlip()),
        "test_transforms": (ResizeShorterSide(256), CenterCrop(224)),
    },
    32: {
        "train_transforms": (ResizeShorterSide(32), RandomCrop(32, padding=4), RandomFlip()),
        "test_transforms": (ResizeShorterSide(32), CenterCrop(32)),
    },
}


def changes(network, weights, head, side):
    """What a choice of the network changes."""
    return {
        "model.network": network,
        "model.weights": weights,
        "schedule": head_then_all(head),
        **SIZES[side],
    }


RECIPE = Recipe(
    name="finetune",
    model=partial(pretrained, network="resnet50", weights="imagenet"),
    dataset="folder:my_photos",
    **SIZES[224],
    normalization=WeightsPixels("resnet50", "imagenet"),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=1e-4),
    learning_rate=0.01,
    schedule=head_then_all("fc"),
    batch_size=32,
    epochs=30,
    validation=0.1,
    early_stopping=8,
    paper=None,
    deviations=(),
)

CHOICES = {
    "model": {
        **{f"resnet{n}": changes(f"resnet{n}", "imagenet", "fc", 224) for n in (50, 101, 152)},
        **{f"vgg{n}": changes(f"vgg{n}", "imagenet", "fc8", 224) for n in (16, 19)},
        "cifar_resnet20": changes("cifar_resnet20", "cifar10_jpeg", "fc", 32),
    }
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
