"""A search around LeNet-5: rate, momentum and three of its parts that later networks changed.

    python recipes/tuning/tune_lenet5_mnist.py    # Hyperband on 5,000 embedded digits
    python recipes/tuning/tune_lenet5_mnist.py --tuner random --trials 20
    python recipes/tuning/tune_lenet5_mnist.py --data mnist --validation 5000

Several processes share a search through the one that chooses (start it first; on other machines
the folder has to be a shared one):

    python recipes/tuning/tune_lenet5_mnist.py --oracle localhost:8500
    python recipes/tuning/tune_lenet5_mnist.py --oracle localhost:8500 --worker 1
    python recipes/tuning/tune_lenet5_mnist.py --oracle localhost:8500 --worker 2
"""

from keras_classics.cli import start, tune

start(__name__)  # reads the flags: what is imported below takes seconds

from keras_classics.cli.recipe_files import load_recipe
from keras_classics.training import vary

LENET5 = load_recipe("lenet5_mnist").RECIPE
RECIPE = vary(LENET5, {"dataset": "mnist_5k", "validation": 450, "epochs": 9, "paper": None})


def space(hp):
    """Declares what is varied, and how far."""
    # The squared distances of the RBF units are steep, a softmax wants a hundred times the rate.
    hp.Float("learning_rate", 5e-4, 0.5, sampling="log", default=LENET5.learning_rate)
    hp.Float("optimizer.momentum", 0.5, 0.98, default=0.9)
    hp.Choice("model.activation", ["scaled_tanh", "tanh", "relu"])
    hp.Choice("model.subsampling", ["trainable", "average", "max"])
    hp.Choice("model.output", ["rbf", "softmax"])


if __name__ == "__main__":
    tune(RECIPE, space)
