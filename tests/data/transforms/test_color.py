import hashlib
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from keras_classics.checks import shown
from keras_classics.data.transforms.color import (
    IMAGENET_PCA,
    RGBPCA,
    DivideAroundMean,
    PCAColorJitter,
    fit_rgb_pca,
)
from keras_classics.data.transforms.photometric import PhotometricDistortions, _enhance
from keras_classics.training.fields import describe

GREY = np.array([19595, 38470, 7471]) / 65536
ENHANCERS = (ImageEnhance.Contrast, ImageEnhance.Brightness, ImageEnhance.Color)
CONTRAST, BRIGHTNESS, COLOUR = range(3)
N = 100_000

# cuda-convnet2's own statistics: standard deviations in grey levels, and eigenvectors as columns.
AUTHORS_PCA = RGBPCA(
    eigenvalues=tuple((np.array([121.780, 37.094, 19.721]) / 255) ** 2),
    eigenvectors=(
        (-0.5635, -0.7126, 0.4180),
        (-0.5762, -0.0235, -0.8170),
        (-0.5920, 0.7012, 0.3973),
    ),
)
TRANSFORMS = {
    "eigenvalue": PCAColorJitter(),
    "std": PCAColorJitter(scale="std"),
    "howard": PhotometricDistortions(),
}
each_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)


def refused(message):
    """Expects a ValueError with this message and no other word."""
    return pytest.raises(ValueError, match=rf"\A{re.escape(message)}\Z")


def pictures(n, height=9, width=12):
    return np.random.default_rng(0).integers(0, 256, (n, height, width, 3)).astype("uint8")


def seeds(n, first=0):
    return np.arange(first, first + n, dtype="uint64")


def digests():
    """What each transform makes of four pictures, as hashes."""
    found = [transform(pictures(4), seeds(4, 2**40)) for transform in TRANSFORMS.values()]
    return [hashlib.sha256(images.tobytes()).hexdigest() for images in found]


@pytest.fixture(scope="module")
def photographs(data_dir):
    """Six photographs of different sizes, made small."""
    sample = data_dir.parent / "imagenet_sample" / "train"
    if not sample.is_dir():
        pytest.skip(f"no photographs here: {sample}")
    files = [min(folder.iterdir()) for folder in sorted(sample.iterdir())[:6]]
    return [np.asarray(Image.open(file).convert("RGB").reduce(4)) for file in files]


# What both transforms promise.


@each_transform
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_one_picture_and_a_batch_agree(transform, dtype):
    images = pictures(8).astype(dtype)
    together = transform(images, seeds(8))
    assert together.dtype == np.float32 and together.shape == images.shape
    assert len({image.tobytes() for image in together}) == 8
    turned = transform(images[::-1], seeds(8)[::-1])
    np.testing.assert_array_equal(turned[::-1], together)
    for i in range(8):
        one = transform(images[i], seeds(8)[i])
        assert one.dtype == np.float32 and one.shape == images[i].shape
        np.testing.assert_array_equal(one, together[i])


@each_transform
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_views_are_read_and_left_as_they_were(transform, dtype):
    images = pictures(4).astype(dtype)
    images.flags.writeable = False
    for view in (images[:, ::-1, 2:9], images.transpose(0, 2, 1, 3)):
        found = transform(view, seeds(4))
        np.testing.assert_array_equal(found, transform(np.ascontiguousarray(view), seeds(4)))
        np.testing.assert_array_equal(transform(view[0], 0), found[0])


@each_transform
def test_maps_pictures_of_any_size_and_batches(transform):
    import tensorflow as tf

    images = [pictures(1, *size)[0] for size in ((9, 12), (31, 7), (1, 1), (224, 200))]
    dataset = tf.data.Dataset.from_generator(
        lambda: zip(images, seeds(4), strict=True),
        output_signature=(tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((), tf.uint64)),
    )
    mapped = dataset.map(transform, num_parallel_calls=2)
    assert mapped.element_spec.shape.as_list() == [None, None, 3]
    for image, seed, found in zip(images, seeds(4), mapped, strict=True):
        np.testing.assert_array_equal(found, transform(image, seed))

    batch = pictures(6)
    dataset = tf.data.Dataset.from_tensor_slices((batch, seeds(6))).batch(4)
    found = np.concatenate(list(dataset.map(transform).as_numpy_iterator()))
    np.testing.assert_array_equal(found, transform(batch, seeds(6)))


