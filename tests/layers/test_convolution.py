import keras
import numpy as np
import pytest

from keras_classics.layers import Conv2D, MaxPooling2D

pytestmark = pytest.mark.backend


def as_numpy(y):
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))


def pictures(data_format, size=(9, 8), channels=4):
    x = np.random.default_rng(0).normal(size=(2, *size, channels)).astype("float32")
    return x if data_format == "channels_last" else x.transpose(0, 3, 1, 2)


def skip_without_kernel(backend, data_format):
    if (backend, data_format) == ("tensorflow", "channels_first"):
        pytest.skip("TensorFlow has neither on a CPU")


# "same" on 9×8 pixels adds as much on both sides, or one pixel more behind, or both.
CONVOLUTIONS = [
    {"kernel_size": 3},
    {"kernel_size": 1, "strides": 2},
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": 3, "padding": "same", "strides": 2},
    {"kernel_size": (2, 5), "padding": "same", "use_bias": False},
    {"kernel_size": 3, "padding": "same", "dilation_rate": 2, "activation": "relu"},
    {"kernel_size": 3, "padding": "same", "groups": 2, "strides": (1, 2)},
]
POOLINGS = [
    {"pool_size": 2},
    {"pool_size": 3, "strides": 2},
    {"pool_size": 3, "strides": 1, "padding": "same"},
    {"pool_size": 3, "strides": 2, "padding": "same"},
    {"pool_size": 2, "strides": 1, "padding": "same"},
    {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"},
    {"pool_size": 5, "strides": 2, "padding": "same"},
]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("options", CONVOLUTIONS)
def test_convolutions_are_those_of_keras(options, data_format, backend, gradients, input_gradient):
    skip_without_kernel(backend, data_format)
    if backend == "tensorflow" and options.get("groups"):
        pytest.skip("TensorFlow has no gradient of groups on a CPU without compiling")
    x = pictures(data_format)
    ours, theirs = (
        kind(6, data_format=data_format, **options) for kind in (Conv2D, keras.layers.Conv2D)
    )
    expected = as_numpy(theirs(x))
    ours.build(x.shape)
    weights = theirs.get_weights()
    ours.set_weights(weights)
    # Up to 100 products in float32, in another order.
    np.testing.assert_allclose(as_numpy(ours(x)), expected, rtol=1e-5, atol=1e-5)
    assert ours.compute_output_shape(x.shape) == expected.shape
    upstream = np.random.default_rng(1).normal(size=expected.shape).astype("float32")
    np.testing.assert_allclose(
        input_gradient(ours, x, upstream), input_gradient(theirs, x, upstream), atol=1e-5
    )
    for one, other in zip(
        gradients(ours, x, upstream), gradients(theirs, x, upstream), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", [(9, 9), (8, 8), (9, 8)])
@pytest.mark.parametrize("options", POOLINGS)
def test_maxima_are_those_of_keras(options, size, data_format, backend, input_gradient):
    skip_without_kernel(backend, data_format)
    x = pictures(data_format, size) - 10  # below the zeros that a padding might add
    ours, theirs = (
        kind(data_format=data_format, **options)
        for kind in (MaxPooling2D, keras.layers.MaxPooling2D)
    )
    expected = as_numpy(theirs(x))
    np.testing.assert_array_equal(as_numpy(ours(x)), expected)
    upstream = np.random.default_rng(1).normal(size=expected.shape).astype("float32")
    # Sums of a few numbers, in another order.
    np.testing.assert_allclose(
        input_gradient(ours, x, upstream), input_gradient(theirs, x, upstream), atol=1e-6
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_policies(policy):
    x = pictures("channels_last")
    ours, theirs = (
        kind(6, 3, padding="same", dtype=policy) for kind in (Conv2D, keras.layers.Conv2D)
    )
    expected = theirs(x)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    y = ours(x)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    # Eight bits of bfloat16 in numbers of a few units.
    np.testing.assert_allclose(as_numpy(y), as_numpy(expected), atol=0.05)


def test_frozen_and_thawed(gradients):
    x = pictures("channels_last")
    target = np.ones((2, 7, 6, 4), "float32")
    layer = Conv2D(4, 3)
    layer.trainable = False
    layer.build(x.shape)
    layer.trainable = True
    assert all(np.any(gradient) for gradient in gradients(layer, x, target))
    layer.trainable = False
    assert not any(np.any(gradient) for gradient in gradients(layer, x, target))


def test_kernels_lie_as_pytorch_reads_them(backend, reloaded):
    if backend != "torch":
        pytest.skip("of PyTorch alone")
    import torch

    from keras_classics.training import CoupledSGD

    def is_in_order(values):
        return values.permute(3, 2, 0, 1).is_contiguous(memory_format=torch.channels_last)

    x = pictures("channels_last")
    layer = reloaded(Conv2D(6, 3), x)
    layer.set_weights(layer.get_weights())
    assert is_in_order(layer.kernel.value)
    layer(x).sum().backward()
    assert is_in_order(layer.kernel.value.grad)
    optimizer = CoupledSGD(0.1, momentum=0.9, weight_decay=0.1)
    optimizer.apply([variable.value.grad for variable in layer.variables], layer.variables)
    assert is_in_order(optimizer.momentums[0].value)
    assert is_in_order(layer.kernel.value)


@pytest.mark.parametrize("kind", [Conv2D, MaxPooling2D])
def test_survives_a_file(kind, reloaded):
    layer = Conv2D(4, 3, activation="relu") if kind is Conv2D else MaxPooling2D(3, 2, "same")
    x = pictures("channels_last")
    again = reloaded(layer, x)
    assert type(again) is kind
    np.testing.assert_array_equal(as_numpy(layer(x)), as_numpy(again(x)))
