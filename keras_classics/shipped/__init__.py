"""Trained networks that come with the package: finished runs in miniature, each with its card.

    <network>/<weights>/
        recipe.json metrics.json model.keras    as in a run directory, see docs/run_directory.md
        card.json                               how they were trained, and what they can
        SHA256SUMS                              of these four

So `predict` and `evaluate` take them as they take any run. Nothing here needs a backend.
`python -m benchmarks.training.ship` makes such a folder of a run.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from keras_classics import checks
from keras_classics.errors import UserError
from keras_classics.schema import (
    ANYTHING,
    NAME,
    NUMBER,
    PERCENT,
    TEXT,
    count,
    fields,
    items,
    read_json,
    values,
)

FOLDER = Path(__file__).parent
SUMS = "SHA256SUMS"
FILES = ("card.json", "metrics.json", "model.keras", "recipe.json")
_SUM = re.compile(r"([0-9a-f]{64})  ([\w.]+)")

MEASURED = {
    "examples": count(1),
    "wrong": count(0),
    "error": PERCENT,
    "interval": items(NUMBER, least=2, most=2),
}
CARD = fields(
    {
        "network": NAME,
        "weights": NAME,
        "options": values(ANYTHING),
        "normalization": values(ANYTHING),
        "recipe": NAME,
        "command": NAME,
        "seed": count(0),
        "epochs": count(1),
        "data": NAME,
        "train_examples": count(1),
        **MEASURED,
        "licence": NAME,
        **dict.fromkeys(("commit", "date", "backend"), TEXT),
    },
    {"also": items(fields({"data": NAME, **MEASURED}))},
)


def names(network: str) -> tuple[str, ...]:
    """Returns the names of the weights that come with a network.

    Args:
        network: a builder's name.

    Example:
        >>> from keras_classics import shipped
        >>> shipped.names("lenet5"), shipped.names("vgg16")
        (('mnist',), ())
    """
    found = FOLDER / network
    return tuple(sorted(path.name for path in found.glob("*") if path.is_dir()))


def folder(network: str, weights: str) -> Path:
    """Returns the folder of a trained network, once its files have their checksums.

    Args:
        network: a builder's name.
        weights: a name of `names(network)`.

    Raises:
        ValueError: if the network has no weights of that name.
        UserError: if a file is missing or damaged.

    Example:
        The complete model takes pixels 0 … 255 and gives probabilities.

        >>> import keras, numpy as np
        >>> from keras_classics import shipped
        >>> model = keras.models.load_model(shipped.folder("lenet5", "mnist") / "model.keras")
        >>> model(np.zeros((1, 28, 28, 1))).shape[1]
        10
    """
    checks.choice("weights", weights, names(network))
    path = FOLDER / network / weights
    sums = _sums(path / SUMS)
    if sorted(sums) != list(FILES):
        raise UserError(f"{path / SUMS} is missing or damaged; install keras_classics again.")
    for name, checksum in sums.items():
        if _checksum(path / name) != checksum:
            raise UserError(
                f"{path / name} is missing or damaged (its checksum in {SUMS} is another); "
                "install keras_classics again."
            )
    return path


def card(network: str, weights: str) -> dict[str, Any]:
    """Returns how weights were trained, and what they can: error and interval in percent.

    Args:
        network: a builder's name.
        weights: a name of `names(network)`.

    Returns:
        dict: `network` and `weights`; `options` and `normalization`, which go with them; `recipe`,
        `command`, `seed`, `epochs`, `commit`, `date`, `backend`; `data`, `train_examples`; of the
        test pictures `examples`, `wrong`, `error` and the 95 % `interval`; `licence`; where they
        were measured on other pictures too, `also`.

    Raises:
        ValueError, UserError: as `folder`.

    Example:
        >>> from keras_classics import shipped
        >>> shipped.card("lenet5", "mnist")["command"]
        'python recipes/lenet5_mnist.py --set validation=0 --seed 0'
    """
    return read_json(folder(network, weights) / "card.json", CARD)


def run_directory(path: Path) -> Path:
    """Returns the folder that a command line means: its path, or a trained network by its name.

    Args:
        path: a `Path`; where nothing lies there, "lenet5/mnist", or "lenet5" if it has no others.

    Raises:
        UserError: if there is neither, or a file of the network is missing or damaged.

    Example:
        >>> from pathlib import Path
        >>> from keras_classics import shipped
        >>> shipped.run_directory(Path("lenet5")).name
        'mnist'
    """
    if os.path.lexists(path):
        return path
    network, _, weights = path.as_posix().partition("/")
    trained = {one.name: names(one.name) for one in sorted(FOLDER.glob("[!_]*")) if one.is_dir()}
    known = trained.get(network, ())
    if weights in known or (len(known) == 1 and not weights):
        return folder(network, weights or known[0])
    listed = ", ".join(f"{one}/{name}" for one, known in trained.items() for name in known)
    raise UserError(
        f"{path} does not exist; name a run directory, or a network that comes trained: "
        f"{listed or 'none does'}."
    )


def _sums(path):
    """Returns {file: its SHA-256}, as `sha256sum` writes them; nothing of a damaged list."""
    try:
        lines = [_SUM.fullmatch(line) for line in path.read_text("ascii").splitlines()]
    except (OSError, ValueError):
        return {}
    return {} if None in lines else {line[2]: line[1] for line in lines}


def _checksum(path):
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
