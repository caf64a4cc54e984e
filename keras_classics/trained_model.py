"""The parts of a model that training made: pixels, what normalises them, the network, its ends."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from keras_classics.errors import UserError
from keras_classics.schema import short

if TYPE_CHECKING:
    from pathlib import Path

    import keras

_LARGEST = 10_000_000  # of a number in a network's description: units, filters, pixels
_NO_SIZES = ("seed", "shared_object_id")
_MOST_BYTES = 64_000_000  # of that description, and of what small files unpack to


def load_model(path: Path, error: type[Exception] = UserError) -> keras.Model:
    """Loads a saved model; nothing that the file brings along is run.

    Args:
        path: of a `.keras` file.
        error: class of the exception, which says what is wrong with the file, in one sentence.

    Raises:
        error: if the file is missing or damaged, or would run code, or asks for absurd sizes.

    Example:
        >>> from pathlib import Path
        >>> from keras_classics.trained_model import load_model
        >>> load_model(Path("missing.keras"))
        Traceback (most recent call last):
        keras_classics.errors.UserError: missing.keras does not exist; is the run finished, and was
        this epoch kept?
    """
    import keras

    if not path.exists():
        raise error(f"{path} does not exist; is the run finished, and was this epoch kept?")
    try:
        _check_sizes(path)
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except MemoryError as problem:
        raise error(f"{path} cannot be loaded as a model (it needs too much memory).") from problem
    except Exception as problem:  # Keras, HDF5 and zipfile raise nearly anything for damage
        reason = short(str(problem).strip().partition("\n")[0] or type(problem).__name__)
        raise error(f"{path} cannot be loaded as a model ({reason.rstrip('.')}).") from problem


def _check_sizes(path):
    """Raises for contents and layers that no memory would hold, before Keras makes them."""
    with zipfile.ZipFile(path) as archive:
        # Keras packs without compressing.
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > _MOST_BYTES + 10 * path.stat().st_size:
            raise ValueError(f"it unpacks to {unpacked:,} bytes")
        if archive.getinfo("config.json").file_size > _MOST_BYTES:
            raise ValueError("its description is too long")
        described = json.loads(archive.read("config.json"))
    left = [described]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += [part for name, part in value.items() if name not in _NO_SIZES]
        elif isinstance(value, (int, float)) and _LARGEST < abs(value) < float("inf"):
            raise ValueError(f"its description asks for {short(value, 20)} of something")


def network_of(model: keras.Model) -> keras.Model:
    """Returns the network inside a trained model; of a builder's own model, the model itself.

    A trained model is (pixels, layers of pixels, network), the saved one with the layers `logits`
    and `probabilities` behind it. Layers inside are reached through the network, since
    `model.get_layer("C1")` does not look inside.

    Args:
        model: a Keras model.

    Example:
        >>> import keras
        >>> from keras_classics.trained_model import network_of
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="inside")
        >>> model = keras.Sequential([keras.Input((4,)), network, keras.layers.Softmax()])
        >>> network_of(model).name, network_of(network).name
        ('inside', 'inside')
    """
    import keras

    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return nested[-1] if nested else model
