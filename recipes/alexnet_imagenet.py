"""AlexNet on ImageNet, as Krizhevsky, Sutskever and Hinton trained it in 2012.

    python recipes/alexnet_imagenet.py                         # ImageNet 2012 through TFDS
    python recipes/alexnet_imagenet.py --data folder:imagenet  # imagenet/train/…, imagenet/val/…
    python recipes/alexnet_imagenet.py --strategy two_towers   # a tower on each of two GPUs, by JAX

90 passes over 1.2 million pictures, the learning rate divided by 10 whenever the validation error
stops improving; measured by ten crops. The papers' sections stand beside each value.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import alexnet
from keras_classics.data.transforms.color import PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.evaluation import TenCrop
from keras_classics.training import (
    CoupledSGD,
    Deviation,
    DivideOnPlateau,
    MeanImage,
    Published,
    Recipe,
)

RECIPE = Recipe(
    name="alexnet_imagenet",
    model=alexnet,  # section 3.5
    dataset="imagenet2012",
    train_transforms=(
        ResizeShorterSide(256),  # section 2
        CenterCrop(256),
        RandomCrop(224),  # section 4.1
        RandomFlip(),
        PCAColorJitter(std=0.1),
    ),
    test_transforms=(ResizeShorterSide(256), CenterCrop(224)),
    normalization=MeanImage(),  # section 2: "subtracting the mean activity … from each pixel"
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=5e-4),  # section 5
    learning_rate=0.01,
    schedule=DivideOnPlateau(by=10, times=3),
    batch_size=128,
    epochs=90,
    validation="test",  # section 5: the rate follows the validation error
    protocol=TenCrop(size=224, shorter_side=256),  # section 4.1
    paper=Published.on_imagenet(
        test_error=40.7,
        top5_error=18.2,
        where="Table 2, 1 CNN",
    ),
    deviations=(
        Deviation(
            "The rate is divided after 5 epochs without improvement; the paper divided by hand.",
            about=("schedule",),
        ),
        Deviation(
            "The decay acts on kernels, not on biases, as in the author's later tool; the paper "
            "does not say.",
            about=("optimizer.decay", "optimizer.weight_decay"),
        ),
        Deviation(
            "The covariance behind the colour jitter is the widely used one of ImageNet, in units "
            "that shift a channel by 3 grey levels (see PCAColorJitter).",
            about=("train_transforms.4",),
        ),
        Deviation(
            "The learning rate follows the error on the pictures that are measured in the end, as "
            "in the paper: ImageNet's validation set.",
            about=("schedule", "validation", "dataset"),
        ),
    ),
)

if __name__ == "__main__":
    run(RECIPE)
