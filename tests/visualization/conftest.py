import pytest

from keras_classics.data.sources import load


@pytest.fixture(scope="session")
def digits():
    """Two real digits of each class: images uint8 (20, 28, 28, 1), labels."""
    source = load("mnist_5k", "train")
    chosen = [i for digit in range(10) for i in (source.labels == digit).nonzero()[0][:2]]
    return source.images[chosen], source.labels[chosen]
