"""Builders with hostile arguments: refused before a layer is built."""

import keras
import pytest

import keras_classics
from keras_classics.models.cifar_resnet import cifar_resnet
from tests.fuzz.harness import HOSTILE, fault_of, faults, faults_of_pairs, parameters_of
from tests.models.test_builders import SMALL

BUILDERS = {name: getattr(keras_classics, name) for name in keras_classics.list_models()}
BUILDERS["cifar_resnet"] = cifar_resnet
DEPTH = {"cifar_resnet": {"depth": 8, "residual": True}}


@pytest.fixture
def nothing_built(monkeypatch):
    def accept(*_, **__):
        raise AssertionError

    monkeypatch.setattr(keras, "Input", accept)


def stopping(build):
    """Calls a builder that ends where it would make its first layer."""

    def call(**arguments):
        try:
            build(**arguments)
        except AssertionError:
            return

    return call


@pytest.mark.usefixtures("nothing_built")
@pytest.mark.parametrize("name", BUILDERS)
def test_each_argument_of_each_builder(name):
    build = BUILDERS[name]
    assert faults(stopping(build), DEPTH.get(name, {}), parameters_of(build)) == []


@pytest.mark.parametrize("name", ["lenet5", "mnist_cnn"])
def test_what_is_accepted_can_be_built(name):
    legal = dict(SMALL)[name]
    assert faults(BUILDERS[name], legal, parameters_of(BUILDERS[name])) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "legal"), SMALL)
def test_what_every_family_accepts_can_be_built(name, legal):
    names = [one for one in parameters_of(BUILDERS[name]) if one != "input_shape"]
    if name == "googlenet":  # its auxiliary heads need a pixel more
        legal = {**legal, "input_shape": (17, 17, 3)}
    assert faults(BUILDERS[name], legal, names) == []


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_built")
@pytest.mark.parametrize("name", BUILDERS)
def test_pairs_of_arguments(name):
    build = BUILDERS[name]
    legal = DEPTH.get(name, {})
    assert faults_of_pairs(stopping(build), legal, parameters_of(build), 2000) == []


def test_functions_on_networks_and_names(tmp_path):
    for function, legal in (
        (keras_classics.fully_convolutional, {}),
        (keras_classics.list_models, {}),
        (keras_classics.model_card, {}),
        (keras_classics.output_size, {"size": 28, "kernel_size": 5}),
        (keras_classics.receptive_field, {"network": [(3, 1)]}),
    ):
        assert faults(function, legal, parameters_of(function)) == []
    for value in HOSTILE:
        for files in ((value, tmp_path / "x.onnx"), ("nowhere.keras", value)):
            assert not fault_of(lambda files=files: keras_classics.export(*files))
        assert not fault_of(lambda value=value: keras_classics.get_model(value), ["name"])
