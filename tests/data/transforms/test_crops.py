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
from PIL import Image

from keras_classics.data.randomness import fold_in, integer, uniform
from keras_classics.data.transforms import resizing
from keras_classics.data.transforms.color import PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomAreaCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.photometric import PhotometricDistortions
from keras_classics.data.transforms.resizing import (
    INTERPOLATIONS,
    RandomShorterSide,
    Resize,
    ResizeShorterSide,
)
from keras_classics.data.transforms.transform import Transform, in_turn
from keras_classics.training.fields import describe

N = 100_000
# Kolmogorov and Smirnov: a fair generator exceeds 1.95/√N once in 1,000.
MOST_KS = 1.95 / np.sqrt(N)

TRANSFORMS = {
    "resize": Resize(8),
    "shorter": ResizeShorterSide(7),
    "jitter": RandomShorterSide(6, 20),
    "centre": CenterCrop(6),
    "crop": RandomCrop(6),
    "padded": RandomCrop(9, padding=4),
    "flip": RandomFlip(),
    "area": RandomAreaCrop(5),
    "interpolations": RandomAreaCrop(5, interpolation="random"),
}
each_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
# Those whose result has one size for pictures of one size.
EVEN = {name: one for name, one in TRANSFORMS.items() if name != "jitter"}
each_even = pytest.mark.parametrize("transform", EVEN.values(), ids=EVEN)


LESS = "crop less, or resize to more before."


def refused(message):
    """Expects a ValueError with this message and no other word."""
    return pytest.raises(ValueError, match=rf"\A{re.escape(message)}\Z")


def pictures(n, height=9, width=12, channels=3):
    shape = (n, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def seeds(n, first=0):
    return np.arange(first, first + n, dtype="uint64")


def grey(rows, dtype="uint8"):
    return np.array(rows, dtype)[..., np.newaxis]


def chi_square(counts):
    expected = np.sum(counts) / len(counts)
    return ((np.asarray(counts) - expected) ** 2 / expected).sum()


def kolmogorov_smirnov(values):
    """Distance from the uniform distribution in 0…1."""
    return np.abs(np.sort(values) - (np.arange(len(values)) + 0.5) / len(values)).max()


# Small pictures, worked out by hand.


@pytest.mark.parametrize(
    ("interpolation", "larger", "smaller"),
    [
        # Pixels lie at −1/4, 1/4, 3/4 and 5/4 of the way from the one to the other.
        ("bilinear", [0, 25, 75, 100], [[45, 110], [7.5, 7.5]]),
        ("area", [0, 0, 100, 100], [[45, 110], [7.5, 7.5]]),
        ("nearest", [0, 0, 100, 100], [[0, 200], [7, 7]]),
        # Of four pixels in a row, the border's repeated, weights of the cubic with a = −3/4:
        # −0.1055, 0.8789, 0.2617, −0.0352.
        ("cubic", [-10.546875, 22.65625, 77.34375, 110.546875], None),
    ],
)
def test_resize(interpolation, larger, smaller):
    row = grey([[0, 100]] * 4, "float32")
    found = Resize(4, interpolation)(row)[..., 0]
    np.testing.assert_allclose(found, [larger] * 4, atol=1e-4)
    if smaller:
        picture = grey([[0, 100, 200, 40], [20, 60, 80, 120], [7, 7, 7, 7], [8, 8, 8, 8]])
        found = Resize(2, interpolation)(picture.astype("float32"))[..., 0]
        np.testing.assert_array_equal(found, smaller)
        whole = Resize(2, interpolation)(picture)
        assert whole.dtype == np.uint8
        np.testing.assert_array_equal(whole[..., 0], np.floor(np.array(smaller) + 0.5))


def test_resize_to_the_same_size_is_the_picture():
    image = pictures(1, 8, 8)[0]
    for interpolation in INTERPOLATIONS:
        np.testing.assert_array_equal(Resize(8, interpolation)(image), image)


@pytest.mark.parametrize(
    ("height", "width", "size", "expected"),
    [
        (4, 8, 2, (2, 4)),
        (8, 4, 2, (4, 2)),
        (300, 400, 256, (256, 341)),
        (500, 333, 256, (384, 256)),
        (5, 5, 9, (9, 9)),
        (1, 1, 256, (256, 256)),
        (30_000, 30, 64, (64_000, 64)),
    ],
)
def test_resize_shorter_side(height, width, size, expected):
    image = np.zeros((height, width, 1), "uint8")
    assert ResizeShorterSide(size)(image).shape == (*expected, 1)
    assert RandomShorterSide(size, size)(image, 0).shape == (*expected, 1)


def test_resize_shorter_side_halves_a_picture():
    picture = grey([[0, 100, 200, 40], [20, 60, 80, 120]], "float32")
    assert ResizeShorterSide(1)(picture)[..., 0].tolist() == [[45, 110]]


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [
        ([[0, 1, 2], [3, 4, 5], [6, 7, 8]], 1, [[4]]),
        ([[0, 1, 2], [3, 4, 5]], 1, [[1]]),
        ([[0, 1, 2, 3], [4, 5, 6, 7]], 2, [[1, 2], [5, 6]]),
        ([[0, 1, 2], [3, 4, 5]], 2, [[0, 1], [3, 4]]),
    ],
)
def test_center_crop(rows, size, expected):
    assert CenterCrop(size)(grey(rows))[..., 0].tolist() == expected


