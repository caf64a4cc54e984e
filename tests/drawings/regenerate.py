"""Draws what `docs/drawings/` holds: python tests/drawings/regenerate.py."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "drawings"
# File -> network, and its options where they are not the default.
DRAWINGS = {
    "lenet5": ("lenet5", {}),
    "mnist_cnn": ("mnist_cnn", {}),
    "alexnet": ("alexnet", {}),
    "alexnet_145": ("alexnet_145", {}),
    "alexnet_145_half": ("alexnet_145_half", {}),
    "alexnet_150": ("alexnet_150", {}),
    "alexnet_cifar": ("alexnet_cifar", {}),
    "vgg11": ("vgg11", {}),
    "vgg16": ("vgg16", {}),
    "vgg19": ("vgg19", {}),
    "googlenet": ("googlenet", {}),
    "googlenet_auxiliary_heads": ("googlenet", {"auxiliary_heads": True}),
    "resnet18": ("resnet18", {}),
    "resnet34": ("resnet34", {}),
    "resnet50": ("resnet50", {}),
    "resnet101": ("resnet101", {}),
    "resnet152": ("resnet152", {}),
    "plain34": ("plain34", {}),
    "cifar_resnet20": ("cifar_resnet20", {}),
    "cifar_resnet56": ("cifar_resnet56", {}),
    "cifar_resnet110": ("cifar_resnet110", {}),
    "cifar_plain20": ("cifar_plain20", {}),
}


def drawn(name):
    """Returns the drawing of a file's name, as it has to stand in it."""
    from keras_classics.drawings.draw import drawing_of, source_of
    from keras_classics.drawings.figure import figure_of
    from keras_classics.zoo import get_model

    network, options = DRAWINGS[name]
    if not options:
        return drawing_of(network)
    return figure_of(get_model(network, **options), source_of(network))


def main(names):
    FOLDER.mkdir(exist_ok=True)
    for name in names or DRAWINGS:
        path = FOLDER / f"{name}.svg"
        path.write_text(drawn(name), "utf-8")
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1:])