def test_another_process_with_another_backend_draws_the_same(backend):
    installed = [name for name in ("jax", "torch") if importlib.util.find_spec(name)]
    other = next((name for name in installed if name != backend), backend)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.data.transforms import test_color; print(*test_color.digests())",
        ],
        env={**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": other},
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split() == digests()


@each_transform
def test_is_a_value_of_a_recipe(transform):
    description = describe(transform)
    assert json.loads(json.dumps(description)) == description
    assert describe(type(transform)())["call"] == description["call"]
    assert transform == type(transform)(**vars(transform))


THREE_CHANNELS = (
    "`images` must have three channels, (height, width, 3) or (n, height, width, 3): grey images "
    "have no colour to change. Received: shape="
)


@each_transform
@pytest.mark.parametrize("shape", [(9, 12, 1), (2, 9, 12, 1), (9, 12, 4), (9, 12)])
def test_pictures_without_three_channels_are_refused(transform, shape):
    with refused(f"{THREE_CHANNELS}{shape}"):
        transform(np.zeros(shape), seeds(2) if len(shape) == 4 else np.uint64(0))


@each_transform
def test_one_channel_is_refused_before_the_first_picture(transform):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((np.zeros((2, 28, 28, 1), "uint8"), seeds(2)))
    with refused(f"{THREE_CHANNELS}(28, 28, 1)"):
        dataset.map(tf.autograph.experimental.do_not_convert(transform))
    # As users call it, TensorFlow tells them their line too.
    with pytest.raises(ValueError, match="`images` must have three channels, .*=\\(28, 28, 1\\)"):
        dataset.map(transform)


@each_transform
def test_a_picture_of_unknown_rank_is_refused(transform):
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def decoded(file, seed):
        return transform(tf.io.decode_image(file), seed)

    with refused(f"{THREE_CHANNELS}None"):
        tf.data.Dataset.from_tensor_slices(([b"", b""], seeds(2))).map(decoded)


@each_transform
@pytest.mark.parametrize(("n", "own"), [(4, ()), (4, (3,)), (4, (1,)), (None, (4,))])
def test_a_seed_for_each_picture_is_demanded(transform, n, own):
    images = pictures(4) if n else pictures(1)[0]
    with refused(
        "`seeds` must hold one seed for each image. "
        f"Received: images of shape {images.shape}, seeds of shape {own}"
    ):
        transform(images, np.zeros(own, "uint64"))


# The jitter along the principal axes.


@pytest.fixture(scope="module")
def shifts():
    """For each form 100,000 shifts in grey levels."""
    forms = {
        "paper": PCAColorJitter(),
        "std": PCAColorJitter(scale="std"),
        "author": PCAColorJitter(scale="std", pca=AUTHORS_PCA),
    }
    return {name: jitter.shifts(seeds(N)) for name, jitter in forms.items()}


def deviations_from(expected, values):
    """Six entries of a covariance of normal vectors of mean 0, in their own standard errors."""
    found = values.T.astype("float64") @ values / len(values)
    variances = np.diag(expected)
    error = np.sqrt((np.outer(variances, variances) + expected**2) / len(values))
    return (np.abs(found - expected) / error)[np.triu_indices(3)]


@pytest.mark.parametrize(("name", "power"), [("paper", 1), ("std", 0.5)])
def test_covariance_in_grey_levels(name, power, shifts):
    vectors = np.array(IMAGENET_PCA.eigenvectors)
    lengths = 0.1 * np.array(IMAGENET_PCA.eigenvalues) ** power
    expected = 255**2 * vectors @ np.diag(lengths**2) @ vectors.T
    # A fair generator has one of six entries beyond 4 standard errors once in 2,600 seeds.
    assert deviations_from(expected, shifts[name]).max() < 4
    # Along the axes too: in RGB the first, 50 times as long, would hide errors of the last.
    alphas = shifts[name] @ np.linalg.inv(vectors).T / (255 * lengths)
    assert deviations_from(np.eye(3), alphas).max() < 4
    # Means of 100,000 are 0 ± 1/√N: one of three beyond 4 of that once in 5,000.
    assert np.abs(alphas.mean(axis=0)).max() < 4 / np.sqrt(N)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("paper", (3.17, 3.22, 3.25)),
        ("std", (7.23, 7.05, 7.39)),
        ("author", (7.40, 7.20, 7.70)),
    ],
)
def test_standard_deviations_of_the_channels(name, levels, shifts):
    # Known to 1/√(2N) = 0.2 %: beyond four times that once in 5,000; and levels to ±0.005.
    np.testing.assert_allclose(shifts[name].std(axis=0), levels, rtol=0.009, atol=0.005)
    average = {"paper": 3.2, "std": 7.2, "author": 7.4}[name]
    assert np.mean(levels) == pytest.approx(average, abs=0.05)


