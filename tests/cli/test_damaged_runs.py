"""Run directories that are damaged, or made to do harm: one sentence, and nothing of them runs."""

import json
import math
import re
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_classics.cli.main import _parser as main_parser
from keras_classics.data.transforms import affine, color, crops, photometric, resizing
from keras_classics.data.transforms.color import ColorTransform
from keras_classics.data.transforms.transform import Transform
from keras_classics.errors import UserError
from keras_classics.evaluation import recorded
from keras_classics.evaluation.by_name import PROTOCOLS
from keras_classics.training import describe

DEEP = '{"a":' * 5000 + "1" + "}" * 5000


def ends_with(capsys, *arguments):
    """Returns the sentence with which a command ends; "" where it does not fail."""
    chosen = main_parser().parse_args([str(argument) for argument in arguments])
    try:
        chosen.function(chosen)  # as `main` does, which also collects garbage: a second each
    except UserError as error:
        message = " ".join(str(error).split())
        assert len(message.replace(str(arguments[1]), "")) < 300, message
        return message
    finally:
        capsys.readouterr()
    return ""


def command_line(command, run_dir, tmp_path):
    picture = tmp_path / "digit.png"
    if command == "predict" and not picture.exists():
        Image.fromarray(np.eye(28, dtype="uint8") * 255).save(picture)
    return [command, run_dir, *([picture] if command == "predict" else [])]


def change(path, field, value):
    content = json.loads(path.read_text("utf-8"))
    owner = content.get("recipe") if path.name == "recipe.json" else content
    if value is KeyError:
        del owner[field]
    else:
        owner[field] = value
    path.write_text(json.dumps(content), "utf-8")


WHOLE = ["[[" * 50_000, "[]", "null", DEEP, '{"recipe":1}', '{"recipe":[]}', "{}", "", "{", "1e999"]
WHOLE += ['{"recipe":null}', "9" * 5000, "\x00", '"\ud800"']


@pytest.mark.parametrize("content", WHOLE, ids=lambda content: repr(content[:12]))
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("evaluate", "recipe.json"),
        ("report", "recipe.json"),
        ("predict", "metrics.json"),
        ("report", "metrics.json"),
        ("report", "environment.json"),
    ],
)
def test_a_file_that_is_something_else(copy_of_run, tmp_path, capsys, command, name, content):
    if name == "environment.json" and content in ("{}", '{"recipe":1}'):
        pytest.skip("that is one")
    (copy_of_run / name).write_bytes(content.encode("utf-8", "surrogatepass"))
    message = ends_with(capsys, *command_line(command, copy_of_run, tmp_path))
    assert f"{name}` cannot be read (" in message


FIELDS = [
    ("evaluate", "recipe.json", "dataset", [-1, KeyError, math.inf, None, "", []]),
    ("evaluate", "recipe.json", "name", [KeyError, 1, "", "x" * 2000]),
    ("evaluate", "recipe.json", "seed", [KeyError, "0", -1, 0.5, True, math.nan]),
    ("evaluate", "recipe.json", "protocol", [-1, "x", [], True]),
    ("evaluate", "recipe.json", "test_transforms", [-1, None, [None], "x", {}, [[]], [1]]),
    ("report", "recipe.json", "epochs", ["x", 0, -1, 1e9, None, 10**18]),
    ("report", "recipe.json", "deviations", ["x", [1], {}, None]),
    ("report", "recipe.json", "paper", ["x", 1, [None], {"test_error": "x"}]),
    ("predict", "metrics.json", "class_names", [-1, None, [], "x", {"a": 1}, {}, [1], [""]]),
    ("predict", "metrics.json", "image_shape", [["<b>"] * 3, [None], [], "x", {}, [28, 28, 0]]),
    ("predict", "metrics.json", "image_shape", [[10**9, 10**9, 3], [28.0, 28, 1], [28, 28, -1]]),
    ("report", "metrics.json", "error", [[None], "x", math.nan, -1, 101, KeyError, True]),
    ("report", "metrics.json", "examples", [[None], "x", 0, -1, math.inf, 10**400]),
    ("report", "metrics.json", "wrong", ["x", -1, 0.5]),
    ("report", "metrics.json", "paper", [[None], "x", {"examples": "x"}, {"where": 1}]),
    ("report", "metrics.json", "train_error", [[None], "x", math.inf]),
    ("report", "metrics.json", "top5_error", [[None], "x"]),
    ("report", "metrics.json", "note", [1, []]),
]


@pytest.mark.parametrize(
    ("command", "name", "field", "value"),
    [(*row, value) for *row, values in FIELDS for value in values],
    ids=lambda value: repr(value)[:24],
)
def test_a_field_that_is_something_else(copy_of_run, tmp_path, capsys, command, name, field, value):
    change(copy_of_run / name, field, value)
    message = ends_with(capsys, *command_line(command, copy_of_run, tmp_path))
    place = f"recipe.{field}" if name == "recipe.json" else field
    assert f'{name}` cannot be read ("{place}' in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("class_names", ["0", "1"]),
        ("image_shape", [28, 28, 3]),
        ("image_shape", [32, 32, 1]),
        ("image_shape", [28, 28, 2]),
    ],
)
def test_figures_of_another_model(copy_of_run, tmp_path, capsys, field, value):
    change(copy_of_run / "metrics.json", field, value)
    message = ends_with(capsys, *command_line("predict", copy_of_run, tmp_path))
    assert "not of one run" in message or "2 channels" in message


