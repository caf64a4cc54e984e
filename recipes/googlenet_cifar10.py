"""GoogLeNet on CIFAR-10: Szegedy et al., 2014, with a stem for 32 pixels.

    python recipes/googlenet_cifar10.py                    # with both auxiliary heads
    python recipes/googlenet_cifar10.py --no-heads         # what section 5 gives them for
    python recipes/googlenet_cifar10.py --image-px 224     # enlarged, the stem of the paper
    python recipes/googlenet_cifar10.py --study to-4e      # 1,000 epochs; --study enlarged

Nothing else of the network is changed; 30 epochs of momentum SGD, the rate divided by 10 every ten.
No paper reports this.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import googlenet
from keras_classics.data.transforms.crops import RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import Resize
from keras_classics.training import (
    Constant,
    CoupledSGD,
    Deviation,
    MeanColor,
    PixelRange,
    Recipe,
    Step,
)

RECIPE = Recipe(
    name="googlenet_cifar10",
    model=partial(googlenet, stem="cifar", input_shape=(32, 32, 3), auxiliary_heads=True),
    dataset="cifar10",
    train_transforms=(RandomCrop(32, padding=4), RandomFlip()),
    normalization=MeanColor(),  # section 5: "RGB color space with zero mean"
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    auxiliary_weight=0.3,  # section 5
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=2e-4),
    learning_rate=0.01,
    schedule=Step(at=(10, 20), by=10),
    batch_size=128,
    epochs=30,
    validation="test",  # it chooses nothing
    paper=None,
    deviations=(
        Deviation("A first convolution of 3×3/1 and no pool1.", about=("model.stem",)),
        Deviation("30 epochs, the rate divided by 10 every ten.", about=("epochs", "schedule")),
    ),
)

NO_HEADS = {"model.auxiliary_heads": False, "auxiliary_weight": None}
ENLARGED = {
    "model.stem": "imagenet",
    "model.input_shape": (224, 224, 3),
    "train_transforms": (*RECIPE.train_transforms, Resize(224)),
    "test_transforms": (Resize(224),),
}

# A common form: batch normalisation behind convolutions that keep their biases; 25 epochs, measured
# on held-out pictures.
STUDY_ENLARGED = {
    **ENLARGED,
    **NO_HEADS,
    "model.batch_norm": True,
    "model.use_bias": True,
    "model.local_response_norm": False,
    "model.dropout": 0.5,
    "epochs": 25,
    "validation": 5000,
}

# 32 pixels through the stem of the paper, which leaves one position behind pool4. The study never
# measured the test pictures; here they are measured after every epoch.
STUDY_TO_4E = {
    "model": partial(
        googlenet,
        input_shape=(32, 32, 3),
        last_module="pool4",
        local_response_norm=False,
        stem_activation=None,
        average_pooling=False,
        dropout=0.0,
    ),
    "auxiliary_weight": None,
    "train_transforms": (),
    "normalization": PixelRange(low=0.0, high=1.0),
    "optimizer": keras.optimizers.Adam,
    "learning_rate": 1e-4,
    "schedule": Constant(),
    "batch_size": 2048,
    "epochs": 1000,
    "keep_epochs": (300, 500, 700, 900),
}

CHOICES = {
    "no-heads": {"off": {}, "on": NO_HEADS},
    "image-px": {"32": {}, "224": ENLARGED},
    "study": {"off": {}, "enlarged": STUDY_ENLARGED, "to-4e": STUDY_TO_4E},
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
