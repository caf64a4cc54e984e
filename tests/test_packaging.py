"""The package as users get it: built, installed into a clean environment, used from elsewhere."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests import ROOT

USE = """
import json
import keras_classics
model = keras_classics.lenet5()
print(json.dumps({
    "file": keras_classics.__file__,
    "version": keras_classics.__version__,
    "parameters": sum(int(weight.numpy().size) for weight in model.trainable_weights),
}))
"""


def output_of(*command, cwd):
    """Standard output of a command that sees neither our sources nor our settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS_"))}
    environment["KERAS_BACKEND"] = "tensorflow"
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with the source archive, and the wheel that was built from that archive."""
    folder = tmp_path_factory.mktemp("dist")
    output_of(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def clean(dist, tmp_path_factory):
    """A new environment that holds the wheel and what it says it needs, nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    output_of(sys.executable, "-m", "venv", folder, cwd=folder)
    (wheel,) = dist.glob("*.whl")
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
    output_of(*pip, "--no-compile", "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    return folder


def test_wheel_holds_the_package_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "keras_classics").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    beside = {
        f"keras_classics/{folder}/{path.relative_to(place).as_posix()}"
        for folder, kind, place in (
            ("recipes", "*.py", ROOT / "recipes"),
            ("claims", "*.json", ROOT / "benchmarks" / "claims"),
        )
        for path in place.rglob(kind)
    }
    assert {name for name in names if ".dist-info/" not in name} == sources | beside
    assert "keras_classics/py.typed" in sources
    trained = "keras_classics/shipped/lenet5/mnist/"
    assert {trained + name for name in ("model.keras", "card.json", "SHA256SUMS")} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_source_archive_can_be_worked_with(dist):
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.split("/", 1)[-1] for name in opened.getnames()}
    assert {"Makefile", "constraints.txt", "LICENSE", "README.md", "tests/conftest.py"} <= names
    assert "keras_classics/shipped/lenet5/mnist/model.keras" in names
    assert not [name for name in names if name.startswith((".venv", "runs/", "dist/"))]


def test_the_citation_is_of_this_version():
    import keras_classics

    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {keras_classics.__version__}\n" in text


@pytest.mark.slow
def test_installed_wheel_works(dist, clean):
    listed = output_of(clean / "bin" / "keras-classics", "list", cwd=clean)
    assert "lenet5" in listed
    assert "mnist_cnn" in listed
    used = json.loads(output_of(clean / "bin" / "python", "-c", USE, cwd=clean).splitlines()[-1])
    assert used["parameters"] == 60_000
    assert Path(used["file"]).is_relative_to(clean)
    assert list(dist.glob(f"keras_classics-{used['version']}-*.whl"))


@pytest.mark.slow
def test_an_installed_network_predicts_in_an_empty_folder(clean, tmp_path):
    from PIL import Image, ImageDraw

    picture = Image.new("L", (64, 64), "white")
    ImageDraw.Draw(picture).line((32, 8, 32, 56), fill="black", width=5)
    picture.save(tmp_path / "one.png")
    printed = output_of(clean / "bin" / "keras-classics", "predict", "lenet5", "one.png",
                        cwd=tmp_path)  # fmt: skip
    assert printed.startswith("one.png: 1\n")


IDENTITIES = """
import json
from keras_classics.cli.recipe_files import load_recipe, recipe_paths
from keras_classics.training.fields import identity
print(json.dumps({
    name: identity(load_recipe(name).RECIPE) for name in recipe_paths() if "tune" not in name
}))
"""


def test_the_wheel_has_the_recipes_of_the_clone(dist, tmp_path):
    """On a path of its own, elsewhere: the same names, and the same experiments."""
    (wheel,) = dist.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    found = []
    for folder in (ROOT, tmp_path):
        code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{IDENTITIES}"
        found.append(
            json.loads(output_of(sys.executable, "-c", code, cwd=tmp_path).splitlines()[-1])
        )
    assert found[0] == found[1] and "alexnet_imagenet" in found[0]
    listed = output_of(sys.executable, "-m", "keras_classics", "train", cwd=tmp_path)
    assert "tune_lenet5_mnist" in listed


@pytest.mark.slow
def test_an_installed_recipe_trains_to_its_report(dist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    output_of(sys.executable, "-m", "venv", folder, cwd=folder)
    (wheel,) = dist.glob("*.whl")
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
    output_of(*pip, "--no-compile", "-c", ROOT / "constraints.txt", f"{wheel}[demo]", cwd=folder)
    words = ["train", "lenet5_mnist", "--data", "mnist_5k", "--epochs", "1", "--run-dir", "run"]
    printed = output_of(folder / "bin" / "keras-classics", *words, cwd=folder)
    assert "run/report.html" in printed
    page = (folder / "run" / "report.html").read_text("utf-8")
    assert "keras-classics train lenet5_mnist --data mnist_5k" in page


def test_hooks_use_the_pinned_ruff():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (pinned,) = re.findall(r"^ruff==.*$", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
    assert set(re.findall(r"ruff==[\d.]+", hooks)) == {pinned}