@pytest.mark.parametrize("name", ["history.csv", "timings.csv"])
@pytest.mark.parametrize(
    "content",
    [
        b"epoch,loss,error,seconds\n1,x,1,1\n",
        b"epoch,loss,error,seconds\n2,1,1,1\n",
        b"epoch,loss,error,seconds\n1,1e308,1,1e308\n",
        b"epoch,loss,error,seconds\n1,1,1,1,5\n",
        b"epoch,loss,error,seconds\n1,1,1,-1\n",
        b"loss,error\n1,1\n",
        b"\xff\xfe\x00",
        b"epoch,loss,error\n1,1,101\n",
        b'epoch,loss,error\n1,"' + b"x" * 200_000,
    ],
    ids=lambda content: repr(content[-12:]),
)
def test_a_table_that_is_something_else(copy_of_run, capsys, name, content):
    (copy_of_run / name).write_bytes(content)
    assert f"{name}` cannot be read (" in ends_with(capsys, "report", copy_of_run)


@pytest.mark.parametrize("row", [b"1,inf", b"1,nan", b"1,"])
def test_an_epoch_of_unknown_length_is_no_damage(copy_of_run, capsys, row):
    (copy_of_run / "timings.csv").write_bytes(b"epoch,seconds\n" + row)
    assert ends_with(capsys, "report", copy_of_run) == ""


def damaged(data, how):
    """Returns the bytes of a model file, damaged in one way."""
    half = len(data) // 2
    flipped = data[:half] + bytes([data[half] ^ 0xFF]) + data[half + 1 :]
    return {"flip": flipped, "cut": data[:half], "empty": b"", "text": b"<html></html>"}[how]