def test_both_scales_draw_the_same_alphas(shifts):
    inverse = np.linalg.inv(IMAGENET_PCA.eigenvectors).T
    weak, strong = (shifts[name][:100].astype("float64") @ inverse for name in ("paper", "std"))
    # float32 in grey levels, divided by lengths down to 0.1 grey level.
    ratio = np.sqrt(IMAGENET_PCA.eigenvalues)
    np.testing.assert_allclose(weak, strong * ratio, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", [0, 255])
def test_all_pixels_move_alike_and_leave_the_range(level):
    images = np.full((50, 5, 4, 3), level, "uint8")
    jitter = PCAColorJitter(std=0.1)
    found = jitter(images, seeds(50))
    expected = level + jitter.shifts(seeds(50))
    np.testing.assert_array_equal(found, np.broadcast_to(expected[:, None, None], found.shape))
    assert found.min() < level < found.max()


def test_real_photographs_are_moved_not_changed(photographs):
    jitter = PCAColorJitter(scale="std", pca=fit_rgb_pca(photographs))
    for image, seed in zip(photographs, seeds(6), strict=True):
        expected = image + jitter.shifts(seed)
        np.testing.assert_array_equal(jitter(image, seed), expected)


def test_no_std_changes_nothing():
    found = PCAColorJitter(std=0.0)(pictures(4), seeds(4))
    np.testing.assert_array_equal(found, pictures(4))


def test_jitter_refuses_wrong_arguments():
    with refused("`std` must be a finite number of at least 0. Received: std=-0.1"):
        PCAColorJitter(std=-0.1)
    with refused('`scale` must be one of "eigenvalue", "std". Received: scale=\'variance\''):
        PCAColorJitter(scale="variance")


# Principal axes of a data set.

KNOWN_VALUES = (0.03, 0.01, 0.002)
KNOWN_VECTORS = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
SIZES = ((60, 50), (1, 3000), (120, 100), (90, 200), (40, 100))


def as_fitted(vectors):
    """The same axes with the signs that the docstring states."""
    largest = [max(column, key=abs) for column in np.transpose(vectors)]
    return vectors * np.sign(largest)


@pytest.fixture(scope="module")
def known():
    """Pictures of five sizes whose pixels together have exactly the known covariance."""
    pixels = np.random.default_rng(6).uniform(-1, 1, (sum(h * w for h, w in SIZES), 3))
    pixels -= pixels.mean(axis=0)
    pixels = pixels @ np.linalg.inv(np.linalg.cholesky(np.cov(pixels.T, bias=True))).T
    pixels = 127.5 + 255 * (pixels * np.sqrt(KNOWN_VALUES)) @ KNOWN_VECTORS.T
    assert 0 <= pixels.min() and pixels.max() <= 255
    parts = np.split(pixels, np.cumsum([h * w for h, w in SIZES])[:-1])
    return [part.reshape(*size, 3) for part, size in zip(parts, SIZES, strict=True)]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("uint8", 1e-3)])
