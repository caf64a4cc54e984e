"""The papers' protocols against slow, obvious references: loops over slices, own softmax."""

import dataclasses

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_classics
from keras_classics import fully_convolutional
from keras_classics.data import encoded as encoded_pipeline
from keras_classics.data.bad_images import BadImages
from keras_classics.data.errors import DataError
from keras_classics.data.sources import Source, load
from keras_classics.data.sources.records import RecordSource
from keras_classics.data.transforms.crops import CenterCrop
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.evaluation import evaluate
from keras_classics.evaluation.by_name import protocol_for
from keras_classics.evaluation.figures import for_report, summarize
from keras_classics.evaluation.measurement import Measurement, ensemble
from keras_classics.evaluation.protocols import (
    CenterView,
    DenseEvaluation,
    GoogLeNetCrops,
    GridCrops,
    TenCrop,
)
from keras_classics.layers import PixelNormalization
from keras_classics.training import describe

CLASSES = 7
SIZES = [(20, 31), (44, 21), (16, 16), (25, 33), (90, 12), (20, 31), (18, 40)]
# What the crop protocols are at 12 pixels.
SMALL = {
    "center": CenterView(size=12, shorter_side=16),
    "ten": TenCrop(size=12, shorter_side=16),
    "ten of picture": TenCrop(size=12, shorter_side=16, of="picture"),
    "grid": GridCrops(size=12, shorter_sides=(16, 20), grid=3),
    "googlenet": GoogLeNetCrops(size=12, shorter_sides=(14, 16)),
}
crop_protocols = pytest.mark.parametrize("protocol", SMALL.values(), ids=SMALL)


def global_pooling(size=12):
    x = inputs = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="fc")(x), name="pooling")


def dense_head(size=12):
    x = inputs = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(8, activation="relu", name="fc1")(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="fc2")(x), name="head")


def saved(network, normalization=None):
    """A model as `train` saves it; its answers differ from picture to picture."""
    normalization = normalization or keras.Sequential(
        [keras.layers.Rescaling(8 / 255, offset=-4)], name="normalization"
    )
    pixels = keras.Input(network.input_shape[1:], name="pixels")
    logits = keras.layers.Activation("linear", name="logits")(network(normalization(pixels)))
    probabilities = keras.layers.Activation("softmax", dtype="float32", name="probabilities")
    return keras.Model(pixels, probabilities(logits), name="saved")


