"""The parts of a model that training made: pixels, what normalises them, the network, its ends."""

from __future__ import annotations

import difflib
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from keras_classics import checks
from keras_classics.compat import all_layers, calls_of, graph_of
from keras_classics.errors import UserError
from keras_classics.schema import short

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

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
    `model.get_layer("C1")` does not look inside. A model inside that has no weights, as one that
    augments pictures, is not the network where others have some.

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
    if model.weights:
        nested = [layer for layer in nested if layer.weights]
    return nested[-1] if nested else model


def channels_first(model: keras.Model) -> bool:
    """Whether a model's maps have their channels first: as its first layer with a format says."""
    import keras

    formats = (getattr(layer, "data_format", None) for layer in all_layers(model))
    return next(filter(None, formats), keras.config.image_data_format()) == "channels_first"


def feature_extractor(model: keras.Model, layers: Sequence[str] | None = None) -> keras.Model:
    """Returns the model that gives the outputs of inner layers, by their names.

    Of a model that training made, the layers are those of the network inside, and pixels 0 … 255
    go in as before. All weights are shared with `model`, not copied.

    Args:
        model: a network of this package or any functional Keras model.
        layers: names, as "conv4_block6_out", or "inception_4a/conv_5x5" inside an Inception layer;
            None for the last maps of each size, named "stride_2", "stride_4", … by the pixels of
            the input from one of their points to the next; of two towers, those of both.

    Returns:
        A `keras.Model`, the input of `model` to {name: maps}.

    Raises:
        ValueError: if it is no model of layers in a graph, or has no maps, or no layer of such a
            name (the nearest ones are said).

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

    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        checks.refuse("model", "a Keras model that is a graph of layers", model)
    inside = network_of(model)
    graph = graph_of(inside)
    found = _last_of_each_size(inside, graph) if layers is None else _named(inside, graph, layers)
    return _from_pixels(
        model, keras.Model(_one(inside.inputs), found, name=f"{inside.name}_features")
    )


def _from_pixels(model, inner):
    """Returns a model of the network inside as one of the whole model, whose pixels go in."""
    import keras

    inside = network_of(model)
    if inside is model:
        return inner
    # What stands before the network, its pixels, is computed as in the whole model.
    _, before, _ = graph_of(model)[inside.name]
    return keras.Model(_one(model.inputs), inner(_one(before)), name=inner.name)


def _one(tensors):
    """The tensor that is alone: given a list of one, Keras warns of every call with a tensor."""
    return tensors[0] if len(tensors) == 1 else tensors


def last_hidden(model: keras.Model) -> keras.Model | None:
    """Returns the model that gives the values of the last hidden layer: what the classifier sees.

    Args:
        model: a network, or a model that training made; all weights are shared with it.

    Returns:
        A `keras.Model`, the input of `model` to float32 values; None where several layers make the
        answer together, or none has weights.

    Example:
        >>> import keras_classics
        >>> from keras_classics.trained_model import last_hidden
        >>> last_hidden(keras_classics.cifar_resnet20()).output_shape
        (None, 64)
        >>> last_hidden(keras_classics.lenet5()).output_shape
        (None, 84)
    """
    import keras

    inside = network_of(model)
    if not getattr(inside, "inputs", None):  # it is no graph of layers
        return None
    calls, ends = calls_of(inside)
    makers = {id(end): (layer, inputs) for layer, inputs, outputs in calls for end in outputs}
    layer, before = makers[id(ends[0])]
    while len(before) == 1 and not getattr(layer, "weights", ()):
        layer, before = makers[id(before[0])]
    if len(before) != 1:
        return None
    values = keras.layers.Activation("linear", dtype="float32")(before[0])
    return _from_pixels(model, keras.Model(_one(inside.inputs), values, name="last_hidden"))


def _last_of_each_size(network, graph):
    """{"stride_4": the last maps at that stride, …}, from fine to coarse."""
    import keras

    heads = None if isinstance(network, keras.Sequential) else network.output
    if isinstance(heads, dict) and "main" in heads:  # no maps of auxiliary ones
        graph = graph_of(keras.Model(network.inputs, heads["main"]))
    strides, last = {}, {}
    for name, (layer, inputs, outputs) in graph.items():
        stride = max((strides[id(tensor)] for tensor in inputs), default=1)
        own = getattr(layer, "strides", getattr(layer, "pool_size", 1))
        stride *= own if isinstance(own, int) else max(own)
        strides |= {id(tensor): stride for tensor in outputs}
        padding = isinstance(layer, keras.layers.InputLayer | keras.layers.ZeroPadding2D)
        if len(outputs) == 1 and len(outputs[0].shape) == 4 and not padding:
            last[stride] = name
    if not last:
        raise ValueError(f"{network.name!r} has no maps; name `layers`.")
    axis = 1 if channels_first(network) else -1
    return {f"stride_{stride}": _both_towers(graph, last[stride], axis) for stride in sorted(last)}


def _both_towers(graph, name, axis):
    """The maps of a layer; of AlexNet's towers those of both, one behind the other."""
    import keras

    maps = [graph[tower][2][0] for tower in towers_of(graph, name)]
    if len(maps) == 1:
        return maps[0]
    return keras.layers.Concatenate(axis, name=f"{name}_both")(maps)


