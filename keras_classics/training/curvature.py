"""Diagonal curvature of a network's loss by squared-weight back-propagation.

For a unit with total input a = Σ_i u_i x_i the paper keeps (appendix C, eqs. 22–27)

    h_kk        = mean over patterns of Σ over the connections sharing w_k of ∂²E/∂a² · x²
    ∂²E/∂x_i²  ≈ Σ over the units that x_i feeds of u_i² · ∂²E/∂a²
    ∂²E/∂a²    ≈ f'(a)² · ∂²E/∂f²

that is, back-propagation with squared weights and squared slopes, without the term in f''. All
terms are non-negative. It is neither the squared gradient nor the Hessian.

At the outputs nothing has to be dropped. With y_i = ‖x − c_i‖², d_i = x − c_i and
p_i = e^{−y_i} / (e^{−j} + Σ_k e^{−y_k}), the loss of eq. 9 has

    ∂²E/∂x² = 2 (1 − Σ p_i) + 4 (Σ p_i d_i² − (Σ p_i d_i)²)

which is 2, the start for eq. 8, where all p_i = 0. For the logits z of a dense output it is
∂²E/∂z_i² = p_i (1 − p_i).

Everything is NumPy in float64: once a pass on 500 pictures, exactness is worth more than speed.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from keras_classics.layers import (
    Conv2D,
    EuclideanRBF,
    MaxPooling2D,
    PartiallyConnectedConv2D,
    Subsampling,
    WholeMapConv2D,
)
from keras_classics.training.losses import CorrectClassPenalty, MaximumAPosteriori

# Pictures handled at once: bounds the memory of the unfolded convolutions.
_CHUNK = 50

# Activation by name -> (f(a), f'(a) from a and f(a)).
_ACTIVATIONS = {
    "linear": (lambda a: a, lambda a, f: np.ones_like(a)),
    "tanh": (np.tanh, lambda a, f: 1 - f**2),
    "relu": (lambda a: np.maximum(a, 0), lambda a, f: (a > 0).astype(a.dtype)),
    "scaled_tanh": (
        lambda a: 1.7159 * np.tanh(2 / 3 * a),
        lambda a, f: 1.7159 * 2 / 3 * (1 - (f / 1.7159) ** 2),
    ),
}


def diagonal_curvature(
    network: keras.Model, inputs: np.ndarray, labels: np.ndarray, loss: keras.losses.Loss
) -> list[np.ndarray]:
    """Estimates h_kk for every trained weight of a network that is a plain chain of layers.

    Args:
        network: a built Functional model, channels last, of convolutions (stride 1), poolings,
            `Subsampling`, `Flatten` and `Dense` layers that ends in logits.
        inputs: array (n, height, width, channels), what the network takes: after normalisation.
        labels: array (n,) of classes.
        loss: `MaximumAPosteriori`, `CorrectClassPenalty` or Keras' sparse cross-entropy.

    Returns:
        List of float64 arrays, shaped and ordered as `network.trainable_variables`.

    Raises:
        ValueError: if a layer, an activation or the loss has no rule.

    Reference:
        LeCun et al. 1998, appendix C.
    """
    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    total = [np.zeros(variable.shape) for variable in network.trainable_variables]
    for start in range(0, len(inputs), _CHUNK):
        part = slice(start, start + _CHUNK)
        for sums, value in zip(total, _curvature_sums(layers, inputs[part], loss), strict=True):
            sums += value
    return [sums / len(inputs) for sums in total]


def _curvature_sums(layers, inputs, loss):
    x, backward_steps = np.asarray(inputs, "float64"), []
    for layer in layers[:-1]:
        x, backward = _rule(layer)(layer, x)
        backward_steps.append(backward)
    h, found = _output_curvature(layers[-1], x, loss)
    found = [found]
    for backward in reversed(backward_steps):
        h, of_weights = backward(h)
        found.append(of_weights)
    return [value for of_weights in reversed(found) for value in of_weights]


def _weights(layer):
    kernel = layer.full_kernel() if hasattr(layer, "full_kernel") else layer.kernel
    kernel = keras.ops.convert_to_numpy(kernel).astype("float64")
    return kernel, keras.ops.convert_to_numpy(layer.bias).astype("float64")


def _activate(layer, a):
    name = layer.activation.__name__
    if name not in _ACTIVATIONS:
        raise ValueError(f"The curvature has no rule for the activation {name!r} of {layer.name}.")
    f, slope = _ACTIVATIONS[name]
    output = f(a)
    return output, slope(a, output) ** 2


def _output_curvature(layer, x, loss):
    """Returns ∂²E/∂x² at the input of the last layer, and the curvature of its weights."""
    if isinstance(layer, EuclideanRBF):
        difference = x[:, None] - layer.centers_value.astype("float64")
        p = _pushed(-(difference**2).sum(-1), loss)[..., None]
        spread = (p * difference**2).sum(1) - (p * difference).sum(1) ** 2
        return 2 * (1 - p.sum(1)) + 4 * spread, []
    if not isinstance(layer, keras.layers.Dense) or isinstance(loss, CorrectClassPenalty):
        raise ValueError(f"The curvature has no rule for {loss.name} after the layer {layer.name}.")
    kernel, bias = _weights(layer)
    p = _pushed(x @ kernel + bias, loss)
    h = p * (1 - p)
    return h @ (kernel**2).T, [(x**2).T @ h, h.sum(0)]


def _pushed(logits, loss):
    """Returns p_i, the share of each class in the competition that the loss sets up."""
    if isinstance(loss, CorrectClassPenalty):
        return np.zeros_like(logits)
    if isinstance(loss, MaximumAPosteriori):
        rubbish = -loss.j
    elif isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
        rubbish = -np.inf
    else:
        raise ValueError(f"The curvature has no rule for the loss {loss.name}.")
    top = np.maximum(logits.max(-1, keepdims=True), rubbish)
    shares = np.exp(logits - top)
    return shares / (shares.sum(-1, keepdims=True) + np.exp(rubbish - top))


def _convolution(layer, x):
    kernel, bias = _weights(layer)
    size = kernel.shape[0]
    if tuple(np.ravel(layer.strides)) not in ((1,), (1, 1)) or kernel.shape[1] != size:
        raise ValueError(f"The curvature needs square kernels and stride 1, not {layer.name}.")
    before, after = ((size - 1) // 2, size // 2) if layer.padding == "same" else (0, 0)
    x = np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    patches = sliding_window_view(x, (size, size), axis=(1, 2))  # n, y, x, channel, i, j
    a = np.tensordot(patches, kernel, axes=((3, 4, 5), (2, 0, 1))) + bias
    output, slope2 = _activate(layer, a)

    def backward(h):
        h = h * slope2
        of_kernel = np.tensordot(patches**2, h, axes=((0, 1, 2), (0, 1, 2))).transpose(1, 2, 0, 3)
        if isinstance(layer, PartiallyConnectedConv2D):
            of_kernel = np.stack([of_kernel[:, :, i, unit] for i, unit in layer.pairs], axis=-1)
        of_input = np.zeros_like(x)
        height, width = h.shape[1:3]
        for i in range(size):
            for j in range(size):
                of_input[:, i : i + height, j : j + width] += h @ (kernel[i, j] ** 2).T
        inner = slice(before, -after or None)
        return of_input[:, inner, inner], [of_kernel, h.sum((0, 1, 2))]

    return output, backward


def _squares(x, size):
    """Cuts (n, height, width, maps) into non-overlapping squares (n, y, x, size·size, maps)."""
    n, height, width, maps = x.shape
    x = x[:, : height // size * size, : width // size * size]
    x = x.reshape(n, height // size, size, width // size, size, maps)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // size, width // size, -1, maps)


def _spread(h, share, shape, size):
    """Gives each pixel of a square its share of the square's curvature."""
    n, height, width, maps = h.shape
    squares = (h[..., None, :] * share).reshape(n, height, width, size, size, maps)
    out = np.zeros(shape)
    out[:, : height * size, : width * size] = squares.transpose(0, 1, 3, 2, 4, 5).reshape(
        n, height * size, width * size, maps
    )
    return out


