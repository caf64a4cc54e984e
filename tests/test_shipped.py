"""Trained networks that come with the package: what they are, what they can, and their damage."""

import json
import os
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

import keras_classics
from benchmarks.training import ship as shipping
from benchmarks.training.ship import ShipError, packed, ship
from keras_classics import get_model, list_models, model_card, shipped
from keras_classics.cli.main import main
from keras_classics.errors import UserError
from keras_classics.trained_model import load_model, network_of
from tests import ROOT
from tests.report.strokes import SCRIBBLE

TRAINED = [(network, name) for network in list_models() for name in shipped.names(network)]


def saved_model(network, weights):
    return load_model(shipped.folder(network, weights) / "model.keras")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of what is shipped, to damage, in the place of the original."""
    shutil.copytree(shipped.FOLDER, tmp_path / "shipped")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    return tmp_path / "shipped"


@pytest.fixture
def seven(tmp_path):
    """A drawn 7, dark on white."""
    pixels = np.full((120, 120), 255, "uint8")
    pixels[20:32, 30:90] = 0
    for row in range(32, 105):
        left = 80 - (row - 32) // 2
        pixels[row, left : left + 11] = 0
    path = tmp_path / "digit.png"
    Image.fromarray(pixels).save(path)
    return path


def test_they_are_small_and_all_are_known():
    assert {("lenet5", "mnist"), ("mnist_cnn", "mnist")} <= set(TRAINED)
    files = [path for path in shipped.FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 2.5e6
    folders = {path.parent for path in files if path.parent != shipped.FOLDER}
    assert folders == {shipped.folder(*one) for one in TRAINED}
    for network, weights in TRAINED:
        assert weights in model_card(network).weights and model_card(network).preprocessing


@pytest.mark.parametrize(("network", "weights"), TRAINED)
def test_card_and_figures_are_of_one_run(network, weights):
    folder, card = shipped.folder(network, weights), shipped.card(network, weights)
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))["recipe"]
    for field in ("recipe", "seed", "epochs", "examples", "wrong", "train_examples"):
        assert card[field] == metrics[field]
    assert card["error"] == round(metrics["error"], 4)
    assert card["normalization"] == recipe["normalization"]
    assert card["command"].startswith(("python recipes/", "keras-classics train "))
    low, high = card["interval"]
    assert low < card["error"] < high
    texts = [path.read_text("utf-8") for path in folder.glob("*.json")]
    assert not any(re.search(r'"[/~]|/(tmp|home|root|work)/', text) for text in texts)


@pytest.mark.backend
@pytest.mark.parametrize(("network", "weights"), TRAINED)
def test_the_network_is_the_one_that_was_trained(network, weights):
    saved = saved_model(network, weights)
    model = get_model(network, weights=weights, classifier_activation=None)
    for ours, theirs in zip(model.weights, network_of(saved).weights, strict=True):
        assert ours.path.split("/")[-2:] == theirs.path.split("/")[-2:]
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (ours, theirs)))
    pixels = np.random.default_rng(0).integers(0, 256, (4, *saved.input_shape[1:]))
    logits = keras.Model(saved.input, saved.get_layer("logits").output)
    expected = logits.predict(pixels.astype("float32"), verbose=0)
    normalized = saved.get_layer("normalization")(pixels.astype("float32"))
    ours = model.predict(keras.ops.convert_to_numpy(normalized), verbose=0)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("network", "scale", "offset", "padding"),
    [("lenet5", 1.275, -0.1, 2), ("mnist_cnn", 3.2457, -0.4242, 0)],
)
def test_pixels_as_documented(network, scale, offset, padding):
    text = f"{model_card(network).preprocessing} {getattr(keras_classics, network).__doc__}"
    assert text.count(f"−{-offset} + {scale}·p/255") == 2
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("float32")
    field = np.pad(pixels, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)))
    ours = get_model(network, weights="mnist").predict(offset + scale * field / 255, verbose=0)
    expected = saved_model(network, "mnist").predict(pixels, verbose=0)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize(("network", "weights"), TRAINED)
def test_the_error_is_that_of_the_card(network, weights, data_dir):
    from keras_classics.data.sources import load
    from keras_classics.evaluation import evaluate

    folder, card = shipped.folder(network, weights), shipped.card(network, weights)
    dataset = json.loads((folder / "metrics.json").read_text("utf-8"))["dataset"]
    source = load(dataset, "test", data_dir)
    assert len(source) == card["examples"]
    assert abs(evaluate(saved_model(network, weights), source).error - card["error"]) < 0.05


def test_what_a_network_ends_in_is_free():
    maps = keras_classics.lenet5(weights="mnist", include_top=False, name="mine", num_classes=5)
    assert (maps.name, maps.output_shape) == ("mine", (None, 1, 1, 120))
    whole = keras_classics.lenet5(10, weights="mnist", input_shape=[32, 32, 1])
    for layer in maps.layers[1:]:
        for ours, theirs in zip(
            layer.get_weights(), whole.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("lenet5", {"num_classes": 5}, "`num_classes` must be 10, which the weights"),
        ("lenet5", {"num_classes": 5, "output": "softmax"}, "`num_classes` must be 10, which"),
        ("lenet5", {"input_shape": (28, 28, 1)}, "`input_shape` must be (32, 32, 1), which"),
        ("lenet5", {"input_shape": np.zeros(3)}, "`input_shape` must be (32, 32, 1), which"),
        ("lenet5", {"subsampling": "max"}, '`subsampling` must be "trainable", which the weights'),
        ("lenet5", {"kernel_initializer": "zeros"}, "`kernel_initializer` must be None, which"),
        ("mnist_cnn", {"num_classes": True}, "`num_classes` must be 10, which the weights"),
        ("mnist_cnn", {"input_shape": (32, 32, 1)}, "Received: input_shape=(32, 32, 1)"),
    ],
)
def test_options_of_another_network_are_refused(network, options, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        get_model(network, weights="mnist", **options)
    assert '"mnist" were trained with. Received: ' in str(error.value)


def test_unknown_names_are_told_the_known():
    message = (
        '`weights` must be None, "mnist" or the path of a file or a run. '
        "Received: weights='minst'"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        keras_classics.lenet5(weights="minst")
    with pytest.raises(ValueError, match='`weights` must be one of "mnist". Received'):
        shipped.card("lenet5", "fashion")
    with pytest.raises(TypeError, match=re.escape("lenet5() got an unexpected keyword")):
        keras_classics.lenet5(weights="mnist", depth=5)


def test_channels_first_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    with pytest.raises(ValueError, match="those of a network with its channels last; call"):
        keras_classics.mnist_cnn(weights="mnist")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["card.json", "metrics.json", "model.keras", "recipe.json"])
@pytest.mark.parametrize("damage", [flip, os.unlink], ids=["flipped", "missing"])
def test_damage_names_the_file(copied, name, damage):
    path = copied / "lenet5" / "mnist" / name
    damage(path)
    message = (
        f"{path} is missing or damaged (its checksum in SHA256SUMS is another); install "
        "keras_classics again."
    )
    for call in (
        lambda: keras_classics.lenet5(weights="mnist"),
        lambda: shipped.run_directory(path.__class__("lenet5")),
    ):
        with pytest.raises(UserError, match=re.escape(message)):
            call()
    assert keras_classics.lenet5().name == "lenet5"  # which needs none of it


@pytest.mark.parametrize("content", [None, "", "x", "0" * 64 + "  card.json\n", "\xe9"])
def test_damaged_checksums(copied, content):
    path = copied / "lenet5" / "mnist" / "SHA256SUMS"
    path.unlink() if content is None else path.write_text(content, "utf-8")
    with pytest.raises(UserError, match="SHA256SUMS is missing or damaged"):
        shipped.card("lenet5", "mnist")


def test_predict_and_evaluate_right_after_installation(seven, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("lenet5", "lenet5/mnist", "mnist_cnn"):
        main(["predict", name, seven.name])
        assert capsys.readouterr().out.startswith("digit.png: 7\n")
    main(["evaluate", "lenet5", "--data", "mnist_5k"])
    assert "final model  error " in capsys.readouterr().out
    assert os.listdir(tmp_path) == [seven.name]


def test_predict_says_what_is_unlike_any_digit(seven, tmp_path, capsys):
    image = Image.new("L", (280, 280), 255)
    for stroke in SCRIBBLE:
        ImageDraw.Draw(image).line([(280 * x, 280 * y) for x, y in stroke], 0, 31, joint="curve")
    image.save(tmp_path / "scribble.png")
    main(["predict", "lenet5", str(seven), str(tmp_path / "scribble.png")])
    of_seven, of_scribble = capsys.readouterr().out.split("scribble.png: ")
    usual = json.loads((shipped.folder("lenet5", "mnist") / "metrics.json").read_text("utf-8"))
    assert "Unlike" not in of_seven
    found = re.search(
        r"Unlike any digit: the smallest penalty is (\S+); where .* (\S+)\.\n", of_scribble
    )
    smallest, limit = map(float, found.groups())
    assert limit == round(usual["usual_penalty"], 1) < smallest
    main(["predict", "mnist_cnn", str(tmp_path / "scribble.png")])
    assert "Unlike" not in capsys.readouterr().out


def test_a_folder_of_that_name_comes_first(finished_run, seven, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run, "lenet5")
    main(["evaluate", "lenet5"])
    assert capsys.readouterr().out.startswith("tiny, seed ")
    shutil.rmtree("lenet5")
    os.mkdir("lenet5")
    with pytest.raises(SystemExit, match="lenet5 has no readable metrics.json"):
        main(["predict", "lenet5", seven.name])


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_what_is_neither_run_nor_network(command, seven):
    words = [command, "lenet", *([str(seven)] if command == "predict" else [])]
    done = subprocess.run(
        [sys.executable, "-m", "keras_classics", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: lenet does not exist; name a run directory, or a network that comes trained: "
    )
    assert "lenet5/mnist, mnist_cnn/mnist" in done.stderr


@pytest.fixture
def shippable(tmp_path):
    """The run that LeNet-5 was shipped from, as far as shipping reads it."""
    card = shipped.card("lenet5", "mnist")
    run = shutil.copytree(shipped.folder("lenet5", "mnist"), tmp_path / "run")
    (run / "card.json").unlink()
    environment = {
        "command": f"{card['command']} --run-dir {run} --data-dir=/data",
        "date": f"{card['date']}T21:46+00:00",
        **{key: card[key] for key in ("commit", "backend")},
    }
    (run / "environment.json").write_text(json.dumps(environment), "utf-8")
    return run


def change(path, *place, to):
    content = owner = json.loads(path.read_text("utf-8"))
    for name in place[:-1]:
        owner = owner[name]
    owner[place[-1]] = to
    path.write_text(json.dumps(content), "utf-8")


def test_shipping_a_run_gives_what_is_here(shippable, tmp_path, monkeypatch):
    before, contents = shipped.card("lenet5", "mnist"), []
    for number in (1, 2):
        folder = tmp_path / f"shipped{number}"
        monkeypatch.setattr(shipped, "FOLDER", folder)
        card = ship(shippable, "lenet5", "mnist", before["data"])
        assert card == before == shipped.card("lenet5", "mnist")
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append([(path.relative_to(folder), path.read_bytes()) for path in found])
    assert contents[0] == contents[1] and len(contents[0]) == 5


def test_other_pictures_stand_in_the_card_and_the_table(shippable, copied, tmp_path):
    from keras_classics.data.sources import load

    digits = load("mnist_5k", "test")
    labels = digits.labels.copy()
    labels[:40] = (labels[:40] + 1) % 10
    np.savez(tmp_path / "others.npz", x_test=digits.images, y_test=labels[:, np.newaxis])
    card = ship(shippable, "lenet5", "mnist", "MNIST's digits", [("Mine", tmp_path / "others.npz")])
    assert card == shipped.card("lenet5", "mnist")
    (others,) = card["also"]
    assert (others["data"], others["examples"]) == ("Mine", len(labels))
    # It was trained on these digits; of those with a wrong label it cannot have one right.
    assert 40 <= others["wrong"] <= 45
    assert f"| MNIST's digits | {card['error']:.2f} % (" in shipping.table()
    assert f"| | | Mine | {others['error']:.2f} % (" in shipping.table()


def test_packed_models_have_no_optimizer_and_no_date():
    model = keras_classics.mnist_cnn()
    bare = packed(model)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(np.zeros((4, 28, 28, 1)), np.zeros(4), epochs=1, verbose=0)
    assert b"optimizer" not in bare
    model.set_weights([np.full(w.shape, np.nan) for w in model.get_weights()])
    with pytest.raises(ShipError, match="holds other than finite float32 numbers"):
        packed(model)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "metrics.json").unlink(), "no readable metrics.json; is it a finished"),
        (lambda run: (run / "model.keras").unlink(), "model.keras does not exist; is the run fin"),
        (
            lambda run: change(run / "metrics.json", "split", to="held-out"),
            "was measured on 10,000 held-out pictures; only the whole test split will do.",
        ),
        (
            lambda run: change(run / "recipe.json", "recipe", "limit_test", to=100),
            "was measured on 100 test pictures; only the whole",
        ),
        (
            lambda run: change(run / "recipe.json", "recipe", "limit_train", to=100),
            "was trained on 100 pictures of mnist; train on all of them.",
        ),
        (
            lambda run: change(run / "metrics.json", "dataset", to="folder:/mine"),
            "was trained on folder:/mine, which nobody else can fetch.",
        ),
        (lambda run: (run / "environment.json").unlink(), "does not say its command; run it again"),
        (
            lambda run: change(run / "environment.json", "command", to="python /mine.py"),
            "names a folder of this machine.",
        ),
    ],
)
def test_runs_that_cannot_be_shipped(shippable, copied, damage, message):
    damage(shippable)
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=re.escape(message)):
        ship(shippable, "lenet5", "mnist")
    assert before == {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}


def test_only_the_defaults_of_a_network_ship(shippable):
    with pytest.raises(ShipError, match=r"another network than mnist_cnn\(\) with its defaults.*"):
        ship(shippable, "mnist_cnn", "mine")
    with pytest.raises(ShipError, match="There is no network lenet6; `keras-classics list`"):
        ship(shippable, "lenet6", "mine")
    for change_network in ({"subsampling": "max"}, {"activation": "tanh"}):
        network = keras_classics.lenet5(classifier_activation=None, **change_network)
        pixels = keras.Input((32, 32, 1))
        keras.Model(pixels, network(pixels)).save(shippable / "model.keras")
        with pytest.raises(ShipError, match=r"than lenet5\(\) with its defaults.* layer (C1|S2)\."):
            ship(shippable, "lenet5", "mine")


def test_the_page_has_the_figures_of_the_cards():
    """If this fails: python -m benchmarks.training.ship."""
    text = shipping.PAGE.read_text("utf-8")
    assert shipping.page(text) == text
    for network, weights in TRAINED:
        assert f'| `{network}` | `"{weights}"` |' in text
