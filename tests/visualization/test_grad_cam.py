import keras
import numpy as np
import pytest
from keras import layers

import keras_classics
from keras_classics import feature_extractor, grad_cam
from keras_classics.visualization import grad_cam_map

PICTURE = np.random.default_rng(0).random((8, 8, 1)).astype("float32")


def network(end="softmax"):
    """A convolution and a dense layer, whose weights are its gradients."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, activation="relu", name="conv")(pixels)
    x = layers.Dense(4, activation=end, name="dense")(layers.Flatten()(x))
    return keras.Model(pixels, x, name="network")


def trained(inside, end):
    """A network in the form that training saves, with pixels from 0 to 255."""
    pixels = keras.Input((8, 8, 1))
    x = layers.Activation("linear", name="logits")(inside(layers.Rescaling(1 / 255)(pixels)))
    return keras.Model(pixels, end(x))


def by_hand(class_index):
    model = network()
    maps = keras.ops.convert_to_numpy(feature_extractor(model, ["conv"])(PICTURE[None])["conv"])[0]
    kernel = keras.ops.convert_to_numpy(model.get_layer("dense").kernel)
    alphas = kernel[:, class_index].reshape(maps.shape).mean(axis=(0, 1))
    return np.maximum((maps * alphas).sum(axis=-1), 0)


def with_both():
    inside = network(None)
    both = {"logits": inside.output, "probabilities": layers.Softmax()(inside.output)}
    return keras.Model(inside.input, both)


def behind_pixels():
    inside, pixels = network(), keras.Input((8, 8, 1))
    return keras.Model(pixels, inside(layers.Rescaling(1 / 255)(pixels)))


def sequential():
    inside = network()
    return keras.Sequential([keras.Input((8, 8, 1)), *inside.layers[1:]])


@pytest.mark.backend
@pytest.mark.parametrize(
    ("build", "largest"),
    [
        (network, 1),
        (lambda: network(None), 1),
        (lambda: keras.Sequential([network(None), layers.Softmax()]), 1),
        (with_both, 1),
        (sequential, 1),
        (behind_pixels, 255),
        (lambda: trained(network(None), layers.Activation("softmax")), 255),
        (lambda: trained(network(None), layers.Softmax()), 255),
    ],
)
def test_every_end_of_a_network_gives_the_map_of_its_scores(build, largest):
    for class_index in (0, 3):
        found = grad_cam_map(build(), PICTURE * largest, class_index)
        assert found.layers == ("conv",) and found.class_index == class_index
        np.testing.assert_allclose(found.map, by_hand(class_index), rtol=1e-4, atol=1e-6)
    assert by_hand(0).any()


@pytest.mark.backend
def test_the_class_is_the_most_probable_one():
    shares = keras.ops.convert_to_numpy(network()(PICTURE[None]))[0]
    found = grad_cam_map(network(None), PICTURE)
    assert found.class_index == shares.argmax()
    assert abs(found.probability - shares.max()) < 1e-6


@pytest.mark.backend
@pytest.mark.parametrize(
    "build", [network, behind_pixels, lambda: trained(network(None), layers.Softmax())]
)
def test_the_model_stays_as_it_was(build, tmp_path):
    model = build()
    before, answer = model.get_config(), model.predict_on_batch(PICTURE[None])
    grad_cam_map(model, PICTURE)
    assert model.get_config() == before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_on_batch(PICTURE[None]), answer)


@pytest.mark.backend
def test_a_layer_that_a_shortcut_passes_by():
    pixels = keras.Input((6, 6, 2))
    x = layers.Conv2D(2, 3, padding="same", activation="relu", name="branch")(pixels)
    x = layers.Add(name="out")([x, pixels])
    x = layers.Dense(3, name="dense")(layers.GlobalAveragePooling2D()(x))
    model, picture = keras.Model(pixels, x), np.random.default_rng(1).random((6, 6, 2))
    kernel = keras.ops.convert_to_numpy(model.get_layer("dense").kernel)
    branch = feature_extractor(model, ["branch"]).predict_on_batch(picture[None])["branch"][0]
    expected = np.maximum(branch @ kernel[:, 1] / 36, 0)
    found = grad_cam_map(model, picture, 1, "branch")
    np.testing.assert_allclose(found.map, expected, rtol=1e-4, atol=1e-6)
    assert grad_cam_map(model, picture).layers == ("out",)  # it has the last word


@pytest.mark.backend
def test_two_towers_are_taken_together():
    pixels = keras.Input((6, 6, 1))
    towers = [layers.Conv2D(2, 3, activation="relu", name=f"conv_{t}")(pixels) for t in "ab"]
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()(towers))
    model = keras.Model(pixels, layers.Dense(2, name="dense")(x))
    picture = np.random.default_rng(1).random((6, 6))
    found = grad_cam_map(model, picture, 0, "conv_b")
    assert found.layers == ("conv_a", "conv_b")
    kernel = keras.ops.convert_to_numpy(model.get_layer("dense").kernel)[:, 0]
    names = ["conv_a", "conv_b"]
    maps = feature_extractor(model, names).predict_on_batch(picture[None, ..., None])
    both = np.concatenate([maps[name][0] for name in names], axis=-1)
    np.testing.assert_allclose(found.map, np.maximum(both @ kernel / 16, 0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("filters", [2, 3])
def test_a_chain_is_no_pair_of_towers(filters):
    pixels = keras.Input((8, 8, 2))
    x = layers.Conv2D(2, 3, padding="same", name="conv_a")(pixels)
    x = layers.Conv2D(filters, 3, padding="same", name="conv_b")(x)
    model = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    picture = np.random.default_rng(1).random((8, 8, 2))
    assert grad_cam_map(model, picture).layers == ("conv_b",)
    assert grad_cam_map(model, picture, layer="conv_a").layers == ("conv_a",)
    assert feature_extractor(model).output["stride_1"].shape[-1] == filters


def test_branches_of_other_shapes_are_no_towers():
    pixels = keras.Input((8, 8, 1))
    branches = [layers.Conv2D(n, 3, name=f"conv_{t}")(pixels) for n, t in ((2, "a"), (3, "b"))]
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()(branches))
    found = grad_cam_map(keras.Model(pixels, layers.Dense(2)(x)), PICTURE, layer="conv_a")
    assert found.layers == ("conv_a",)


def test_a_network_of_any_size_ends_in_front_of_its_pooling():
    pixels = keras.Input((None, None, 1))
    x = layers.ReLU(name="relu")(layers.Conv2D(3, 3, name="conv")(pixels))
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(layers.MaxPooling2D()(x)))
    assert grad_cam_map(keras.Model(pixels, layers.Dense(2)(x)), PICTURE).layers == ("relu",)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: keras_classics.lenet5(), ("C3",)),  # C5 has maps of one point
        (lambda: keras_classics.mnist_cnn(), ("conv2",)),
        (lambda: keras_classics.vgg11(4, input_shape=(32, 32, 3)), ("conv5_2",)),
        (
            lambda: keras_classics.alexnet(4, input_shape=(67, 67, 3)),
            ("conv5_a_activation", "conv5_b_activation"),
        ),
        (lambda: keras_classics.googlenet(4, input_shape=(64, 64, 3)), ("inception_5b",)),
        (lambda: keras_classics.cifar_resnet20(), ("conv4_block3_out",)),
        (
            lambda: keras.applications.MobileNetV2((64, 64, 3), weights=None, classes=3),
            ("out_relu",),
        ),
    ],
)
def test_the_layer_is_what_the_last_convolution_gives(build, expected, nothing_drawn):
    model = build()
    side = model.inputs[0].shape[1]
    picture = np.ones(model.inputs[0].shape[1:])
    found = grad_cam_map(model, picture)
    assert found.layers == expected
    assert 1 < found.map.shape[0] == found.map.shape[1] < side


@pytest.mark.backend
def test_the_map_of_a_digit_lies_on_its_strokes(digits):
    model = keras_classics.mnist_cnn(weights="mnist", with_preprocessing=True)
    on, off = [], []
    for image, label in zip(*digits, strict=True):
        found = grad_cam_map(model, image, label)
        near = image[..., 0].reshape(14, 2, 14, 2).max(axis=(1, 3)) > 0
        on.append(found.map[near].mean())
        off.append(found.map[~near].mean())
    assert np.mean(on) > 2 * np.mean(off)  # 2.4


def test_the_figure_names_class_and_layer(digits):
    model = keras_classics.lenet5(weights="mnist", with_preprocessing=True)
    names = [f"${digit}_" for digit in range(10)]  # no formula
    figure = grad_cam(model, digits[0][6], class_names=names)
    figure.draw_without_rendering()
    assert [axes.get_title("left") for axes in figure.axes] == [
        "$3_: probability 1.000",
        "what speaks for it in C3",
    ]
    picture, covered = (axes.images[0].get_array() for axes in figure.axes)
    assert picture.shape == covered.shape == (28, 28, 3)
    assert (np.ptp(picture, axis=-1) == 0).all() and np.ptp(covered, axis=-1).any()


def used_twice():
    pixels, shared = keras.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same", name="shared")
    x = layers.Flatten()(shared(shared(pixels)))
    return keras.Model(pixels, layers.Dense(2)(x))


def without_convolutions():
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, layers.Dense(2)(layers.Flatten()(pixels)), name="flat")


def of_two_inputs():
    one, other = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    return keras.Model([one, other], layers.Add()([one, other]))


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (network, {"layer": "cnv"}, r"`layer` must be one of the .* \(nearest: conv\)"),
        (network, {"layer": "dense"}, "`layer` must be a layer with maps of more than one point"),
        (network, {"class_index": 4}, "`class_index` must be at most 3. Received: class_index=4"),
        (network, {"class_index": -1}, "`class_index` must be an integer of at least 0"),
        (network, {"class_index": "7"}, "`class_index` must be an integer of at least 0"),
        (network, {"image": "digit.png"}, r"`image` must be numbers .* Received: 'digit.png'"),
        (network, {"image": np.zeros((9, 8, 1))}, r"the shape \(8, 8, 1\) that 'network' takes"),
        (network, {"image": np.zeros((2, 8, 8, 1))}, r"an array of shape \(2, 8, 8, 1\)"),
        (network, {"image": np.full((8, 8), np.nan)}, "`image` must hold finite numbers"),
        (network, {"class_names": ["a"]}, "`class_names` must be 4 names. Received: 1 names"),
        (used_twice, {"layer": "shared"}, "`layer` must be a layer that the network uses once"),
        (without_convolutions, {}, "`model` must have a convolution .*; 'flat' has none"),
        (of_two_inputs, {}, "`model` must be a model with one input, of pictures"),
        (lambda: keras.Sequential([layers.Dense(2)]), {}, "`model` must be a Keras model that is"),
        (lambda: "lenet5", {}, "`model` must be a Keras model that is a built graph of layers"),
        (
            lambda: keras_classics.lenet5(include_top=False),
            {"image": np.zeros((32, 32))},
            "`model` must have one value for each class",
        ),
    ],
)
def test_what_is_refused(build, arguments, message):
    with pytest.raises(ValueError, match=message) as refused:
        grad_cam(build(), **{"image": PICTURE, **arguments})
    assert len(str(refused.value)) < 260
