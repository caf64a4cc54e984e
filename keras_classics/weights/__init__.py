"""Weights from elsewhere: PyTorch checkpoints, keras.applications, and our own files.

Nothing here knows a builder: a model is told by the names of its layers. Every function checks all
of the weights before it changes the first one; a partly loaded model is never left behind.
"""

from keras_classics.weights.applications import load_keras_applications
from keras_classics.weights.onnx_files import load_onnx
from keras_classics.weights.own_files import load_weights_file
from keras_classics.weights.own_models import load_trained
from keras_classics.weights.torch_checkpoints import load_torch_state_dict
from keras_classics.weights.torch_layers import load_torch_layers

__all__ = [
    "load_keras_applications",
    "load_onnx",
    "load_torch_layers",
    "load_torch_state_dict",
    "load_trained",
    "load_weights_file",
]