def rewritten(path, **parts):
    """Writes a model file with some of its parts replaced; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (old | parts).items():
            if content is not None:
                archive.writestr(name, content)


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("how", ["flip", "cut", "empty", "text"])
def test_a_damaged_model(copy_of_run, tmp_path, capsys, command, how):
    path = copy_of_run / "model.keras"
    path.write_bytes(damaged(path.read_bytes(), how))
    message = ends_with(capsys, *command_line(command, copy_of_run, tmp_path))
    assert "model.keras cannot be loaded as a model (" in message


def layer(name, **config):
    return {"module": "keras.layers", "class_name": name, "registered_name": None, "config": config}


@pytest.mark.parametrize(
    "part",
    [
        {"config.json": b"[[" * 50_000},
        {"config.json": b"{}"},
        {"config.json": b"1"},
        {"config.json": None},
        {"model.weights.h5": None},
        {"model.weights.h5": b"no HDF5"},
        {"config.json": json.dumps(layer("Dense", units=10**12)).encode()},
        {"config.json": json.dumps(layer("Lambda", function="print")).encode()},
        {
            "config.json": json.dumps(
                {"module": "os", "class_name": "system", "config": "ls"}
            ).encode()
        },
    ],
    ids=lambda part: repr(part)[:40],
)
def test_a_model_of_other_parts(copy_of_run, capsys, part):
    rewritten(copy_of_run / "model.keras", **part)
    message = ends_with(capsys, "evaluate", copy_of_run)
    assert "model.keras cannot be loaded as a model (" in message


def test_a_small_model_that_unpacks_to_a_large_one(copy_of_run, capsys):
    path = copy_of_run / "model.keras"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/zeros", bytes(80_000_000), compresslevel=1)
    message = ends_with(capsys, "evaluate", copy_of_run)
    assert re.search(
        r"model.keras cannot be loaded as a model \(it unpacks to 80,\d+,\d+ b", message
    )


@pytest.mark.parametrize("how", ["flip", "cut", "empty", "text"])
def test_a_report_says_what_of_a_run_is_damaged(copy_of_run, capsys, how):
    for name in ("model.keras", "predictions.npz"):
        path = copy_of_run / name
        path.write_bytes(damaged(path.read_bytes(), how))
    assert ends_with(capsys, "report", copy_of_run) == ""
    page = (copy_of_run / "report.html").read_text("utf-8")
    assert "model.keras cannot be loaded as a model (" in page
    assert "predictions.npz cannot be read (" in page


CALLS = [
    {"call": "keras_classics.training.run_directory:RunDirectory", "path": "made"},
    {"call": "keras_classics.runs.directory:RunDirectory", "path": "made", "recipe": None},
    {"call": "keras_classics.files:write_bytes", "path": "made", "content": ""},
    {"call": "os:system", "command": "mkdir made"},
    {"call": "keras_classics.evaluation.protocols:np"},
    {"call": "keras_classics.evaluation.protocols:_Crops"},
    {"call": "my_parts:Protocol"},
    {"call": 1},
    {"call": []},
    {},
    {"call": "keras_classics.evaluation.protocols:TenCrop", "size": "28"},
    {"call": "keras_classics.evaluation.protocols:TenCrop", "sizes": 28},
    {"call": "keras_classics.evaluation.protocols:TenCrop", "size": 28, "shorter_side": 10**9},
    {"call": "keras_classics.evaluation.protocols:TenCrop", "size": {"call": "os:getcwd"}},
    {"call": "keras_classics.evaluation.protocols:GridCrops", "grid": 10**6},
    {"call": "keras_classics.evaluation.protocols:GridCrops", "shorter_sides": 5},
    {"call": "keras_classics.evaluation.dense_evaluation:DenseEvaluation", "shorter_sides": [-1]},
    {"call": "keras_classics.evaluation.dense_evaluation:DenseEvaluation", "convolutional": 1},
    {"call": "keras_classics.evaluation.dense_evaluation:DenseEvaluation", "interpolation": "x"},
    {"call": "keras_classics.data.transforms.crops:CenterCrop", "size": 28},
    {"call": "keras_classics.models.fully_convolutional:fully_convolutional"},
]


@pytest.mark.parametrize("protocol", CALLS, ids=lambda call: repr(list(call.values()))[:60])
def test_a_run_directory_calls_nothing_but_protocols(
    copy_of_run, tmp_path, capsys, monkeypatch, protocol
):
    monkeypatch.chdir(tmp_path)
    change(copy_of_run / "recipe.json", "protocol", protocol)
    message = ends_with(capsys, "evaluate", copy_of_run)
    assert "The run " in message and "choose a --protocol" in message
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "transform",
    [
        {"call": "keras_classics.runs.directory:RunDirectory", "path": "made"},
        {"call": "keras_classics.data.transforms.crops:RandomFlip"},
        {"call": "keras_classics.data.transforms.crops:CenterCrop", "size": -1},
        {},
    ],
    ids=repr,
)
def test_a_run_directory_calls_nothing_but_transforms(copy_of_run, capsys, transform):
    change(copy_of_run / "recipe.json", "test_transforms", [transform])
    message = ends_with(capsys, "evaluate", copy_of_run)
    assert "The run " in message and "choose a --protocol" in message


@pytest.mark.parametrize("data", ["huggingface:mnist", "../../etc", "a:b:c"])
def test_a_run_directory_fetches_no_strangers_code(copy_of_run, capsys, data):
    change(copy_of_run / "recipe.json", "dataset", data)
    assert "name the data with --data" in ends_with(capsys, "evaluate", copy_of_run)


OWN = """
from dataclasses import dataclass
from keras_classics.evaluation import CenterView

@dataclass(frozen=True)
class MyView(CenterView):
    size: int = 28
    shorter_side: int = 28

def invert(images, seeds=None):
    return 255 - images
"""


def test_a_persons_own_code_runs_where_they_name_it(copy_of_run, tmp_path, capsys):
    (tmp_path / "my_views.py").write_text(OWN)
    own = tmp_path / "my_views.py"
    recipe = copy_of_run / "recipe.json"
    for field, value in (("protocol", {"call": "my_views:MyView"}), ("protocol", None),
                         ("test_transforms", [{"call": "my_views:invert"}])):  # fmt: skip
        change(recipe, field, value)
        if value:
            refused = ends_with(capsys, "evaluate", copy_of_run)
            assert "measured by my_views:" in refused and "with --import" in refused
        assert ends_with(capsys, "evaluate", copy_of_run, "--import", own) == ""
    assert "takes the path of a file" in ends_with(capsys, "evaluate", copy_of_run, "--import", "x")
    shutil.copy(own, tmp_path / "json.py")
    message = ends_with(capsys, "evaluate", copy_of_run, "--import", tmp_path / "json.py")
    assert "json.py has the name of another module" in message


def test_every_protocol_and_transform_of_ours_can_be_restored():
    protocols = {type(protocol) for protocol in PROTOCOLS.values()}
    assert protocols == set(recorded.PROTOCOLS)
    for protocol in PROTOCOLS.values():
        assert recorded.restored(describe(protocol)) == protocol
    modules = (affine, color, crops, photometric, resizing)
    ours = {
        value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and isinstance(value, type) and issubclass(value, Transform)
    }
    assert ours - {Transform, ColorTransform} <= set(recorded.TRANSFORMS)


def test_runs_from_before_the_rooms_were_divided():
    dense = {"call": "keras_classics.training.dense:Dense", "shorter_sides": [256]}
    assert recorded.restored(dense) == PROTOCOLS["dense"]
    cut = {"call": "keras_classics.data.crops:CenterCrop", "size": 28}
    assert recorded.restored([cut]) == (crops.CenterCrop(28),)
