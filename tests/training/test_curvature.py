"""The curvatures (NumPy, whatever the backend) against a second, unit-by-unit implementation.

The reference walks over single units and their connections in float64, as appendix C words it:
V_k is the set of connections that share weight k.
"""

import keras
import numpy as np
import pytest

from keras_classics import lenet5, mnist_cnn
from keras_classics.models.lenet import TABLE_I, digit_bitmaps
from keras_classics.training.curvature import diagonal_curvature
from keras_classics.training.losses import CorrectClassPenalty, MaximumAPosteriori

A, S = 1.7159, 2 / 3


class Unit:
    """One unit: its connections (input index, weight name, factor on the weight) and its bias."""

    def __init__(self, inputs, names, bias, factor=1.0):
        self.inputs, self.names, self.bias, self.factor = inputs, names, bias, factor


def connect_lenet5():
    """Lists the units of every layer; activations are flat dicts keyed by (map, y, x)."""
    layers = []
    square = [(i, j) for i in range(5) for j in range(5)]
    c1 = {}
    for m in range(6):
        for y in range(28):
            for x in range(28):
                inputs = [(0, y + i, x + j) for i, j in square]
                c1[m, y, x] = Unit(inputs, [("C1", i, j, 0, m) for i, j in square], ("C1", m))
    layers.append(c1)
    layers.append({(m, y, x): _pool_unit("S2", m, y, x) for m in range(6)
                   for y in range(14) for x in range(14)})  # fmt: skip
    slices = [(s, m) for m, maps in enumerate(TABLE_I) for s in maps]
    c3 = {}
    for m, maps in enumerate(TABLE_I):
        for y in range(10):
            for x in range(10):
                inputs = [(s, y + i, x + j) for s in maps for i, j in square]
                names = [("C3", i, j, slices.index((s, m))) for s in maps for i, j in square]
                c3[m, y, x] = Unit(inputs, names, ("C3", m))
    layers.append(c3)
    layers.append({(m, y, x): _pool_unit("S4", m, y, x) for m in range(16)
                   for y in range(5) for x in range(5)})  # fmt: skip
    seen = [(s, i, j) for s in range(16) for i, j in square]
    layers.append(
        {
            (m, 0, 0): Unit(seen, [("C5", i, j, s, m) for s, i, j in seen], ("C5", m))
            for m in range(120)
        }
    )
    seen = [(m, 0, 0) for m in range(120)]
    layers.append(
        {(u,): Unit(seen, [("F6", m, u) for m in range(120)], ("F6", u)) for u in range(84)}
    )
    return layers


def _pool_unit(layer, m, y, x):
    inputs = [(m, 2 * y + i, 2 * x + j) for i in (0, 1) for j in (0, 1)]
    return Unit(inputs, [(layer, m)] * 4, (layer, m), factor=0.25)


def reference(model, image, label, j):
    """Returns {weight: Σ over V_k of ∂²E/∂a² · x²} for one picture, and the same for biases."""
    weights, biases = {}, {}
    for name in ("C1", "S2", "C3", "S4", "C5", "F6"):
        kernel, bias = (keras.ops.convert_to_numpy(w) for w in model.get_layer(name).weights)
        weights[name], biases[name] = kernel.astype("float64"), bias.astype("float64")
    values = {(0, y, x): float(image[y, x, 0]) for y in range(32) for x in range(32)}
    trace = []
    for layer in connect_lenet5():
        outputs = {}
        for key, unit in layer.items():
            u = [weights[name[0]][name[1:]] * unit.factor for name in unit.names]
            a = sum(w * values[i] for w, i in zip(u, unit.inputs, strict=True))
            outputs[key] = A * np.tanh(S * (a + biases[unit.bias[0]][unit.bias[1]]))
        trace.append((layer, values, outputs))
        values = outputs
    x6 = np.array([values[u,] for u in range(84)])
    h = dict(zip([(u,) for u in range(84)], start(x6, label, j), strict=True))
    of_weights, of_biases = {}, {}
    for layer, inputs, outputs in reversed(trace):
        below = dict.fromkeys(inputs, 0.0)
        for key, unit in layer.items():
            slope = A * S * (1 - (outputs[key] / A) ** 2)
            ha = h[key] * slope**2
            of_biases[unit.bias] = of_biases.get(unit.bias, 0) + ha
            if unit.factor != 1.0:  # one coefficient for the mean of four inputs
                mean = np.mean([inputs[i] for i in unit.inputs])
                of_weights[unit.names[0]] = of_weights.get(unit.names[0], 0) + ha * mean**2
            for name, i in zip(unit.names, unit.inputs, strict=True):
                below[i] += (weights[name[0]][name[1:]] * unit.factor) ** 2 * ha
                if unit.factor == 1.0:
                    of_weights[name] = of_weights.get(name, 0) + ha * inputs[i] ** 2
        h = below
    return of_weights, of_biases


def energy(x, label, j):
    """Eq. 9 (eq. 8 for j = None) at the input of the RBF units."""
    y = ((x - digit_bitmaps().astype("float64")) ** 2).sum(1)
    if j is None:
        return y[label]
    # log(e^-j + Σ e^-y), with the largest term in front so that e^-84 does not vanish.
    terms = np.append(-y, -j)
    return y[label] + terms.max() + np.log(np.exp(terms - terms.max()).sum())


