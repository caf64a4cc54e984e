import csv
import json
import shutil
import subprocess
from importlib import resources

import keras
import numpy as np
import pytest

import keras_classics
from tests.report.browser import Browser


@pytest.fixture(scope="session")
def inference_model():
    """LeNet-5, untrained, in the form that training saves: pixels in, probabilities out."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((28, 28, 1), name="pixels")
    normalization = keras.Sequential(
        [keras.layers.ZeroPadding2D(2), keras.layers.Rescaling(1.275 / 255, -0.1)],
        name="normalization",
    )
    network = keras_classics.lenet5(classifier_activation=None)
    logits = keras.layers.Activation("linear", name="logits")(network(normalization(pixels)))
    return keras.Model(pixels, keras.layers.Activation("softmax", name="probabilities")(logits))


@pytest.fixture(scope="session")
def model_file(inference_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    inference_model.save(path)
    return path


@pytest.fixture(scope="session")
def towers_file(tmp_path_factory):
    """AlexNet's two towers for small pictures, untrained, with one layer behind them."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((32, 32, 3), name="pixels")
    network = keras_classics.alexnet(stem="cifar", include_top=False, pooling="avg")
    logits = keras.layers.Dense(10, name="logits")(network(pixels))
    model = keras.Model(pixels, keras.layers.Softmax(name="probabilities")(logits))
    path = tmp_path_factory.mktemp("towers") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def in_node():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; it runs the JavaScript of the page")
    templates = resources.files("keras_classics.report") / "templates"
    code = (templates / "network.js").read_text("utf-8")

    def run(body, **given):
        """Runs the body of a function of `given` behind network.js; returns what it returns."""
        read = 'const given = JSON.parse(require("fs").readFileSync(0));'
        script = f"{code}\n{read}\nconsole.log(JSON.stringify((() => {{{body}}})()));"
        done = subprocess.run(
            [node, "-e", script], input=json.dumps(given), capture_output=True, text=True
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def write_history():
    def write(path, **columns):
        """Writes history.csv; every column has one value per epoch."""
        with open(path / "history.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *columns])
            for epoch, row in enumerate(zip(*columns.values(), strict=True), start=1):
                writer.writerow([epoch, *row])

    return write


@pytest.fixture
def unfinished(tmp_path, write_history):
    """A run directory after three of five epochs."""
    path = tmp_path / "run"
    path.mkdir()
    recipe = {
        "call": "keras_classics.training.recipe:Recipe",
        "name": "lenet5_mnist",
        "dataset": "mnist_5k",
        "seed": 7,
        "epochs": 5,
        "optimizer": {"call": "a.module:CoupledSGD", "momentum": 0.9},
        "deviations": ["Momentum instead of second derivatives."],
        "paper": {"test_error": 0.95, "train_error": 0.35, "where": "Fig. 5"},
    }
    (path / "recipe.json").write_text(json.dumps({"recipe": recipe, "identity": "0"}))
    (path / "environment.json").write_text(json.dumps({"python": "3.11", "backend": "jax"}))
    (path / "timings.csv").write_text("epoch,seconds\n1,50.0\n2,40.0\n3,35.0\n")
    write_history(
        path,
        learning_rate=[0.002, 0.002, 0.001],
        loss=[2.1, 0.9, 0.4],
        error=[30.5, 12.25, 6.0],
        val_loss=[1.5, 0.8, 0.5],
        val_error=[20.0, 11.0, 7.5],
    )
    return path


@pytest.fixture
def evaluated(unfinished):
    """A run directory without its model: 40 pictures of noise, eight of them misclassified."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    predicted = labels.copy()
    wrong = np.array([1, 3, 8, 13, 21, 24, 30, 39])
    predicted[wrong] = (labels[wrong] + 5) % 10
    images = rng.integers(0, 80, (40, 28, 28, 1), "uint8")
    np.savez(
        unfinished / "predictions.npz",
        labels=labels,
        predicted=predicted,
        probabilities=0.05 + 0.5 * np.eye(10, dtype="float32")[predicted],
        wrong_index=wrong,
        wrong_images=images[wrong],
        sample_images=images[:10],
        sample_labels=labels[:10],
        certain_index=np.arange(0, 40, 4),
        certain_images=images[::4],
        near_index=np.array([0, 5]),
        near_labels=np.array([[0, 1, 2], [5, 4, 3]]),
        near_distances=np.array([[0.5, 1.25, 2], [3, 4, 5]], "float32"),
        near_images=images[10:16],
        near_among=np.array([1000]),
        batch_images=images[20:32],
        batch_labels=labels[20:32],
    )
    metrics = {
        "dataset": "mnist_5k",
        "split": "test",
        "examples": 40,
        "error": 20.0,
        "wrong": 8,
        "loss": 0.5,
        "train_error": 6.0,
        "train_loss": 0.4,
        "seed": 7,
        "class_names": list("0123456789"),
        "image_shape": [28, 28, 1],
        "comparable": False,
        "note": "40 held-out digits: not comparable with the paper's 10,000",
        "paper": {"test_error": 0.95, "train_error": 0.35, "examples": 10000, "where": "Fig. 5"},
    }
    (unfinished / "metrics.json").write_text(json.dumps(metrics))
    return unfinished


@pytest.fixture
def finished(evaluated, model_file):
    """A run directory with everything."""
    shutil.copy(model_file, evaluated / "model.keras")
    return evaluated


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
