"""The pad of the page: digits drawn by its reader, read by the run's own network in the browser.

The page computes by itself what `templates/network.js` knows: steps of a few kinds, of which each
layer of the network here becomes one or more. A network with any other layer gets no pad.
"""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.compat import graph_of
from keras_classics.report import figures, markup
from keras_classics.report.network import Network, size_in_words
from keras_classics.report.run_files import RecordedRun, reads_digits

if TYPE_CHECKING:
    import keras

# Of float32: two megabytes of text in the page.
MOST_WEIGHTS = 390_000

_BOX = 20 / 28  # of the field: network.js has the same


class _Unknown(Exception):
    """The page cannot compute this layer."""


def pad(run: RecordedRun, network: Network) -> list[str]:
    """The section with the pad, for a run that reads digits by layers that the page can compute."""
    if run.metrics is None or not reads_digits(run.metrics):
        return []
    classes, shape = run.metrics["class_names"], run.metrics["image_shape"]
    steps = describe(network.model)
    if not steps or list(network.model.input_shape[1:]) != shape:
        return []
    if steps[-1].get("shape") != [len(classes)]:
        return []
    *layers, last = [(step["layer"], step["shape"]) for step in steps if "layer" in step]
    is_code = steps[-1]["operation"] == "rbf" and layers[-1:] and layers[-1][1]
    bitmap = figures.BITMAP if is_code == [np.prod(figures.BITMAP)] else None
    description = {
        "shape": shape,
        "steps": steps,
        "classes": classes,
        "usual_penalty": run.metrics.get("usual_penalty"),
        "bitmap": bitmap,
    }
    rows, columns = shape[:2]
    box = f"{round(_BOX * rows)}×{round(_BOX * columns)}"
    stages = [(name, size_in_words(sides[-1], *sides[:-1])) for name, sides in layers]
    return [markup.pad(description, [("picture", f"{rows}×{columns}"), *stages], last[0], box)]


def describe(model: keras.Model) -> list[dict[str, Any]] | None:
    """Returns the steps that the page computes a model's logits by.

    Args:
        model: pixels in, the layers "logits" and "probabilities" last, as training saves it.

    Returns:
        For each step `operation`, its options, and `weights` as base64 of float32; the one that
        ends a layer with maps or values of the network also has its name, `layer`, and `shape`.
        None if the page knows no such layer, these are no chain, or there are too many weights.
    """
    steps: list[dict[str, Any]] = []
    try:
        chain = list(_chain(model))
        ends = [layer.name for layer, _, _ in chain[-2:]]
        if ends != ["logits", "probabilities"] or model.count_params() > MOST_WEIGHTS:
            return None
        for layer, before, after in chain[:-1]:
            found = [*_steps_of(layer, before), *_activation_of(layer)]
            if {step["operation"] for step in found} - {"affine", "pad"}:
                found[-1] |= {"layer": layer.name, "shape": list(after)}
            steps += found
    except _Unknown:
        return None
    return steps


def _chain(model):
    """Yields each layer, also of models inside, with the shapes before and after it."""
    import keras

    if not getattr(model, "outputs", None):  # it is no graph of layers
        raise _Unknown
    before = None
    for layer, inputs, outputs in graph_of(model).values():
        expected = [] if before is None else [id(before)]
        if len(outputs) != 1 or [id(tensor) for tensor in inputs] != expected:
            raise _Unknown
        (before,) = outputs
        if isinstance(layer, keras.Model):
            yield from _chain(layer)
        elif inputs:
            yield layer, inputs[0].shape[1:], before.shape[1:]


def _steps_of(layer, shape):
    """Returns the steps of a layer, but for its activation, on an input of this shape."""
    known = _known().get(type(layer))
    if known is None or getattr(layer, "data_format", "channels_last") != "channels_last":
        raise _Unknown
    return known(layer, shape)


@functools.cache
def _known():
    import keras

    from keras_classics import layers as ours

    theirs = keras.layers
    return {
        theirs.Activation: lambda layer, shape: [],
        theirs.AveragePooling2D: functools.partial(_pool, "average"),
        theirs.Conv2D: _convolve,
        theirs.Dense: _connect,
        theirs.Dropout: lambda layer, shape: [],
        theirs.Flatten: lambda layer, shape: [],
        theirs.MaxPooling2D: functools.partial(_pool, "max"),
        theirs.Rescaling: _rescale,
        theirs.ZeroPadding2D: lambda layer, shape: [_surround(*layer.padding)],
        ours.Conv2D: _convolve,
        ours.EuclideanRBF: lambda layer, shape: [_step("rbf", centers=layer.centers)],
        ours.MaxPooling2D: functools.partial(_pool, "max"),
        ours.PartiallyConnectedConv2D: _convolve_partially,
        ours.PixelNormalization: _normalize,
        ours.Subsampling: _subsample,
        ours.WholeMapConv2D: _convolve_whole_map,
    }


