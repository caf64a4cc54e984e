"""Layers of ours with hostile arguments.

What a layer passes on to Keras' own base class (`name`, `dtype`, `trainable`; of `GroupedConv2D`
and `BatchNormalization` also regularizers, constraints and the like) is Keras' to refuse: its
sentences name these arguments, and belong to layers that are not ours as well.
"""

import keras
import numpy as np
import pytest

from keras_classics import layers
from tests.fuzz.harness import faults, faults_of_pairs, parameters_of

# Arguments that each needs, and channels of a picture that it takes; 0 for a vector of features.
LEGAL = {
    "BatchNormalization": ({}, 4),
    "EuclideanRBF": ({"centers": [[1.0, 2.0], [3.0, 4.0]]}, 0),
    "Conv2D": ({"filters": 4, "kernel_size": 3}, 4),
    "GroupedConv2D": ({"filters": 4, "kernel_size": 3, "groups": 2}, 4),
    "Inception": (
        {"filters_1x1": 1, "reduce_3x3": 1, "filters_3x3": 1, "reduce_5x5": 1}
        | {"filters_5x5": 1, "pool_projection": 1},
        4,
    ),
    "LocalResponseNormalization": ({}, 4),
    "LocallyConnected2D": ({"filters": 2, "kernel_size": 3}, 4),
    "MaxPooling2D": ({"pool_size": 2}, 4),
    "PartiallyConnectedConv2D": ({"connections": [[0], [0, 1]], "kernel_size": 3}, 4),
    "PixelNormalization": ({"mean": [1.0, 2.0, 3.0, 4.0]}, 4),
    "SpatialResponseNormalization": ({}, 4),
    "Subsampling": ({}, 4),
    "WholeMapConv2D": ({"filters": 3}, 4),
    "ZeroPadShortcut": ({"filters": 6}, 4),
}
# Behind `**kwargs` in the signatures of the layers that share their arguments.
SHARED = ("activation", "use_bias", "kernel_initializer", "bias_initializer", "data_format")
SHARE = ("LocallyConnected2D", "PartiallyConnectedConv2D")


def names_of(name):
    own = parameters_of(getattr(layers, name))
    return [*own, *SHARED] if name in SHARE else own


def calling(name):
    """Makes the layer and computes with it."""
    channels = LEGAL[name][1]
    inputs = np.ones((2, 6, 6, channels) if channels else (2, 2), "float32")

    def call(**arguments):
        layer = getattr(layers, name)(**arguments)
        # TensorFlow does not convolve channels first on a CPU.
        if getattr(layer, "data_format", "channels_last") == "channels_last":
            layer(inputs)

    return call


def test_every_layer_is_here():
    classes = [name for name in layers.__all__ if isinstance(getattr(layers, name), type)]
    assert {*LEGAL, "FanInUniform"} == set(classes)


@pytest.mark.parametrize("name", LEGAL)
def test_each_argument_of_each_layer(name):
    assert faults(calling(name), LEGAL[name][0], names_of(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", LEGAL)
def test_pairs_of_arguments(name):
    assert faults_of_pairs(calling(name), LEGAL[name][0], names_of(name), 500) == []


def test_fan_in_uniform():
    def call(**arguments):
        layers.FanInUniform(**arguments)((3, 4))

    assert faults(call, {}, parameters_of(layers.FanInUniform)) == []
    assert layers.FanInUniform()((0, 4)).shape == (0, 4)


def test_saved_layers_come_back_through_the_same_checks():
    for name, (legal, _) in LEGAL.items():
        layer = getattr(layers, name)(**legal)
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert again.get_config() == layer.get_config()
