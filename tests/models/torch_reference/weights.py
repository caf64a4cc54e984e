"""Weights between a Keras model and a network of this package, by the names of the layers."""

import re

import numpy as np
import torch
from torch import nn

# The layers inside a layer `Inception`: figure 2 (b).
INSIDE = ("conv_1x1", "conv_3x3_reduce", "conv_3x3", "conv_5x5_reduce", "conv_5x5")
INSIDE = tuple(f"{name}{suffix}" for name in (*INSIDE, "pool_projection") for suffix in ("", "_bn"))


def weights_by_name(model):
    """Returns {layer name: the Keras layer's arrays}; `inception_3a.conv_1x1` inside a module."""
    found = {}
    for layer in model.layers:
        inside = [part for part in INSIDE if getattr(layer, part, None) is not None]
        if inside:
            found.update({f"{layer.name}.{part}": getattr(layer, part) for part in inside})
        elif layer.weights:
            found[layer.name] = layer
    assert sum(len(layer.weights) for layer in found.values()) == len(model.weights)
    return {name: layer.get_weights() for name, layer in found.items()}


def to_torch(module, arrays):
    """Returns the module's parameters and buffers by name, from a Keras layer's arrays."""
    if isinstance(module, nn.BatchNorm2d):
        names = ("weight", "bias", "running_mean", "running_var")
        return dict(zip(names, arrays, strict=True))
    kernel, *bias = arrays
    if isinstance(module, nn.Conv2d):
        kernel = kernel.transpose(3, 2, 0, 1)  # height, width, in, out -> out, in, height, width
    elif isinstance(module, nn.Linear):
        kernel = kernel.T
    else:  # unshared: a row of height, width, in for each position -> as that of a convolution
        positions, filters, channels, *window = module.weight.shape
        kernel = kernel.reshape(positions, *window, channels, filters).transpose(0, 4, 3, 1, 2)
    return {"weight": kernel, **({"bias": bias[0]} if bias else {})}


def load_weights(network, weights):
    """Copies what `weights_by_name` gave; neither side may have a weight that the other has not."""
    state = {
        f"{name}.{key}": torch.from_numpy(np.ascontiguousarray(array))
        for name, arrays in weights.items()
        for key, array in to_torch(network.get_submodule(name), arrays).items()
    }
    network.load_state_dict(state)
    return network


def merge_towers(weights):
    """Returns AlexNet's weights as those of `GroupedAlexNet`; others' as they are."""
    merged = {}
    for name, arrays in weights.items():
        whole = re.sub("_[ab]$", "", name)
        if whole in merged:  # outputs are the last axis of kernels and biases
            pairs = zip(merged[whole], arrays, strict=True)
            arrays = [np.concatenate(pair, axis=-1) for pair in pairs]
        merged[whole] = arrays
    return merged
