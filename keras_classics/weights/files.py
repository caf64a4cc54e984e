"""Files of weights, read without running anything that they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from keras_classics.types import AnyPath

_BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
_PLAIN = ("kernel", "bias")
_LONGEST = 100  # characters of a reason, of which PyTorch gives paragraphs


def existing_file(path: AnyPath) -> Path:
    """Returns the path, `~` expanded, of a file that is there and not empty.

    Args:
        path: the path as the user gave it.

    Returns:
        The path.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is empty.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"The file of weights {path} does not exist.")
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty; fetch it again.")
    return path


def unreadable(path: Path, kind: str, error: Exception) -> ValueError:
    """Returns the error, in one sentence, for a file that is not what its name says."""
    with path.open("rb") as file:
        head = file.read(512)
    reason = " ".join(str(error).split("\n")[0].split())[:_LONGEST].rstrip(".")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return ValueError(f"{path} is a web page, not {kind}; fetch it again.")
    if not re.search(rb"[^\t\n\r\x20-\x7e]", head):
        return ValueError(f"{path} is a text file, not {kind}; fetch it again.")
    return ValueError(f"{path} is truncated, damaged or not {kind} ({reason}); fetch it again.")


def read_checkpoint(path: AnyPath) -> Mapping[str, Any]:
    """Returns what a `.safetensors` file or a PyTorch checkpoint holds.

    Args:
        path: a `.safetensors` file, read without torch; any other name is read by
            `torch.load(weights_only=True)`, which unpickles tensors and plain containers only.

    Returns:
        The mapping that was saved.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if the package that reads it is not installed.
        ValueError: if the file is damaged, is no checkpoint, or would run code.
    """
    path = existing_file(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _read_torch(path)


def _read_safetensors(path: Path) -> Mapping[str, np.ndarray]:
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise ImportError(f"{path} is read by the package safetensors; install it.") from error
    try:
        return load_file(path)
    except Exception as error:
        raise unreadable(path, "a safetensors file", error) from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{path} is read by the package torch; install it.") from error
    # torch's reader of old files raises whatever its first wrong byte leads to.
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        forbidden = re.search(r"(?:GLOBAL|global) `?([\w.]*\.\w+)", str(error))
        if forbidden:
            raise ValueError(
                f"{path} holds Python objects besides tensors ({forbidden[1]}); reading them could "
                "run code, so save the state_dict() alone."
            ) from error
        if "WeightsUnpickler error" in str(error):
            error = ValueError("it is no pickle of tensors")
        raise unreadable(path, "a PyTorch checkpoint", error) from error
    if not isinstance(saved, Mapping):
        raise ValueError(
            f"{path} must hold a state_dict, a mapping from names to tensors. "
            f"Received: {type(saved).__name__}"
        )
    return saved


@contextmanager
def open_hdf5(path: AnyPath) -> Iterator[h5py.File]:
    """Opens an HDF5 file for reading, or says in one sentence why it, or a part, cannot be."""
    path = existing_file(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise unreadable(path, "a file of Keras weights", error) from error
    with file:
        try:
            yield file
        except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError) as error:
            # Whatever h5py's C code makes of damage behind the file's head.
            raise unreadable(path, "a file of Keras weights", error) from error


def datasets_of(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """Returns path to data set for all that the file itself holds; links are not followed."""
    found: dict[str, Any] = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and not item.external and not item.is_virtual:
            found[name] = item

    group.visititems(visit)
    return found


def layers_of(file: h5py.File) -> dict[str, dict[str, h5py.Dataset]]:
    """Returns, for a `.weights.h5` file, layer name to the data sets of that layer by their paths.

    The file's groups are numbered by class, `layers/conv2d_3/vars/0`; the name that the layer had
    is an attribute of the group `vars`. The states of random generators are left out.
    """
    if "layers" not in file:
        return {}
    found: dict[str, Any] = {}
    for path, dataset in datasets_of(file["layers"]).items():
        group, inner = path.split("/", 1)
        if "seed_generator" not in inner:
            own = file.get(f"layers/{group}/vars")
            name = str(own.attrs.get("name", group)) if own is not None else group
            found.setdefault(name, {})[inner] = dataset
    return found


def named_tensors(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Returns `<layer>/<weight>` to data set for a file of dense, convolution and norm layers.

    Understands `.weights.h5` and the older HDF5 formats, weights alone or the whole model.
    """
    legacy = file.get("model_weights", file)
    by_layer = {
        name: [datasets[key] for key in sorted(datasets)]
        for name, datasets in layers_of(file).items()
    } or {name: _legacy_layer(group) for name, group in legacy.items()}
    return {
        f"{layer}/{name}": dataset
        for layer, datasets in sorted(by_layer.items())
        for name, dataset in zip(
            _BATCH_NORM if len(datasets) == 4 else _PLAIN, datasets, strict=False
        )
    }


def _legacy_layer(group) -> list[h5py.Dataset]:
    if not isinstance(group, h5py.Group):
        return []
    datasets = datasets_of(group)
    names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs.get("weight_names", [])]
    return [datasets[name] for name in names if name in datasets]
