"""Inner maps of any network."""

import keras
import numpy as np
import pytest

import keras_classics
from keras_classics import feature_extractor
from tests.weights.weights_shared import outputs, randomise


@pytest.mark.backend
def test_inceptions_branches_are_what_it_stacks():
    model = randomise(keras_classics.googlenet(5, input_shape=(64, 64, 3), auxiliary_heads=False))
    parts = ("conv_1x1", "conv_3x3", "conv_5x5", "pool_projection")
    names = [f"inception_4a/{part}" for part in parts]
    extractor = feature_extractor(model, [*names, "inception_4a"])
    x = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    found = outputs_of(extractor, x)
    stacked = np.concatenate([found[name] for name in names], axis=-1)
    np.testing.assert_allclose(stacked, found["inception_4a"], rtol=0, atol=1e-5)


def outputs_of(extractor, x):
    return {
        name: keras.ops.convert_to_numpy(maps)
        for name, maps in extractor(x, training=False).items()
    }


@pytest.mark.backend
def test_parts_of_several_modules():
    model = keras_classics.googlenet(5, input_shape=(64, 64, 3))
    names = ["inception_4a/conv_5x5", "inception_4a/pool", "inception_4b/conv_5x5"]
    assert list(feature_extractor(model, names).output) == names


@pytest.mark.parametrize(
    "build",
    [
        lambda: keras_classics.lenet5(weights="mnist", with_preprocessing=True),
        lambda: keras_classics.cifar_resnet20(weights="cifar10_jpeg", with_preprocessing=True),
        lambda: keras_classics.fully_convolutional(keras_classics.vgg11(input_shape=(64, 64, 3))),
        lambda: keras.Sequential(
            [
                keras.Input((32, 32, 3)),
                keras_classics.cifar_resnet20(include_top=False),
                keras.layers.GlobalAveragePooling2D(),
            ]
        ),
    ],
)
def test_layers_that_were_called_before(build):
    model = build()
    extractor = feature_extractor(model)
    x = np.zeros((1, *[side or 64 for side in model.input_shape[1:]]), "float32")
    assert all(maps.ndim == 4 for maps in outputs_of(extractor, x).values())


def test_both_towers_are_there():
    maps = feature_extractor(keras_classics.alexnet(5)).output
    assert {name: one.shape[-1] for name, one in maps.items()} == {
        "stride_4": 96,
        "stride_8": 256,
        "stride_16": 256,
        "stride_32": 256,
    }


def test_subsampling_strides():
    maps = feature_extractor(keras_classics.lenet5(include_top=False)).output
    assert list(maps) == ["stride_1", "stride_2", "stride_4"]


@pytest.mark.parametrize(
    ("build", "strides"),
    [
        (lambda: keras_classics.resnet50(include_top=False), (2, 4, 8, 16, 32)),
        (lambda: keras_classics.resnet18(10, input_shape=(None, None, 3)), (2, 4, 8, 16, 32)),
        (lambda: keras_classics.vgg11(include_top=False), (1, 2, 4, 8, 16, 32)),
        (lambda: keras_classics.googlenet(5), (2, 4, 8, 16, 32)),
        (lambda: keras_classics.cifar_resnet20(), (1, 2, 4)),
    ],
)
def test_last_maps_of_each_size(build, strides):
    extractor = feature_extractor(build())
    assert list(extractor.output) == [f"stride_{stride}" for stride in strides]


def test_of_a_model_that_training_made(finished_run):
    model = keras.models.load_model(finished_run / "model.keras")
    extractor = feature_extractor(model, ["C1", "S2"])
    x = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype("float32")
    found = outputs_of(extractor, x)
    assert {name: maps.shape for name, maps in found.items()} == {
        "C1": (2, 28, 28, 6),
        "S2": (2, 14, 14, 6),
    }
    network = [layer for layer in model.layers if isinstance(layer, keras.Model)][-1]
    front = model.layers[model.layers.index(network) - 1]
    c1 = keras.Model(network.input, network.get_layer("C1").output)
    wanted = outputs(c1, keras.ops.convert_to_numpy(front(x)))
    np.testing.assert_allclose(found["C1"], wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["inception_4a/conv_7x7"], r"nearest: .*inception_4a/conv_\dx\d"),
        (["inceptoin_4a"], "nearest: .*inception_4a"),
        (["pool1/x"], "must be names of layers in 'googlenet'"),
        ([], "`layers` must be None or names of layers"),
        ("inception_4a", "`layers` must be None or names of layers"),
        ([3], "`layers` must be None or names of layers"),
        (5, "`layers` must be None or names of layers"),
    ],
)
def test_bad_names(layers, message):
    model = keras_classics.googlenet(5, input_shape=(64, 64, 3))
    with pytest.raises(ValueError, match=message):
        feature_extractor(model, layers)


def test_no_model_and_no_maps():
    for model in ("resnet50", keras.Sequential([keras.layers.Dense(2)])):
        with pytest.raises(ValueError, match="`model` must be a Keras model that is a graph"):
            feature_extractor(model)
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="flat")
    with pytest.raises(ValueError, match="'flat' has no maps"):
        feature_extractor(flat)
