"""Networks for other programs: TensorFlow's SavedModel and ONNX, from any backend."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from keras_classics import checks

if TYPE_CHECKING:
    import keras

    from keras_classics.types import AnyPath

_NEEDS = {"onnx": ("tensorflow", "tf2onnx", "onnx"), "tf_saved_model": ("tensorflow",)}


def export(model: keras.Model | AnyPath, path: AnyPath) -> AnyPath:
    """Writes a network as ONNX or as a SavedModel.

    Only the TensorFlow backend of Keras writes both formats, so a process with that backend does
    it, whatever the backend of this one. The pictures keep the size the model was built for, the
    batch stays free.

    Args:
        model: a `keras.Model`, or the path of a `.keras` file.
        path: a file that ends in `.onnx`, or a folder for a SavedModel; it must not exist yet.

    Returns:
        The path.

    Raises:
        FileExistsError: if there is something at `path` already.
        FileNotFoundError: if `model` is a path where nothing is.
        ImportError: if a package is missing; `pip install "keras_classics[export]"` brings them.
        ValueError: if `model` or `path` is none of the above.
        RuntimeError: if the process fails, with the last line of what it said.

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
    path = Path(path)
    kind = "onnx" if path.suffix == ".onnx" else "tf_saved_model"
    if isinstance(model, str | Path) and not os.path.isfile(model):
        raise FileNotFoundError(f"There is no model at {str(model)[:100]}.")
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
        if not isinstance(model, str | Path):
            source = Path(folder) / "model.keras"
            model.save(source)
        written = Path(folder) / path.name
        _run([str(source), str(written), kind])
        shutil.move(written, path)
    return path


def _run(arguments):
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", "from keras_classics.export import _write; _write()"]
    ended = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RuntimeError(f"The export failed: {last}")


def _write():
    """What the process with the TensorFlow backend does."""
    import keras

    import keras_classics.layers  # noqa: F401 - known to load_model

    source, path, kind = sys.argv[1:]
    model = keras.models.load_model(source, compile=False)
    signature = [
        keras.InputSpec(shape=x.shape, dtype=x.dtype, name="pictures") for x in model.inputs
    ]
    model.export(path, format=kind, input_signature=signature, verbose=False)
