"""AlexNet on ImageNet, as Krizhevsky, Sutskever and Hinton trained it in 2012.

    python recipes/alexnet_imagenet.py                         # ImageNet 2012 through TFDS
    python recipes/alexnet_imagenet.py --data folder:imagenet  # imagenet/train/…, imagenet/val/…
    python recipes/alexnet_imagenet.py --strategy two_towers   # a tower on each of two GPUs, by JAX
    python recipes/alexnet_imagenet.py --edition code_2012     # as its authors' code trained it

90 passes over 1.2 million pictures, the learning rate divided by 10 whenever the validation error
stops improving; measured by ten crops. The papers' sections stand beside each value.

The authors' code of 2012, public since 2025, has the logs of the runs behind the paper's tables.
`--edition code_2012` is its configuration 145, whose error is Table 2's: the network of that
configuration, and its training where the paper says something else or nothing. Rates are those of
the log, epoch by epoch; biases learn at a rate of their own, which is never lowered; conv1 is
frozen before the end; the colour noise, stronger than the formula's, is followed by a division and
goes off before the end; crops and flips are shared by 32 pictures; each epoch has the same order.
Decay on weights alone, momentum, batches and ten crops are the same. What is still not that code's
stands in the deviations.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import alexnet
from keras_classics.data.transforms.color import DivideAroundMean, PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.data.transforms.wrappers import SharedByChunk, UntilEpoch
from keras_classics.evaluation import TenCrop
from keras_classics.training import (
    CoupledSGD,
    Deviation,
    DivideOnPlateau,
    MeanImage,
    Published,
    RateTable,
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


def logged(epoch):
    """Returns our epoch, from 0, for one of the code's logs.

    They count from 1, and what they note at an epoch holds from its start. One that is ended at an
    epoch has trained those before it: 90 of 91, the paper's "roughly 90 cycles".
    """
    return epoch - 1


# layers-145.cfg and layer-params-145.cfg with the log at its end; convdata.py.
CODE_2012 = {
    "model.edition": "code_2012",
    "train_transforms": (
        ResizeShorterSide(256),
        CenterCrop(256),
        SharedByChunk(RandomCrop(224), crop_chunk=32),
        SharedByChunk(RandomFlip(), crop_chunk=32),
        # "set color noise to 0 from 0.1": without it, nothing is divided either.
        UntilEpoch(PCAColorJitter(std=0.1, scale="std"), epoch=logged(67)),
        UntilEpoch(DivideAroundMean(by=1.1), epoch=logged(67)),
    ),
    "shuffle": "once",  # src/worker.cu: the batches of a stored file, one after the other
    "schedule": RateTable(
        stages=(  # factors of 0.01, where the log has rates; conv1, or conv1_a and conv1_b
            (logged(1), 1.0),
            (logged(25), 0.1),  # "set epsw to 0.001 from 0.01"
            (logged(51), 0.01),
            (logged(67), 0.01, {"conv1*/kernel": 0.001}),
            (logged(72), 0.01, {"conv1*/*": 0.0}),
            (logged(79), 0.001, {"conv1*/*": 0.0}),
        ),
        biases=2.0,  # epsB = 0.02
    ),
    "epochs": logged(91),
    "paper": Published.on_imagenet(
        test_error=40.664,
        top5_error=18.21,
        where="layer-params-145.cfg, which is Table 2, 1 CNN",
    ),
    "deviations": (
        Deviation(
            "The log's epochs are counted from 1, and what it notes at one is taken to hold from "
            "its start; epoch 91, in which it ended, is left out.",
            about=("schedule.stages", "epochs"),
        ),
        Deviation(
            "The biases' rate of 0.02 in all epochs, and 0 with conv1's weights, is an inference "
            "from the file as it was in the end: the log notes no change of it, and the files of "
            "some other runs end at a tenth of it.",
            about=("schedule.biases", "schedule.stages"),
        ),
        Deviation(
            "The division by 1.1 acts around ImageNet's mean colour; in the code it acts behind "
            "the subtraction of the mean image, which differs by a faint constant picture.",
            about=("train_transforms.5", "normalization"),
        ),
        Deviation(
            "The axes of the colour noise are the widely used ones of ImageNet (see "
            "PCAColorJitter); the code's were computed from the authors' training pictures.",
            about=("train_transforms.4",),
        ),
        Deviation(
            "32 pictures that follow each other in the order of an epoch share a crop and a flip; "
            "in the code, 32 of a stored file, and what is left at its end.",
            about=("train_transforms.2", "train_transforms.3"),
        ),
        Deviation(
            "The order of the pictures is the same in every epoch, an inference: the code takes "
            "those of a stored file in turn; what takes the files in turn is not published.",
            about=("shuffle",),
        ),
    ),
}

CHOICES = {"edition": {"paper": {}, "code_2012": CODE_2012}}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
