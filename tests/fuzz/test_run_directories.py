"""Finished runs with their files flipped, cut and filled with other values, read by each command.

`pytest tests/fuzz/test_run_directories.py --slow` tries many more, `SEED=7` others.
"""

import contextlib
import copy
import io
import json
import os
import random
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_classics.cli.main import _parser as main_parser
from keras_classics.errors import UserError

SEED = int(os.environ.get("SEED", 0))
JSON = ("recipe.json", "metrics.json", "environment.json")
TABLES = ("history.csv", "timings.csv")
OTHERS = ("model.keras", "predictions.npz")
VALUES = (
    *(None, True, False, 0, -1, 1, 2, 10**18, -(10**18), 1e308, 5e-324, float("nan"), float("inf")),
    *("", "x", "../..", "<b>", "\x00", "é" * 500, "nan", "1e999", "%s{0}", "a" * 5000, "mnist_5k"),
    *([], [None], [[]], {}, {"call": "os:system"}, {"a": {"a": {}}}, list(range(500)), ["x"] * 10),
)
CELLS = ("", "nan", "inf", "-inf", "1e308", "-1", "x", "1e999", "0", '"', "1,1", "\x00", "é", "1_0")


def leaves(value, path=()):
    """Yields the place of each value in JSON data, also of lists and objects."""
    yield path
    inside = {list: enumerate, dict: dict.items}.get(type(value), lambda value: ())
    for key, part in inside(value):
        yield from leaves(part, (*path, key))


def with_other_values(data, draw):
    """Returns JSON text with some values replaced, renamed or removed."""
    content = json.loads(data)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        path = draw.choice(list(leaves(content)))
        value = copy.deepcopy(draw.choice(VALUES))
        if not path:
            continue
        owner = content
        for key in path[:-1]:
            owner = owner[key]
        kind = draw.randrange(6)
        if kind == 0:
            del owner[path[-1]]
        elif kind == 1 and isinstance(owner, dict):
            owner[draw.choice(("call", "args", "x", "", "é"))] = owner.pop(path[-1])
        else:
            owner[path[-1]] = value
    return json.dumps(content).encode()


def with_other_cells(data, draw):
    lines = [line.split(",") for line in data.decode().splitlines()]
    for _ in range(draw.choice((1, 1, 2))):
        line = draw.choice(lines)
        line[draw.randrange(len(line))] = draw.choice(CELLS)
    return "\n".join(map(",".join, lines)).encode()


def flipped(data, draw):
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 4, 64))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def cut(data, draw):
    return data[: draw.randrange(len(data))]


def stuffed(data, draw):
    place = draw.randrange(len(data))
    return data[:place] + draw.randbytes(draw.choice((1, 16, 4096))) + data[place:]


def with_other_arrays(data, draw):
    """Returns predictions.npz with one array of other values, another shape or another type."""
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    name = draw.choice(list(arrays))
    array = arrays[name]
    with contextlib.suppress(ValueError), np.errstate(all="ignore"):
        arrays[name] = draw.choice(
            (
                array[:0], array[:-1], array[..., None], array.ravel(), array.astype("float64"),
                array.astype("U5"), array.astype("int8"), array - 1, array.astype("int64") + 10**6,
                np.full(array.shape, np.nan), np.zeros(()), np.concatenate([array, array]),
            )
        )  # fmt: skip
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def mutated(name, data, draw):
    ways = [flipped, cut, stuffed]
    if name in JSON:
        ways += [with_other_values] * 7
    elif name in TABLES:
        ways += [with_other_cells] * 5
    elif name == "predictions.npz":
        ways += [with_other_arrays] * 4
    return draw.choice(ways)(data, draw)


def said_by(command, run_dir, picture):
    """Returns what a command says of a run where it does not succeed; "" where it does."""
    words = [command, str(run_dir), *([str(picture)] if command == "predict" else [])]
    arguments = main_parser().parse_args(words)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            arguments.function(arguments)
        except UserError as error:
            return " ".join(str(error).split()).replace(str(run_dir), "RUN")
    return ""


def attack(finished_run, folder, seed, names):
    """Damages a copy of a run in one way, has each command read it, and asserts what they say."""
    draw = random.Random(seed)
    name = draw.choice(names)
    run_dir = shutil.copytree(finished_run, folder / "run", dirs_exist_ok=True)
    path = run_dir / name
    path.write_bytes(mutated(name, path.read_bytes(), draw))
    picture = folder / "digit.png"
    if not picture.exists():
        Image.fromarray(np.eye(28, dtype="uint8") * 255).save(picture)
    reads = {"metrics.json": ("predict", "report"), "recipe.json": ("evaluate", "report"),
             "model.keras": ("predict", "evaluate", "report")}  # fmt: skip
    for command in reads.get(name, ("report",)):
        said = said_by(command, run_dir, picture)
        assert len(said) < 300, (seed, name, command, said)
        if said:
            named = name in said or "The run " in said or "--data" in said or "`dataset`" in said
            assert named, (seed, name, command, said)
            assert said.endswith("."), said


@pytest.mark.parametrize("name", [*JSON, *TABLES, *OTHERS])
def test_a_little_damage(finished_run, tmp_path, name):
    for number in range(4):
        attack(finished_run, tmp_path, f"{SEED} {name} {number}", (name,))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_much_damage(finished_run, tmp_path, part):
    for number in range(50):
        attack(finished_run, tmp_path, f"{SEED} {part} {number}", (*JSON, *JSON, *TABLES, *OTHERS))
