"""The networks of this package as plain data, readable without importing a backend."""

import difflib
import importlib
from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What is known of a network before building it.

    Args:
        name: the builder's name in `keras_classics`.
        builder: "module:function", imported on demand.
        paper: authors, title, year and section; or what the network is, where there is no paper.
        year: of publication, or None.
        input_shape: default, channels last.
        parameters: trainable ones, with the default head.
        test_error: published, in percent; None where there is none.
        test_data: what that error was measured on.
    """

    name: str
    builder: str
    paper: str
    year: int | None
    input_shape: tuple[int, int, int]
    parameters: int
    test_error: float | None
    test_data: str | None


_CARDS = (
    ModelCard(
        name="lenet5",
        builder="keras_classics.models.lenet:lenet5",
        paper='LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document '
        'Recognition", section II-B',
        year=1998,
        input_shape=(32, 32, 1),
        parameters=60_000,
        test_error=0.95,
        test_data="MNIST, 10,000 digits",
    ),
    ModelCard(
        name="mnist_cnn",
        builder="keras_classics.models.mnist_cnn:mnist_cnn",
        paper="a small network that tutorials use; there is no paper",
        year=None,
        input_shape=(28, 28, 1),
        parameters=50_186,
        test_error=None,
        test_data=None,
    ),
)
_BY_NAME = {card.name: card for card in _CARDS}


def list_models(pattern="*"):
    """Returns the names of the networks.

    Args:
        pattern: shell pattern, e.g. "lenet*".

    Returns:
        List of str.

    Example:
        >>> from keras_classics import list_models
        >>> list_models("lenet*")
        ['lenet5']
    """
    return [card.name for card in _CARDS if fnmatch(card.name, pattern)]


def model_card(name):
    """Returns the card of a network.

    Args:
        name: as in `list_models()`.

    Returns:
        `ModelCard`.

    Raises:
        ValueError: if there is no such network.

    Example:
        >>> from keras_classics import model_card
        >>> model_card("lenet5").parameters
        60000
    """
    if name not in _BY_NAME:
        close = difflib.get_close_matches(str(name), _BY_NAME) or list(_BY_NAME)
        raise ValueError(
            f"`name` must be a network of this package, for example {', '.join(close)}. "
            f"Received: name={name!r}"
        )
    return _BY_NAME[name]


def get_model(name, /, **options):
    """Builds a network by name.

    Args:
        name: as in `list_models()`.
        **options: those of its builder.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: if there is no such network, or an option is out of range.

    Example:
        >>> from keras_classics import get_model
        >>> get_model("lenet5", output="softmax", num_classes=26).output_shape
        (None, 26)
    """
    module, _, function = model_card(name).builder.partition(":")
    return getattr(importlib.import_module(module), function)(**options)