def test_random_crop_takes_all_places_and_no_other():
    picture = grey([[0, 1, 2], [3, 4, 5]])
    found = {str(RandomCrop(2)(picture, seed)[..., 0].tolist()) for seed in range(50)}
    assert found == {"[[0, 1], [3, 4]]", "[[1, 2], [4, 5]]"}


@pytest.mark.parametrize(
    ("fill", "dtype", "border"),
    [
        (0, "uint8", (0, 0)),
        (7.5, "float32", (7.5, 7.5)),
        (7.6, "uint8", (8, 8)),
        ((1.4, 255), "uint8", (1, 255)),
    ],
)
def test_random_crop_with_a_border(fill, dtype, border):
    picture = np.full((2, 2, 2), 100, dtype)
    bordered = np.full((4, 4, 2), border, dtype)
    bordered[1:3, 1:3] = 100
    crop = RandomCrop(4, padding=1, fill=fill)
    for found in (crop(picture, 0), crop(picture[np.newaxis], [0])[0]):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, bordered)


def test_random_flip_turns_left_and_right():
    picture = grey([[1, 2, 3], [4, 5, 6]])
    found = {str(RandomFlip()(picture, seed)[..., 0].tolist()) for seed in range(50)}
    assert found == {"[[1, 2, 3], [4, 5, 6]]", "[[3, 2, 1], [6, 5, 4]]"}


def test_random_area_crop_resizes_its_patch():
    image, crop = pictures(1, 30, 40)[0], RandomAreaCrop(6)
    for seed in range(20):
        top, left, height, width = crop.patch(30, 40, seed)
        patch = image[top : top + height, left : left + width]
        np.testing.assert_array_equal(crop(image, seed), Resize(6)(patch))


# How often.


def test_crop_positions_are_uniform_and_independent():
    # A single pixel of 33·33 tells its place; there are as many places for 224 of 256.
    numbers = np.arange(33 * 33, dtype="int32").reshape(33, 33, 1)
    drawn = RandomCrop(1)(np.broadcast_to(numbers, (N, 33, 33, 1)), seeds(N)).ravel()
    # χ² with 1,088 degrees of freedom; a fair generator passes 1237.87 once in 1,000.
    assert chi_square(np.bincount(drawn, minlength=33 * 33)) < 1237.87
    large = np.arange(256 * 256, dtype="int32").reshape(256, 256, 1)
    for seed in range(50):
        top, left = divmod(int(RandomCrop(224)(large, seed)[0, 0, 0]), 256)
        assert top * 33 + left == drawn[seed]


