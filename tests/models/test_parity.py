"""Every network against its transcription in plain PyTorch, and against keras.applications."""

import re

import keras
import numpy as np
import pytest
import torch

import keras_classics
from tests.models.one_call import of_keras
from tests.models.parity_cases import FEED_FORWARD, RESIDUAL
from tests.models.torch_reference import REFERENCES, load_weights, weights_by_name
from tests.random_weights import randomize

CLASSES = 7
MODES = (False, True)  # inference, training
TOLERANCE = 1e-4  # of the largest output: sums in float32, in another order, through all layers
# TensorFlow on a CPU adds up a channel one value after the other: its batch variance of the 16,384
# values in VGG's first block is up to 9·10⁻⁵ off, and four more blocks without a normalisation
# behind each convolution make 1.6·10⁻³ of it (benchmarks/results/networks.md).
COARSE = 3e-3


pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("nothing_drawn")]


def pair(name, size, classes=CLASSES, **options):
    """Returns the Keras model with random weights and its transcription with the same."""
    model = getattr(keras_classics, name)(
        classes, input_shape=(size, size, 3), classifier_activation=None, **options
    )
    randomize(model)
    network = REFERENCES[name](classes, size, **options)
    return model, load_weights(network, weights_by_name(model))


def pictures(count, size, contrast=1.0):
    x = np.random.default_rng(0).normal(scale=contrast, size=(count, size, size, 3))
    return x.astype("float32")


def of_torch(network, x, *, training=False):
    # Contiguous: with channels last in memory, PyTorch's batch normalisation adds up one value
    # after the other, and its float32 is up to 8·10⁻⁴ from its float64 (VGG-11, in training).
    x = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        return keras.tree.map_structure(torch.Tensor.numpy, network.train(training)(x))


def assert_close(ours, reference, tolerance=TOLERANCE):
    """Returns the largest deviation, of the largest output."""
    if isinstance(reference, dict):
        assert ours.keys() == reference.keys()
        return max(assert_close(ours[name], reference[name], tolerance) for name in reference)
    largest = np.abs(reference).max()
    assert np.isfinite(largest) and ours.shape == reference.shape
    np.testing.assert_allclose(ours, reference, rtol=0, atol=tolerance * largest)
    # The pictures are told apart: the test sees more than the biases.
    assert np.ptp(reference, axis=0).max() > 10 * TOLERANCE * largest
    return float(np.abs(ours - reference).max() / largest)


def count_normalized(network):
    """Returns {name: values per channel in the last call} of the batch normalisations."""
    counts = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):

            def count(module, inputs, output, name=name):
                counts[name] = output.numel() // output.shape[1]

            module.register_forward_hook(count)
    return counts


def check(model, network, x, *, modes=MODES, tolerance=TOLERANCE):
    """Compares logits in inference and in training, and what training leaves behind."""
    counts, deviations = count_normalized(network), []
    for training in modes:
        before = weights_by_name(model)
        reference = of_torch(network, x, training=training)
        ours = of_keras(model, x, training=training)
        deviations.append(assert_close(ours, reference, tolerance if training else TOLERANCE))
        after = weights_by_name(model)
        for name, n in counts.items():
            check_statistics(
                *(before[name], after[name], network.get_submodule(name), n, training, tolerance)
            )
    return max(deviations)


def check_statistics(before, after, module, n, training, tolerance):
    mean, variance = module.running_mean.numpy(), module.running_var.numpy()
    if training:
        # PyTorch's new variance is divided by n − 1, Keras' by n.
        old = 0.9 * before[3]
        variance = old + (variance - old) * (n - 1) / n
        assert np.abs(after[3] - before[3]).max() > 0
    for ours, reference in ((after[2], mean), (after[3], variance)):
        np.testing.assert_allclose(
            ours, reference, rtol=0, atol=tolerance * np.abs(reference).max()
        )


