"""`keras-classics list` and `show`: what they print, and how they refuse."""

import json
import subprocess
import sys

import pytest

from keras_classics.cli.main import main
from keras_classics.zoo import list_models, model_card


def fails(*arguments):
    """Returns the one sentence with which a command ends."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    message = str(ended.value.code)
    assert message.startswith("error: ") and "\n" not in message and len(message) < 260
    return message


def printed(capsys, *arguments):
    main(list(arguments))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 or "--json" in arguments or "--markdown" in arguments
    return lines


def test_list_has_the_networks_of_each_paper(capsys):
    header, *lines = printed(capsys, "list")
    assert header.split()[:3] == ["network", "year", "parameters"]
    networks = [line.split()[0] for line in lines if line.startswith("  ")]
    assert networks == list_models()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[:2] == [
        "Gradient-Based Learning Applied to Document Recognition", "Without a paper"
    ]  # fmt: skip
    assert len(titles) == 6 and titles[-1] == "Deep Residual Learning for Image Recognition"
    (resnet,) = (line.split() for line in lines if line.split()[:1] == ["resnet50"])
    assert " ".join(resnet) == "resnet50 2015 25.6 M 3.9 G 224 22.9 % 6.71 %"


def test_list_of_a_pattern(capsys):
    assert len(printed(capsys, "list", "vgg1[69]")) == 5
    assert 'like "resnet51" (similar: resnet50' in fails("list", "resnet51")


def test_list_as_json(capsys):
    main(["list", "resnet*", "--json"])
    cards = {card["name"]: card for card in json.loads(capsys.readouterr().out)}
    assert list(cards) == list_models("resnet*")
    assert cards["resnet50"]["multiply_adds"] == model_card("resnet50").multiply_adds
    assert cards["resnet50"]["title"] == "Deep Residual Learning for Image Recognition"


def test_list_answers_without_a_backend():
    code = (
        "import sys; from keras_classics.cli.main import main; main(['list']); "
        "assert not {'keras', 'tensorflow', 'jax', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_show_a_network(capsys):
    lines = printed(capsys, "show", "lenet5")
    assert lines[0] == "lenet5"
    assert any(line.split() == ["C1", "28×28×6", "5×5", "156", "117,600", "5"] for line in lines)
    assert any("326,520" in line and "401,000" in line for line in lines)


def test_show_all_columns_of_a_folded_network(capsys):
    lines = printed(capsys, "show", "cifar_resnet20", "--depth", "1", "--columns", "all")
    assert sum(line.startswith("conv2_block1 ") for line in lines) == 3
    assert not any("conv2_block1_1" in line for line in lines)


@pytest.mark.parametrize("model", ["lenet5/mnist", "{folder}", "{folder}/model.keras"])
def test_show_a_run_and_its_model(model, capsys):
    from keras_classics import shipped

    model = model.format(folder=shipped.folder("lenet5", "mnist"))
    main(["show", model, "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["totals"]["trained"] == 60_000
    assert "lenet5" in {layer["name"] for layer in data["layers"]}


def test_show_in_markdown(capsys):
    lines = printed(capsys, "show", "mnist_cnn", "--markdown")
    assert lines[2] == "| Layer | Output | Kernel | Parameters | Multiply-adds | Field |"
    assert "| dense | 10 |  | 31,370 | 31,360 | all |" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet51"], "resnet51 is no network of this package (similar: resnet50"),
        (["Lenet5"], "Lenet5 is no network of this package (similar: lenet5"),
        (["nothing"], "nothing is no network of this package"),
        (["{tmp}/nowhere"], "{tmp}/nowhere does not exist; name a run directory, or a network"),
        (["{tmp}"], "{tmp}/model.keras does not exist; is the run finished"),
        (["{tmp}/half.keras"], "half.keras cannot be loaded as a model"),
        (["lenet5/minst"], "lenet5/minst does not exist"),
        (["lenet5", "--depth", "0"], "--depth must be a positive integer. Received: depth=0"),
        (["lenet5", "--depth", "9" * 30], "--depth must be at most 1,000. Received: depth=9"),
        (["lenet5", "--import", "{tmp}/none.py"], "none.py"),
    ],
)
def test_show_refuses_in_one_sentence(arguments, message, tmp_path):
    (tmp_path / "half.keras").write_bytes(b"PK\x03\x04 half")
    filled = [part.format(tmp=tmp_path) for part in arguments]
    assert message.format(tmp=tmp_path) in fails("show", *filled)


def test_show_takes_one_form():
    with pytest.raises(SystemExit):
        main(["show", "lenet5", "--json", "--markdown"])