def test_padded_crops_take_all_81_places():
    picture = np.arange(1, 32 * 32 + 1, dtype="int32").reshape(1, 32, 32, 1)
    places, crop = [], RandomCrop(32, padding=4)
    for part in np.split(seeds(N), 100):
        found = crop(np.broadcast_to(picture, (len(part), 32, 32, 1)), part)
        # The pixel (16, 16) is never border.
        rows, columns = np.divmod(found[:, 16, 16, 0] - 1, 32)
        places.append((rows - 12) * 9 + columns - 12)
    # χ² with 80 degrees of freedom; a fair generator passes 124.84 once in 1,000.
    assert chi_square(np.bincount(np.concatenate(places), minlength=81)) < 124.84


def test_half_of_the_pictures_are_flipped():
    row = np.broadcast_to(np.uint8([0, 1]).reshape(1, 1, 2, 1), (N, 1, 2, 1))
    # A share of N is 1/2 ± 1/√4N: beyond 3.29 of that once in 1,000.
    assert abs(RandomFlip()(row, seeds(N))[:, 0, 0, 0].mean() - 0.5) < 3.29 / np.sqrt(4 * N)


def test_shorter_sides_are_uniform(monkeypatch):
    monkeypatch.setattr(resizing, "_resize_shorter_side", lambda image, size, _: size)
    jitter, image = RandomShorterSide(256, 512), np.zeros((1, 1, 1), "uint8")
    sizes = np.array([jitter.apply(image, seed) for seed in seeds(N)])
    assert (sizes.min(), sizes.max()) == (256, 512)
    # χ² with 256 degrees of freedom; a fair generator passes 331.66 once in 1,000.
    assert chi_square(np.bincount(sizes - 256)) < 331.66


def test_areas_and_aspects_are_uniform():
    # The longest patch, √(0.5 · 4/3) of the side, fits: nothing is drawn again.
    side, crop = 10_000, RandomAreaCrop(224, area=(0.08, 0.5))
    patches = np.array([crop.patch(side, side, seed) for seed in seeds(N)], float)
    top, left, height, width = patches.T
    draws = {
        "area": (height * width / side**2 - 0.08) / 0.42,
        "aspect": (width / height - 3 / 4) / (4 / 3 - 3 / 4),
        "top": (top + 0.5) / (side - height + 1),
        "left": (left + 0.5) / (side - width + 1),
    }
    for name, values in draws.items():
        assert kolmogorov_smirnov(values) < MOST_KS, name
    correlations = np.corrcoef(list(draws.values()))[np.triu_indices(4, 1)]
    # Six correlations, each 0 ± 1/√N: one of them beyond 4 of that once in 2,600.
    assert np.abs(correlations).max() < 4 / np.sqrt(N)


def test_interpolations_are_equally_likely():
    crop, patch = RandomAreaCrop(5, interpolation="random"), grey([[0, 90], [200, 10]])
    kinds = [Resize(5, name)(patch).tobytes() for name in INTERPOLATIONS]
    assert len(set(kinds)) == 4
    found = np.array([kinds.index(crop.resize(patch, seed).tobytes()) for seed in seeds(N)])
    # χ² with 3 degrees of freedom; a fair generator passes 16.27 once in 1,000.
    assert chi_square(np.bincount(found, minlength=4)) < 16.27
    # It is no part of the patch's own draws.
    shares = uniform(fold_in(seeds(N), 0), 0, 0.0, 1.0)
    assert abs(np.corrcoef(found, shares)[0, 1]) < 3.29 / np.sqrt(N)


@pytest.mark.parametrize(("height", "width"), [(300, 400), (75, 500), (7, 5), (2, 2)])
def test_patches_lie_inside(height, width):
    crop = RandomAreaCrop(224)
    patches = np.array([crop.patch(height, width, seed) for seed in range(2000)])
    top, left, high, wide = patches.T
    assert patches[:, :2].min() >= 0 and patches[:, 2:].min() >= 1
    assert (top + high <= height).all() and (left + wide <= width).all()
    if height == 300:  # every edge is reached, and so is a patch of all but the whole height
        assert 0 == top.min() == left.min() and high.max() == 300
        assert (top + high).max() == 300 and (left + wide).max() == 400


