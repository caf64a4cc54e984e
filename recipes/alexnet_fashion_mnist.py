"""AlexNet on Fashion-MNIST, as textbooks show it: one tower, 28 pixels enlarged to 227.

    python recipes/alexnet_fashion_mnist.py
    python recipes/alexnet_fashion_mnist.py --limit-train 2000 --epochs 2    # a look, in minutes
    python recipes/alexnet_fashion_mnist.py --study    # batches of 64, pixels in −1 … 1

The pictures are grey, so the network has one input channel; ten classes with their names. Errors on
the training and the test set stand in the history after every epoch. No paper reports this; where
nothing else is said, the network and its training are the paper's (recipes/alexnet_imagenet.py).
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import alexnet
from keras_classics.data.transforms.resizing import Resize
from keras_classics.training import (
    Constant,
    CoupledSGD,
    Deviation,
    MeanColor,
    PixelRange,
    Recipe,
)

RECIPE = Recipe(
    name="alexnet_fashion_mnist",
    model=partial(alexnet, towers="merged", input_shape=(227, 227, 1)),
    dataset="fashion_mnist",
    train_transforms=(Resize(227),),
    test_transforms=(Resize(227),),
    normalization=MeanColor(),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=5e-4),
    learning_rate=0.01,
    schedule=Constant(),
    batch_size=128,
    epochs=10,
    validation="test",  # after every epoch; it chooses nothing
    paper=None,
    deviations=(
        Deviation("One tower.", about=("model.towers",)),
        Deviation(
            "One channel, pictures enlarged eight times.",
            about=("model.input_shape", "train_transforms"),
        ),
        Deviation("Ten epochs at one learning rate.", about=("epochs", "schedule")),
    ),
)

# Here the biases of the last layer start at one too.
STUDY = {
    "model.classifier_bias_value": 1.0,
    "normalization": PixelRange(low=-1.0, high=1.0),
    "batch_size": 64,
}

CHOICES = {"study": {"off": {}, "on": STUDY}}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
