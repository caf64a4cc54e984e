"""PyTorch checkpoints with torchvision's names, and those of the widespread CIFAR ResNets."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.weights.files import read_checkpoint
from keras_classics.weights.fitting import (
    Wanted,
    assign,
    check_fit,
    has_operation,
    layer_named,
    weights_of,
)

if TYPE_CHECKING:
    import keras

_TORCH_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_VGG_HEAD = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}
_TIMM_VGG = {
    "pre_logits.fc1": "classifier.0",
    "pre_logits.fc2": "classifier.3",
    "head.fc": "classifier.6",
}
_REFUSED = {
    "AlexNet": (
        "torchvision's AlexNet is another network than the paper's: the \"one weird trick\" net "
        "with 64, 192, 384, 256, 256 filters, no local response normalisation and no groups; its "
        "weights cannot be loaded."
    ),
    "GoogLeNet": (
        "torchvision's GoogLeNet is another network than the paper's: it has 3×3 where the paper "
        "has 5×5 convolutions, and batch normalisation; its weights cannot be loaded."
    ),
}


def load_torch_state_dict(
    model: keras.Model, state_dict: Mapping[str, Any] | str | Path
) -> keras.Model:
    """Loads a PyTorch checkpoint of a VGG or ResNet into the same network built here.

    Read are torchvision's and timm's names of VGG-11 … 19, with and without batch normalisation,
    and of ResNet-18 … 152, and the names of the widespread CIFAR ResNets (`conv1`,
    `layer1.0.conv1`, …, `linear`). `module.` before every name and the entries
    `num_batches_tracked` are ignored; without the top, so are the tensors of the head.

    What the tensors cannot tell is up to the caller: torchvision's ResNet-50 … 152 are trained
    with `stride_on="3x3"` (a model that was built otherwise is warned about), and on pixels that
    are normalised as torchvision does. A square kernel that somebody has transposed keeps its shape
    and is not noticed. Weights of an AlexNet that you bring over yourself were most likely trained
    with inverted dropout: build with `inverted_dropout=True`, or the logits are a quarter.

    Args:
        model: a VGG or ResNet, told by the names of its layers.
        state_dict: name to tensor (PyTorch or NumPy), a mapping that has it as "state_dict" or
            "model", or the path of a file: `.safetensors`, or what `torch.save` wrote. Files are
            read without running pickled code.

    Returns:
        `model`, which is unchanged if an error is raised.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if the package that reads the file, torch or safetensors, is not installed.
        ValueError: if the file is no checkpoint; if it is of another network; if a tensor is
            missing, surplus or mis-shaped, sparse, quantised or without data; if it holds NaN,
            infinite or complex numbers, or negative variances; if a CIFAR ResNet without shortcut
            weights, which pads its channels on both sides, meets a model that was not built with
            `pad="both"`.

    Reference:
        torchvision.models.vgg and torchvision.models.resnet.

    Example:
        >>> import keras_classics
        >>> from keras_classics.weights import load_torch_state_dict
        >>> load_torch_state_dict(keras_classics.lenet5(), "no_such_file.pth")
        Traceback (most recent call last):
        FileNotFoundError: The file of weights no_such_file.pth does not exist.
    """
    if isinstance(state_dict, str | Path):
        state_dict = read_checkpoint(state_dict)
    tensors = _with_torchvisions_names(tensors_of(state_dict))
    layout = _layout(tensors)
    if layout in _REFUSED:
        raise ValueError(_REFUSED[layout])
    if _network(model) != layout:
        raise ValueError(
            f"The checkpoint is of a {layout}, but the model {model.name!r} has other layers."
        )
    if layout == "ResNet":
        _check_shortcuts(model, tensors)
        keys, head = _resnet_keys(model, tensors), "fc"
    else:
        _check_no_response_normalisation(model)
        keys, head = _vgg_keys(model), "fc8"
    if layer_named(model, head) is None:
        dropped = ("fc.", "linear.", "classifier.")
        tensors = {key: value for key, value in tensors.items() if not key.startswith(dropped)}
    wanted = [
        _wanted(model, layer, variable, keys.get(layer)) for layer, variable in weights_of(model)
    ]
    hint = _hint({one.ours: one for one in wanted}, tensors, head)
    check_fit(wanted, tensors, "The PyTorch checkpoint", hint)
    assign(wanted, tensors, "The PyTorch checkpoint", numpy_of)
    if layout == "ResNet":
        _warn_of_another_stride(model, tensors)
    return model


def tensors_of(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the tensors of a checkpoint, out of what is wrapped around them."""
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            "`state_dict` must be a mapping from names to tensors, or the path of a file. "
            f"Received: {type(state_dict).__name__}"
        )
    for name in ("state_dict", "model"):
        if isinstance(state_dict.get(name), Mapping):
            state_dict = state_dict[name]
    for key, value in state_dict.items():
        if not (isinstance(key, str) and hasattr(value, "shape")):
            raise ValueError(
                "`state_dict` must map names to tensors. "
                f"Received: {key!r} with {type(value).__name__}"
            )
    parallel = bool(state_dict) and all(key.startswith("module.") for key in state_dict)
    return {
        key.removeprefix("module.") if parallel else key: value
        for key, value in state_dict.items()
        if not key.endswith("num_batches_tracked")
    }


