"""What more than one of the networks is made of."""

import torch
from torch import nn
from torch.nn import functional as F


def local_response_norm(x, *, radius=2, bias=2.0, alpha=1e-4, beta=0.75, mean=False):
    """b_i = a_i / (k + α Σ_j a_j²)^β over the channels i − n/2 … i + n/2 (AlexNet, section 3.3).

    α is not divided by n unless `mean` asks for it, as Caffe and PyTorch do.
    """
    size, channels = 2 * radius + 1, x.shape[1]
    squares = F.pad(x * x, (0, 0, 0, 0, radius, radius))
    total = sum(squares[:, j : j + channels] for j in range(size))
    return x / (bias + (alpha / size if mean else alpha) * total) ** beta


def spatial_response_norm(x, *, size=5, alpha=1e-3, beta=0.75):
    """a / (1 + α / size² Σ a²)^β over a window of size × size within each map (cuda-convnet)."""
    r = size // 2
    height, width = x.shape[2:]
    squares = F.pad(x * x, (r, r, r, r))
    total = sum(
        squares[:, :, i : i + height, j : j + width] for i in range(size) for j in range(size)
    )
    return x / (1 + alpha / size**2 * total) ** beta


def max_pool_round_up(x):
    """3×3, stride 2; a last window that overhangs the picture still counts (cuda-convnet)."""
    return F.max_pool2d(x, 3, 2, ceil_mode=True)


def pad_same(x, kernel_size, stride, value=0.0):
    """Pads so that the output has ⌈size / stride⌉ pixels; an odd pixel at the bottom and right."""
    padding = []
    for size in (x.shape[3], x.shape[2]):  # F.pad begins with the last axis
        missing = max((-(-size // stride) - 1) * stride + kernel_size - size, 0)
        padding += [missing // 2, missing - missing // 2]
    return F.pad(x, padding, value=value)


def max_pool_same(x):
    """3×3, stride 2, as many pixels as ⌈size / 2⌉."""
    return F.max_pool2d(pad_same(x, 3, 2, value=-torch.inf), 3, 2)


def flatten(x):
    """Flattens in the order height, width, channel, in which Keras' dense layers expect it."""
    return x.permute(0, 2, 3, 1).flatten(1)


def drop_units(x, rate, training, inverted=False):
    """AlexNet's dropout (section 4.2): masks in training, multiplies by what is kept in a test."""
    if inverted:
        return torch.nn.functional.dropout(x, rate, training)
    keep = 1 - rate
    return x * (torch.rand_like(x) < keep) if training else x * keep


def batch_norm(channels):
    """PyTorch's momentum is the share of the new value, 1 − 0.9."""
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)
