"""Every training run behind a figure: {group: {name: arguments}}.

A group is one experiment, its names are the settings and the seeds.
"""

LENET, CNN = "recipes/lenet5_mnist.py", "recipes/mnist_cnn.py"
FASHION_ALEXNET = "recipes/alexnet_fashion_mnist.py"
CIFAR_ALEXNET, VGG = "recipes/alexnet_cifar10.py", "recipes/vgg16_cifar10.py"
ALEXNET_BN = "recipes/alexnet_bn_cifar10.py"
ALEXNET_EDITIONS = "recipes/alexnet_editions_cifar10.py"
CIFAR_RESNET = "recipes/cifar_resnet_cifar10.py"
SEEDS = (0, 1, 2)


def _set(fields):
    return [part for key, value in fields.items() for part in ("--set", f"{key}={value}")]


def _tuning(**fields):
    """One run on 55,000 training digits, measured on the 5,000 held out; no test digit is read."""
    return [LENET, *_set({"validation": 5000}), *_set(fields)]


def _lenet(*arguments):
    # Tested once, after the last pass.
    return [LENET, "--set", "validation=0", *arguments]


def _quick(validation, *arguments):
    """The same pass in calls of sixteen steps: a fifth less of it is Python's."""
    held_out = _set({"validation": validation})
    return [LENET, *held_out, "--steps-per-execution", "16", *arguments]


def _seeded(arguments, prefix="", seeds=SEEDS):
    return {f"{prefix}seed{s}": [*arguments, "--seed", str(s)] for s in seeds}


# Pixels in 0 … 1, without standardising them.
_UNIT_RANGE = {"normalization.low": 0.0, "normalization.high": 1.0}

_TUNING = {
    f"lr{rate}-j{j}-b{batch}": _tuning(
        **{"shuffle": "once", "learning_rate": rate, "loss.j": j, "batch_size": batch}
    )
    for rate, j, batch in (
        (0.002, 1.0, 32),
        (0.002, 10.0, 32),
        (0.004, 1.0, 32),
        (0.002, 0.1, 32),
        (0.002, 1.0, 16),
    )
} | {"reshuffled": _tuning(shuffle="every_epoch")}

# Ranges of the distortions: translation in pixels, scale, squeeze, shear.
_DISTORTIONS = {
    f"t{ranges[0]}-s{ranges[1]}-q{ranges[2]}-h{ranges[3]}": [
        *_tuning(
            **{
                f"train_transforms.0.{name}": value
                for name, value in zip(
                    ("translation", "scale", "squeeze", "shear"), ranges, strict=True
                )
            }
        ),
        "--distort",
    ]
    for ranges in ((2.0, 0.15, 0.15, 0.2), (1.0, 0.1, 0.1, 0.1))
}

_CNN_TUNING = {
    f"{initializer}-seed{s}": [
        *(CNN, "--seed", str(s)),
        *_set({"validation": 5000, "model.kernel_initializer": initializer, **_UNIT_RANGE}),
    ]
    for s in SEEDS
    for initializer in ("glorot_uniform", "lecun_uniform", "he_uniform")
} | {f"standardised-seed{s}": [CNN, "--seed", str(s), *_set({"validation": 5000})] for s in SEEDS}

_SHORTCUTS = ("off", "c3", "pooling", "tanh", "softmax", "28px", "all")

# What might make the tutorials' LeNet-5 better without touching the network.
_PAPER_PIXELS = _set({"normalization.low": -0.1, "normalization.high": 1.175})
_TUTORIAL_SETTINGS = {
    "constant": [],
    "falling": ["--rate", "falling"],
    "falling-pixels": ["--rate", "falling", *_PAPER_PIXELS],
    "falling-pixels-b32": ["--rate", "falling", *_PAPER_PIXELS, "--set", "batch_size=32"],
}

# 60 passes over 4,500 digits and their distorted copies; the schedule of twenty passes, or three
# times as long.
_DEMO = [LENET, "--data", "mnist_5k", "--distort", "--epochs", "60"]
_STRETCHED = "((6,1.0),(9,0.4),(9,0.2),(12,0.1),(24,0.02))"


def _depths(depth, seeds):
    """A quarter of the paper's updates, the rate divided at the same shares of them."""
    scaled = _set({"iterations": 16_000, "schedule.at": "(8000,12000)"})
    return {
        name: arguments
        for kind, flags in (("plain", ["--plain"]), ("residual", []))
        for name, arguments in _seeded(
            [CIFAR_RESNET, "--depth", depth, *flags, *scaled], f"{kind}{depth}-", seeds
        ).items()
    }


