"""Time of our layers, forward and backward, beside what the backends and Keras have.

    KERAS_BACKEND=tensorflow python -m benchmarks.layer_speed [--rounds 15]
    KERAS_BACKEND=torch python -m benchmarks.layer_speed
    KERAS_BACKEND=jax python -m benchmarks.layer_speed

Local response normalisation against `tf.nn.local_response_normalization` or
`torch.nn.LocalResponseNorm`, the normalisation within a map against ours across maps, and batch
normalisation against `keras.layers.BatchNormalization`, on maps of AlexNet and ResNet. All in one
process, in turns; prints the median milliseconds and the ratio ours / theirs of the medians. JAX
has no such normalisation, and fuses Keras' batch normalisation itself: there, the one within a map
alone.
"""

import statistics
import time

import keras
import numpy as np

from benchmarks import machine
from keras_classics.layers import (
    BatchNormalization,
    LocalResponseNormalization,
    SpatialResponseNormalization,
)

LRN_SHAPES = (16, 55, 55, 96), (16, 27, 27, 256)
NORM_SHAPES = (128, 32, 32, 16), (16, 56, 56, 64), (16, 14, 14, 256)


def tensorflow_step(function, shape):
    """Returns a function that computes function(x) and its gradient by x."""
    import tensorflow as tf

    x = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return y, tape.gradient(y, x, output_gradients=x)

    return step


def torch_step(function, shape, channels_first=False):
    import torch

    x = torch.tensor(np.random.default_rng(0).normal(size=shape), dtype=torch.float32)
    if channels_first:
        x = x.permute(0, 3, 1, 2).contiguous()
    upstream = x.clone()
    x.requires_grad_()

    def step():
        x.grad = None
        function(x).backward(upstream)

    return step


def jax_step(function, shape):
    import jax

    x = jax.numpy.asarray(np.random.default_rng(0).normal(size=shape), "float32")

    @jax.jit
    def both(x, upstream):
        y, gradient = jax.vjp(function, x)
        return y, gradient(upstream)

    return lambda: jax.block_until_ready(both(x, x))


STEPS = {"tensorflow": tensorflow_step, "torch": torch_step, "jax": jax_step}


def lrn_pair(shape):
    layer = LocalResponseNormalization(data_format="channels_last")
    layer.build(shape)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def theirs(x):
            return tf.nn.local_response_normalization(x, 2, 2.0, 1e-4, 0.75)

        return tensorflow_step(layer, shape), tensorflow_step(theirs, shape)
    import torch

    theirs = torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    return torch_step(layer, shape), torch_step(theirs, shape, channels_first=True)


def own_step(function, shape):
    return STEPS[keras.backend.backend()](function, shape)


def spatial_pair(shape):
    """Beside it ours across maps: no backend has a normalisation within them."""
    layers = SpatialResponseNormalization(), LocalResponseNormalization()
    for layer in layers:
        layer.build(shape)
    return [own_step(layer, shape) for layer in layers]


def norm_pair(shape):
    layers = BatchNormalization(), keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    for layer in layers:
        layer.build(shape)
    return [own_step(lambda x, layer=layer: layer(x, training=True), shape) for layer in layers]


def compare(name, steps, rounds):
    """Prints the medians of both steps, taken in turns."""
    seconds = [], []
    for number in range(rounds + 2):
        for step, kept in zip(steps, seconds, strict=True):
            start = time.perf_counter()
            step()
            if number >= 2:
                kept.append(time.perf_counter() - start)
    ours, theirs = (1000 * statistics.median(kept) for kept in seconds)
    print(f"| {name} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |", flush=True)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="counted computations of each")
    options = parser.parse_args()
    rounds = 1 if options.smoke else options.rounds
    if keras.backend.backend() not in STEPS:
        parser.error(f"run it with KERAS_BACKEND={' or '.join(STEPS)}")
    has_others = keras.backend.backend() != "jax"
    print(f"| {keras.backend.backend()} | ours, ms | theirs, ms | ours / theirs |")
    print("|---|---|---|---|")
    for shape in LRN_SHAPES if has_others else ():
        compare(f"LocalResponseNormalization {shape}", lrn_pair(shape), rounds)
    for shape in LRN_SHAPES:
        compare(f"SpatialResponseNormalization {shape}", spatial_pair(shape), rounds)
    for shape in NORM_SHAPES if has_others else ():
        compare(f"BatchNormalization {shape}", norm_pair(shape), rounds)


if __name__ == "__main__":
    main()