def test_fit_finds_a_known_covariance(dtype, tolerance, known):
    # Rounding to whole levels adds 1/12 of a squared level, 1.3e-6, to each variance.
    found = fit_rgb_pca(
        np.rint(image).astype(dtype) if dtype == "uint8" else image for image in known
    )
    np.testing.assert_allclose(found.eigenvalues, KNOWN_VALUES, rtol=tolerance)
    np.testing.assert_allclose(found.eigenvectors, as_fitted(KNOWN_VECTORS), atol=tolerance)


def test_fit_takes_data_in_every_form():
    import tensorflow as tf

    images = pictures(7)
    expected = fit_rgb_pca(images)
    slices = tf.data.Dataset.from_tensor_slices
    forms = {
        "list": list(images),
        "floats": images.astype("float32"),
        "pairs": [(image, 3) for image in images],
        "tensors": [tf.constant(image) for image in images],
        "batches": [images[:4], images[4:]],
        "nothing between": [images[:4], images[:0], images[4:]],
        "dataset": slices(images),
        "dataset of pairs": slices((images, np.arange(7))),
        "dataset of batches": slices((images, np.arange(7))).batch(3),
    }
    for name, form in forms.items():
        found = fit_rgb_pca(form)
        assert found == expected, name
        assert all(type(value) is float for value in found.eigenvalues), name


def test_fit_of_photographs_is_numpys_covariance(photographs):
    pixels = np.concatenate([image.reshape(-1, 3) for image in photographs]) / 255
    values, vectors = np.linalg.eigh(np.cov(pixels.T, bias=True))
    found = fit_rgb_pca(photographs)
    np.testing.assert_allclose(found.eigenvalues, values[::-1], rtol=1e-9)
    np.testing.assert_allclose(found.eigenvectors, as_fitted(vectors[:, ::-1]), atol=1e-9)
    # Photographs differ most in brightness: all three channels in the first axis, of one sign.
    assert (np.array(found.eigenvectors)[:, 0] > 0.4).all()


def test_fit_keeps_small_differences_of_large_numbers():
    noise = np.random.default_rng(0).uniform(-1, 1, (4, 50, 50, 3))
    expected = fit_rgb_pca(noise)
    # Squares of 254 summed in float64 would leave 1e-11 to subtract, where 1e-11 is looked for.
    found = fit_rgb_pca(254 + 1e-5 * noise)
    np.testing.assert_allclose(np.array(found.eigenvalues) * 1e10, expected.eigenvalues, rtol=1e-6)
    np.testing.assert_allclose(found.eigenvectors, expected.eigenvectors, atol=1e-5)


def test_fit_ends_in_plain_values_that_json_gives_back(known):
    fitted = fit_rgb_pca(known)
    described = json.loads(json.dumps(describe(PCAColorJitter(pca=fitted))))["pca"]
    assert described.pop("call") == "keras_classics.data.transforms.color:RGBPCA"
    assert RGBPCA(**described) == fitted != IMAGENET_PCA
    assert hash(RGBPCA(**described)) == hash(fitted)


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 8, 8, 3)), [np.zeros((0, 5, 3))]])
def test_fit_refuses_no_pictures(nothing):
    with refused("`dataset` must hold at least one image. Received: none"):
        fit_rgb_pca(nothing)


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8), (2, 8, 8, 4), ()])
def test_fit_refuses_pictures_without_three_channels(shape):
    with refused(
        "An image must have the shape (height, width, 3) to fit colours to it. "
        f"Received: shape={shape}"
    ):
        fit_rgb_pca([pictures(1)[0], np.zeros(shape)])


@pytest.mark.parametrize(
    ("values", "vectors"),
    [((1, 1), np.eye(3)), ((1, 1, 1), np.eye(2)), ((1, 1, -1), np.eye(3))],
)
def test_axes_refuse_wrong_arguments(values, vectors):
    with refused(
        "`eigenvalues` must be three variances and `eigenvectors` three rows of three. "
        f"Received: eigenvalues={shown(values)}, eigenvectors={shown(vectors)}"
    ):
        RGBPCA(values, vectors)