@pytest.mark.parametrize(
    ("height", "width", "patch"),
    [
        (1, 1, (0, 0, 1, 1)),
        (30_000, 30, (14_985, 0, 30, 30)),
        (30, 30_000, (0, 14_985, 30, 30)),
        (1, 6, (0, 2, 1, 1)),
    ],
)
def test_where_nothing_fits_the_centre_is_taken(height, width, patch):
    crop = RandomAreaCrop(4, area=(1, 1)) if min(height, width) == 1 else RandomAreaCrop(4)
    assert crop.patch(height, width, 0) == patch
    assert crop(np.zeros((height, width, 3), "uint8"), 0).shape == (4, 4, 3)


def test_transforms_in_turn_draw_independently():
    own = [seed for _, seed in in_turn([None] * 3, seeds(N))]
    np.testing.assert_array_equal(own[0], seeds(N))
    # What crops, flips, jitters and patches draw, of neighbouring pictures too.
    draws = [uniform(one, draw, 0.0, 1.0) for one in own for draw in range(3)]
    draws += [integer(one, 0, 2) for one in own] + [uniform(own[0][1:], 0, 0.0, 1.0)]
    correlations = np.corrcoef([values[: N - 1] for values in draws])
    related = {(0, 9), (3, 10), (6, 11)}  # one draw, as a fraction and as a coin
    for a, b in itertools.combinations(range(len(draws)), 2):
        if (a, b) not in related:
            # 75 correlations, each 0 ± 1/√N: one of them beyond 4.5 of that once in 2,000.
            assert abs(correlations[a, b]) < 4.5 / np.sqrt(N), (a, b)
    coins = 4 * draws[9] + 2 * draws[10] + draws[11]
    # χ² with 7 degrees of freedom; a fair generator passes 24.32 once in 1,000.
    assert chi_square(np.bincount(coins)) < 24.32


def test_in_turn_pairs_each_transform_with_its_seed():
    flip, crop = RandomFlip(), RandomCrop(3)
    assert list(in_turn((), 5)) == []
    assert list(in_turn((flip, crop), 5)) == [(flip, 5), (crop, fold_in(5, 2**32 + 1))]


# One picture, a batch, an array, a tensor, a pipeline, a process, a backend.


@each_even
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_one_picture_and_a_batch_agree(transform, dtype):
    images = pictures(8).astype(dtype)
    together = transform(images, seeds(8))
    assert together.dtype == dtype
    turned = transform(images[::-1], seeds(8)[::-1])
    np.testing.assert_array_equal(turned[::-1], together)
    for i in range(8):
        one = transform(images[i], seeds(8)[i])
        assert one.dtype == dtype
        np.testing.assert_array_equal(one, together[i])


def test_sizes_that_differ_make_no_batch():
    with pytest.raises(ValueError, match="same shape"):
        RandomShorterSide(6, 20)(pictures(8), seeds(8))


@each_transform
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_views_are_read_and_left_as_they_were(transform, channels):
    images = pictures(4, channels=channels)
    before = images.copy()
    images.flags.writeable = False
    for view in (images[:, ::-1, 2:], images.transpose(0, 2, 1, 3)):
        found = [transform(one, seed) for one, seed in zip(view, seeds(4), strict=True)]
        whole = np.ascontiguousarray(view)
        for one, image, seed in zip(found, whole, seeds(4), strict=True):
            assert one.shape[-1] == channels
            np.testing.assert_array_equal(one, transform(image, seed))
    np.testing.assert_array_equal(images, before)