def start(x, label, j):
    """∂²E/∂x_j², derived from eq. 9 by hand: see the closed form in `gauss_newton`."""
    if j is None:
        return np.full(84, 2.0)
    d = x - digit_bitmaps().astype("float64")
    e = np.exp(-(d**2).sum(1))
    p = e / (np.exp(-j) + e.sum())
    out = np.zeros(84)
    for unit in range(84):
        first = sum(p[i] * 2 * d[i, unit] for i in range(10))
        second = sum(p[i] * ((2 * d[i, unit]) ** 2 - 2) for i in range(10))
        out[unit] = 2 + second - first**2
    return out


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return lenet5(classifier_activation=None)


@pytest.mark.parametrize("j", [None, 70.0])
def test_lenet5_equals_the_unit_by_unit_reference(model, j):
    rng = np.random.default_rng(0)
    images = rng.uniform(-0.1, 1.175, (2, 32, 32, 1)).astype("float32")
    labels = [3, 8]
    loss = CorrectClassPenalty() if j is None else MaximumAPosteriori(j)
    ours = diagonal_curvature(model, images, np.array(labels), loss)
    names = [v.path.split("/")[-2:] for v in model.trainable_variables]
    expected = [np.zeros(v.shape) for v in model.trainable_variables]
    for image, label in zip(images, labels, strict=True):
        of_weights, of_biases = reference(model, image.astype("float64"), label, j)
        for array, (layer, kind) in zip(expected, names, strict=True):
            found = of_biases if kind == "bias" else of_weights
            for name, value in found.items():
                if name[0] == layer:
                    array[name[1:]] += value / len(labels)
    largest = max(array.max() for array in expected)
    for (layer, kind), a, b in zip(names, ours, expected, strict=True):
        # Both are float64; the bar is 1e-5 of the largest, rounding stays below 1e-12.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * largest, err_msg=f"{layer} {kind}")
        assert (a > 0).any()


@pytest.mark.parametrize("j", [None, 1.0, 30.0])
def test_the_start_is_the_second_derivative_of_the_loss(j):
    """The closed form against central differences of the loss itself."""
    rng = np.random.default_rng(1)
    x = digit_bitmaps()[6].astype("float64") * 0.3 + rng.normal(0, 0.5, 84)
    step, label = 1e-3, 6
    numeric = np.zeros(84)
    for unit in range(84):
        e = np.eye(84)[unit] * step
        numeric[unit] = (
            energy(x + e, label, j) - 2 * energy(x, label, j) + energy(x - e, label, j)
        ) / step**2
    # Central differences are exact to O(step²) and lose about 1e-10 / step² to cancellation.
    np.testing.assert_allclose(start(x, label, j), numeric, atol=1e-3)


def test_softmax_networks_have_their_own_start():
    """One dense layer on fixed inputs: h_kk is mean p(1 − p) x², by hand."""
    inputs = keras.Input((2,))
    dense = keras.layers.Dense(3)
    model = keras.Model(inputs, dense(inputs))
    dense.set_weights([np.zeros((2, 3)), np.zeros(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    kernel, bias = diagonal_curvature(model, np.array([[1.0, 2.0]]), np.array([0]), loss)
    np.testing.assert_allclose(kernel, np.outer([1, 4], [2 / 9] * 3))
    np.testing.assert_allclose(bias, [2 / 9] * 3)


def test_pooling_and_padding_have_rules():
    """A padded convolution and max-pooling: equal to a Jacobian taken by finite differences.

    For one linear path (max-pooling selects, ReLU passes) squared-weight back-propagation is exact
    for the last convolution's bias: Σ over positions of (∂z/∂a)² p(1 − p), summed over classes.
    """
    keras.utils.set_random_seed(0)
    model = mnist_cnn(classifier_activation=None, input_shape=(8, 8, 1), num_classes=3)
    image = np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 1)).astype("float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    h = diagonal_curvature(model, image, np.array([1]), loss)
    assert [a.shape for a in h] == [tuple(v.shape) for v in model.trainable_variables]

    pool2 = keras.Model(model.input, model.get_layer("pool2").output)
    pooled = keras.ops.convert_to_numpy(pool2(image)).astype("float64").ravel()
    kernel, bias = (keras.ops.convert_to_numpy(w) for w in model.get_layer("dense").weights)
    z = pooled @ kernel + bias
    p = np.exp(z) / np.exp(z).sum()
    of_pooled = (kernel.astype("float64") ** 2) @ (p * (1 - p))
    expected = np.where(pooled > 0, of_pooled, 0).reshape(2, 2, 64).sum((0, 1))
    np.testing.assert_allclose(h[3], expected, rtol=1e-5)  # float32 forward pass on one side


def test_unknown_layers_are_refused_by_name():
    odd = keras.layers.Dense(2, activation="gelu", name="odd")
    model = keras.Sequential([keras.Input((4,)), odd, keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.raises(ValueError, match="no rule for the activation 'gelu' of odd"):
        diagonal_curvature(model, np.ones((1, 4)), np.array([0]), loss)