def picture(height, width, number):
    """A smooth picture, in which neighbouring crops differ."""
    noise = np.random.default_rng(number).integers(0, 256, (height // 4 + 2, width // 4 + 2, 3))
    return cv2.resize(noise.astype("uint8"), (width, height))


@pytest.fixture(scope="module")
def pictures():
    return [picture(*size, number) for number, size in enumerate(SIZES)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pictures):
    """The pictures as files, one class each."""
    root = tmp_path_factory.mktemp("pictures")
    for number, pixels in enumerate(pictures):
        for split in ("train", "val"):
            path = root / split / f"class {number}" / "picture.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(pixels).save(path)
    return root


@pytest.fixture(scope="module")
def source(folder):
    return load(f"folder:{folder}", "test")


class Records(RecordSource):
    """Records without the files of TensorFlow Datasets: the encoded pictures of a folder."""

    def __len__(self):
        return len(self.builder.paths)

    def examples(self, seed=None):
        dataset = tf.data.Dataset.range(len(self))
        return dataset.map(self.builder.fetcher()).enumerate()


@pytest.fixture(scope="module")
def records(source):
    return Records("records", "test", source.class_names, source, "validation")


@pytest.fixture(scope="module")
def square_source(pictures):
    """Pictures of one size in memory."""
    images = np.stack([cv2.resize(pixels, (18, 16)) for pixels in pictures])
    labels = np.arange(len(images))
    return Source("memory", "test", images, labels, tuple("abcdefg"))


@pytest.fixture(scope="module")
def model():
    return saved(dense_head())


def resized(pixels, side):
    """The picture with a given shorter side, by OpenCV itself."""
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    return cv2.resize(pixels, (round(width * scale), round(height * scale)))


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def answer(model, crop):
    """The probabilities of one crop, by themselves."""
    _, normalization, network = model.layers[:3]
    logits = network(normalization(crop[None].astype("float32")))
    return softmax(keras.ops.convert_to_numpy(logits)[0])


def five(image, size):
    """Four corners and the centre, in the order of the docstring."""
    height, width = image.shape[:2]
    down, right = height - size, width - size
    return [
        image[:size, :size],
        image[:size, right:],
        image[down:, :size],
        image[down:, right:],
        image[down // 2 : down // 2 + size, right // 2 : right // 2 + size],
    ]


def reference_crops(name, pixels):
    if name == "center":
        return [five(resized(pixels, 16), 12)[4]]
    if name.startswith("ten"):
        image = resized(pixels, 16)
        if name == "ten":
            image = five(image, 16)[4]
        crops = five(image, 12)
    elif name == "grid":
        crops = []
        for side in (16, 20):
            image = resized(pixels, side)
            down, right = image.shape[0] - 12, image.shape[1] - 12
            for top in (0, down // 2, down):
                for left in (0, right // 2, right):
                    crops.append(image[top : top + 12, left : left + 12])
    else:
        crops = []
        for side in (14, 16):
            image = resized(pixels, side)
            down, right = image.shape[0] - side, image.shape[1] - side
            for top, left in ((0, 0), (down // 2, right // 2), (down, right)):
                square = image[top : top + side, left : left + side]
                crops += [*five(square, 12), cv2.resize(square, (12, 12))]
    return [*crops, *(crop[:, ::-1] for crop in crops)]


# ------------------------------------------------------------------------------------------ crops


def places(crops):
    """(top, left) of crops of a picture whose pixels are their own coordinates."""
    return [tuple(crop[0, 0, :2].tolist()) for crop in crops]


@pytest.fixture(scope="module")
def coordinates():
    rows, columns = np.mgrid[:10, :14]
    return np.stack([rows, columns, rows], axis=-1).astype("uint8")


def assert_second_half_is_mirrored(crops):
    first, second = np.split(crops, 2)
    np.testing.assert_array_equal(second, first[:, :, ::-1])


def test_places_of_ten_crops(coordinates):
    crops = TenCrop(size=6, shorter_side=10).crops(coordinates)
    assert places(crops[:5]) == [(0, 2), (0, 6), (4, 2), (4, 6), (2, 4)]
    assert places(crops[5:]) == [(0, 7), (0, 11), (4, 7), (4, 11), (2, 9)]
    assert_second_half_is_mirrored(crops)
    crops = TenCrop(size=6, shorter_side=10, of="picture").crops(coordinates)
    assert places(crops[:5]) == [(0, 0), (0, 8), (4, 0), (4, 8), (2, 4)]


def test_places_of_a_grid(coordinates):
    crops = GridCrops(size=6, shorter_sides=(10,), grid=5).crops(coordinates)
    assert places(crops[:25]) == [(row, column) for row in range(5) for column in range(0, 9, 2)]
    assert_second_half_is_mirrored(crops)


@pytest.mark.parametrize("upright", [False, True])
def test_places_of_googlenets_crops(coordinates, upright):
    image = coordinates.transpose(1, 0, 2) if upright else coordinates
    crops = GoogLeNetCrops(size=6, shorter_sides=(10,)).crops(image)
    starts = (0, 2, 4)  # of the squares
    corners = ((0, 0), (0, 4), (4, 0), (4, 4), (2, 2))
    # In an upright picture rows and columns are exchanged, and the pixels still say (row, column).
    offset = (lambda s: (s, 0)) if upright else (lambda s: (0, s))
    for number, start in enumerate(starts):
        expected = [tuple(np.add(offset(start), corner).tolist()) for corner in corners]
        six = crops[6 * number : 6 * number + 6]
        seen = [place[::-1] if upright else place for place in places(six[:5])]
        assert seen == expected
        top, left = offset(start)
        square = image[top : top + 10, left : left + 10]
        np.testing.assert_array_equal(six[5], cv2.resize(square, (6, 6)))
    assert_second_half_is_mirrored(crops)


@pytest.mark.parametrize(
    ("protocol", "count"),
    [(CenterView(), 1), (TenCrop(), 10), (GridCrops(), 150), (GoogLeNetCrops(), 144)],
)
def test_the_papers_numbers_of_crops(protocol, count):
    assert protocol.count == count
    crops = protocol.crops(picture(300, 400, 0))
    assert (crops.shape, crops.dtype) == ((count, 224, 224, 3), np.uint8)
    assert protocol.crops(picture(8, 5, 0)[:, :, :1]).shape == (count, 224, 224, 1)


@pytest.mark.backend
@pytest.mark.parametrize("name", SMALL)
def test_equals_a_slow_reference(name, model, source, pictures):
    result = evaluate(model, source, SMALL[name], batch_size=50)
    for pixels, found in zip(pictures, result.probabilities, strict=True):
        rows = [answer(model, crop) for crop in reference_crops(name, pixels)]
        np.testing.assert_allclose(found, np.mean(rows, axis=0), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(result.labels, np.arange(7))
    np.testing.assert_array_equal(result.predicted, result.probabilities.argmax(-1))
    assert np.ptp(result.probabilities, axis=0).max() > 0.05  # the pictures differ


@crop_protocols
@pytest.mark.parametrize("batch_size", [5, 30, 1000])
def test_batching_changes_nothing(protocol, batch_size, model, source):
    whole = evaluate(model, source, protocol)
    parts = evaluate(model, source, protocol, batch_size)
    assert len(parts.labels) == 7
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)


def test_files_and_records_and_memory_agree(model, source, records, square_source):
    one, other = (evaluate(model, kind, SMALL["ten"]) for kind in (source, records))
    for name in ("labels", "predicted", "probabilities", "indices"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    result = evaluate(model, square_source, SMALL["ten"])
    for pixels, found in zip(square_source.images, result.probabilities, strict=True):
        rows = [answer(model, crop) for crop in reference_crops("ten", pixels)]
        np.testing.assert_allclose(found, np.mean(rows, axis=0), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "protocol",
    [
        SMALL["ten"],
        SMALL["googlenet"],
        DenseEvaluation((12, 16), convolutional=fully_convolutional),
    ],
)
def test_decodes_each_picture_once(monkeypatch, protocol, model, source):
    decoded, decode = [], encoded_pipeline.decode

    def counting(encoded, window=None):
        def count(content):
            decoded.append(content)
            return content

        return decode(tf.numpy_function(count, [encoded], tf.string), window)

    monkeypatch.setattr(encoded_pipeline, "decode", counting)
    evaluate(model, source, protocol, batch_size=20)
    assert len(decoded) == 7


# ------------------------------------------------------------------------------------------ dense


def dense_reference(model, pixels, sides):
    """VGG's recipe, with the dense layers applied by NumPy window by window."""
    network = model.layers[-3]
    maps_of = keras.models.clone_model(
        keras.Model(network.input, network.get_layer("pool").output),
        input_tensors=keras.Input((None, None, 3)),
    )
    maps_of.set_weights(network.get_layer("conv").get_weights())
    (w1, b1), (w2, b2) = (network.get_layer(name).get_weights() for name in ("fc1", "fc2"))
    rows = []
    for side in sides:
        for image in (resized(pixels, side), resized(pixels, side)[:, ::-1]):
            image = image[None] * np.float32(8 / 255) - 4
            maps = keras.ops.convert_to_numpy(maps_of(image))[0]
            scores = []
            for top in range(maps.shape[0] - 5):
                for left in range(maps.shape[1] - 5):
                    window = maps[top : top + 6, left : left + 6].ravel()
                    scores.append(np.maximum(window @ w1 + b1, 0) @ w2 + b2)
            rows.append(softmax(np.mean(scores, axis=0)))
    return np.mean(rows, axis=0)


@pytest.mark.backend
def test_dense_equals_a_slow_reference(model, source, pictures):
    protocol = DenseEvaluation(shorter_sides=(14, 17), convolutional=fully_convolutional)
    result = evaluate(model, source, protocol)
    for pixels, found in zip(pictures, result.probabilities, strict=True):
        expected = dense_reference(model, pixels, (14, 17))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(result.labels, np.arange(7))


@pytest.mark.backend
@pytest.mark.parametrize("batch_size", [4, 100])
def test_dense_on_pictures_in_memory(batch_size, model, square_source):
    protocol = DenseEvaluation(shorter_sides=(14, 17), convolutional=fully_convolutional)
    result = evaluate(model, square_source, protocol, batch_size)
    for pixels, found in zip(square_source.images, result.probabilities, strict=True):
        expected = dense_reference(model, pixels, (14, 17))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.backend
def test_dense_with_global_pooling(source, pictures):
    """The scores of every position averaged are the scores of the average."""
    model = saved(global_pooling())
    result = evaluate(model, source, DenseEvaluation(shorter_sides=(9, 12, 20)))
    network = model.layers[-3]
    convolution = network.get_layer("conv")
    kernel, bias = network.get_layer("fc").get_weights()
    for pixels, found in zip(pictures, result.probabilities, strict=True):
        rows = []
        for side in (9, 12, 20):
            for image in (resized(pixels, side), resized(pixels, side)[:, ::-1]):
                maps = convolution(image[None] * np.float32(8 / 255) - 4)
                maps = keras.ops.convert_to_numpy(maps)[0]
                scores = [pixel @ kernel + bias for row in maps for pixel in row]
                rows.append(softmax(np.mean(scores, axis=0)))
        np.testing.assert_allclose(found, np.mean(rows, axis=0), rtol=0, atol=1e-5)


def test_dense_without_mirror_images(model, square_source):
    protocol = DenseEvaluation((12,), mirror=False, convolutional=fully_convolutional)
    crop = dataclasses.replace(square_source, images=square_source.images[:, :, 2:14][:, 2:14])
    np.testing.assert_allclose(
        evaluate(model, crop, protocol).probabilities,
        evaluate(model, crop).probabilities,
        atol=1e-6,
    )


@pytest.mark.backend
def test_a_mean_image_is_its_mean_colour_at_another_size():
    mean = np.random.default_rng(0).uniform(0, 255, (12, 12, 3))
    model = saved(global_pooling(), PixelNormalization(mean, 60 * np.ones(3), name="normalization"))
    images = np.stack([picture(12, 12, number) for number in range(7)])
    same = Source("same", "test", images, np.arange(7), tuple("abcdefg"))
    once = DenseEvaluation((12,), mirror=False)
    as_trained = evaluate(model, same).probabilities
    np.testing.assert_allclose(evaluate(model, same, once).probabilities, as_trained, atol=1e-6)
    result = evaluate(model, same, DenseEvaluation((18,), mirror=False))
    network = fully = keras.models.clone_model(
        model.layers[-3], input_tensors=keras.Input((None, None, 3))
    )
    fully.set_weights(model.layers[-3].get_weights())
    for pixels, found in zip(images, result.probabilities, strict=True):
        normal = (resized(pixels, 18) - mean.mean(axis=(0, 1))) / 60
        scores = keras.ops.convert_to_numpy(network(normal[None].astype("float32")))[0]
        np.testing.assert_allclose(found, softmax(scores), rtol=0, atol=1e-5)


BUILDERS = {
    "vgg11": lambda: keras_classics.vgg11(
        7, input_shape=(32, 32, 3), classifier_activation=None, kernel_initializer="he_normal"
    ),
    "alexnet": lambda: keras_classics.alexnet(7, stem="cifar", classifier_activation=None),
    "googlenet": lambda: keras_classics.googlenet(
        7, input_shape=(64, 64, 3), classifier_activation=None
    ),
    "resnet18": lambda: keras_classics.resnet18(
        7, input_shape=(64, 64, 3), classifier_activation=None
    ),
    "cifar_resnet20": lambda: keras_classics.cifar_resnet20(7, classifier_activation=None),
}


def assert_dense_is_the_ordinary_pass(network, count):
    model = saved(network)
    size = network.input_shape[1]
    images = np.stack([picture(size, size, number) for number in range(count)])
    source = Source("squares", "test", images, np.arange(count), tuple("abcdefg"))
    protocol = DenseEvaluation((size,), mirror=False, convolutional=fully_convolutional)
    dense, ordinary = evaluate(model, source, protocol), evaluate(model, source)
    np.testing.assert_allclose(dense.probabilities, ordinary.probabilities, atol=1e-5)


@pytest.mark.parametrize("name", BUILDERS)
def test_fully_convolutional_networks_at_their_own_size(name):
    assert_dense_is_the_ordinary_pass(BUILDERS[name](), count=3)


@pytest.mark.full
@pytest.mark.backend
def test_fully_convolutional_vgg16_at_224_pixels():
    network = keras_classics.vgg16(7, classifier_activation=None, kernel_initializer="he_normal")
    assert_dense_is_the_ordinary_pass(network, count=2)


def test_elongated_pictures_are_cut_to_their_middle(model, tmp_path):
    for split in ("train", "val"):
        for number in range(7):
            path = tmp_path / split / str(number) / "long.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(picture(12, 500, number)).save(path)
    source = load(f"folder:{tmp_path}", "test")
    found = evaluate(model, source, DenseEvaluation((12,), convolutional=fully_convolutional))
    middle = picture(12, 500, 3)[:, 154:346]
    expected = dense_reference(model, middle, (12,))
    np.testing.assert_allclose(found.probabilities[3], expected, rtol=0, atol=1e-5)


# ---------------------------------------------------------------------- as they are, bad pictures


@pytest.mark.backend
def test_without_a_protocol_files_pass_through_the_transforms(model, source, pictures):
    steps = (ResizeShorterSide(16), CenterCrop(12))
    result = evaluate(model, source, transforms=steps)
    expected = evaluate(model, source, SMALL["center"])
    np.testing.assert_allclose(result.probabilities, expected.probabilities, atol=1e-6)
    assert result.logits.shape == (7, 7)


def many(root, size=(12, 12), count=128, bad=()):
    for split in ("train", "val"):
        for number in range(count):
            path = root / split / f"class{number % 7}" / f"{number:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(*size, number)).save(path)
            if number in bad:
                path.write_text("this is no picture")
    return load(f"folder:{root}", "test")


def test_without_a_protocol_files_of_the_right_size_are_taken_as_they_are(model, tmp_path):
    source = many(tmp_path, count=20)
    result = evaluate(model, source, batch_size=8)
    expected = evaluate(model, source, CenterView(size=12, shorter_side=12))
    np.testing.assert_allclose(result.probabilities, expected.probabilities, atol=1e-6)


def test_without_a_protocol_the_first_picture_of_another_size_is_refused(model, source):
    with pytest.raises(
        ValueError, match=r"shape \(12, 12, 3\), and .* a picture of folder:.* has \(20"
    ):
        evaluate(model, source)


@pytest.mark.parametrize(
    "protocol",
    [SMALL["ten"], DenseEvaluation((12,), convolutional=fully_convolutional), None],
    ids=["crops", "dense", "none"],
)
def test_bad_pictures_are_left_out_and_counted(protocol, model, tmp_path):
    source, bad = many(tmp_path, bad=(3 + 7,)), BadImages()
    result = evaluate(model, source, protocol, bad=bad)
    (path,) = bad.reasons
    missing = source.paths.tolist().index(path)
    assert path.endswith("010.png")
    assert result.indices.tolist() == [n for n in range(128) if n != missing]
    np.testing.assert_array_equal(result.labels, source.labels[result.indices])


def test_too_many_bad_pictures_stop_with_their_names(model, tmp_path):
    source = many(tmp_path, count=20, bad=(4,))
    with pytest.raises(DataError, match=r"1 of 20 images cannot be used.*004.png"):
        evaluate(model, source, SMALL["ten"])


# ----------------------------------------------------------------------------- figures, ensembles


def result_with(probabilities, labels):
    rows = np.array(probabilities, "float32")
    indices = np.arange(len(rows))
    labels = np.array(labels)
    return Measurement(labels, rows.argmax(-1), rows, indices)


def test_top_k_counts_the_k_most_probable():
    result = result_with([[0.1, 0.2, 0.3, 0.4]] * 4, [0, 1, 2, 3])
    assert [result.top_k_error(k) for k in (1, 2, 3, 4)] == [75, 50, 25, 0]


def test_top_k_breaks_ties_as_the_prediction_does():
    result = result_with([[0.25] * 4] * 4, [0, 1, 2, 3])
    assert [result.top_k_error(k) for k in (1, 2, 4)] == [75, 50, 0]
    assert result.top_k_error(1) == result.error


def test_nan_is_never_among_the_best():
    assert result_with([[np.nan] * 6] * 2, [0, 3]).top_k_error(5) == 100


def test_an_ensemble_averages_probabilities():
    one, two = result_with([[0.5, 0.4, 0.1]], [1]), result_with([[0.0, 0.4, 0.6]], [1])
    average = ensemble([one, two])
    np.testing.assert_allclose(average.probabilities, [[0.25, 0.4, 0.35]], atol=1e-7)
    assert (one.error, two.error, average.error) == (100, 100, 0)


def test_an_ensemble_of_other_pictures_is_refused():
    one = result_with([[0.5, 0.5]], [1])
    for other in (result_with([[0.5, 0.5]], [0]), result_with([[0.5, 0.3, 0.2]], [1])):
        with pytest.raises(ValueError, match="the same pictures and classes"):
            ensemble([one, other])


def test_pictures_for_the_report(model, source, records, pictures):
    steps = (ResizeShorterSide(16), CenterCrop(12))
    for kind in (source, records):
        result = evaluate(model, kind, SMALL["ten"])
        arrays = for_report(result, kind, steps)
        for name, numbers in (("sample", np.arange(7)), ("wrong", arrays["wrong_index"])):
            expected = [five(resized(pictures[number], 16), 12)[4] for number in numbers]
            np.testing.assert_array_equal(arrays[f"{name}_images"], expected)


def test_metrics_name_the_protocol_and_the_top_5_error(model, source):
    from tests.runs import small_recipes

    result = evaluate(model, source, SMALL["ten"])
    last = {"error": 1.0, "loss": 2.0, "epoch": 3}
    metrics = summarize(
        small_recipes.FRAGILE, result, source, last, 10,
        protocol=SMALL["ten"], image_shape=model.input_shape[1:],
    )  # fmt: skip
    assert metrics["protocol"] == describe(SMALL["ten"])
    assert metrics["top5_error"] == result.top_k_error(5)
    own = result.probabilities[np.arange(7), result.labels]
    assert metrics["loss"] == pytest.approx(-np.log(own).mean(), rel=1e-5)
    assert (metrics["examples"], metrics["image_shape"]) == (7, [12, 12, 3])


# ----------------------------------------------------------------------------------------- names


def test_named_protocols_follow_the_models_size():
    def name_of(size, name, network=dense_head):
        return protocol_for(name, saved(network(size)), fully_convolutional)

    assert name_of(32, "ten_crop") == TenCrop(size=32, shorter_side=37)
    assert name_of(224, "grid_150", global_pooling) == GridCrops()
    assert name_of(227, "center", global_pooling) == CenterView(size=227)
    assert name_of(32, "googlenet_144").shorter_sides == (37, 41, 46, 50)
    assert name_of(32, "multi_scale_dense") == DenseEvaluation(
        (37, 55, 73), convolutional=fully_convolutional
    )
    pooling = name_of(32, "resnet_multi_scale", global_pooling)
    assert pooling == DenseEvaluation((32, 37, 55, 69, 91))


def no_softmax():
    return keras.Sequential(
        [keras.Input((12, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(7)], name="bare"
    )


@pytest.mark.parametrize(
    ("measure", "sentence"),
    [
        (lambda m, s: evaluate(m, s, TenCrop()), "shape (12, 12, 3), TenCrop makes crops of (224"),
        (
            lambda m, s: evaluate(m, s, DenseEvaluation((16,))),
            "needs `convolutional=fully_convolutional`",
        ),
        (
            lambda m, s: evaluate(m, s, DenseEvaluation((8,), convolutional=fully_convolutional)),
            "`shorter_sides` must be at least 12, the input of head",
        ),
        (
            lambda m, s: evaluate(m, dataclasses.replace(s, class_names=("a",)), SMALL["ten"]),
            "The model has 7 classes, folder",
        ),
        (lambda m, s: evaluate(no_softmax(), s, DenseEvaluation()), "as `train` saves it"),
        (lambda m, s: evaluate(no_softmax(), s, SMALL["ten"]), "outputs are no probabilities"),
        (
            lambda m, s: protocol_for("five_crop", m),
            '`protocol` must be one of "center"',
        ),
        (lambda m, s: TenCrop(of="corner"), '`of` must be one of "square", "picture"'),
        (lambda m, s: TenCrop(size=300), "`size` must not be above the shorter side"),
        (lambda m, s: GridCrops(grid=1), "`grid` must be an integer of at least 2"),
        (lambda m, s: DenseEvaluation(()), "`shorter_sides` must be positive integers"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(measure, sentence, model, source):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the sentence is compared below
        measure(model, source)
    assert sentence in str(raised.value) and "\n" not in str(raised.value)
