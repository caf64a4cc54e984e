"""ResNet-50 on ImageNet, as He, Zhang, Ren and Sun trained it in 2015 (section 3.4).

python recipes/resnet50_imagenet.py                         # ImageNet 2012 through TFDS
python recipes/resnet50_imagenet.py --data folder:imagenet  # imagenet/train/…, imagenet/val/…
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import resnet50
from keras_classics.data.transforms.color import PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import RandomShorterSide, ResizeShorterSide
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
    name="resnet50_imagenet",
    model=resnet50,  # Table 1
    dataset="imagenet2012",
    train_transforms=(  # section 3.4
        RandomShorterSide(256, 480),
        RandomCrop(224),
        RandomFlip(),
        PCAColorJitter(std=0.1),  # "the standard color augmentation in [AlexNet]"
    ),
    test_transforms=(ResizeShorterSide(256), CenterCrop(224)),
    normalization=MeanImage(),  # "with the per-pixel mean subtracted"
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=1e-4, decay="all"),
    learning_rate=0.1,
    schedule=DivideOnPlateau(by=10, times=3),
    batch_size=256,
    epochs=120,  # 600,000 iterations of 256 pictures
    validation="test",
    protocol=TenCrop(size=224, shorter_side=256, of="picture"),
    paper=Published.on_imagenet(
        test_error=22.85,
        top5_error=6.71,
        where="Table 3, 10-crop",
    ),
    deviations=(
        Deviation(
            "The rate is divided after 5 epochs without improvement, at most three times; the "
            "paper says 'when the error plateaus'.",
            about=("schedule",),
        ),
        "The statistics of batch normalisation are moving averages; the authors' released "
        "networks have exact averages over the training set.",
        Deviation(
            "Batch normalisation sees as many pictures as a device gets; the authors' saw 32.",
            about=("sync_batch_norm", "gradient_accumulation_steps"),
        ),
    ),
)

if __name__ == "__main__":
    run(RECIPE)
