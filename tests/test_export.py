"""Networks in other programs: what onnxruntime and TensorFlow compute from an exported file."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow

import keras_classics
from keras_classics import export, shipped
from tests.random_weights import randomize

NETWORKS = {
    "lenet5": {},
    "mnist_cnn": {},
    "alexnet": {"num_classes": 5, "input_shape": (52, 52, 3)},
    "alexnet_cifar": {},
    "vgg11_lrn": {"num_classes": 5, "input_shape": (32, 32, 3)},
    "googlenet": {"num_classes": 5, "stem": "cifar", "auxiliary_heads": True},
    "resnet18": {"num_classes": 5, "stem": "cifar"},
    "resnet50": {"num_classes": 5, "input_shape": (32, 32, 3)},
    "cifar_resnet20": {},
}

SERVE = """
import sys
import numpy as np
import tensorflow as tf
served = tf.saved_model.load(sys.argv[1])
outputs = served.serve(tf.constant(np.load(sys.argv[2])))
np.savez(sys.argv[3], *(y.numpy() for y in tf.nest.flatten(outputs)))
"""


def build(name):
    # Logits: of probabilities there may be nothing left but a one.
    model = getattr(keras_classics, name)(**NETWORKS[name], classifier_activation=None)
    randomize(model)
    x = np.random.default_rng(0).normal(size=(3, *model.input_shape[1:])).astype("float32")
    outputs = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x))]
    # The pictures are told apart: what is compared is more than the biases.
    assert all(np.ptp(y, axis=0).max() > 1e-3 * np.abs(y).max() for y in outputs)
    return model, x, outputs


def close(expected, served):
    """Returns the largest deviation of an output, of the largest."""
    deviations = [
        float(np.abs(one - other).max() / np.abs(one).max())
        for one, other in zip(expected, served, strict=True)
    ]
    assert all(deviation <= 1e-4 for deviation in deviations)
    return max(deviations)


def check_onnx(name, folder):
    model, x, expected = build(name)
    path = export(model, folder / f"{name}.onnx")
    session = onnxruntime.InferenceSession(str(path))
    served = dict(
        zip([y.name for y in session.get_outputs()], session.run(None, {"pixels": x}), strict=True)
    )
    # A dict of outputs is flattened in the order of its keys.
    return close(expected, [served[key] for key in sorted(served)])


def check_saved_model(name, folder):
    model, x, expected = build(name)
    model.save(folder / "model.keras")
    path = export(folder / "model.keras", folder / name)
    np.save(folder / "x.npy", x)
    command = [sys.executable, "-c", SERVE, str(path), str(folder / "x.npy"), str(folder / "y.npz")]
    subprocess.run(command, check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    return close(expected, list(np.load(folder / "y.npz").values()))


@pytest.mark.backend
def test_onnx(tmp_path):
    check_onnx("cifar_resnet20", tmp_path)


def test_saved_model(tmp_path):
    check_saved_model("alexnet_cifar", tmp_path)


def check_litert(name, folder):
    model, x, expected = build(name)
    path = export(model, folder / f"{name}.tflite")
    run = tensorflow.lite.Interpreter(str(path)).get_signature_runner()
    assert list(run.get_input_details()) == ["pixels"]
    served = run(pixels=x)
    return close(expected, [served[key] for key in sorted(served)])


@pytest.mark.backend
def test_litert(tmp_path):
    check_litert("lenet5", tmp_path)


def test_a_complete_model_has_names_and_a_free_batch(tmp_path, capsys):
    saved = shipped.folder("mnist_cnn", "mnist") / "model.keras"
    path = export(saved, tmp_path / "digits.onnx")
    session = onnxruntime.InferenceSession(str(path))
    pixels, probabilities = session.get_inputs()[0], session.get_outputs()[0]
    assert (pixels.name, pixels.shape) == ("pixels", ["batch", 28, 28, 1])
    assert (probabilities.name, probabilities.shape) == ("probabilities", ["batch", 10])
    said = capsys.readouterr().out
    assert re.match(
        rf"{re.escape(str(path))}: ONNX, 0\.2 MB; input pixels, output probabilities; largest "
        r"difference from Keras \de-\d\d of the largest output\.\n$",
        said,
    )


def test_a_run_directory_is_its_model(tmp_path):
    export(shipped.folder("mnist_cnn", "mnist"), tmp_path / "digits.tflite")
    assert (tmp_path / "digits.tflite").stat().st_size > 190_000  # 50,186 numbers of four bytes


def test_several_outputs_are_numbered_and_sixteen_bits_are_exported(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = keras_classics.cifar_resnet20(weights="cifar10_jpeg", include_top=False)
    finally:
        keras.config.set_dtype_policy("float32")
    inner = model.get_layer("conv3_block3_out").output
    export(keras.Model(model.inputs, [inner, model.output]), tmp_path / "two.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "two.onnx"))
    assert [one.name for one in session.get_outputs()] == ["outputs_0", "outputs_1"]


def test_two_inputs_are_refused(tmp_path):
    two = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(two, keras.layers.Add()(two))
    with pytest.raises(ValueError, match="`model` must be a Keras model with one input"):
        export(model, tmp_path / "two.onnx")
    model.save(tmp_path / "two.keras")
    with pytest.raises(RuntimeError, match="The export failed: .* has 2 inputs; one can be"):
        export(tmp_path / "two.keras", tmp_path / "two.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["two.keras"]


@pytest.mark.full
@pytest.mark.backend
@pytest.mark.parametrize("name", NETWORKS)
def test_every_family(name, tmp_path, record_property):
    record_property("ONNX", check_onnx(name, tmp_path))
    record_property("SavedModel", check_saved_model(name, tmp_path))
    record_property("LiteRT", check_litert(name, tmp_path))


def test_destroys_nothing(tmp_path):
    (tmp_path / "old.onnx").write_text("precious")
    message = f"There is something at {tmp_path / 'old.onnx'} already; nothing was written."
    with pytest.raises(FileExistsError, match=re.escape(message)):
        export(keras_classics.mnist_cnn(), tmp_path / "old.onnx")
    assert (tmp_path / "old.onnx").read_text() == "precious"


def test_a_damaged_model_ends_in_one_sentence(tmp_path):
    (tmp_path / "model.keras").write_text("no model")
    with pytest.raises(RuntimeError, match="^The export failed: ") as error:
        export(tmp_path / "model.keras", tmp_path / "new.onnx")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
