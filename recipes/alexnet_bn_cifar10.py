"""AlexNet with batch normalisation on CIFAR-10, as study notebooks train it.

    python recipes/alexnet_bn_cifar10.py                   # 32 pixels, a first convolution of 5×5/1
    python recipes/alexnet_bn_cifar10.py --image-px 227    # enlarged, the first layers of the paper
    python recipes/alexnet_bn_cifar10.py --study plain     # also batch-norm, two-towers

One tower, batch normalisation in place of local response normalisation, 30 epochs of momentum SGD,
the rate divided by 10 every ten. No paper reports this. What the studies do not say of their
training is as it is here.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import alexnet
from keras_classics.data.transforms.crops import RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import Resize
from keras_classics.training import (
    CoupledSGD,
    DivideOnPlateau,
    MeanColor,
    PixelRange,
    Recipe,
    Step,
)

NETWORK = partial(alexnet, towers="merged", batch_norm=True, local_response_norm=False)

RECIPE = Recipe(
    name="alexnet_bn_cifar10",
    model=partial(NETWORK, stem="cifar"),
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

ENLARGED = {
    "model": partial(NETWORK, input_shape=(227, 227, 3)),
    "train_transforms": (*RECIPE.train_transforms, Resize(227)),
    "test_transforms": (Resize(227),),
}

# 25 epochs of enlarged pictures, with batch normalisation or without. Weights and biases start as
# Keras' own, for which pixels in 0 … 255 are too large without batch normalisation.
STUDY = {
    **ENLARGED,
    "model": partial(
        NETWORK, input_shape=(227, 227, 3), kernel_initializer="glorot_uniform", bias_value=0.0
    ),
    "normalization": PixelRange(low=-1.0, high=1.0),
    "epochs": 25,
}
# The published network, and the published way of lowering the rate, by held-out pictures. The study
# does not name its data.
TWO_TOWERS = {
    **ENLARGED,
    "model": partial(alexnet, input_shape=(227, 227, 3)),
    "schedule": DivideOnPlateau(by=10, times=3),
    "epochs": 179,
    "validation": 5000,
}

CHOICES = {
    "image-px": {"32": {}, "227": ENLARGED},
    "study": {
        "off": {},
        "batch-norm": STUDY,
        "plain": {**STUDY, "model": partial(STUDY["model"], batch_norm=False)},
        "two-towers": TWO_TOWERS,
    },
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
