import keras
import numpy as np
import pytest

import keras_classics
from keras_classics.report import ReportError
from keras_classics.report.network import Network

pytestmark = pytest.mark.backend

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), "uint8")


@pytest.fixture(scope="module")
def network(model_file):
    return Network(model_file)


def test_finds_the_first_filters(network, inference_model):
    ((name, kernels),) = network.first_filters()
    kernel = inference_model.get_layer("lenet5").get_layer("C1").kernel
    assert name == "C1"
    np.testing.assert_array_equal(kernels, keras.ops.convert_to_numpy(kernel).transpose(3, 0, 1, 2))


def test_shows_every_stage(network):
    stages = network.stages(IMAGES[0])
    assert {stage.name: stage.towers[0].shape for stage in stages} == {
        "C1": (6, 28, 28),
        "S2": (6, 14, 14),
        "C3": (16, 10, 10),
        "S4": (16, 5, 5),
        "C5": (120, 1, 1),
    }


def test_the_code_gives_the_logits(network, inference_model):
    name, code, centers = network.code(IMAGES)
    assert name == "F6"
    to_logits = keras.Model(inference_model.input, inference_model.get_layer("logits").output)
    logits = keras.ops.convert_to_numpy(to_logits(IMAGES.astype("float32")))
    distances = np.square(code[:, None] - centers).sum(-1)
    np.testing.assert_allclose(-distances, logits, rtol=1e-4)


