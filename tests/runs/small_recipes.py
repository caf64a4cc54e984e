"""Recipes that train in seconds on the embedded digits, and a network with all that is fragile."""

import os
from functools import partial

import keras

from keras_classics import alexnet, lenet5
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.color import PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomAreaCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.data.transforms.wrappers import SharedByChunk, UntilEpoch
from keras_classics.evaluation import TenCrop
from keras_classics.layers import BatchNormalization
from keras_classics.training import (
    CoupledSGD,
    DivideOnPlateau,
    MaximumAPosteriori,
    MeanImage,
    PixelRange,
    RateTable,
    Recipe,
    StepAtIterations,
    vary,
)


def fragile(
    num_classes,
    classifier_activation,
    auxiliary_heads=True,
    dropout=0.3,
    normalization=keras.layers.BatchNormalization,
    width=16,
    channels=1,
):
    """A network whose state is more than its weights: moving statistics and random masks."""
    head = partial(keras.layers.Dense, num_classes, activation=classifier_activation)
    inputs = x = keras.Input((28, 28, channels))
    x = keras.layers.Conv2D(4, 5, strides=3, name="conv")(x)
    if normalization is not None:
        x = normalization(name="norm")(x)
    x = keras.layers.ReLU()(x)
    x = middle = keras.layers.Dropout(dropout, name="dropout_a")(keras.layers.Flatten()(x))
    x = keras.layers.Dense(width, activation="relu", name="hidden")(x)
    x = keras.layers.Dropout(dropout, name="dropout_b")(x)
    outputs = head(name="head")(x)
    if auxiliary_heads:
        x = keras.layers.Dense(8, activation="relu", name="auxiliary_hidden")(middle)
        x = keras.layers.Dropout(dropout, name="auxiliary_dropout")(x)
        outputs = {"main": outputs, "auxiliary": head(name="auxiliary_head")(x)}
    return keras.Model(inputs, outputs, name="small")


LENET5 = Recipe(
    name="small_lenet5",
    model=lenet5,
    dataset="mnist_5k",
    normalization=PixelRange(low=-0.1, high=1.175, padding=2),
    train_transforms=(RandomAffine(translation=2.0, scale=0.15, squeeze=0.15, shear=0.2),),
    copies=2,
    shuffle="once",
    loss=partial(MaximumAPosteriori, j=1.0),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=1e-4),
    learning_rate=0.002,
    schedule=StepAtIterations(at=(13, 18, 25), by=2.5),  # of 10 in an epoch
    batch_size=32,
    epochs=3,
    validation=100,
    limit_train=320,
    paper=None,
    deviations=(),
)

FRAGILE = Recipe(
    name="small_fragile",
    model=fragile,
    dataset="mnist_5k",
    normalization=PixelRange(low=0.0, high=1.0),
    train_transforms=(RandomAffine(translation=2.0, scale=0.1, squeeze=0.1, shear=0.1),),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    auxiliary_weight=0.3,
    optimizer=partial(keras.optimizers.Adam, use_ema=True, ema_momentum=0.9),
    learning_rate=0.003,
    schedule=DivideOnPlateau(by=2, patience=1, times=3),
    batch_size=32,
    epochs=4,
    validation=100,
    limit_train=330,  # the last batch of an epoch is a partial one
    paper=None,
    deviations=(),
)

# One picture network without anything that depends on how a batch is divided, and one with batch
# normalisation, which does.
PLAIN = Recipe(
    name="small_plain",
    model=partial(fragile, auxiliary_heads=False, dropout=0.0, normalization=None),
    dataset="mnist_5k",
    normalization=PixelRange(low=0.0, high=1.0),
    train_transforms=(RandomAffine(translation=2.0, scale=0.1, squeeze=0.1, shear=0.1),),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=1e-3),
    learning_rate=0.02,
    schedule=StepAtIterations(at=(13,), by=2.0),
    batch_size=32,
    epochs=3,
    validation=101,  # no multiple of anything
    limit_train=328,
    paper=None,
    deviations=(),
)
NORMALIZED = vary(PLAIN, {"model.normalization": BatchNormalization, "name": "small_normalized"})

TOWERS = vary(
    PLAIN,
    {
        "name": "small_towers",
        "model": partial(alexnet, stem="cifar", input_shape=(28, 28, 1)),
        "learning_rate": 0.001,
        "batch_size": 8,
        "epochs": 2,
        "validation": 10,
        "limit_train": 26,
    },
)

TOWERS_2012 = vary(TOWERS, {"model.edition": "code_2012", "name": "small_towers_2012"})

# Rates of their own, a layer that is frozen and thaws, a transform that ends, shared crops whose
# chunks lie across the batches.
STAGED = vary(
    FRAGILE,
    {
        "name": "small_staged",
        "optimizer": partial(CoupledSGD, momentum=0.9, weight_decay=1e-3),
        "learning_rate": 0.02,
        "schedule": RateTable(
            ((0, 1.0), (1, 0.5, {"conv/*": 0.0}), (2, 0.5, {"hidden/kernel": 0.1})), biases=2.0
        ),
        "train_transforms": (
            SharedByChunk(RandomCrop(28, padding=2), crop_chunk=12),
            UntilEpoch(SharedByChunk(RandomFlip(), crop_chunk=5), epoch=1),
            SharedByChunk(RandomFlip(), crop_chunk=12),
        ),
    },
)

# A folder of picture files, which the test that wants it fills and names.
FILES = Recipe(
    name="small_files",
    model=partial(fragile, auxiliary_heads=False, channels=3),
    dataset=f"folder:{os.environ.get('SMALL_FILES', '')}",
    normalization=MeanImage(),
    train_transforms=(RandomAreaCrop(28), RandomFlip(), PCAColorJitter(std=0.1)),
    test_transforms=(ResizeShorterSide(32), CenterCrop(28)),
    protocol=TenCrop(size=28, shorter_side=32),
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=1e-4),
    learning_rate=0.01,
    schedule=DivideOnPlateau(by=2, patience=1, times=3),
    batch_size=16,
    epochs=3,
    validation="test",
    paper=None,
    deviations=(),
)

# The 2012 code's recipe on photographs, with its log in two epochs: from the second on, conv1 is
# frozen, the others' rate lower and the colour noise off. The third leaves no checkpoint that was
# made inside the second.
_IMAGENET = load_recipe("alexnet_imagenet")
CODE_2012 = vary(
    _IMAGENET.RECIPE,
    {
        **_IMAGENET.CODE_2012,
        "name": "code_2012",
        "dataset": f"folder:{os.environ.get('SMALL_FILES', '')}",
        "schedule.stages": ((0, 1.0), (1, 0.1, {"conv1*/*": 0.0})),
        "train_transforms.4.epoch": 1,
        "train_transforms.5.epoch": 1,
        "batch_size": 64,
        "epochs": 3,
    },
)
