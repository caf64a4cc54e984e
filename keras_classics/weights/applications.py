"""The ImageNet weights of keras.applications for VGG-16, VGG-19 and ResNet-50, -101, -152."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_classics.errors import UserError
from keras_classics.weights.files import named_tensors, open_hdf5
from keras_classics.weights.fitting import Wanted, assign, check_fit, layer_named, weights_of

_APPLICATIONS = ("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152")
_VGG_HEAD = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}
_RESNET_EPSILON = 1.001e-5  # of the batch normalisation in keras.applications
_CLASSES = 1000
_SITE = "https://storage.googleapis.com/tensorflow/keras-applications"
_LONGEST = 100  # characters of a reason


class DownloadError(UserError, OSError):
    """Weights that could not be fetched; the message is one sentence for the user."""


def load_keras_applications(
    model: keras.Model, application: str, weights: str | Path = "imagenet"
) -> keras.Model:
    """Loads the weights of a network of keras.applications into the same network built here.

    The networks compute the same: the ResNets there have biases in their convolutions, which are
    subtracted from the moving means that follow, and a batch normalisation with ε = 1.001·10⁻⁵,
    whose excess over ours is added to the moving variances.

    These weights want pixels in BGR order, minus (103.939, 116.779, 123.68), and in the ResNets
    the stride on the first 1×1 convolution of a block.

    Args:
        model: the network, told by the names of its layers. With another number of classes than
            1000 the last layer stays as it is, and a warning says so; without the top, the
            tensors of the head are not read.
        application: "VGG16", "VGG19", "ResNet50", "ResNet101" or "ResNet152".
        weights: "imagenet", fetched and verified by keras.applications, or the path of a file that
            such a network wrote: `.weights.h5`, or `.h5` with the weights or the whole model.

    Returns:
        `model`, which is unchanged if an error is raised.

    Raises:
        FileNotFoundError: if there is no such file.
        DownloadError: if keras.applications cannot fetch its weights; an OSError.
        ValueError: if `application` is none of the above, the file is damaged, the model has batch
            normalisation in a VGG or the stride on the 3×3 convolutions, or if a tensor is
            missing, surplus or mis-shaped.

    Reference:
        keras.applications.

    Example:
        >>> import keras_classics
        >>> from keras_classics.weights import load_keras_applications
        >>> load_keras_applications(keras_classics.lenet5(), "ResNet50", "no_such_file.h5")
        Traceback (most recent call last):
        FileNotFoundError: The file of weights no_such_file.h5 does not exist.
    """
    if application not in _APPLICATIONS:
        legal = ", ".join(f'"{name}"' for name in _APPLICATIONS)
        raise ValueError(
            f"`application` must be one of {legal}. Received: application={application!r}"
        )
    is_vgg = application.startswith("VGG")
    _check_options(model, application, is_vgg)
    head = layer_named(model, "fc8" if is_vgg else "fc")
    source = _instantiated(application) if weights == "imagenet" else _saved(weights)
    with source as tensors:
        if head is None:
            tensors = _without(tensors, ("fc1/", "fc2/", "predictions/"))
        fresh = head is not None and _stays_fresh(head, tensors)
        if fresh:
            tensors = _without(tensors, ("predictions/",))
        names = weights_of(model)
        if fresh:
            names = [(layer, v) for layer, v in names if layer != head.name]
        wanted = list(_wanted_vgg(names) if is_vgg else _wanted_resnet(model, names, tensors))
        named = f"{application} of keras.applications"
        check_fit(wanted, tensors, named, _hint(wanted, tensors))
        assign(wanted, tensors, named)
    if fresh:
        warnings.warn(
            f"{application} of keras.applications has {_CLASSES} classes; the layer "
            f"{head.name!r} of {model.name!r} keeps its initial weights.",
            stacklevel=2,
        )
    return model


def _check_options(model, application: str, is_vgg: bool) -> None:
    """What the tensors alone would not tell, or not clearly."""
    if is_vgg and any(type(layer).__name__ == "BatchNormalization" for layer in model.layers):
        raise ValueError(
            f"{application} of keras.applications has no batch normalisation; build the model with "
            "batch_norm=False."
        )
    convolution = layer_named(model, "conv3_block1_1_conv")
    bottleneck = layer_named(model, "conv3_block1_3_conv") is not None
    if not is_vgg and bottleneck and tuple(convolution.strides) == (1, 1):
        raise ValueError(
            f"{application} of keras.applications has its stride on the first 1×1 convolution of "
            'a block; build the model with stride_on="1x1".'
        )


def _cache() -> Path:
    """Where Keras looks for a file before it fetches it."""
    home = os.environ.get("KERAS_HOME")
    return Path(home or Path.home() / ".keras", "models")


@contextmanager
def _instantiated(application: str) -> Iterator[dict[str, np.ndarray]]:
    """The tensors of the network that keras.applications builds, fetches and verifies."""
    # With the top whatever is wanted: one file serves every head, and VGG's fc6 and fc7 are in it.
    build = getattr(keras.applications, application)
    try:
        network = build(weights="imagenet", include_top=True, classifier_activation=None)
    except Exception as error:
        # Without its address: the one to fetch stands behind it, and has to stay whole.
        line = str(error).split("\n")[0].split(" on http")[0]
        reason = " ".join(line.split()).rstrip(".")[:_LONGEST]
        name = f"{application.lower()}_weights_tf_dim_ordering_tf_kernels.h5"
        folder = "resnet" if application.startswith("ResNet") else application.lower()
        raise DownloadError(
            f"keras.applications could not provide the weights of {application} ({reason}); fetch "
            f"{_SITE}/{folder}/{name} and put it into {_cache()}."
        ) from None  # a hundred lines of sockets
    yield {f"{layer}/{v.name}": keras.ops.convert_to_numpy(v) for layer, v in weights_of(network)}


@contextmanager
def _saved(path) -> Iterator[dict[str, Any]]:
    with open_hdf5(path) as file:
        tensors = named_tensors(file)
        if not tensors:
            raise ValueError(f"{path} holds no weights of Keras layers.")
        yield tensors


def _without(tensors: Mapping[str, Any], prefixes: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in tensors.items() if not key.startswith(prefixes)}


def _stays_fresh(head, tensors: Mapping[str, Any]) -> bool:
    """Whether the model's head is for another task than ImageNet's, and than the file's."""
    theirs = tensors.get("predictions/kernel")
    same = theirs is not None and tuple(theirs.shape) == tuple(head.kernel.shape)
    return head.units != _CLASSES and not same


