"""The commands `keras-classics …` and `python recipes/…`, on real runs and on wrong input."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_classics.cli import run
from keras_classics.cli.main import main
from keras_classics.cli.recipe_files import load_recipe
from keras_classics.data.transforms.crops import CenterCrop
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.evaluation.protocols import TenCrop
from keras_classics.training import describe
from tests import ROOT

lenet5_mnist = load_recipe("lenet5_mnist")

QUICK = ["--data", "mnist_5k", "--epochs", "1", "--limit-train", "300", "--keep-epochs", "1"]


def train(*arguments):
    """Runs the published recipe in this process, as its command line does."""
    run(lenet5_mnist.RECIPE, lenet5_mnist.CHOICES, argv=[*QUICK, *map(str, arguments)])


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "demo"
    train("--run-dir", path)
    return path


@pytest.fixture(scope="module")
def rgb_model(tmp_path_factory):
    """A saved model for ten classes of small pictures in colour."""
    import keras

    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    path = tmp_path_factory.mktemp("models") / "rgb.keras"
    model.save(path)
    return path


def fails(call, *arguments):
    """Returns the one sentence with which a command ends."""
    with pytest.raises(SystemExit) as ended:
        call(*arguments)
    message = str(ended.value.code)
    assert message.startswith("error: ") and "\n" not in message
    return message


def test_the_recipe_prints_the_papers_number_beside_ours(tmp_path, capsys):
    train("--run-dir", tmp_path / "run")
    out = capsys.readouterr().out
    assert "500 held-out training pictures: not comparable with the paper's 10,000 digits" in out
    assert "held-out error" in out and "test error" not in out
    assert "Changed in this run:\n  dataset: mnist_5k instead of mnist\n" in out
    assert "0.95 %" in out
    assert str(tmp_path / "run" / "report.html") in out


def test_a_part_of_the_test_pictures_is_never_comparable(tmp_path, capsys):
    train("--run-dir", tmp_path / "run", "--limit-test", "50")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["examples"], metrics["comparable"]) == (50, False)
    assert "limit_test: 50 of 500 pictures" in capsys.readouterr().out


def test_report_is_drawn_again(run_dir, capsys):
    (run_dir / "report.html").unlink()
    main(["report", str(run_dir)])
    assert capsys.readouterr().out.strip() == str(run_dir / "report.html")
    assert (run_dir / "report.html").exists()


def test_evaluate_measures_kept_epochs(run_dir, capsys):
    main(["evaluate", str(run_dir), "--epochs", "1"])
    wrong = json.loads((run_dir / "metrics.json").read_text())["wrong"]
    assert f"({wrong} wrong)" in capsys.readouterr().out


@pytest.mark.parametrize("protocol", ["center", "ten_crop"])
def test_evaluate_by_a_protocol_at_the_networks_size(run_dir, capsys, protocol):
    main(["evaluate", str(run_dir), "--protocol", protocol, "--batch-size", "500"])
    header, line = capsys.readouterr().out.splitlines()
    assert header.endswith(f"mnist_5k, 500 held-out training pictures, {protocol}")
    assert re.search(
        r"final model +error \d+\.\d\d %  \(\d+ wrong\)  top-5 error \d+\.\d\d %", line
    )


def test_several_runs_are_also_measured_together(run_dir, capsys):
    """A network and itself at an earlier time, which here is the same: three equal figures."""
    model = run_dir / "snapshots" / "epoch-0001.keras"
    main(["evaluate", str(run_dir), str(model), "--data", "mnist_5k"])
    wrong = json.loads((run_dir / "metrics.json").read_text())["wrong"]
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "mnist_5k, 500 held-out training pictures"
    assert [line.split()[0] for line in lines] == [str(run_dir), str(model), "ensemble"]
    assert all(f"({wrong} wrong)" in line for line in lines)


def test_evaluate_by_the_runs_own_protocol_and_transforms(run_dir, tmp_path, capsys):
    model = run_dir / "model.keras"
    for field, value in (
        ("protocol", TenCrop(size=28, shorter_side=32)),
        ("test_transforms", (ResizeShorterSide(32), CenterCrop(28))),
    ):
        copy = tmp_path / field
        copy.mkdir()
        recipe = json.loads((run_dir / "recipe.json").read_text())
        recipe["recipe"].update({"protocol": None, field: describe(value)})
        (copy / "recipe.json").write_text(json.dumps(recipe))
        (copy / "model.keras").symlink_to(model)
    main(["evaluate", str(tmp_path / "protocol")])
    own = capsys.readouterr().out.splitlines()
    assert own[0].endswith("500 held-out training pictures, TenCrop")
    main(["evaluate", str(run_dir), "--protocol", "ten_crop"])
    assert capsys.readouterr().out.splitlines()[1] == own[1]
    main(["evaluate", str(tmp_path / "test_transforms")])
    transformed = capsys.readouterr().out.splitlines()[1]
    main(["evaluate", str(run_dir), "--protocol", "center"])
    assert capsys.readouterr().out.splitlines()[1] == transformed


def test_predict_says_what_it_did(run_dir, tmp_path, capsys):
    with np.load(run_dir / "predictions.npz") as file:
        digit = file["sample_images"][7, :, :, 0]
    Image.fromarray(255 - digit).resize((280, 280)).save(tmp_path / "seven.png")
    main(["predict", str(run_dir), str(tmp_path / "seven.png")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'seven.png'}: ")
    assert sum("logit" in line for line in lines) == 10
    assert any("inverted" in line.lower() for line in lines)
    named = tmp_path / "named"
    named.mkdir()
    metrics = json.loads((run_dir / "metrics.json").read_text())
    metrics["class_names"][7] = "n02099601"
    (named / "metrics.json").write_text(json.dumps(metrics))
    (named / "model.keras").symlink_to(run_dir / "model.keras")
    main(["predict", str(named), str(tmp_path / "seven.png")])
    assert re.search(r"^  golden retriever +[01]\.\d{4} ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs must be a positive integer. Received: epochs=0"),
        (["--batch-size", "-3"], "--batch-size must be a positive integer"),
        (["--set", "lerning_rate=1"], "`lerning_rate` cannot be set: there is no 'lerning_rate'"),
        (["--set", "model.foo=1"], "`model.foo` cannot be set: there is no 'foo'; there are"),
        (["--set", "epochs"], "`--set` takes FIELD=VALUE"),
        (["--set", "epochs=many"], "--epochs must be a positive integer"),
        (["--set", "loss.j=-1"], "`j` must be a finite number above 0"),
        (["--set", "optimizer.momentum=2"], "momentum"),
        (["--distort", "--set", "train_transforms.0.scale=2"], "`scale` and `squeeze` must be in"),
        (["--keep-epochs", "1,x"], "`--keep-epochs` takes epochs"),
        (["--keep-epochs", "9"], "--keep-epochs must be a tuple of epochs from 1 to 1"),
        (["--data", "no_such_set"], "no_such_set"),
        (["--data", "idx:no/such/folder"], "no/such/folder does not exist"),
        (["--data-dir", "no/such/folder", "--data", "mnist"], "no/such/folder"),
        (["--limit-train", "99999"], "only 4,500 training pictures are there"),
        (["--set", "model.output=rbf", "--set", "model.num_classes=26"], "num_classes"),
    ],
)
def test_wrong_arguments_are_one_sentence(tmp_path, arguments, message):
    assert message in fails(train, "--run-dir", tmp_path / "run", *arguments)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "{tmp}"], "not a run directory"),
        (["evaluate", "{tmp}"], "is not a run directory"),
        (["evaluate", "{run}", "--epochs", "7"], "epoch-0007.keras does not exist"),
        (["evaluate", "{run}", "--epochs", "x"], "`--epochs` takes epochs"),
        (["evaluate", "{run}", "--split", "validation"], "held no training pictures out"),
        (["evaluate", "{run}", "--protocol", "five"], '--protocol must be one of "center"'),
        (["evaluate", "{run}", "--protocol", "dense"], "lenet5 cannot be applied to pictures of"),
        (["evaluate", "{run}", "--batch-size", "0"], "--batch-size must be a positive integer"),
        (["evaluate", "{run}", "--data", "folder:{tmp}/classes"], "10 classes, folder:{tmp}/clas"),
        (["evaluate", "{run}", "--data", "folder:{tmp}/ten"], "shape (28, 28, 1), folder:{tmp}/t"),
        (
            ["evaluate", "{rgb}", "--data", "folder:{tmp}/ten"],
            "a picture of folder:{tmp}/ten has (28",
        ),
        (["evaluate", "{run}/model.keras"], "name the data with --data"),
        (["evaluate", "{run}/model.keras", "--epochs", "1"], "has no --epochs and no --split"),
        (["evaluate", "{tmp}/text.png"], "cannot be loaded as a model"),
        (["predict", "{tmp}", "x.png"], "has no readable metrics.json"),
        (["predict", "{run}", "{tmp}/none.png"], "none.png"),
        (["predict", "{run}", "{tmp}/text.png"], "text.png"),
        (["predict", "{run}", "{tmp}/empty.png"], "empty.png"),
        (["predict", "{run}", "{tmp}/one.png"], "one.png"),
    ],
)
def test_wrong_files_are_one_sentence(run_dir, rgb_model, tmp_path, arguments, message):
    (tmp_path / "text.png").write_text("this is a text")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("L", (1, 1)).save(tmp_path / "one.png")
    for name, classes in (("classes", 2), ("ten", 10)):
        for number in range(classes):
            for split in ("train", "val"):
                folder = tmp_path / name / split / str(number)
                folder.mkdir(parents=True)
                Image.new("L", (28, 28)).save(folder / "black.png")
    filled = [part.format(tmp=tmp_path, run=run_dir, rgb=rgb_model) for part in arguments]
    assert message.format(tmp=tmp_path) in fails(main, filled)


def test_the_script_itself_ends_with_one_sentence(tmp_path):
    """A real process: the exit status, and nothing but the sentence after TensorFlow's noise."""
    script = [sys.executable, str(ROOT / "recipes" / "lenet5_mnist.py"), "--epochs", "0"]
    result = subprocess.run(script, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("error: --epochs must be a positive integer")
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())