def towers_of(graph: Mapping[str, tuple[Any, list[Any], list[Any]]], name: str) -> list[str]:
    """Returns a layer of AlexNet in both of its towers; any other layer alone.

    Two layers of such names are towers if they have weights and maps of the same shapes and none of
    them sees what the other gives: "conv1_b" may as well follow "conv1_a".

    Args:
        graph: of the network, as `keras_classics.compat.graph_of` gives it.
        name: of the layer.

    Example:
        >>> import keras_classics
        >>> from keras_classics.compat import graph_of
        >>> from keras_classics.trained_model import towers_of
        >>> graph = graph_of(keras_classics.alexnet(stem="cifar", include_top=False))
        >>> towers_of(graph, "conv1_b"), towers_of(graph, "pool1_c")
        (['conv1_a', 'conv1_b'], ['pool1_c'])
    """
    towers = [re.sub("_[ab](?=_|$)", tower, name) for tower in ("_a", "_b")]
    if towers[0] == towers[1] or name not in towers or not all(one in graph for one in towers):
        return [name]
    first, second = (_shapes(*graph[one]) for one in towers)
    follows = _feeds(graph, *towers) or _feeds(graph, *reversed(towers))
    return towers if first == second and not follows else [name]


def _shapes(layer, _, outputs):
    return [tuple(one.shape) for one in (*getattr(layer, "weights", ()), *outputs)]


def _feeds(graph, first, second):
    """Whether what one layer gives reaches another one."""
    reached = {id(tensor) for tensor in graph[first][2]}
    for name, (_, inputs, outputs) in graph.items():  # first what comes first
        if any(id(tensor) in reached for tensor in inputs):
            if name == second:
                return True
            reached |= {id(tensor) for tensor in outputs}
    return False


def convolutions_of_pixels(network: keras.Model) -> list[str]:
    """Returns the names of the convolutions over 1 or 3 channels, as a picture has them."""
    kernels = {layer.name: getattr(layer, "kernel", None) for layer in network.layers}
    shapes = {name: kernel.shape for name, kernel in kernels.items() if kernel is not None}
    return [name for name, shape in shapes.items() if len(shape) == 4 and shape[2] in (1, 3)]


def kernels_of(network: keras.Model, layer: str) -> dict[str, np.ndarray]:
    """Returns the filters of a convolution, of AlexNet's towers those of both.

    Args:
        network: any Keras model.
        layer: the name of the convolution.

    Returns:
        {name: floats of shape (filters, height, width, channels)}.

    Example:
        >>> import keras_classics
        >>> from keras_classics.trained_model import convolutions_of_pixels, kernels_of
        >>> network = keras_classics.lenet5()
        >>> (layer,) = convolutions_of_pixels(network)
        >>> {name: kernels.shape for name, kernels in kernels_of(network, layer).items()}
        {'C1': (6, 5, 5, 1)}
    """
    import numpy as np
    from keras import ops

    graph = graph_of(network) if getattr(network, "inputs", None) else {}
    kernels = {name: network.get_layer(name).kernel for name in towers_of(graph, layer)}
    return {
        name: np.moveaxis(np.asarray(ops.convert_to_numpy(kernel), "float32"), -1, 0)
        for name, kernel in kernels.items()
    }


def _named(network, graph, names):
    is_list = isinstance(names, list | tuple) and bool(names)
    if not is_list or not all(isinstance(name, str) for name in names):
        checks.refuse("layers", "None or names of layers", names)
    found, branches = {}, {}
    for name in names:
        module, _, part = name.partition("/")
        layer, inputs, outputs = graph.get(module, (None, [], []))
        if part and hasattr(layer, "branches") and module not in branches:
            branches[module] = layer.branches(*inputs)
        parts = branches.get(module, {})
        if layer is None or (part and part not in parts):
            unknown_layer("layers", name, [*graph, *_parts(graph)], network)
        found[name] = parts[part] if part else outputs[0]
    return found


def unknown_layer(
    argument: str, name: object, known: Sequence[str], network: keras.Model
) -> NoReturn:
    """Raises a ValueError that says which layers have the nearest names.

    Args:
        argument: which named the layer.
        name: what came.
        known: the names that there are.
        network: whose they are.
    """
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or known[-3:]
    rule = f"names of layers in {network.name!r} (nearest: {', '.join(close)})"
    checks.refuse(argument, rule if argument == "layers" else f"one of the {rule}", name)


def _parts(graph):
    """Names inside layers that have branches, as "inception_4a/conv_5x5"."""
    for name, (layer, inputs, _) in graph.items():
        if hasattr(layer, "branches"):
            yield from (f"{name}/{part}" for part in layer.branches(*inputs))
