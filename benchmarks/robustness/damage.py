"""What can befall any file, and what only files of one kind."""

import io
import json
from functools import partial

import numpy as np
from PIL import Image


def write(content, path):
    path.write_bytes(content)


def _half(path):
    write(path.read_bytes()[: path.stat().st_size // 2], path)


def _flip(share, path):
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 0x55
    write(content, path)


def _folder(path):
    path.unlink()
    path.mkdir()


def _loop(path):
    path.unlink()
    path.symlink_to(path.name)


def _picture(path):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), "uint8")).save(buffer, "png")
    write(buffer.getvalue(), path)


# What can befall any file.
DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": partial(write, b""),
    "its first half": _half,
    "a text": partial(write, b"hello\n"),
    "a web page": partial(write, b"<!DOCTYPE html><html></html>"),
    "zeros": lambda path: write(bytes(path.stat().st_size), path),
    "noise": lambda path: write(np.random.default_rng(1).bytes(path.stat().st_size), path),
    "first byte flipped": partial(_flip, 0.0),
    "byte in the middle flipped": partial(_flip, 0.5),
    "a folder": _folder,
    "a link to itself": _loop,
    "a picture": _picture,
}
_JSON = {
    "null": b"null",
    "a number": b"3",
    "an empty list": b"[]",
    "an empty object": b"{}",
    "nested deep": b"[" * 100_000,
    "not UTF-8": b'{"a": "\xff"}',
    "NaN": b'{"recipe": NaN}',
}
JSON_DAMAGE = {label: partial(write, content) for label, content in _JSON.items()}


def _field(names, value, path):
    """Sets a field of a JSON file, or deletes it where the value is `...`."""
    content = owner = json.loads(path.read_text("utf-8"))
    *outer, last = names.split("/")
    for name in outer:
        owner = owner[name]
    if value is ...:
        del owner[last]
    else:
        owner[last] = value
    path.write_text(json.dumps(content))


def fields(*names):
    """Every field wrong in three ways."""
    values = {"deleted": ..., "null": None, "of another type": {"a": [1]}}
    return tuple(
        (f"{name} {how}", partial(_field, name, value))
        for name in names
        for how, value in values.items()
    )


def _python(**texts):
    return tuple(
        (
            label.replace("_", " "),
            partial(write, text if isinstance(text, bytes) else text.encode()),
        )
        for label, text in texts.items()
    )


OF_RECIPES = _python(
    syntax_error="def\n", NUL_bytes=b"a = 1\x00\n", not_UTF8="é = 1".encode("latin-1"),
    no_RECIPE="x = 1\n", raises="raise ValueError('mine')\n",
    missing_import="import nowhere\n", missing_name="from keras_classics import lenet6\n",
    endless="def f(): return f()\nf()\n", indentation="if 1:\nx = 1\n",
    tabs="if 1:\n\tx=1\n        y=2\n",
    deep="x = " + "(" * 300 + ")" * 300, many_minuses="x = " + "-" * 100_000 + "1",
    wrong_field="from keras_classics.training import Recipe\nRecipe(nope=1)\n",
    no_field="from keras_classics.training import Recipe\nRecipe(name='x')\n",
    runs_nothing="from keras_classics.cli import run\nrun(None)\n",
    runs_a_number="from keras_classics.cli import run\nrun(3)\n",
    a_lambda="from keras_classics.cli import run\n"
    "from keras_classics.cli.recipe_files import load_recipe\n"
    "from keras_classics.training import vary\n"
    "run(vary(load_recipe('lenet5_mnist').RECIPE, {'loss': lambda: 1}))\n",
)  # fmt: skip


def _idx_head(position, value, path):
    content = bytearray(path.read_bytes())
    content[position : position + 4] = value.to_bytes(4, "big")
    write(content, path)


OF_IDX = (
    ("a count too small", partial(_idx_head, 4, 3)),
    ("a count too large", partial(_idx_head, 4, 2**32 - 1)),
    ("no items", partial(_idx_head, 4, 0)),
    ("another magic number", partial(_idx_head, 0, 2052)),
)
OF_NAMES = (
    ("nine names", partial(write, b"a\n" * 9)),
    ("a name twice", partial(write, b"a\n" * 10)),
    ("Latin-1", partial(write, b"\xe9\n" * 10)),
)


def _archive(change, path):
    with np.load(path, allow_pickle=False) as file:
        arrays = change(dict(file))
    with open(path, "wb") as file:
        np.savez(file, **arrays)


OF_CHECKPOINTS = (
    ("no state", partial(_archive, lambda a: {k: v for k, v in a.items() if k != "state"})),
    ("one array less", partial(_archive, lambda a: {k: v for k, v in a.items() if k != "00000"})),
    ("arrays of other shapes", partial(_archive, lambda a: {**a, "00000": np.zeros(7)})),
    ("an object", partial(_archive, lambda a: {**a, "00000": np.array([{}])})),
)