@each_transform
def test_tensors_give_what_arrays_give(transform):
    import tensorflow as tf

    images = pictures(5)
    expected = [transform(image, seed) for image, seed in zip(images, seeds(5), strict=True)]
    for image, seed, wanted in zip(images, range(5), expected, strict=True):
        found = transform(tf.constant(image), seed)
        assert tf.is_tensor(found) and found.dtype == tf.uint8
        np.testing.assert_array_equal(found, wanted)
    # As the docstring of Transform has it, in anybody's pipeline.
    dataset = tf.data.Dataset.from_tensor_slices(images).enumerate()
    mapped = dataset.map(lambda n, image: transform(image, n), num_parallel_calls=2)
    for found, wanted in zip(mapped, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@each_even
def test_batches_of_tensors_give_what_arrays_give(transform):
    import tensorflow as tf

    images = pictures(6)
    expected = transform(images, seeds(6))
    np.testing.assert_array_equal(transform(tf.constant(images), seeds(6)), expected)
    dataset = tf.data.Dataset.from_tensor_slices((images, seeds(6))).batch(4)
    found = np.concatenate(list(dataset.map(transform).as_numpy_iterator()))
    np.testing.assert_array_equal(found, expected)


STATIC = {
    "resize": (8, 8),
    "shorter": (None, None),
    "jitter": (None, None),
    "centre": (6, 6),
    "crop": (6, 6),
    "padded": (9, 9),
    "flip": (9, 12),
    "area": (5, 5),
    "interpolations": (5, 5),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_pipelines_know_their_shapes(name):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((pictures(4), seeds(4)))
    mapped = dataset.map(TRANSFORMS[name])
    assert mapped.element_spec.shape.as_list() == [*STATIC[name], 3]
    assert mapped.element_spec.dtype == tf.uint8
    mapped = dataset.batch(4).map(TRANSFORMS[name])
    assert mapped.element_spec.shape.as_list() == [None, *STATIC[name], 3]


def test_pictures_of_unknown_sizes_are_mapped():
    import tensorflow as tf

    images = [pictures(1, *size)[0] for size in ((9, 12), (31, 7), (1, 1))]
    spec = tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((), tf.uint64)
    dataset = tf.data.Dataset.from_generator(
        lambda: zip(images, seeds(3), strict=True), output_signature=spec
    )
    mapped = dataset.map(RandomAreaCrop(5)).batch(3)
    assert mapped.element_spec.shape.as_list() == [None, 5, 5, 3]
    expected = [RandomAreaCrop(5)(*pair) for pair in zip(images, seeds(3), strict=True)]
    np.testing.assert_array_equal(next(iter(mapped)), expected)


def digests(first=2**40):
    """What each transform makes of four pictures, as hashes."""
    images = pictures(4, 30, 40)
    found = {
        name: [transform(*pair) for pair in zip(images, seeds(4, first), strict=True)]
        for name, transform in TRANSFORMS.items()
    }
    return {
        name: hashlib.sha256(b"".join(one.tobytes() for one in images)).hexdigest()[:16]
        for name, images in found.items()
    }


def test_another_process_with_another_backend_draws_the_same(backend):
    installed = [name for name in ("jax", "torch") if importlib.util.find_spec(name)]
    other = next((name for name in installed if name != backend), backend)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    printed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json\nfrom tests.data.transforms import test_crops\n"
            "print(json.dumps(test_crops.digests()))",
        ],
        env={**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": other},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert json.loads(printed) == digests() != digests(0)


@pytest.mark.backend
def test_draws_are_the_same_for_ever():
    # Pixels that are moved, not computed, are the same with every backend and version of OpenCV.
    found = digests()
    frozen = {name: found[name] for name in ("centre", "crop", "padded", "flip")}
    assert frozen == FROZEN
    assert RandomAreaCrop(224).patch(300, 400, 0) == (84, 182, 175, 136)
    import tensorflow as tf

    mapped = tf.data.Dataset.from_tensors((pictures(4), seeds(4))).map(RandomCrop(6))
    np.testing.assert_array_equal(next(iter(mapped)), RandomCrop(6)(pictures(4), seeds(4)))


FROZEN = {
    "centre": "81b78282c1670a4f",
    "crop": "d711fd53cd35c51d",
    "padded": "b31dbf70a690b75a",
    "flip": "b26dbb404e06f21f",
}


# Wrong arguments.


@pytest.mark.parametrize(
    "make", [Resize, ResizeShorterSide, CenterCrop, RandomCrop, RandomAreaCrop]
)
@pytest.mark.parametrize("size", [0, -1, 2.0, True, "8"])
def test_sizes_are_positive_integers(make, size):
    with refused(f"`size` must be a positive integer. Received: size={size!r}"):
        make(size)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RandomShorterSide(0, 5),
            "`low` must be a positive integer. Received: low=0",
        ),
        (
            lambda: RandomShorterSide(5, 6.5),
            "`high` must be a positive integer. Received: high=6.5",
        ),
        (
            lambda: RandomShorterSide(6, 5),
            "`low` must not be above `high`. Received: low=6, high=5",
        ),
        (
            lambda: RandomCrop(4, padding=-1),
            "`padding` must be an integer of at least 0. Received: padding=-1",
        ),
        (
            lambda: RandomCrop(4, padding=1, fill=(0, 256)),
            "`fill` must be in 0 … 255. Received: fill=(0, 256)",
        ),
        (
            lambda: RandomAreaCrop(4, area=(0, 1)),
            "`area` must be a range of shares in 0 … 1. Received: area=(0, 1)",
        ),
        (
            lambda: RandomAreaCrop(4, area=(0.5, 1.1)),
            "`area` must be a range of shares in 0 … 1. Received: area=(0.5, 1.1)",
        ),
        (
            lambda: RandomAreaCrop(4, area=(0.5, 0.4)),
            "`area` must be a range of shares in 0 … 1. Received: area=(0.5, 0.4)",
        ),
        (
            lambda: RandomAreaCrop(4, aspect=(2, 1)),
            "`aspect` must be a range above 0. Received: aspect=(2, 1)",
        ),
        (
            lambda: RandomAreaCrop(4, aspect=(0, 1)),
            "`aspect` must be a range above 0. Received: aspect=(0, 1)",
        ),
    ],
)
def test_wrong_arguments(make, message):
    with refused(message):
        make()