@pytest.mark.parametrize("pca", [IMAGENET_PCA, AUTHORS_PCA], ids=["imagenet", "authors"])
def test_published_constants_are_columns_of_unit_length(pca):
    vectors = np.array(pca.eigenvectors)
    # Four digits.
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=3e-4)
    assert list(pca.eigenvalues) == sorted(pca.eigenvalues, reverse=True)


# Howard's distortions.


def enhanced(image, factors, order):
    """PIL's definitions in NumPy, clipped after each but not rounded."""
    image = image.astype("float64")
    for which in order:
        grey = image @ GREY
        neutral = (grey.mean(), 0, grey[..., np.newaxis])[which]
        image = np.clip(neutral + factors[which] * (image - neutral), 0, 255)
    return image


def enhanced_by_us(image, factors, order):
    return _enhance(image.astype("float32"), factors, order)


def enhanced_by_pil(image, factors, order):
    image = Image.fromarray(image)
    for which in order:
        image = ENHANCERS[which](image).enhance(float(factors[which]))
    return np.asarray(image)


def range_of_differences(factors, order):
    """Between what unrounded − PIL must lie: PIL cuts off fractions, and rounds greys."""
    low = high = 0.0
    for which in order:
        factor = factors[which]
        # A grey is rounded by up to 0.5, and the mean of such greys is rounded itself.
        greys = {CONTRAST: (low - 1, high + 1), BRIGHTNESS: (0, 0), COLOUR: (low - 0.5, high + 0.5)}
        rest = sorted((1 - factor) * limit for limit in greys[which])
        low, high = factor * low + rest[0], factor * high + rest[1] + 1
    return low - 1e-3, high + 1e-3


def assert_agrees_with_pil(found, image, factors, order):
    low, high = range_of_differences(factors, order)
    difference = found - enhanced_by_pil(image, factors, order)
    assert low <= difference.min() and difference.max() <= high, (factors, order)


@pytest.mark.parametrize("which", range(3), ids=["contrast", "brightness", "colour"])
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.0, 1.37, 1.5])
def test_each_distortion_is_pils(which, factor, photographs):
    factors = np.where(np.arange(3) == which, np.float32(factor), np.float32(1))
    order = (which, (which + 1) % 3, (which + 2) % 3)
    for image in (*photographs[:3], pictures(1)[0]):
        found = enhanced_by_us(image, factors, order)
        # float32, below 256, in a mean and some products.
        np.testing.assert_allclose(found, enhanced(image, factors, [which]), rtol=0, atol=3e-4)
        assert_agrees_with_pil(found, image, factors, [which])
        if factor == 1.0:
            np.testing.assert_array_equal(found, image)


def test_three_in_a_row_are_pils(photographs):
    distort = PhotometricDistortions()
    factors, orders = distort.draws(seeds(30))
    assert len({tuple(order) for order in orders}) == 6
    for i, image in zip(range(30), itertools.cycle(photographs)):
        found = distort(image, seeds(30)[i])
        expected = enhanced(image, factors[i], orders[i])
        np.testing.assert_allclose(found, expected, rtol=0, atol=5e-4)
        assert_agrees_with_pil(found, image, factors[i], orders[i])


def test_the_order_is_seen_and_the_range_kept():
    image, factors = pictures(1)[0], np.float32([1.5, 0.6, 1.4])
    found = [enhanced_by_us(image, factors, order) for order in itertools.permutations(range(3))]
    for one, other in itertools.combinations(found, 2):
        assert np.abs(one - other).max() > 1
    bright = PhotometricDistortions(variation=1.0)(pictures(40), seeds(40))
    assert bright.min() == 0.0 and bright.max() == 255.0


def test_orders_are_equally_likely():
    orders = PhotometricDistortions().draws(seeds(N))[1]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    # χ² with 5 degrees of freedom; a fair generator passes 20.52 once in 1,000.
    assert ((counts - N / 6) ** 2 / (N / 6)).sum() < 20.52


