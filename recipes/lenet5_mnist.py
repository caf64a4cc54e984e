"""LeNet-5 on MNIST, as LeCun, Bottou, Bengio and Haffner trained it in 1998 (section III).

    python recipes/lenet5_mnist.py                     # 20 passes over 60,000 digits
    python recipes/lenet5_mnist.py --distort           # with 540,000 distorted ones
    python recipes/lenet5_mnist.py --optimizer sdlm    # the paper's own optimiser
    python recipes/lenet5_mnist.py --simplify c3       # one of the tutorials' shortcuts, or all
    python recipes/lenet5_mnist.py --tutorial tanh     # what most call LeNet-5; max-pooling; sgd
    python recipes/lenet5_mnist.py --tutorial tanh --rate falling    # and what makes it better
    python recipes/lenet5_mnist.py --demo              # 4,500 embedded digits, no download, 90 s

The network, its loss and its schedule are the paper's; `deviations` below says what is not.
"""

from keras_classics.cli import run, start

start(__name__)  # reads the flags: what is imported below takes seconds

from functools import partial

import keras

from keras_classics import lenet5
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.training import (
    Constant,
    CoupledSGD,
    Deviation,
    MaximumAPosteriori,
    PassTable,
    PixelRange,
    Published,
    Recipe,
    Step,
    StochasticDiagonalLM,
)

# Section III-B: η = 0.0005 for two passes, 0.0002 for three, 0.0001 for three, 0.00005 for four,
# 0.00001 for the rest; here as factors of the first.
PASSES = PassTable(((2, 1.0), (3, 0.4), (3, 0.2), (4, 0.1), (8, 0.02)))

RECIPE = Recipe(
    name="lenet5_mnist",
    model=lenet5,  # section II-B
    dataset="mnist",  # the "regular" database, section III-A
    normalization=PixelRange(low=-0.1, high=1.175, padding=2),  # section II-B: 28×28 in 32×32
    train_transforms=(),
    shuffle="every_epoch",
    loss=partial(MaximumAPosteriori, j=1.0),  # eq. 9
    optimizer=partial(CoupledSGD, momentum=0.9),
    learning_rate=0.002,
    schedule=PASSES,
    batch_size=32,
    epochs=20,  # section III-B
    validation="test",  # Fig. 5 plots the test error after each pass; it chooses nothing
    paper=Published(
        test_error=0.95,
        train_error=0.35,
        dataset="mnist",
        examples=10_000,
        what="digits",
        where="section III-B, Figs. 5 and 9",
    ),
    deviations=(
        Deviation(
            "Momentum SGD on batches of 32 instead of stochastic diagonal Levenberg–Marquardt on "
            "single patterns (--optimizer sdlm); the schedule has the paper's ratios.",
            about=("optimizer", "batch_size", "schedule"),
        ),
        Deviation(
            "A new random order in every pass instead of a constant one (section III-B): the same "
            "batches again and again are not what the same single patterns are.",
            about=("shuffle",),
        ),
        "The start of the sub-sampling coefficients and of the biases is not given in the paper: "
        "coefficients 1, biases 0.",
        Deviation("j of eq. 9 is not given in the paper: j = 1.", about=("loss.j",)),
    ),
)

# Section III-B, "distorted": 60,000 originals and 540,000 distorted copies, the same 20 passes of
# 60,000 patterns. The paper names the family of distortions and not their ranges: those here had
# the lower loss of two on held-out training digits (benchmarks/results/mnist.md).
DISTORTED = {
    "train_transforms": (RandomAffine(translation=1.0, scale=0.1, squeeze=0.1, shear=0.1),),
    "copies": 10,
    "deviations": (
        *RECIPE.deviations,
        "The ranges of the distortions are not given in the paper: see `train_transforms`.",
    ),
    "paper": Published(
        test_error=0.8,
        train_error=None,
        dataset="mnist",
        examples=10_000,
        what="digits",
        where="section III-B, Fig. 9",
    ),
}

# Few digits want their distortions and more passes. The published schedule, three times as long,
# had the lower error of two on 500 more held-out digits (benchmarks/results/mnist.md).
DEMO = {
    **DISTORTED,
    "dataset": "mnist_5k",
    "epochs": 60,
    "schedule": PassTable(((6, 1.0), (9, 0.4), (9, 0.2), (12, 0.1), (24, 0.02))),
    "paper": None,
}

# Section III-B and appendix C: single patterns, η as in the text, h_kk on 500 samples before each
# pass. The paper has μ = 0.02; see the deviation.
LEVENBERG_MARQUARDT = {
    "optimizer": partial(StochasticDiagonalLM, mu=0.1, samples=500, warm_up=64),
    "learning_rate": 0.0005,
    "batch_size": 1,
    "shuffle": "once",  # "in a constant random order"
    "deviations": (
        Deviation(
            "μ = 0.1 instead of 0.02, and in the first pass the curvatures are estimated again "
            "after 64, 128, 256, … patterns: from the published initial weights, whose curvatures "
            "are tiny, the paper's values send every unit into saturation within 250 patterns.",
            about=("optimizer",),
        ),
        *RECIPE.deviations[-2:],
    ),
}

# What tutorials leave out, each alone; the training stays the paper's.
SHORTCUTS = {
    "c3": {"model.connections": "full"},  # in place of Table I
    "pooling": {"model.subsampling": "average"},  # without coefficients and squashing
    "tanh": {"model.activation": "tanh"},  # in place of 1.7159·tanh(2a/3)
    "softmax": {  # in place of the bitmaps of Fig. 3
        "model.output": "softmax",
        "loss": partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
        # Of 0.002, 0.01 and 0.05 on held-out digits: the losses differ in scale.
        "learning_rate": 0.01,
    },
    "28px": {"model.input_shape": (28, 28, 1), "normalization.padding": 0},
}
ALL_SHORTCUTS = {field: value for one in SHORTCUTS.values() for field, value in one.items()}

TUTORIAL = {
    **SHORTCUTS["tanh"],
    **SHORTCUTS["c3"],
    **SHORTCUTS["pooling"],
    **SHORTCUTS["softmax"],
    "normalization": PixelRange(low=0.0, high=1.0, padding=2),
    "optimizer": keras.optimizers.Adam,
    "learning_rate": 0.001,
    "schedule": Constant(),
    "batch_size": 128,
    "paper": None,
    "deviations": (),
}

CHOICES = {
    "distort": {"off": {}, "on": DISTORTED},
    "demo": {"off": {}, "on": DEMO},
    "optimizer": {"sgd": {}, "sdlm": LEVENBERG_MARQUARDT},
    "simplify": {
        "off": {},
        **{name: {**changes, "paper": None} for name, changes in SHORTCUTS.items()},
        "all": {**ALL_SHORTCUTS, "paper": None},
    },
    "tutorial": {
        "off": {},
        "tanh": TUTORIAL,
        "relu": {**TUTORIAL, "model.activation": "relu"},
        "max-pooling": {**TUTORIAL, "model.subsampling": "max"},
        "sgd": {
            **TUTORIAL,
            "optimizer": keras.optimizers.SGD,
            "learning_rate": 0.01,
            "epochs": 40,
        },
    },
    "rate": {"published": {}, "falling": {"schedule": Step(at=(12, 16), by=10), "paper": None}},
}

if __name__ == "__main__":
    run(RECIPE, CHOICES)
