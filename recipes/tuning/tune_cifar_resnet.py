"""A search around ResNet-20 on CIFAR-10: rate, decay, depth, and the shape of the shortcut.

    python recipes/tuning/tune_cifar_resnet.py    # Hyperband, up to 27 epochs a trial
    python recipes/tuning/tune_cifar_resnet.py --tuner bayesian --trials 30

5,000 training pictures are held out to choose by, as in section 4.2 of the paper.
"""

from keras_classics.cli import start, tune

start(__name__)  # reads the flags: what is imported below takes seconds

from keras_classics.cli.recipe_files import load_recipe
from keras_classics.training import vary

RESNET = load_recipe("cifar_resnet_cifar10").RECIPE
RECIPE = vary(RESNET, {"validation": 5000, "epochs": 27, "iterations": None, "paper": None})


def space(hp):
    """Declares what is varied, and how far."""
    hp.Float("learning_rate", 0.01, 0.5, sampling="log", default=RESNET.learning_rate)
    hp.Float("optimizer.weight_decay", 1e-5, 1e-3, sampling="log", default=1e-4)
    hp.Choice("model.depth", [20, 32])
    hp.Boolean("model.residual", default=True)


if __name__ == "__main__":
    tune(RECIPE, space)
