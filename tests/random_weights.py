"""Weights with which every part of a network shows in its outputs."""

import re

import numpy as np


def randomize(model):
    """Gives each weight a value of its own such that activations neither fade nor explode.

    Kernels as He et al. draw them, statistics near those of their outputs; the last scale in each
    residual block is small, or the sum would double with every block.
    """
    rng = np.random.default_rng(2012)
    blocks = {name for layer in model.layers for name in re.findall(r"conv\d_block\d+", layer.name)}
    last = "_3_bn" if any(layer.name.endswith("_3_bn") for layer in model.layers) else "_2_bn"
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name == "kernel":
            # An unshared kernel is positions × inputs × filters.
            fan_in = shape[1] if len(shape) == 3 else np.prod(shape[:-1])
            value = rng.standard_normal(shape, dtype="float32") * np.sqrt(2 / fan_in)
        elif weight.name in ("gamma", "moving_variance"):
            value = rng.uniform(0.8, 1.2, shape)
        else:
            value = rng.normal(scale=0.3, size=shape)
        if weight.name == "gamma" and last in weight.path and "resnet" in model.name:
            value /= np.sqrt(len(blocks))
        weight.assign(value.astype("float32"))
