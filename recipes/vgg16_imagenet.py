"""VGG-16 on ImageNet, as Simonyan and Zisserman trained it in 2014 (section 3.1).

    python recipes/vgg16_imagenet.py --stage a --run-dir runs/vgg_a    # 1. network A
    python recipes/vgg16_imagenet.py                                   # 2. D, from A's layers
    python recipes/vgg16_imagenet.py --stage glorot                    # or D at once

The deeper networks do not start from Gaussian weights of the published size: four convolutions and
the three dense layers are A's (another place for A's run: --set initial_weights.source=RUN_DIR).
The authors note after the submission that the start of Glorot and Bengio makes that unnecessary.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import fully_convolutional, vgg11, vgg16
from keras_classics.data.transforms.color import PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import RandomShorterSide, ResizeShorterSide
from keras_classics.evaluation import DenseEvaluation
from keras_classics.training import (
    CopyLayers,
    CoupledSGD,
    Deviation,
    DivideOnPlateau,
    MeanColor,
    Published,
    Recipe,
)

# Section 3.1: the first four convolutions of A and the three dense layers.
FROM_A = CopyLayers(
    source="runs/vgg_a",
    layers=("conv1_1", "conv2_1", "conv3_1", "conv3_2", "fc6", "fc7", "fc8"),
)


RECIPE = Recipe(
    name="vgg16_imagenet",
    model=vgg16,  # Table 1, D
    dataset="imagenet2012",
    train_transforms=(  # section 3.1, S = 256
        ResizeShorterSide(256),
        RandomCrop(224),
        RandomFlip(),
        PCAColorJitter(std=0.1),  # "random RGB colour shift"
    ),
    test_transforms=(ResizeShorterSide(256), CenterCrop(224)),
    normalization=MeanColor(),  # section 2.1
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    initial_weights=FROM_A,
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=5e-4),
    learning_rate=0.01,
    schedule=DivideOnPlateau(by=10, times=3),
    batch_size=256,
    epochs=74,
    validation="test",  # "decreased … when the validation set accuracy stopped improving"
    # Section 3.2, Q = S.
    protocol=DenseEvaluation(shorter_sides=(256,), convolutional=fully_convolutional),
    paper=Published.on_imagenet(test_error=27.0, top5_error=8.8, where="Table 3, D, S = Q = 256"),
    deviations=(
        Deviation(
            "Gaussian weights of standard deviation 0.01, where the paper says 'variance 10⁻²': "
            "with that, the first logits would be of the order of 10¹⁰.",
            about=("model.kernel_initializer",),
        ),
        Deviation(
            "The rate is divided after 5 epochs without improvement; the paper does not say when.",
            about=("schedule",),
        ),
        Deviation(
            "The decay acts on kernels, not on biases; the paper does not say.",
            about=("optimizer.decay", "optimizer.weight_decay"),
        ),
        "With --scale jitter, A's layers are the start; the paper's networks were fine-tuned from "
        "those of S = 384.",
    ),
)

CHOICES = {
    "stage": {
        "d": {},
        "a": {
            "model": vgg11,
            "initial_weights": None,
            "paper": Published.on_imagenet(
                test_error=29.6, top5_error=10.4, where="Table 3, A, S = Q = 256"
            ),
        },
        "glorot": {
            "model": partial(vgg16, kernel_initializer="glorot_normal"),
            "initial_weights": None,
        },
    },
    "scale": {
        "256": {},
        "jitter": {
            "train_transforms": (RandomShorterSide(256, 512), *RECIPE.train_transforms[1:]),
            "protocol.shorter_sides": (384,),  # section 3.2: (256 + 512) / 2
            "paper": Published.on_imagenet(
                test_error=25.6, top5_error=8.1, where="Table 3, D, S in [256; 512], Q = 384"
            ),
        },
    },
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
