"""VGG-16 on CIFAR-10, and what it takes to start: Simonyan and Zisserman, 2014, section 3.1.

    python recipes/vgg16_cifar10.py                    # with batch normalisation
    python recipes/vgg16_cifar10.py --start gaussian   # as published, from N(0, 0.01²)
    python recipes/vgg16_cifar10.py --start glorot     # the authors' later remark
    python recipes/vgg16_cifar10.py --start network-a --run-dir runs/vgg_a_cifar10
    python recipes/vgg16_cifar10.py --start from-a     # D, from the layers of that run
    python recipes/vgg16_cifar10.py --study batch-norm    # once in each block; --study plain

Pictures of 32 pixels shrink to one position behind the fifth pooling. Without batch normalisation
the deep network does not leave 10 % from Gaussian weights; the paper starts it from A's layers.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import vgg11, vgg16
from keras_classics.data.transforms.crops import RandomCrop, RandomFlip
from keras_classics.training import CopyLayers, CoupledSGD, MeanColor, Recipe, Step

SMALL = {"input_shape": (32, 32, 3)}
# Section 3.1: the first four convolutions of A and the three dense layers.
FROM_A = CopyLayers(
    source="runs/vgg_a_cifar10",
    layers=("conv1_1", "conv2_1", "conv3_1", "conv3_2", "fc6", "fc7", "fc8"),
)

RECIPE = Recipe(
    name="vgg16_cifar10",
    model=partial(vgg16, **SMALL, batch_norm="conv", kernel_initializer="he_normal"),
    dataset="cifar10",
    train_transforms=(RandomCrop(32, padding=4), RandomFlip()),
    normalization=MeanColor(),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=5e-4),
    learning_rate=0.01,
    schedule=Step(at=(10, 20), by=10),
    batch_size=128,
    epochs=30,
    validation="test",  # it chooses nothing
    paper=None,
    deviations=(),
)

CHOICES = {
    "start": {
        "batch-norm": {},
        "gaussian": {"model": partial(vgg16, **SMALL)},
        "glorot": {"model": partial(vgg16, **SMALL, kernel_initializer="glorot_normal")},
        "network-a": {"model": partial(vgg11, **SMALL)},
        "from-a": {"model": partial(vgg16, **SMALL), "initial_weights": FROM_A},
    },
    # Batch normalisation behind the last ReLU of each block, or none: 10 % on held-out pictures.
    "study": {
        "off": {},
        "batch-norm": {"model": partial(vgg16, **SMALL, batch_norm="block"), "validation": 5000},
        "plain": {"model": partial(vgg16, **SMALL), "validation": 5000},
    },
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
