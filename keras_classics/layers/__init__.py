"""Layers of the papers that Keras does not have, written in `keras.ops`."""

from keras_classics.layers.euclidean_rbf import EuclideanRBF
from keras_classics.layers.fan_in_uniform import FanInUniform
from keras_classics.layers.partially_connected_conv import PartiallyConnectedConv2D
from keras_classics.layers.scaled_tanh import scaled_tanh
from keras_classics.layers.subsampling import Subsampling

__all__ = [
    "EuclideanRBF",
    "FanInUniform",
    "PartiallyConnectedConv2D",
    "Subsampling",
    "scaled_tanh",
]
