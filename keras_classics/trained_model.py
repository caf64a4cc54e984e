"""The parts of a model that training made: pixels, what normalises them, the network, its ends."""

from __future__ import annotations

import difflib
import json
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_classics import checks
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


def feature_extractor(model: keras.Model, layers: Sequence[str] | None = None) -> keras.Model:
    """Returns the model that gives the outputs of inner layers, by their names.

    Of a model that training made, the layers are those of the network inside, and pixels 0 … 255
    go in as before. All weights are shared with `model`, not copied.

    Args:
        model: a network of this package or any functional Keras model.
        layers: names, as "conv4_block6_out", or "inception_4a/conv_5x5" inside an Inception layer;
            None for the last maps of each size, named "stride_2", "stride_4", … by the pixels of
            the input from one of their points to the next.

    Returns:
        A `keras.Model`, the input of `model` to {name: maps}.

    Raises:
        ValueError: if it is no model, or has no maps, or no layer of such a name (the nearest ones
            are said).

    Example:
        >>> import keras_classics
        >>> from keras_classics import feature_extractor
        >>> resnet = keras_classics.cifar_resnet20(include_top=False)
        >>> {name: maps.shape for name, maps in feature_extractor(resnet).output.items()}
        {'stride_1': (None, 32, 32, 16), 'stride_2': (None, 16, 16, 32),
         'stride_4': (None, 8, 8, 64)}
        >>> feature_extractor(resnet, ["conv3_block2_out"]).output["conv3_block2_out"].shape
        (None, 16, 16, 32)
    """
    import keras

    if not isinstance(model, keras.Model):
        checks.refuse("model", "a Keras model", model)
    inside = network_of(model)
    network = inside
    if isinstance(inside, keras.Sequential):  # whose layers do not know their outputs
        network = keras.Model(inside.inputs, inside.outputs, name=inside.name)
    found = _last_of_each_size(network) if layers is None else _named(network, layers)
    inner = keras.Model(network.inputs, found, name=f"{network.name}_features")
    if inside is model:
        return inner
    # What stands before the network, its pixels, is computed as in the whole model.
    before = model.layers[model.layers.index(inside) - 1].output
    return keras.Model(model.inputs, inner(before), name=inner.name)


def _last_of_each_size(network):
    """{"stride_4": the last maps at that stride, …}, from fine to coarse."""
    import keras

    if isinstance(network.output, dict):  # no maps of auxiliary heads
        network = keras.Model(network.inputs, network.output["main"], name=network.name)
    strides, last = {}, {}
    for layer in network.layers:
        inputs = keras.tree.flatten(layer.input)
        outputs = keras.tree.flatten(layer.output)
        stride = max((strides.get(id(tensor), 1) for tensor in inputs), default=1)
        own = getattr(layer, "strides", 1)
        stride *= own if isinstance(own, int) else max(own)
        strides |= {id(tensor): stride for tensor in outputs}
        padding = isinstance(layer, keras.layers.InputLayer | keras.layers.ZeroPadding2D)
        if len(outputs) == 1 and len(outputs[0].shape) == 4 and not padding:
            last[stride] = outputs[0]
    if not last:
        raise ValueError(f"{network.name!r} has no maps; name `layers`.")
    return {f"stride_{stride}": last[stride] for stride in sorted(last)}


def _named(network, names):
    if isinstance(names, str) or not names or not all(isinstance(name, str) for name in names):
        checks.refuse("layers", "None or names of layers", names)
    layers = {layer.name: layer for layer in network.layers}
    found = {}
    for name in names:
        maps = _maps(layers, name)
        if maps is None:
            known = [*layers, *_parts(layers)]
            close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[-3:]
            rule = f"names of layers in {network.name!r} (nearest: {', '.join(close)})"
            checks.refuse("layers", rule, name)
        found[name] = maps
    return found


def _maps(layers, name):
    """What a layer gives, or a part inside it; None where there is none of that name."""
    name, _, part = name.partition("/")
    layer = layers.get(name)
    if layer is None or (part and not hasattr(layer, "branches")):
        return None
    return layer.branches(layer.input).get(part) if part else layer.output


def _parts(layers):
    """Names inside layers that have branches, as "inception_4a/conv_5x5"."""
    for name, layer in layers.items():
        if hasattr(layer, "branches"):
            yield from (f"{name}/{part}" for part in layer.branches(layer.input))