@pytest.mark.parametrize(
    ("make", "random"),
    [
        (Resize, False),
        (ResizeShorterSide, False),
        (lambda size, kind: RandomShorterSide(size, size, kind), False),
        (lambda size, kind: RandomAreaCrop(size, interpolation=kind), True),
    ],
)
def test_unknown_interpolation(make, random):
    legal = '"bilinear", "area", "nearest", "cubic"' + (', "random"' if random else "")
    message = f"`interpolation` must be one of {legal}. Received: interpolation='lanczos'"
    with refused(message):
        make(4, "lanczos")


@pytest.mark.parametrize("batch", [False, True])
def test_a_picture_too_small_to_crop(batch):
    images = pictures(2) if batch else pictures(1)[0]
    for make in (CenterCrop, RandomCrop):
        with refused(f"An image of 9×12 has no 10×10 to crop; {LESS}"):
            make(10)(images, seeds(2) if batch else 0)
    with refused(f"An image of 11×14 has no 12×12 to crop; {LESS}"):
        RandomCrop(12, padding=1)(images, seeds(2) if batch else 0)


def test_a_picture_too_long_to_resize():
    with refused("An image of 60000×1 is too long to be resized to 15,360,000×256."):
        ResizeShorterSide(256)(np.zeros((60_000, 1, 3), "uint8"))


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_pixels_that_cannot_be_resized(dtype):
    with refused(
        'Pixels must be one of "uint8", "uint16", "int16", "float32", "float64". '
        f'Received: dtype="{dtype}"'
    ):
        Resize(4)(np.zeros((5, 5, 3), dtype))


@pytest.mark.parametrize("dtype", ["bool", "uint16", "int32", "int64", "float16", "float64"])
def test_pixels_of_any_type_are_moved(dtype):
    images = (100 * pictures(4).astype("float64")).astype(dtype)
    for transform in (CenterCrop(5), RandomCrop(5), RandomCrop(9, 2), RandomFlip()):
        together = transform(images, seeds(4))
        assert together.dtype == dtype
        for one, image, seed in zip(together, images, seeds(4), strict=True):
            np.testing.assert_array_equal(transform(image, seed), one)
            assert transform(image, seed).dtype == dtype


RANDOM = {name: one for name, one in TRANSFORMS.items() if name not in ("resize", "centre")}
RANDOM.pop("shorter")
RANDOM |= {"colour": PCAColorJitter(), "howard": PhotometricDistortions()}


@pytest.mark.parametrize("transform", RANDOM.values(), ids=RANDOM)
def test_random_transforms_demand_a_seed_for_each_picture(transform):
    rule = "`seeds` must hold one seed for each image. Received: "
    with refused(f"{rule}none"):
        transform(pictures(1)[0])
    # One seed for a batch would be one crop for all.
    for own in ((), (3,), (1,)):
        with refused(f"{rule}images of shape (4, 9, 12, 3), seeds of shape {own}"):
            transform(pictures(4), np.zeros(own, "uint64"))
    with refused(f"{rule}images of shape (9, 12, 3), seeds of shape (1,)"):
        transform(pictures(1)[0], [0])


