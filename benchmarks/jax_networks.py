"""The five networks of the speed benchmarks by hand in `jax.lax`, and a step of their training.

What somebody writes who wants them on JAX and nothing else: functions of {layer: arrays}, channels
last, compiled as a whole with the gradient and momentum. Batch normalisation keeps its moving
averages; dropout draws a mask. `train_step` compares them with ours, first the logits.
"""

from functools import partial

import jax
from jax import lax, nn, numpy as jnp

INCEPTIONS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")


def conv(weights, x, strides=1, padding="SAME", groups=1):
    kernel, *bias = weights
    x = lax.conv_general_dilated(
        *(x, kernel, (strides, strides), padding),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    return x + bias[0] if bias else x


def dense(weights, x):
    return x @ weights[0] + weights[1]


def max_pool(x, size, strides, padding="VALID"):
    window = (1, size, size, 1), (1, strides, strides, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, *window, padding)


def dropout(key, x, rate):
    """As today's packages do it: nothing in inference, where there is no key."""
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def response_norm(x):
    """AlexNet, section 3.3, by a sum over a window of five channels."""
    squares = lax.reduce_window(x * x, 0.0, lax.add, (1, 1, 1, 5), (1, 1, 1, 1), "SAME")
    return x / (2 + 1e-4 * squares) ** 0.75


def alexnet(p, x, key):
    """The towers as groups; the units of fc6 and fc7 are halved in inference, as in section 4.2."""

    def towers_apart(f, x):
        return jnp.concatenate([f(half) for half in jnp.split(x, 2, -1)], -1)

    keys = [None, None] if key is None else jax.random.split(key)
    x = conv(p["conv1"], jnp.pad(x, ((0, 0), (0, 3), (0, 3), (0, 0))), 4, "VALID")
    x = max_pool(towers_apart(response_norm, nn.relu(x)), 3, 2)
    x = nn.relu(conv(p["conv2"], x, groups=2))
    x = max_pool(towers_apart(response_norm, x), 3, 2)
    x = nn.relu(conv(p["conv3"], x))
    for name in ("conv4", "conv5"):
        x = nn.relu(conv(p[name], x, groups=2))
    x = max_pool(x, 3, 2)
    x = x.reshape(len(x), -1)
    for name, one in zip(("fc6", "fc7"), keys, strict=True):
        x = nn.relu(dense(p[name], x))
        x = x / 2 if one is None else x * jax.random.bernoulli(one, 0.5, x.shape)
    return dense(p["fc8"], x), {}


def vgg16(p, x, key):
    keys = [None, None] if key is None else jax.random.split(key)
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(1, depth + 1):
            x = nn.relu(conv(p[f"conv{block}_{number}"], x))
        x = max_pool(x, 2, 2)
    x = x.reshape(len(x), -1)
    for name, one in zip(("fc6", "fc7"), keys, strict=True):
        x = dropout(one, nn.relu(dense(p[name], x)), 0.5)
    return dense(p["fc8"], x), {}


def googlenet(p, x, key):
    def inception(name, x):
        def branch(y, *parts):
            for part in parts:
                y = nn.relu(conv(p[f"inception_{name}.{part}"], y))
            return y

        pooled = max_pool(x, 3, 1, "SAME")
        branches = (
            branch(x, "conv_1x1"),
            branch(x, "conv_3x3_reduce", "conv_3x3"),
            branch(x, "conv_5x5_reduce", "conv_5x5"),
            branch(pooled, "pool_projection"),
        )
        return jnp.concatenate(branches, -1)

    x = response_norm(max_pool(nn.relu(conv(p["conv1"], x, 2)), 3, 2, "SAME"))
    x = nn.relu(conv(p["conv2_reduce"], x))
    x = max_pool(response_norm(nn.relu(conv(p["conv2"], x))), 3, 2, "SAME")
    for name in INCEPTIONS:
        x = max_pool(x, 3, 2, "SAME") if name in ("4a", "5a") else x
        x = inception(name, x)
    return dense(p["fc"], dropout(key, x.mean((1, 2)), 0.4)), {}


class _Residual:
    """Convolutions with batch normalisation, whose new moving averages are collected."""

    def __init__(self, p, training):
        self.p, self.training, self.moved = p, training, {}

    def conv_bn(self, name, x, size, strides=1):
        x = conv(self.p[f"{name}_conv"], x, strides, [(size // 2, size // 2)] * 2)
        gamma, beta, mean, variance = self.p[f"{name}_bn"]
        if self.training:
            moving = mean, variance
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            new = [0.9 * a + 0.1 * b for a, b in zip(moving, (mean, variance), strict=True)]
            self.moved[f"{name}_bn"] = [gamma, beta, *map(lax.stop_gradient, new)]
        return (x - mean) * (gamma * lax.rsqrt(variance + 1e-5)) + beta

    def stages(self, x, depths, filters, sizes):
        """Blocks of convolutions of these sizes; the bottleneck's stride is on its first."""
        for stage, depth in enumerate(depths, start=2):
            for number in range(1, depth + 1):
                block, strides = f"conv{stage}_block{number}", 1 + (stage > 2 and number == 1)
                y = x
                for place, size in enumerate(sizes, start=1):
                    y = self.conv_bn(f"{block}_{place}", y, size, strides if place == 1 else 1)
                    y = nn.relu(y) if place < len(sizes) else y
                x = nn.relu(y + self.shortcut(block, x, strides, y.shape[-1]))
        return dense(self.p["fc"], x.mean((1, 2)))

    def shortcut(self, block, x, strides, filters):
        if f"{block}_0_conv" in self.p:
            return self.conv_bn(f"{block}_0", x, 1, strides)
        x = x[:, ::strides, ::strides]
        return jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))


def resnet50(p, x, key):
    network = _Residual(p, key is not None)
    x = nn.relu(network.conv_bn("conv1", x, 7, 2))
    x = max_pool(x, 3, 2, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return network.stages(x, (3, 4, 6, 3), 64, (1, 3, 1)), network.moved


def cifar_resnet20(p, x, key):
    network = _Residual(p, key is not None)
    x = nn.relu(network.conv_bn("conv1", x, 3))
    return network.stages(x, (3, 3, 3), 16, (3, 3)), network.moved


NETWORKS = {f.__name__: f for f in (alexnet, vgg16, googlenet, resnet50, cifar_resnet20)}


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2, 3))
def step(network, rate, p, velocities, x, labels, key):
    """One step of SGD with momentum 0.9; returns the loss, the weights and the velocities."""

    def loss_of(p):
        logits, moved = NETWORKS[network](p, x, key)
        chosen = jnp.take_along_axis(nn.log_softmax(logits), labels[:, None], 1)
        return -chosen.mean(), moved

    (loss, moved), gradients = jax.value_and_grad(loss_of, has_aux=True)(p)
    velocities = jax.tree.map(lambda v, g: 0.9 * v - rate * g, velocities, gradients)
    p = jax.tree.map(jnp.add, p, velocities)
    # Moving averages have no gradient and so never moved; gamma and beta did.
    return loss, {n: [*w[:2], *moved[n][2:]] if n in moved else w for n, w in p.items()}, velocities