def _subsampling(layer, x):
    size = layer.pool_size
    coefficient, bias = (
        keras.ops.convert_to_numpy(w).astype("float64") for w in (layer.coefficient, layer.bias)
    )
    mean = _squares(x, size).mean(3)
    output, slope2 = _activate(layer, coefficient * mean + bias)

    def backward(h):
        h = h * slope2
        share = np.broadcast_to((coefficient / size**2) ** 2, (size**2, x.shape[-1]))
        of_weights = [(h * mean**2).sum((0, 1, 2)), h.sum((0, 1, 2))]
        return _spread(h, share, x.shape, size), of_weights

    return output, backward


def _pooling(layer, x):
    size = layer.pool_size[0]
    squares = _squares(x, size)
    if isinstance(layer, keras.layers.MaxPooling2D):
        winner = squares.argmax(3)[..., None, :]
        share = np.arange(size**2)[:, None] == winner
        return squares.max(3), lambda h: (_spread(h, share, x.shape, size), [])
    share = np.full((size**2, 1), 1 / size**4)
    return squares.mean(3), lambda h: (_spread(h, share, x.shape, size), [])


def _flatten(layer, x):
    return x.reshape(len(x), -1), lambda h: (h.reshape(x.shape), [])


def _dense(layer, x):
    kernel, bias = _weights(layer)
    output, slope2 = _activate(layer, x @ kernel + bias)

    def backward(h):
        h = h * slope2
        return h @ (kernel**2).T, [(x**2).T @ h, h.sum(0)]

    return output, backward


_RULES = {
    keras.layers.Conv2D: _convolution,
    Conv2D: _convolution,
    PartiallyConnectedConv2D: _convolution,
    WholeMapConv2D: _convolution,
    Subsampling: _subsampling,
    keras.layers.AveragePooling2D: _pooling,
    keras.layers.MaxPooling2D: _pooling,
    MaxPooling2D: _pooling,
    keras.layers.Flatten: _flatten,
    keras.layers.Dense: _dense,
}


def _rule(layer):
    if type(layer) not in _RULES or getattr(layer, "data_format", None) == "channels_first":
        raise ValueError(
            f"The curvature has no rule for the layer {layer.name} "
            f"({type(layer).__name__}, {getattr(layer, 'data_format', 'no data format')})."
        )
    return _RULES[type(layer)]