@each_transform
@pytest.mark.parametrize("shape", [(9, 12), (1, 2, 9, 12, 3)])
def test_no_pictures(transform, shape):
    with refused(
        "`images` must be (height, width, channels) or (n, height, width, channels). "
        f"Received: shape={shape}"
    ):
        transform(np.zeros(shape), 0)


def test_a_picture_of_unknown_rank_is_refused():
    import tensorflow as tf

    @tf.autograph.experimental.do_not_convert
    def decoded(file):
        return Resize(8)(tf.io.decode_image(file))

    with refused(
        "`images` must be (height, width, channels) or (n, height, width, channels). "
        "Received: shape=None"
    ):
        tf.data.Dataset.from_tensors(b"").map(decoded)


# What recipes and pipelines rely on.


@each_transform
def test_is_a_value_of_a_recipe(transform):
    description = describe(transform)
    assert json.loads(json.dumps(description)) == description
    assert transform == type(transform)(**vars(transform))
    assert len({transform, type(transform)(**vars(transform))}) == 1


def test_a_transform_of_ones_own():
    class Negative(Transform):
        is_random = False

        def apply(self, image, seed):
            return 255 - image

    images = pictures(3)
    np.testing.assert_array_equal(Negative()(images), 255 - images)
    np.testing.assert_array_equal(Negative()(images[0]), 255 - images[0])


def test_photographs_shrink_as_pillows_box_filter_has_it(data_dir):
    sample = data_dir.parent / "imagenet_sample" / "train"
    if not sample.is_dir():
        pytest.skip(f"no photographs here: {sample}")
    for folder in sorted(sample.iterdir())[:3]:
        with Image.open(min(folder.iterdir())) as file:
            image = file.convert("RGB").crop((0, 0, 256, 256))
        expected = np.asarray(image.resize((64, 64), Image.Resampling.BOX), int)
        found = Resize(64, "area")(np.asarray(image)).astype(int)
        assert np.abs(found - expected).max() <= 1  # each rounds once


@each_even
def test_a_batch_of_no_pictures(transform):
    if isinstance(transform, ResizeShorterSide):
        with refused(
            "`images` must hold at least one image: what ResizeShorterSide makes of none has no "
            "size. Received: shape=(0, 9, 12, 3)"
        ):
            transform(pictures(0))
        return
    made = transform(pictures(0), seeds(0))
    size = getattr(transform, "size", None)
    assert made.shape == ((0, size, size, 3) if size else (0, 9, 12, 3))
    assert made.dtype == "uint8"


@each_transform
@pytest.mark.parametrize("shape", [(0, 9, 3), (9, 9, 0), (2, 9, 0, 3)])
def test_pictures_without_pixels(transform, shape):
    with refused(f"`images` must have at least one pixel each. Received: shape={shape}"):
        transform(np.zeros(shape, "uint8"), seeds(2) if len(shape) == 4 else 1)


@pytest.mark.parametrize("fill", [(), [], "10", None, (0, "a")])
def test_a_border_of_nothing(fill):
    with refused(f"`fill` must be in 0 … 255. Received: fill={fill!r}"):
        RandomCrop(4, padding=1, fill=fill)


def test_a_border_of_other_channels():
    with refused("`fill` must be one number, or one for each of 3 channels. Received: fill=(1, 2)"):
        RandomCrop(4, padding=1, fill=(1, 2))(pictures(2), seeds(2))
    with refused("`padding` must be at most 4. Received: padding=5"):
        RandomCrop(4, padding=5)


@pytest.mark.parametrize("own", ["a", -1, 1.5, 2**64, [None, 1]])
def test_seeds_that_are_none(own):
    with refused(
        f"`seeds` must be integers in 0 … 2⁶⁴ − 1, one for each image. Received: seeds={own!r}"
    ):
        RandomFlip()(pictures(1)[0], own)