@pytest.mark.parametrize(("name", "size", "count", "contrast", "options"), FEED_FORWARD + RESIDUAL)
def test_computes_what_pytorch_computes(name, size, count, contrast, options, record_property):
    model, network = pair(name, size, **options)
    x = pictures(count, size, contrast)
    bare = "plain" in name or options.get("shortcut") == "projection_all"
    # alexnet_cifar has neither dropout nor batch normalisation: one mode.
    modes = [False] if bare or name == "alexnet_cifar" else MODES
    block = options.get("batch_norm") == "block" and keras.backend.backend() == "tensorflow"
    tolerance = COARSE if block else TOLERANCE
    record_property("logits", check(model, network, x, modes=modes, tolerance=tolerance))
    if bare:
        # Batch statistics and ReLU, without identities beside them, enlarge any difference by a
        # fifth per layer: in training, PyTorch's own float32 is 17 % from its float64 in the plain
        # network of 110 layers. Where most units are above zero, that is 10⁻⁵.
        for weight in model.trainable_weights:
            if weight.name == "beta":
                weight.assign(weight + 1.0)
        network = load_weights(network, weights_by_name(model))
        record_property("logits in training", check(model, network, x, modes=[True]))


def test_alexnet_halves_its_dense_units_in_a_test():
    """Section 4.2: "at test time, we use all the neurons but multiply their outputs by 0.5"."""
    model, network = pair("alexnet", 67, dropout=0.5)
    check(model, network, pictures(2, 67), modes=[False])
    without = REFERENCES["alexnet"](CLASSES, 67, dropout=0)
    load_weights(without, weights_by_name(model))
    x = pictures(2, 67)
    halved = of_torch(network, x)
    assert np.abs(halved - of_torch(without, x)).max() > 0.1 * np.abs(halved).max()


def test_alexnet_with_inverted_dropout_halves_nothing_in_a_test():
    model, network = pair("alexnet", 67, dropout=0.5, inverted_dropout=True)
    check(model, network, pictures(2, 67), modes=[False])


def application(name, size):
    build = getattr(keras.applications, name)
    model = build(
        weights=None, input_shape=(size, size, 3), classes=CLASSES, classifier_activation=None
    )
    randomize(model)
    return model


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("VGG16", 32),
        pytest.param("VGG16", 64, marks=pytest.mark.full),
        pytest.param("VGG19", 32, marks=pytest.mark.full),
    ],
)
def test_vgg_is_that_of_keras_applications(name, size, record_property):
    theirs = application(name, size)
    ours = getattr(keras_classics, name.lower())(
        CLASSES, input_shape=(size, size, 3), classifier_activation=None, dropout=0
    )
    dense = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
    for layer in theirs.layers:
        if layer.weights:
            name = re.sub(r"block(\d)_conv(\d)", r"conv\1_\2", layer.name)
            ours.get_layer(dense.get(name, name)).set_weights(layer.get_weights())
    x = pictures(2, size)
    record_property("logits", assert_close(of_keras(ours, x), of_keras(theirs, x)))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("ResNet50", 64),
        pytest.param("ResNet50", 96, marks=pytest.mark.full),
        pytest.param("ResNet101", 64, marks=pytest.mark.full),
        pytest.param("ResNet152", 64, marks=pytest.mark.full),
    ],
)
def test_resnet_is_that_of_keras_applications(name, size, record_property):
    """Its biases before a batch normalisation, and its ε of 1.001·10⁻⁵, go into the statistics."""
    theirs = application(name, size)
    ours = getattr(keras_classics, name.lower())(
        CLASSES, input_shape=(size, size, 3), classifier_activation=None
    )
    arrays = {layer.name: layer.get_weights() for layer in theirs.layers if layer.weights}
    for name, values in arrays.items():
        if name.endswith("_conv"):
            ours.get_layer(name).set_weights(values[:1])
        elif name.endswith("_bn"):
            gamma, beta, mean, variance = values
            bias = arrays[name.removesuffix("_bn") + "_conv"][1]
            layer = ours.get_layer(name)
            layer.set_weights([gamma, beta, mean - bias, variance + 1.001e-5 - layer.epsilon])
    ours.get_layer("fc").set_weights(arrays["predictions"])
    x = pictures(2, size)
    record_property("logits", assert_close(of_keras(ours, x), of_keras(theirs, x)))