def _wanted_vgg(names) -> Iterator[Wanted]:
    for layer, variable in names:
        theirs = _VGG_HEAD.get(layer) or re.sub(r"^conv(\d)_(\d)$", r"block\1_conv\2", layer)
        yield _same(layer, variable, theirs)


def _wanted_resnet(model, names, tensors: Mapping[str, Any]) -> Iterator[Wanted]:
    for layer, variable in names:
        theirs = "predictions" if layer == "fc" else layer
        bias = f"{layer.removesuffix('_bn')}_conv/bias"
        if variable.name == "moving_mean" and layer.endswith("_bn"):
            shape = tuple(variable.shape)
            yield _same(layer, variable, theirs, lambda mean, b=bias: mean - np.asarray(tensors[b]))
            yield Wanted(bias, bias, shape)
        elif variable.name == "moving_variance":
            excess = _RESNET_EPSILON - layer_named(model, layer).epsilon
            yield _same(layer, variable, theirs, lambda variance, e=excess: variance + e)
        else:
            yield _same(layer, variable, theirs)


def _same(layer: str, variable, theirs: str, convert: Callable = lambda array: array) -> Wanted:
    shape = tuple(variable.shape)
    return Wanted(f"{layer}/{variable.name}", f"{theirs}/{variable.name}", shape, variable, convert)


def _hint(wanted: list[Wanted], tensors: Mapping[Any, Any]) -> str:
    for one in wanted:
        if one.key not in tensors or tuple(tensors[one.key].shape) == one.shape:
            continue
        if one.key == "fc1/kernel":
            return "; build for pictures of 224×224 pixels or with include_top=False"
        if one.key == "predictions/kernel":
            classes = tensors[one.key].shape[-1]
            return f"; build with num_classes={classes} or include_top=False"
    return ""
