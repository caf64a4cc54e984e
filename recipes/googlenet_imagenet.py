"""GoogLeNet on ImageNet, as Szegedy et al. trained it in 2014 (section 6), as far as they say.

    python recipes/googlenet_imagenet.py                         # ImageNet 2012 through TFDS
    python recipes/googlenet_imagenet.py --data folder:imagenet  # imagenet/train/…, imagenet/val/…

Both auxiliary heads train with a weight of 0.3 and are not part of the saved network; the weights
that are validated, measured and saved are Polyak's averages.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import googlenet
from keras_classics.data.transforms.crops import CenterCrop, RandomAreaCrop, RandomFlip
from keras_classics.data.transforms.photometric import PhotometricDistortions
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.evaluation import GoogLeNetCrops
from keras_classics.training import (
    CoupledSGD,
    Deviation,
    ExponentialDecay,
    MeanColor,
    Published,
    Recipe,
)

RECIPE = Recipe(
    name="googlenet_imagenet",
    model=partial(googlenet, auxiliary_heads=True),  # Table 1, Fig. 3
    dataset="imagenet2012",
    train_transforms=(  # section 6
        RandomAreaCrop(224, area=(0.08, 1.0), aspect=(3 / 4, 4 / 3)),
        RandomFlip(),
        PhotometricDistortions(),
    ),
    test_transforms=(ResizeShorterSide(256), CenterCrop(224)),
    normalization=MeanColor(),  # section 5: "RGB color space with zero mean"
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    auxiliary_weight=0.3,  # section 5
    optimizer=partial(
        CoupledSGD,
        momentum=0.9,  # section 6
        weight_decay=2e-4,
        use_ema=True,
        ema_momentum=0.9999,
    ),
    learning_rate=0.01,
    schedule=ExponentialDecay(factor=0.96, every=8),  # section 6: "by 4% every 8 epochs"
    batch_size=32,
    epochs=250,
    validation="test",
    protocol=GoogLeNetCrops(),  # section 7
    paper=Published.on_imagenet(
        test_error=None,
        top5_error=7.89,
        where="Table 3, one model, 144 crops",
    ),
    deviations=(
        Deviation(
            "Not stated in the paper, chosen here: learning rate 0.01, batches of 32 and decay "
            "2e-4 (those of the Caffe reimplementation).",
            about=("learning_rate", "batch_size", "optimizer.weight_decay"),
        ),
        Deviation(
            "Not stated in the paper, chosen here: 250 epochs (a 3.6th of the first rate).",
            about=("epochs", "schedule"),
        ),
        Deviation(
            "Not stated in the paper, chosen here: averages over about 10,000 updates.",
            about=("optimizer.use_ema", "optimizer.ema_momentum"),
        ),
        "Synchronous momentum SGD; the paper's was asynchronous, on many machines.",
        Deviation(
            "Bilinear resizing; the first version on arXiv draws the interpolation, with an effect "
            "its authors call unclear (--set train_transforms.0.interpolation=random).",
            about=("train_transforms.0",),
        ),
    ),
)

if __name__ == "__main__":
    run(RECIPE)