def test_at_most_so_many_maps(tmp_path):
    inputs = keras.Input((2, 2, 5))
    outputs = keras.layers.Flatten()(keras.layers.Conv2D(200, 1, name="wide")(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    network = Network(tmp_path / "model.keras")
    (stage,) = network.stages(np.zeros((2, 2, 5), "uint8"))
    assert (stage.count, len(stage.towers[0])) == (200, 128)
    assert network.first_filters() == []  # they see five channels: not a picture
    assert network.code(np.zeros((1, 2, 2, 5), "uint8")) is None


def test_channels_first(tmp_path):
    pixels = keras.Input((1, 6, 6))
    inputs = keras.Input((1, 6, 6))
    pool = keras.layers.AveragePooling2D(2, data_format="channels_first", name="pool")
    outputs = keras.layers.Flatten(data_format="channels_first")(pool(inputs))
    network = keras.Model(inputs, outputs, name="network")
    keras.Model(pixels, network(keras.layers.Rescaling(2.0)(pixels))).save(tmp_path / "m.keras")
    image = np.arange(36, dtype="uint8").reshape(6, 6, 1)
    (stage,) = Network(tmp_path / "m.keras").stages(image)
    expected = 2.0 * image.reshape(3, 2, 3, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(stage.towers[0], expected[None])


def test_channels_first_where_the_last_layer_has_no_format(tmp_path):
    pixels = keras.Input((2, 6, 4))
    pool = keras.layers.AveragePooling2D(1, data_format="channels_first", name="pool")
    x = keras.layers.Add(name="sum")([pool(pixels), pixels])
    outputs = keras.layers.Flatten(data_format="channels_first")(x)
    keras.Model(pixels, outputs).save(tmp_path / "m.keras")
    stages = Network(tmp_path / "m.keras").stages(np.zeros((6, 4, 2), "uint8"))
    assert [(one.name, one.towers[0].shape) for one in stages] == [
        ("pool", (2, 6, 4)),
        ("sum", (2, 6, 4)),
    ]


@pytest.mark.parametrize("filters", [1, 4])
def test_a_chain_is_no_pair_of_towers(filters, tmp_path):
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(1, 3, padding="same", name="conv1_a")(inputs)
    x = keras.layers.Conv2D(filters, 3, padding="same", name="conv1_b")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(inputs, x).save(tmp_path / "m.keras")
    network = Network(tmp_path / "m.keras")
    assert [name for name, _ in network.first_filters()] == ["conv1_a"]
    stages = network.stages(np.zeros((8, 8, 1), "uint8"))
    assert [(one.name, len(one.towers)) for one in stages] == [("conv1_a", 1), ("conv1_b", 1)]


def test_groups_alone_are_no_towers(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv1")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, groups=2, name="two")(x))
    keras.Model(inputs, x).save(tmp_path / "m.keras")
    network = Network(tmp_path / "m.keras")
    assert [name for name, _ in network.first_filters()] == ["conv1"]
    stages = network.stages(np.zeros((8, 8, 3), "uint8"))
    assert [(one.name, len(one.towers)) for one in stages] == [("conv1", 1), ("two", 1)]


def test_both_towers_of_alexnet(towers_file):
    network = Network(towers_file)
    inside = network.network
    filters = network.first_filters()
    assert [(name, kernels.shape) for name, kernels in filters] == [
        ("conv1_a", (48, 5, 5, 3)),
        ("conv1_b", (48, 5, 5, 3)),
    ]
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    stages = network.stages(image)
    assert [(stage.name, len(stage.towers), stage.count) for stage in stages] == [
        ("conv1", 2, 48), ("pool1", 2, 48), ("conv2", 2, 128), ("pool2", 2, 128),
        ("conv3", 2, 192), ("conv4", 2, 192), ("conv5", 2, 128), ("pool5", 2, 128),
    ]  # fmt: skip
    assert stages[4].towers[1].shape == (64, 8, 8)
    behind = keras.Model(inside.input, inside.get_layer("conv1_b_activation").output)
    expected = keras.ops.convert_to_numpy(behind(image[None].astype("float32")))
    np.testing.assert_allclose(
        stages[0].towers[1], np.moveaxis(expected[0], -1, 0), rtol=1e-4, atol=1e-3
    )  # pixels of 0 … 255 make maps of hundreds


def test_towers_that_share_their_layers_are_told_apart(tmp_path):
    network = keras_classics.alexnet(stem="cifar", towers="grouped", include_top=False)
    network.save(tmp_path / "model.keras")
    inside = Network(tmp_path / "model.keras")
    kernel = keras.ops.convert_to_numpy(network.get_layer("conv1").kernel)
    (first, _), (second, kernels) = inside.first_filters()
    assert (first, second) == ("the first half of conv1", "the second half of conv1")
    np.testing.assert_array_equal(kernels, np.moveaxis(kernel, -1, 0)[48:])
    stages = inside.stages(np.zeros((32, 32, 3), "uint8"))
    assert {(stage.name, len(stage.towers), stage.count) for stage in stages} >= {
        ("conv1", 2, 48), ("conv3", 2, 192), ("pool5", 2, 128),
    }  # fmt: skip


def test_rows_are_the_blocks_and_layers_of_the_paper(tmp_path):
    keras_classics.cifar_resnet20().save(tmp_path / "model.keras")
    stages = Network(tmp_path / "model.keras").stages(np.zeros((32, 32, 3), "uint8"))
    blocks = [f"conv{part}_block{block}" for part in (2, 3, 4) for block in (1, 2, 3)]
    assert [stage.name for stage in stages] == ["conv1", *blocks]
    assert all(stage.towers[0].min() >= 0 for stage in stages)  # behind the ReLU


def test_a_border_is_explained(network, tmp_path):
    assert network.becomes(IMAGES[0]) == "28×28 becomes 32×32 by a border of background"
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.ZeroPadding2D(((0, 3), (1, 2)))(inputs)
    outputs = keras.layers.Flatten()(keras.layers.Conv2D(2, 3, name="first")(x))
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    plain = Network(tmp_path / "model.keras")
    (stage,) = plain.stages(IMAGES[0])
    assert (stage.name, stage.becomes) == ("first", "28×28 becomes 31×31")
    assert plain.becomes(IMAGES[0]) == ""


def test_says_why_a_model_cannot_be_shown(tmp_path):
    with pytest.raises(ReportError, match=r"The run has no model\.keras \(yet\)\."):
        Network(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"PK nothing")
    with pytest.raises(ReportError, match=r"model\.keras cannot be loaded as a model \(.+\)\."):
        Network(tmp_path / "model.keras")
