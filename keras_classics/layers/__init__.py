"""Layers of the papers that Keras does not have, written in `keras.ops`."""

from keras_classics.layers.batch_normalization import BatchNormalization
from keras_classics.layers.convolution import Conv2D, GroupedConv2D
from keras_classics.layers.euclidean_rbf import EuclideanRBF
from keras_classics.layers.inception import Inception
from keras_classics.layers.local_response_normalization import (
    LocalResponseNormalization,
    SpatialResponseNormalization,
)
from keras_classics.layers.locally_connected import LocallyConnected2D
from keras_classics.layers.partially_connected_conv import PartiallyConnectedConv2D
from keras_classics.layers.pixel_normalization import PixelNormalization
from keras_classics.layers.pooling import MaxPooling2D, Subsampling
from keras_classics.layers.squashing import FanInUniform, scaled_tanh
from keras_classics.layers.whole_map_conv import WholeMapConv2D
from keras_classics.layers.zero_pad_shortcut import ZeroPadShortcut

__all__ = [
    "BatchNormalization",
    "Conv2D",
    "EuclideanRBF",
    "FanInUniform",
    "GroupedConv2D",
    "Inception",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "MaxPooling2D",
    "PartiallyConnectedConv2D",
    "PixelNormalization",
    "SpatialResponseNormalization",
    "Subsampling",
    "WholeMapConv2D",
    "ZeroPadShortcut",
    "scaled_tanh",
]
