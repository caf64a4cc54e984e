"""Caffe's networks as the ONNX model zoo has them: same order, same names of operations."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import keras_classics
from keras_classics.weights import load_onnx
from tests.weights.weights_shared import assert_same_outputs, outputs, refuses

SIDE = 67  # pixels: 15, 7, 3, 1 behind conv1 and the poolings
LRN = {"size": 5, "alpha": 1e-4, "beta": 0.75, "bias": 1.0}


class Graph:
    """Writes a chain of operations as bvlcalexnet-12.onnx has them."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.last = [], [], "data_0"

    def constant(self, name, shape):
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 100
        value = self.random.normal(0, (2 / fan_in) ** 0.5, shape).astype("float32")
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind, name, *inputs, **attributes):
        self.nodes.append(
            helper.make_node(kind, [self.last, *inputs], [name], name=name, **attributes)
        )
        self.last = name

    def conv(self, name, shape, **attributes):
        kernel = self.constant(f"{name}_w_0", shape)
        self.add("Conv", name, kernel, self.constant(f"{name}_b_0", shape[:1]), **attributes)
        self.add("Relu", f"{name}_relu")

    def gemm(self, name, shape):
        kernel = self.constant(f"{name}_w_0", shape)
        self.add("Gemm", name, kernel, self.constant(f"{name}_b_0", shape[:1]), transB=1)

    def pool(self, name):
        self.add("MaxPool", name, kernel_shape=[3, 3], strides=[2, 2])

    def save(self, path, shape, classes):
        graph = helper.make_graph(
            self.nodes,
            "caffe",
            [helper.make_tensor_value_info("data_0", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [shape[0], classes])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path


def alexnet_file(path, classes=7, flat=256):
    graph = Graph()
    graph.conv("conv1", (96, 3, 11, 11), strides=[4, 4])
    graph.add("LRN", "norm1", **LRN)
    graph.pool("pool1")
    graph.conv("conv2", (256, 48, 5, 5), pads=[2] * 4, group=2)
    graph.add("LRN", "norm2", **LRN)
    graph.pool("pool2")
    graph.conv("conv3", (384, 256, 3, 3), pads=[1] * 4)
    graph.conv("conv4", (384, 192, 3, 3), pads=[1] * 4, group=2)
    graph.conv("conv5", (256, 192, 3, 3), pads=[1] * 4, group=2)
    graph.pool("pool5")
    graph.constants.append(numpy_helper.from_array(np.array([2, flat]), "shape"))
    graph.add("Reshape", "flat", "shape")
    graph.gemm("fc6", (4096, flat))
    graph.add("Relu", "fc6_relu")
    graph.gemm("fc7", (4096, 4096))
    graph.add("Relu", "fc7_relu")
    graph.gemm("fc8", (classes, 4096))
    return graph.save(path, [2, 3, SIDE, SIDE], classes)


# Table 1 of Szegedy et al., as models/bvlc_googlenet/train_val.prototxt has it, branch by branch.
MODULES = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


def inception(graph, label, inputs, ones, reduce3, threes, reduce5, fives, projection):
    start, outputs = graph.last, []
    graph.conv(f"{label}/1x1", (ones, inputs, 1, 1))
    outputs.append(graph.last)
    for size, reduce, filters in ((3, reduce3, threes), (5, reduce5, fives)):
        graph.last = start
        graph.conv(f"{label}/{size}x{size}_reduce", (reduce, inputs, 1, 1))
        graph.conv(f"{label}/{size}x{size}", (filters, reduce, size, size), pads=[size // 2] * 4)
        outputs.append(graph.last)
    graph.last = start
    graph.add("MaxPool", f"{label}/pool", kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)
    graph.conv(f"{label}/pool_proj", (projection, inputs, 1, 1))
    graph.last, rest = outputs[0], [*outputs[1:], graph.last]
    graph.add("Concat", f"{label}/output", *rest, axis=1)


def googlenet_file(path, side, classes=7):
    graph = Graph()
    ceil = {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}
    graph.conv("conv1/7x7_s2", (64, 3, 7, 7), strides=[2, 2], pads=[3] * 4)
    graph.add("MaxPool", "pool1", **ceil)
    graph.add("LRN", "norm1", **LRN)
    graph.conv("conv2/3x3_reduce", (64, 64, 1, 1))
    graph.conv("conv2/3x3", (192, 64, 3, 3), pads=[1] * 4)
    graph.add("LRN", "norm2", **LRN)
    graph.add("MaxPool", "pool2", **ceil)
    for label, filters in MODULES.items():
        inception(graph, label, *filters)
        if label in ("3b", "4e"):
            graph.add("MaxPool", f"pool{label}", **ceil)
    graph.add("GlobalAveragePool", "pool5")
    graph.add("Flatten", "flat")
    graph.gemm("loss3/classifier", (classes, 1024))
    return graph.save(path, [2, 3, side, side], classes)


@pytest.mark.backend
def test_bvlc_googlenet_has_our_outputs(tmp_path):
    side = 64
    path = googlenet_file(tmp_path / "googlenet-12.onnx", side)
    x = np.random.default_rng(1).uniform(-120, 130, (2, side, side, 3)).astype("float32")
    session = onnxruntime.InferenceSession(str(path))
    theirs = session.run(None, {"data_0": x.transpose(0, 3, 1, 2)})[0]
    model = keras_classics.googlenet(
        7,
        input_shape=(side, side, 3),
        classifier_activation=None,
        local_response_norm="caffe",
        pad="both",
    )
    load_onnx(model, path)
    assert_same_outputs(outputs(model, x), theirs)


@pytest.fixture(scope="module")
def alexnet_onnx(tmp_path_factory):
    return alexnet_file(tmp_path_factory.mktemp("zoo") / "bvlcalexnet-12.onnx")


def ours(**options):
    return keras_classics.alexnet(
        7, input_shape=(SIDE, SIDE, 3), classifier_activation=None, **options
    )


@pytest.mark.backend
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("towers", ["grouped", "merged"])
def test_bvlc_alexnet_has_our_outputs(alexnet_onnx, towers, inverted):
    model = ours(towers=towers, local_response_norm="caffe", inverted_dropout=inverted)
    if towers == "merged":
        refuses(model, r"conv2, has kernel \(256, 48, 5, 5\)", load_onnx, alexnet_onnx)
        return
    x = np.random.default_rng(1).uniform(-120, 130, (2, SIDE, SIDE, 3)).astype("float32")
    session = onnxruntime.InferenceSession(str(alexnet_onnx))
    theirs = session.run(None, {"data_0": x.transpose(0, 3, 1, 2)})[0]
    load_onnx(model, alexnet_onnx)
    assert_same_outputs(outputs(model, x), theirs)


def test_kernels_go_with_the_rate_of_dropout(alexnet_onnx):
    options = {"towers": "grouped", "local_response_norm": "caffe"}
    models = [load_onnx(ours(dropout=rate, **options), alexnet_onnx) for rate in (0.5, 0.2)]
    x = np.random.default_rng(1).uniform(-120, 130, (2, SIDE, SIDE, 3)).astype("float32")
    assert_same_outputs(*(outputs(model, x) for model in models))


def test_separate_towers_take_the_groups(alexnet_onnx):
    grouped = load_onnx(ours(towers="grouped", local_response_norm=False), alexnet_onnx)
    separate = load_onnx(ours(local_response_norm=False), alexnet_onnx)
    x = np.random.default_rng(1).uniform(-120, 130, (2, SIDE, SIDE, 3)).astype("float32")
    assert_same_outputs(outputs(separate, x), outputs(grouped, x))


def test_another_network(alexnet_onnx):
    refuses(keras_classics.mnist_cnn(), "its layer 1, conv1, has kernel", load_onnx, alexnet_onnx)
    refuses(
        keras_classics.alexnet(10, input_shape=(SIDE, SIDE, 3), towers="grouped"),
        r"its layer 8, fc8, has kernel \(7, 4096\), bias \(7,\); fc8 wants kernel \(10, 4096\)",
        load_onnx,
        alexnet_onnx,
    )


def test_damage(alexnet_onnx, tmp_path):
    model = keras_classics.mnist_cnn()
    (tmp_path / "cut.onnx").write_bytes(alexnet_onnx.read_bytes()[:5000])
    refuses(model, "truncated, damaged or not an ONNX file", load_onnx, tmp_path / "cut.onnx")
    (tmp_path / "page.onnx").write_text("<html>not found</html>")
    refuses(model, "is a web page, not an ONNX file", load_onnx, tmp_path / "page.onnx")
    (tmp_path / "empty.onnx").touch()
    refuses(model, "is empty", load_onnx, tmp_path / "empty.onnx")


def test_weights_in_other_files(alexnet_onnx, tmp_path):
    onnx.save(
        onnx.load(alexnet_onnx), tmp_path / "net.onnx", save_as_external_data=True, location="data"
    )
    message = "keeps its weights in other files .*external data.*; save it as one file"
    refuses(keras_classics.mnist_cnn(), message, load_onnx, tmp_path / "net.onnx")


def test_caffes_normalisation_needs_the_towers_together():
    with pytest.raises(ValueError, match=r'`towers` must be "grouped" or "merged" with local_resp'):
        ours(local_response_norm="caffe")
    layer = ours(towers="grouped", local_response_norm="caffe").get_layer("lrn1")
    assert (layer.bias, layer.alpha, layer.alpha_convention, layer.groups) == (1, 1e-4, "mean", 1)
    assert isinstance(layer, keras.layers.Layer)
