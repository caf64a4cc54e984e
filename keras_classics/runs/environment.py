"""What a run ran on, for `environment.json`."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_classics import __version__
from keras_classics.progress import in_notebook
from keras_classics.training.fields import identity
from keras_classics.words import plural

if TYPE_CHECKING:
    from keras_classics.runs.devices import OneDevice
    from keras_classics.training.recipe import Recipe

_COMPUTING = ("jax", "tensorflow", "numpy")
_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "tensorflow-datasets")


def facts(recipe: Recipe) -> dict[str, Any]:
    """Returns what the processes of one run must have in common: versions and the recipe."""
    versions = {name: _version(name) or "none" for name in ("keras", *_COMPUTING)}
    return {
        "keras_classics": __version__,
        "commit": _commit(),
        **versions,
        "recipe": identity(recipe)[:12],
    }


def environment(devices: OneDevice) -> dict[str, str]:
    """Returns package versions, commit, backend, machine, devices and command, as strings.

    Args:
        devices: what `distribute` returned.
    """
    import keras

    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "keras_classics": __version__,
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "commit": _commit(),
        "backend": keras.backend.backend(),
        **{name: version for name, version in versions.items() if version},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "devices": _devices(devices),
        "command": _command(),
    }


def _command():
    if in_notebook():
        return "a notebook"
    return shlex.join([*_script(sys.argv[0]), *sys.argv[1:]])


def _devices(devices):
    replicas = plural(devices.replicas, "replica")
    return f"{devices.name}, {replicas} in {plural(devices.processes, 'process', 'processes')}"


def _script(path):
    """The script as one would type it in this folder; its bare name if it lies elsewhere."""
    path, here = Path(path).resolve(), Path.cwd()
    if path.is_relative_to(Path(__file__).resolve().parents[1] / "recipes"):  # installed
        return ["keras-classics", "train", path.stem]
    return ["python", str(path.relative_to(here)) if path.is_relative_to(here) else path.name]


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit():
    """The commit of the source tree, marked where it was changed; for an installed copy, a dash."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "–"
    git = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "–"