def _activation_of(layer):
    import keras

    from keras_classics.layers import scaled_tanh

    function = getattr(layer, "activation", None)
    if function in (None, keras.activations.linear):
        return []
    for known in (keras.activations.relu, keras.activations.sigmoid, keras.activations.tanh):
        if function is known:
            return [{"operation": "activation", "function": known.__name__}]
    if function is scaled_tanh:
        return [{"operation": "activation", "function": "scaled_tanh"}]
    raise _Unknown


def _convolve(layer, shape):
    if layer.groups != 1 or tuple(layer.dilation_rate) != (1, 1):
        raise _Unknown
    bias = layer.bias if layer.use_bias else np.zeros(layer.filters)
    return _convolution(layer.kernel, bias, shape, layer.strides, layer.padding)


def _convolve_partially(layer, shape):
    """The slices of the kernel are placed into a full one, as the layer itself does."""
    bias = layer.bias if layer.use_bias else np.zeros(len(layer.connections))
    return _convolution(layer.full_kernel(), bias, shape, (layer.strides,) * 2, layer.padding)


def _convolve_whole_map(layer, shape):
    return _convolution(layer.kernel, layer.bias, shape, layer.strides, layer.padding)


def _convolution(kernel, bias, shape, strides, padding):
    size, strides = list(kernel.shape[:2]), list(strides)
    step = _step("convolution", kernel_size=size, strides=strides, kernel=kernel, bias=bias)
    sides = _sides(shape, size, strides, padding)
    return [_surround(*sides), step] if np.any(sides) else [step]


def _pool(kind, layer, shape):
    if np.any(_sides(shape, layer.pool_size, layer.strides, layer.padding)):
        raise _Unknown  # zeros around the maps would count
    return [_step("pool", kind=kind, size=list(layer.pool_size), strides=list(layer.strides))]


def _subsample(layer, shape):
    size = [layer.pool_size] * 2
    mean = _step("pool", kind="average", size=size, strides=size)
    return [mean, _affine(layer.coefficient, layer.bias)]


def _connect(layer, shape):
    if len(shape) != 1:
        raise _Unknown
    bias = layer.bias if layer.use_bias else np.zeros(layer.units)
    return [_step("dense", kernel=layer.kernel, bias=bias)]


def _rescale(layer, shape):
    for value in (layer.scale, layer.offset):
        if np.shape(value) not in ((), (1,), shape[-1:]):
            raise _Unknown
    return [_affine(layer.scale, layer.offset)]


def _normalize(layer, shape):
    mean = _numbers(layer.mean)
    if layer.reverse_channels or mean.shape not in (shape, shape[-1:]):
        raise _Unknown
    deviation = np.ones(1) if layer.deviation is None else _numbers(layer.deviation)
    return [_affine(1 / deviation, -mean / deviation)]


def _affine(scale, offset):
    return _step("affine", scale=np.atleast_1d(scale), offset=np.atleast_1d(offset))


def _surround(rows, columns):
    return {"operation": "pad", "padding": [*map(int, (*rows, *columns))]}


def _sides(shape, size, strides, padding):
    """Returns the pixels before and behind the rows and the columns."""
    from keras_classics.layers.common import same_padding

    if padding == "valid":
        return ((0, 0), (0, 0))
    return tuple(map(same_padding, shape[:2], size, strides))


def _step(operation, **options):
    """Returns a step; arrays and weights among its options are packed."""
    weights = {name: value for name, value in options.items() if hasattr(value, "dtype")}
    plain = {name: value for name, value in options.items() if name not in weights}
    packed = {name: _packed(value) for name, value in weights.items()}
    return {"operation": operation, **plain, **({"weights": packed} if packed else {})}


def _packed(value):
    numbers = _numbers(value)
    if not np.isfinite(numbers).all():
        raise _Unknown
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode("ascii")


def _numbers(value):
    from keras import ops

    return np.asarray(ops.convert_to_numpy(value), "float32")