GROUPS = {
    "tuning": _TUNING,
    "tuning_distortions": _DISTORTIONS,
    "tuning_cnn": _CNN_TUNING,
    "tuning_cnn_rate": {
        f"falling-seed{s}": [
            CNN,
            "--rate",
            "falling",
            "--seed",
            str(s),
            *_set({"validation": 5000}),
        ]
        for s in SEEDS
    },
    "tuning_simplified": {
        f"{what}-rate{rate}": _quick(5000, "--simplify", what, "--set", f"learning_rate={rate}")
        for what in ("softmax", "all")
        for rate in (0.002, 0.01, 0.05)
    },
    "tuning_demo": {
        f"{name}-seed{s}": [*_DEMO, *_set({"validation": 500, **schedule}), "--seed", str(s)]
        for s in SEEDS
        for name, schedule in (
            ("published-schedule", {}),
            ("stretched", {"schedule.stages": _STRETCHED}),
        )
    },
    "tuning_tutorial": {
        name: arguments
        for what, changes in _TUTORIAL_SETTINGS.items()
        for name, arguments in _seeded(
            _quick(5000, "--tutorial", "tanh", *changes), f"{what}-"
        ).items()
    },
    # Fig. 1 of AlexNet's paper: a rate for each activation, chosen on a fifth of the pictures.
    "tuning_alexnet_speed": {
        f"{activation}-rate{rate}": [
            *(CIFAR_ALEXNET, "--unregularised", "--activation", activation),
            *("--limit-train", "10000", "--epochs", "12"),
            *_set({"validation": 5000, "learning_rate": rate}),
        ]
        for activation, rates in (
            ("relu", (0.001, 0.003, 0.01)),
            ("tanh", (0.001, 0.003, 0.01, 0.03)),
        )
        for rate in rates
    },
    "published": _seeded(_lenet()),
    "distorted": {f"seed{s}": _lenet("--distort", "--seed", str(s)) for s in SEEDS},
    "sizes": {
        f"{size}-seed{s}": _lenet("--limit-train", str(size), "--seed", str(s))
        for size in (15_000, 30_000)
        for s in SEEDS
    },
    # A batch of 4 and twice the rate: the smallest that finishes in half an hour here.
    "sdlm": {
        "seed0": _lenet(
            *("--optimizer", "sdlm", "--batch-size", "4"),
            *_set({"learning_rate": 0.001, "shuffle": "every_epoch"}),
        )
    },
    "simplified": {
        name: arguments
        for what in _SHORTCUTS
        for name, arguments in _seeded(_quick(0, "--simplify", what), f"{what}-").items()
    },
    # As chosen by tuning_tutorial.
    "tutorial": {
        name: arguments
        for pooling in ("average", "max")
        for name, arguments in _seeded(
            _quick(
                *(0, "--tutorial", "tanh", "--set", f"model.subsampling={pooling}"),
                *_TUTORIAL_SETTINGS["falling-pixels-b32"],
            ),
            f"tanh-{pooling}-",
        ).items()
    },
    "cnn": _seeded([CNN]),
    "cnn_unit_range": {f"seed{s}": [CNN, "--seed", str(s), *_set(_UNIT_RANGE)] for s in SEEDS},
    "cnn_falling": _seeded([CNN, "--rate", "falling"]),
    "demo": _seeded([LENET, "--demo"], seeds=range(5)),
    "fashion_alexnet": _seeded([FASHION_ALEXNET], seeds=(0,)),
    "cifar_resnet": _seeded([CIFAR_RESNET], "20-", seeds=(0,)),
    "cifar_depth": _depths("20", SEEDS) | _depths("56", (0,)),
    "cifar_alexnet": _seeded([CIFAR_ALEXNET], "lrn-")
    | _seeded([CIFAR_ALEXNET, "--no-lrn"], "no-lrn-")
    | _seeded([CIFAR_ALEXNET, "--no-overlap"], "no-overlap-"),
    "cifar_alexnet_speed": {
        name: arguments
        # The rates that tuning_alexnet_speed chose; epochs enough for a training error of 25 %.
        for activation, rate, epochs in (("relu", 0.003, 12), ("tanh", 0.01, 24))
        for name, arguments in _seeded(
            [
                *(CIFAR_ALEXNET, "--unregularised", "--activation", activation),
                *("--epochs", str(epochs), *_set({"learning_rate": rate})),
            ],
            f"{activation}-",
        ).items()
    },
    "cifar_vgg": {
        f"{start}-seed0": [VGG, "--start", start, "--epochs", "5", "--seed", "0"]
        for start in ("gaussian", "glorot", "network-a", "from-a")
    }
    | _seeded([VGG], "batch-norm-", seeds=(0,)),
    "cifar_alexnet_bn": _seeded([ALEXNET_BN], seeds=(0,)),
    "cifar_alexnet_editions": {
        f"{change}-seed{s}": [ALEXNET_EDITIONS, "--change", change, "--seed", str(s)]
        for s in SEEDS
        for change in ("none", "order", "starts", "biases", "all")
    },
}