@pytest.mark.parametrize("variation", [0.5, 0.2])
def test_factors_fill_their_range_independently(variation):
    factors, orders = PhotometricDistortions(variation).draws(seeds(N))
    shares = (factors.astype("float64") - 1 + variation) / (2 * variation)
    assert -1e-6 < shares.min() < 1e-3 and 1 - 1e-3 < shares.max() < 1 + 1e-6
    for values in shares.T:
        counts = np.histogram(values, 20, (-1e-6, 1 + 1e-6))[0]
        # χ² with 19 degrees of freedom; a fair generator passes 43.82 once in 1,000.
        assert ((counts - N / 20) ** 2 / (N / 20)).sum() < 43.82
    # Three correlations, each 0 ± 1/√N: one of them beyond 4 of that once in 5,000.
    assert np.abs(np.corrcoef(shares.T)[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(N)
    # Under each order the means are 0.5 ± √(1/12n): of 18, one beyond 4 of that once in 880.
    for order in itertools.permutations(range(3)):
        own = shares[(orders == order).all(axis=1)]
        assert np.abs(own.mean(axis=0) - 0.5).max() < 4 / np.sqrt(12 * len(own))


def test_no_variation_changes_nothing():
    found = PhotometricDistortions(variation=0.0)(pictures(4), seeds(4))
    np.testing.assert_array_equal(found, pictures(4))


@pytest.mark.parametrize("variation", [-0.1, 1.1, float("nan")])
def test_distortions_refuse_wrong_arguments(variation):
    with refused(f"`variation` must be a finite number in 0 … 1. Received: variation={variation}"):
        PhotometricDistortions(variation=variation)


@pytest.mark.parametrize("transform", [PCAColorJitter(), PhotometricDistortions()], ids=repr)
def test_a_batch_of_no_pictures_and_pictures_of_no_pixels(transform):
    made = transform(np.zeros((0, 8, 9, 3), "uint8"), [])
    assert made.shape == (0, 8, 9, 3) and made.dtype == "float32"
    with refused("`images` must have at least one pixel each. Received: shape=(0, 9, 3)"):
        transform(np.zeros((0, 9, 3), "uint8"), 1)


def test_a_jitter_without_colours():
    with refused("`pca` must be an `RGBPCA`. Received: pca=None"):
        PCAColorJitter(pca=None)


def test_division_keeps_the_mean_and_shrinks_what_is_around_it():
    divide = DivideAroundMean(by=1.1, mean=(120, 110, 100))
    image = pictures(1)[0].astype("float64")
    expected = 0.9090909090909091 * image + 0.09090909090909091 * np.array([120, 110, 100])
    found = divide(image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32
    np.testing.assert_array_equal(divide(np.stack([image, image]))[1], found)


def test_noise_and_division_leave_pictures_as_varied_as_they_were():
    """What the authors' code divides for: the noise of a picture is a tenth of its deviation."""
    rng = np.random.default_rng(0)
    lengths = 255 * np.sqrt(IMAGENET_PCA.eigenvalues)
    colors = rng.normal(size=(4000, 1, 1, 3)) * lengths @ np.array(IMAGENET_PCA.eigenvectors).T
    seeds = np.arange(4000, dtype="uint64")
    noisy = PCAColorJitter(std=0.1, scale="std")((100 + colors).astype("float32"), seeds)
    divided = DivideAroundMean(by=1.1, mean=(100, 100, 100))(noisy)
    share = (divided - 100).std(axis=0) / colors.std(axis=0)
    # Independent noise adds a hundredth to a variance: √1.01 / 1.1, known to √(1 / 2 · 4000).
    np.testing.assert_allclose(share, 1.01**0.5 / 1.1, rtol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": 0}, "`by` must be a finite number in 1e-06 … 1,000,000.0. Received: by=0"),
        ({"mean": (1, 2)}, "`mean` must be three numbers in 0 … 255. Received: mean=(1, 2)"),
        ({"mean": (1, 2, 256)}, "`mean` must be three numbers in 0 … 255. Received: mean="),
    ],
)
def test_division_refuses_what_is_none(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        DivideAroundMean(**options)