def _with_torchvisions_names(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The same with timm's names of a VGG's head, convolutions there, changed to torchvision's."""
    renamed = {}
    for key, tensor in tensors.items():
        layer, _, weight = key.rpartition(".")
        if layer in _TIMM_VGG:
            key = f"{_TIMM_VGG[layer]}.{weight}"
            tensor = tensor.reshape(len(tensor), -1) if weight == "weight" else tensor
        renamed[key] = tensor
    return renamed


def numpy_of(tensor: Any) -> np.ndarray:
    """Returns a PyTorch or NumPy tensor as an array of float32, unless it holds no numbers."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = (tensor if tensor.is_complex() else tensor.float()).numpy()
    array = np.asarray(tensor)
    return array if array.dtype.kind in "cSUOM" else array.astype("float32")  # those are refused


def _layout(tensors: Mapping[str, Any]) -> str:
    """The network that the names belong to."""
    first = tensors.get("features.0.weight")
    if any(key.startswith("inception3a.") for key in tensors):
        return "GoogLeNet"
    if first is not None and tuple(first.shape[2:]) == (11, 11):
        return "AlexNet"
    if first is not None:
        return "VGG"
    if "conv1.weight" in tensors and any(key.startswith("layer1.") for key in tensors):
        return "ResNet"
    raise ValueError(
        "`state_dict` must have torchvision's names of a VGG or ResNet, `features.0.weight` or "
        f"`conv1.weight` and `layer1.…`. Received: {', '.join(list(tensors)[:5]) or 'no tensors'}"
    )


def _network(model) -> str | None:
    """The network that the layers' names belong to."""
    if layer_named(model, "conv1_1") is not None:
        return "VGG"
    return "ResNet" if layer_named(model, "conv1_conv") is not None else None


def _check_shortcuts(model, tensors) -> None:
    if not has_operation(model, "Add"):
        raise ValueError(
            f"The checkpoint is of a ResNet, but the model {model.name!r} is a plain network "
            "without shortcuts."
        )
    parameter_free = not any(".downsample." in k or ".shortcut." in k for k in tensors)
    if parameter_free and any(
        type(layer).__name__ == "ZeroPadShortcut" and layer.where == "end" for layer in model.layers
    ):
        raise ValueError(
            "The checkpoint's shortcuts have no weights and pad zero channels on both sides; "
            'build the model with pad="both".'
        )


def _warn_of_another_stride(model, tensors) -> None:
    convolution = layer_named(model, "conv3_block1_1_conv")
    bottleneck = layer_named(model, "conv3_block1_3_conv") is not None
    torchvisions = any(".downsample." in key for key in tensors)
    if bottleneck and torchvisions and tuple(convolution.strides) != (1, 1):
        warnings.warn(
            "The names are torchvision's, whose ResNet-50 … 152 have the stride on the 3×3 "
            f"convolutions, and the model {model.name!r} has it on the 1×1 ones: its outputs will "
            'differ; build it with stride_on="3x3", unless these weights were trained otherwise.',
            stacklevel=3,
        )


def _check_no_response_normalisation(model) -> None:
    if has_operation(model, "LocalResponseNormalization"):
        raise ValueError(
            f"The checkpoint is of a VGG without local response normalisation, which the model "
            f"{model.name!r} has; build vgg11 instead of vgg11_lrn."
        )


def _resnet_keys(model, tensors) -> dict[str, str]:
    """The name of each layer in PyTorch: conv3_block1_2_bn is layer2.0.bn2."""
    shortcut = "shortcut" if any(".shortcut." in key for key in tensors) else "downsample"
    keys = {
        "conv1_conv": "conv1",
        "conv1_bn": "bn1",
        "fc": "linear" if "linear.weight" in tensors else "fc",
    }
    for layer in model.layers:
        match = re.fullmatch(r"conv(\d+)_block(\d+)_(\d)_(conv|bn)", layer.name)
        if match:
            stage, block, place = (int(group) for group in match.groups()[:3])
            ours = match[4]
            part = f"{ours}{place}" if place else f"{shortcut}.{('conv', 'bn').index(ours)}"
            keys[layer.name] = f"layer{stage - 1}.{block - 1}.{part}"
    return keys


def _vgg_keys(model) -> dict[str, str]:
    """The name of each layer in PyTorch, where ReLUs and pools are counted, too."""
    keys = dict(_VGG_HEAD)
    convolutions = sorted(
        (int(match[1]), int(match[2]))
        for match in (re.fullmatch(r"conv(\d)_(\d)", layer.name) for layer in model.layers)
        if match
    )
    index, last_block = 0, 1
    for block, number in convolutions:
        index += block - last_block  # the pool between two blocks
        last_block = block
        name = f"conv{block}_{number}"
        keys[name] = f"features.{index}"
        if layer_named(model, f"{name}_bn") is not None:
            index += 1
            keys[f"{name}_bn"] = f"features.{index}"
        index += 2  # the convolution, or its batch normalisation, and the ReLU
    return keys


def _wanted(model, layer: str, variable, key: str | None) -> Wanted:
    ours, shape = f"{layer}/{variable.name}", tuple(variable.shape)
    key = f"{key}.{_TORCH_NAMES[variable.name]}" if key and variable.name in _TORCH_NAMES else None
    if len(shape) == 4:
        torch_shape = (shape[3], shape[2], shape[0], shape[1])
        return Wanted(ours, key, torch_shape, variable, lambda a: np.transpose(a, (2, 3, 1, 0)))
    if len(shape) == 2:
        convert = _flattened(model) if layer == "fc6" else np.transpose
        return Wanted(ours, key, shape[::-1], variable, convert)
    return Wanted(ours, key, shape, variable)


def _flattened(model):
    """From PyTorch's order of a flattened map, channel by channel, to ours, pixel by pixel."""
    flatten = next(layer for layer in model.layers if type(layer).__name__ == "Flatten")
    shape = tuple(flatten.input.shape[1:])
    if flatten.data_format == "channels_last":
        shape = (shape[2], shape[0], shape[1])

    def convert(kernel):
        maps = kernel.reshape(-1, *shape)
        return np.transpose(maps, (2, 3, 1, 0)).reshape(-1, len(kernel))

    return convert


def _hint(wanted: Mapping[str, Wanted], tensors, head: str) -> str:
    """What to build instead, where the head alone tells it."""
    kernel = wanted.get(f"{head}/kernel")
    if kernel is not None and kernel.key in tensors:
        shape = tuple(tensors[kernel.key].shape)
        if len(shape) == 2 and shape[0] != kernel.shape[0]:
            return f"; build with num_classes={shape[0]} or include_top=False"
    first = wanted.get("fc6/kernel")
    if first is not None and first.key in tensors:
        shape = tuple(tensors[first.key].shape)
        side = 32 * math.isqrt(shape[-1] // 512)
        if shape != first.shape and side:
            return f"; build for pictures of {side}×{side} pixels or with include_top=False"
    return ""
