"""Networks of the ONNX model zoo: Caffe's AlexNet and GoogLeNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.weights.by_order import Given, fit, put, slots_of
from keras_classics.weights.files import existing_file, unreadable
from keras_classics.weights.fitting import layer_named

if TYPE_CHECKING:
    import keras

    from keras_classics.types import AnyPath

# Behind the paper's dropout, in its AlexNet: what multiplies the inputs of a layer in inference.
_SCALED = {"fc7": "dropout6_rescaling", "fc8": "dropout7_rescaling"}


def load_onnx(model: keras.Model, path: AnyPath) -> keras.Model:
    """Loads the convolutions and dense layers of an ONNX file, in the order of its graph.

    Made for the model zoo's `bvlcalexnet-12.onnx` and `googlenet-12.onnx`, which are Caffe's:

        alexnet(input_shape=(227, 227, 3), towers="grouped", local_response_norm="caffe")
        googlenet(local_response_norm="caffe", pad="both")

    Both want the pixels of `preprocessing(…, weights="bvlc")`. Their normalisation, which `"caffe"`
    is, has α divided by n and k = 1, in AlexNet across both towers; what a model has in its place
    is up to the caller, as order and shape cannot tell. Where the model drops units as the paper
    does, multiplied by 0.5 in inference, the kernels of fc7 and fc8 are doubled: Caffe's were
    trained with the division in training.

    Args:
        model: the network, without auxiliary heads.
        path: the file.

    Returns:
        `model`, which is unchanged if an error is raised.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if the package onnx is not installed.
        ValueError: if the file is damaged, keeps its weights in other files, or is of another
            network, with the first layer that does not fit.

    Reference:
        BVLC's models/bvlc_alexnet and models/bvlc_googlenet; github.com/onnx/models.

    Example:
        >>> import keras_classics
        >>> from keras_classics.weights import load_onnx
        >>> load_onnx(keras_classics.mnist_cnn(), "no_such_file.onnx")
        Traceback (most recent call last):
        FileNotFoundError: The file of weights no_such_file.onnx does not exist.
    """
    path = existing_file(path)
    given = _layers(path)
    slots = slots_of(model)
    source = str(path)
    fit(slots, given, source, model)
    for slot, layer in zip(slots, given, strict=True):
        rescaling = layer_named(model, _SCALED.get(slot.name, ""))
        if rescaling is not None:
            layer.tensors["kernel"] = layer.tensors["kernel"] / np.float32(rescaling.scale)
    put(slots, given, source)
    return model


def _layers(path) -> list[Given]:
    """The layers with weights, in the order of the graph."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f"{path} is read by the package onnx; install it.") from error
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf's own class, and what the first wrong byte leads to
        raise unreadable(path, "an ONNX file", error) from error
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    outside = [t.name for t in constants.values() if t.data_location == onnx.TensorProto.EXTERNAL]
    if outside:
        raise ValueError(
            f"{path} keeps its weights in other files ({outside[0]} and others: external data); "
            "save it as one file, by onnx.save(onnx.load(path), new_path)."
        )

    def array(name):
        try:
            return onnx.numpy_helper.to_array(constants[name])
        except Exception as error:
            raise unreadable(path, "an ONNX file", error) from error

    found = []
    for node in graph.node:
        names = [name for name in node.input[1:] if name in constants]
        if node.op_type not in ("Conv", "Gemm") or not names:
            continue
        kernel = array(names[0])
        if node.op_type == "Gemm" and not _attribute(node, "transB"):
            kernel = kernel.T
        tensors = {"kernel": kernel}
        if len(names) > 1:
            tensors["bias"] = np.reshape(array(names[1]), -1)
        found.append(Given(node.name or names[0], tensors))
    if not found:
        raise ValueError(f"{path} holds no convolutions or dense layers with weights.")
    return found


def _attribute(node, name) -> Any:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)
