import keras
import numpy as np
import pytest

from keras_classics.report import ReportError
from keras_classics.report.network import Network

pytestmark = pytest.mark.backend

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), "uint8")


@pytest.fixture(scope="module")
def network(model_file):
    return Network(model_file)


def test_finds_the_first_filters(network, inference_model):
    name, kernels = network.first_filters()
    kernel = inference_model.get_layer("lenet5").get_layer("C1").kernel
    assert name == "C1"
    np.testing.assert_array_equal(kernels, keras.ops.convert_to_numpy(kernel).transpose(3, 0, 1, 2))


def test_shows_every_stage(network):
    stages = network.stages(IMAGES[0])
    assert {stage.name: stage.maps.shape for stage in stages} == {
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


def test_only_some_stages_of_a_deep_network(tmp_path):
    inputs = x = keras.Input((8, 8, 1))
    for depth in range(14):
        stride = 2 if depth in (5, 10) else 1
        x = keras.layers.Conv2D(2, 1, strides=stride, name=f"conv{depth}")(x)
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)).save(tmp_path / "model.keras")
    stages = Network(tmp_path / "model.keras").stages(np.zeros((8, 8, 1), "uint8"))
    assert [stage.name for stage in stages] == ["conv4", "conv9", "conv13"]


def test_at_most_so_many_maps(tmp_path):
    inputs = keras.Input((2, 2, 5))
    outputs = keras.layers.Flatten()(keras.layers.Conv2D(200, 1, name="wide")(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    network = Network(tmp_path / "model.keras")
    (stage,) = network.stages(np.zeros((2, 2, 5), "uint8"))
    assert (stage.count, len(stage.maps)) == (200, 128)
    assert network.first_filters() is None  # they see five channels: not a picture
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
    np.testing.assert_allclose(stage.maps, expected[None])


def test_says_why_a_model_cannot_be_shown(tmp_path):
    with pytest.raises(ReportError, match=r"The run has no model\.keras \(yet\)\."):
        Network(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"PK nothing")
    with pytest.raises(ReportError, match=r"model\.keras cannot be loaded as a model \(.+\)\."):
        Network(tmp_path / "model.keras")
