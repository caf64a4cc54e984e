"""AlexNet as published and as trained, on CIFAR-10: what the differences do.

    python recipes/alexnet_editions_cifar10.py                    # the paper's network
    python recipes/alexnet_editions_cifar10.py --change order     # one difference of the 2012 code
    python recipes/alexnet_editions_cifar10.py --change all       # the three of them

The two towers of 2012 with a first convolution of 5×5/1 and ten classes, from the paper's starts,
with its rate, momentum, decay and dropout. `--change` takes one difference at a time from the
network and the training of the paper to those of the authors' code (configuration 145):

    order    pooling before the activation of conv1 and conv5, normalisation across maps divided by
             their number, a second one within each map in conv2
    starts   conv3, conv4 and conv5 from N(0, 0.03²) instead of N(0, 0.01²)
    biases   learn at twice the rate of the weights
    all      the three

A thousand updates, ten passes over 3,200 pictures in batches of 32 (128 in the paper): processors
train 36 million weights no longer than that in ten minutes. The question is not how good the
networks become but which of them leave their start, and when.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import alexnet
from keras_classics.data.transforms.crops import RandomCrop, RandomFlip
from keras_classics.training import Constant, CoupledSGD, MeanImage, Recipe

RECIPE = Recipe(
    name="alexnet_editions_cifar10",
    model=partial(alexnet, stem="cifar"),
    dataset="cifar10",
    train_transforms=(RandomCrop(32, padding=4), RandomFlip()),
    normalization=MeanImage(),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=5e-4),  # section 5
    learning_rate=0.01,
    schedule=Constant(),
    batch_size=32,
    limit_train=3_200,
    epochs=10,
    validation=0,
    paper=None,
    deviations=(),
)

ORDER = {
    "model.pool_before_activation": True,
    "model.local_response_norm": "mean",
    "model.spatial_response_norm": True,
}
STARTS = {"model.conv345_stddev": 0.03}  # layers-145.cfg, initW
BIASES = {"optimizer.rate_factors": {"*/bias": 2.0}}  # layer-params-145.cfg: epsB 0.02, epsW 0.01

CHOICES = {
    "change": {
        "none": {},
        "order": ORDER,
        "starts": STARTS,
        "biases": BIASES,
        "all": {**ORDER, **STARTS, **BIASES},
    }
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
