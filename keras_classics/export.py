"""Networks for other programs: ONNX, LiteRT and TensorFlow's SavedModel, from any backend."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_classics import checks
from keras_classics.compat import all_layers
from keras_classics.trained_model import load_model

if TYPE_CHECKING:
    import keras

    from keras_classics.types import AnyPath

_NEEDS = {
    "ONNX": ("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
    "LiteRT": ("tensorflow",),
    "SavedModel": ("tensorflow",),
}
_FORMATS = {".onnx": "ONNX", ".tflite": "LiteRT"}
# Difference from Keras, of the largest output, above which the file is none; 20 times as much where
# layers compute in 16 bits, whose own rounding is as large.
_MOST = 1e-3
_PICTURES = 4  # that the finished file computes once
_FREE_SIDE = 224  # pixels of theirs where the network takes any


def export(model: keras.Model | AnyPath, path: AnyPath) -> AnyPath:
    """Writes a network as ONNX, LiteRT or a SavedModel, and runs what it wrote.

    Only the TensorFlow backend of Keras writes these formats, so a process with that backend does
    it, whatever the backend of this one. The pictures keep the size the model was built for, the
    batch stays free. In each format the input is called `pixels`, the output `probabilities`, or
    `outputs` where the network does not end in a softmax; several outputs keep their keys, or get
    numbers. The
    finished file computes four pictures of noise, and what differs most from Keras is printed.

    Args:
        model: a `keras.Model`, or the path of a `.keras` file or a run directory.
        path: a file that ends in `.onnx` or `.tflite`, or a folder for a SavedModel; it must not
            exist yet.

    Returns:
        The path.

    Raises:
        FileExistsError: if there is something at `path` already.
        FileNotFoundError: if `model` is a path where nothing is.
        ImportError: if a package is missing; `pip install "keras_classics[export]"` brings them.
        ValueError: if `model` or `path` is none of the above, or the model has several inputs.
        RuntimeError: if the process fails, with the last line of what it said, or the file computes
            something else than the model, of which nothing is left then.

    Example:
        >>> import keras_classics
        >>> keras_classics.export("no_such_model.keras", "lenet5.onnx")
        Traceback (most recent call last):
        FileNotFoundError: There is no model at no_such_model.keras.
    """
    if not isinstance(path, str | Path):
        checks.refuse("path", "a file or a folder", path)
    if not isinstance(model, str | Path) and not hasattr(model, "save"):
        checks.refuse("model", "a Keras model, or the path of a `.keras` file", model)
    path = Path(path).expanduser()
    kind = _FORMATS.get(path.suffix.lower(), "SavedModel")
    if isinstance(model, str | Path):
        model = Path(model, "model.keras") if os.path.isdir(model) else Path(model)
        if not os.path.isfile(model):
            raise FileNotFoundError(f"There is no model at {str(model)[:100]}.")
    elif len(getattr(model, "inputs", ())) != 1:
        checks.refuse("model", "a Keras model with one input", model)
    if path.exists():
        raise FileExistsError(f"There is something at {path} already; nothing was written.")
    missing = [name for name in _NEEDS[kind] if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"Exporting to {kind} needs {', '.join(missing)}: pip install 'keras_classics[export]'."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the target's folder, so that the finished export is renamed and never half there.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        source = model
        if not isinstance(model, Path):
            source = Path(folder) / "model.keras"
            model.save(source)
        written = Path(folder) / path.name
        found = _run([str(source), str(written), kind])
        shutil.move(written, path)
    print(
        f"{path}: {kind}, {found['bytes'] / 1e6:,.1f} MB; input {found['input']}, "
        f"output {', '.join(found['outputs'])}; largest difference from Keras "
        f"{found['difference']:.0e} of the largest output."
    )
    return path


def _run(arguments: list[str]) -> dict[str, Any]:
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", "from keras_classics.export import _write; _write()"]
    ended = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RuntimeError(f"The export failed: {last.removeprefix('ValueError: ')}")
    return json.loads(ended.stdout.splitlines()[-1])


def _write() -> None:
    """What the process with the TensorFlow backend does; it prints what came of it."""
    import keras
    import numpy as np

    source, path, kind = sys.argv[1:]
    model = load_model(Path(source), ValueError)
    if len(model.inputs) != 1:
        raise ValueError(f"{model.name} has {len(model.inputs)} inputs; one can be exported.")
    names = _output_names(model)
    {"ONNX": _write_onnx, "LiteRT": _write_litert, "SavedModel": _write_saved}[kind](
        model, path, names
    )
    shape = [side or _FREE_SIDE for side in model.input_shape[1:]]
    pixels = np.random.default_rng(0).uniform(0, 255, (_PICTURES, *shape)).astype("float32")
    wanted = dict(zip(names, keras.tree.flatten(model(pixels, training=False)), strict=True))
    found = {"ONNX": _run_onnx, "LiteRT": _run_litert, "SavedModel": _run_saved}[kind](path, pixels)
    differences = [
        np.abs(np.asarray(wanted[name]) - found[name]).max()
        / (np.abs(np.asarray(wanted[name])).max() or 1)
        for name in names
    ]
    difference = float(np.max(differences))  # NaN where one is
    halves = any("16" in str(layer.compute_dtype) for layer in all_layers(model))
    if not difference < _MOST * (20 if halves else 1):
        raise ValueError(f"the {kind} file differs from Keras by {difference:.1e}.")
    files = [Path(path)] if Path(path).is_file() else Path(path).rglob("*")
    size = sum(file.stat().st_size for file in files if file.is_file())
    print(
        json.dumps({"bytes": size, "input": "pixels", "outputs": names, "difference": difference})
    )


def _output_names(model) -> list[str]:
    """The names of the outputs, in the order in which Keras flattens them."""
    if isinstance(model.output, dict):
        return sorted(model.output)
    if len(model.outputs) > 1:
        return [f"outputs_{number}" for number in range(len(model.outputs))]
    last = model.layers[-1]
    while hasattr(last, "layers"):  # a network behind the layer of its pixels
        last = last.layers[-1]
    softmax = "softmax" in (last.name, getattr(getattr(last, "activation", None), "__name__", ""))
    return ["probabilities" if softmax or last.name == "probabilities" else "outputs"]


def _serving(model, names):
    """A function of TensorFlow, pixels to {name: output}."""
    import keras
    import tensorflow as tf

    shape, dtype = model.inputs[0].shape, model.inputs[0].dtype

    @tf.function(input_signature=[tf.TensorSpec(shape, dtype, name="pixels")])
    def serve(pixels):
        outputs = keras.tree.flatten(model(pixels, training=False))
        return dict(zip(names, outputs, strict=True))

    return serve


def _write_saved(model, path, names) -> None:
    import keras

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", _serving(model, names))
    archive.write_out(path, verbose=False)


def _run_saved(path, pixels):
    import tensorflow as tf

    served = tf.saved_model.load(path)
    return {name: output.numpy() for name, output in served.serve(pixels).items()}


def _write_litert(model, path, names) -> None:
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        _write_saved(model, folder, names)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        Path(path).write_bytes(converter.convert())


def _run_litert(path, pixels):
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(path)
    return interpreter.get_signature_runner()(pixels=pixels)


def _write_onnx(model, path, names) -> None:
    import keras
    import onnx

    pixels = keras.InputSpec(
        shape=model.inputs[0].shape, dtype=model.inputs[0].dtype, name="pixels"
    )
    model.export(path, format="onnx", input_signature=[pixels], verbose=False)
    written = onnx.load(path)
    graph = written.graph
    # A dict of outputs comes in the order of its keys.
    ours = {graph.input[0].name: "pixels"}
    ours |= {
        y.name: name
        for y, name in zip(sorted(graph.output, key=lambda y: y.name), names, strict=True)
    }
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [ours.get(name, name) for name in tensors]
    for tensor in (*graph.input, *graph.output):
        tensor.name = ours[tensor.name]
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(written)
    onnx.save(written, path)


def _run_onnx(path, pixels):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))
