"""ResNet-50 on CIFAR-10: the ImageNet network of He, Zhang, Ren and Sun, 2015, at 32 pixels.

    python recipes/resnet50_cifar10.py                           # a first convolution of 3×3/1
    python recipes/resnet50_cifar10.py --shortcut identity       # option A of section 3.3; C
    python recipes/resnet50_cifar10.py --image-px 224            # enlarged, the stem of the paper
    python recipes/resnet50_cifar10.py --study                   # as study notebooks train it

The paper's own networks for CIFAR-10 are narrower and have 20 … 1202 layers: see
recipes/cifar_resnet_cifar10.py. No paper reports this.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import resnet50
from keras_classics.data.transforms.crops import RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import Resize
from keras_classics.training import CoupledSGD, Deviation, MeanImage, Recipe, Step, WarmUp

RECIPE = Recipe(
    name="resnet50_cifar10",
    model=partial(resnet50, stem="cifar", input_shape=(32, 32, 3)),
    dataset="cifar10",
    train_transforms=(RandomCrop(32, padding=4), RandomFlip()),  # section 4.2
    normalization=MeanImage(),  # "with the per-pixel mean subtracted"
    shuffle="every_epoch",
    loss=partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    optimizer=partial(CoupledSGD, momentum=0.9, weight_decay=1e-4, decay="all"),
    learning_rate=0.1,
    # Section 4.2: the rate is low at first, as for 110 layers, and divided at a half and at three
    # quarters of the updates.
    schedule=WarmUp(then=Step(at=(20, 30), by=10)),
    batch_size=128,
    epochs=40,
    validation="test",  # it chooses nothing
    paper=None,
    deviations=(
        Deviation("A first convolution of 3×3/1 and no pool1.", about=("model.stem",)),
        Deviation("40 epochs, a quarter of section 4.2's updates.", about=("epochs", "schedule")),
    ),
)

ENLARGED = {
    "model.stem": "imagenet",
    "model.input_shape": (224, 224, 3),
    "train_transforms": (*RECIPE.train_transforms, Resize(224)),
    "test_transforms": (Resize(224),),
}

# Enlarged, 30 epochs, the rate divided every ten.
STUDY = {
    **ENLARGED,
    "learning_rate": 0.01,
    "schedule": Step(at=(10, 20), by=10),
    "epochs": 30,
}

CHOICES = {
    "shortcut": {
        "projection": {},
        "identity": {"model.shortcut": "identity"},
        "projection_all": {"model.shortcut": "projection_all"},
    },
    "image-px": {"32": {}, "224": ENLARGED},
    "study": {"off": {}, "on": STUDY},
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
