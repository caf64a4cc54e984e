import numpy as np
import pytest

from keras_classics.data.randomness import uniform
from keras_classics.data.transforms.affine import RandomAffine

HEIGHT, WIDTH = 9, 12
RANGES = {"translation": 2.0, "scale": 0.15, "squeeze": 0.2, "shear": 0.3}
DRAWS = {"right": 0, "down": 1, "scale": 2, "squeeze": 3, "shear": 4}
STILL = dict.fromkeys(RANGES, 0.0)


def pictures(n):
    return np.random.default_rng(0).integers(0, 256, (n, HEIGHT, WIDTH, 2)).astype("uint8")


def seeds(n, first=0):
    return np.arange(first, first + n, dtype="uint64")


def amounts(ranges, seeds):
    """What each picture is moved by, {name: (n,)}, in float64."""
    limits = [ranges["translation"], *ranges.values()]
    return {
        name: uniform(seeds, draw, -limit, limit).astype("float64")
        for (name, draw), limit in zip(DRAWS.items(), limits, strict=True)
    }


def source_of(x, y, right, down, scale, squeeze, shear, height=HEIGHT, width=WIDTH):
    """Where the pixel (x, y) of a distorted picture comes from: the docstring, read backwards."""
    x, y = x - (width - 1) / 2 - right, y - (height - 1) / 2 - down
    source_x = x / ((1 + scale) * (1 + squeeze)) + shear * y
    source_y = y / ((1 + scale) / (1 + squeeze))
    return source_x + (width - 1) / 2, source_y + (height - 1) / 2


def bilinear(picture, x, y):
    """The value of a picture between its pixels; 0 outside."""
    height, width, channels = picture.shape
    value = np.zeros(channels)
    for row in (int(np.floor(y)), int(np.floor(y)) + 1):
        for column in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= row < height and 0 <= column < width:
                value += (1 - abs(y - row)) * (1 - abs(x - column)) * picture[row, column]
    return value


def test_agrees_with_bilinear_loops():
    images, n = pictures(6), 6
    moved = amounts(RANGES, seeds(n, 40))
    found = RandomAffine(**RANGES)(images, seeds(n, 40)).numpy()
    assert found.dtype == np.float32
    for i in range(n):
        own = {name: values[i] for name, values in moved.items()}
        for row in range(HEIGHT):
            for column in range(WIDTH):
                expected = bilinear(images[i], *source_of(column, row, **own))
                # Positions near 10 in float32 are off by 1e-6, steps between pixels are 255.
                np.testing.assert_allclose(found[i, row, column], expected, atol=2e-3)


def test_matrices_are_the_formula():
    n = 50
    moved = amounts(RANGES, seeds(n))
    a0, a1, a2, b0, b1, b2, c0, c1 = RandomAffine(**RANGES).matrices(seeds(n), 28, 20).T
    for x, y in ((0, 0), (19, 0), (0, 27), (9.5, 13.5)):
        expected = source_of(x, y, **moved, height=28, width=20)
        # Positions up to 40 in float32.
        np.testing.assert_allclose(a0 * x + a1 * y + a2, expected[0], atol=2e-5)
        np.testing.assert_allclose(b0 * x + b1 * y + b2, expected[1], atol=2e-5)
    assert not np.concatenate([c0, c1]).any()


def drawing(name, wanted):
    """A seed and a range with which the named amount is the wanted one."""
    for seed in range(100):
        share = float(uniform(np.uint64(seed), DRAWS[name], -1.0, 1.0))
        if share > 0.5:
            return np.uint64([seed]), wanted / share
    raise AssertionError("of 100 draws, none is in the upper quarter")


@pytest.mark.parametrize(
    ("name", "amount", "matrix"),
    [
        ("scale", 0.25, (0.8, 0, 0.4, 0, 0.8, 0.4, 0, 0)),
        ("squeeze", 0.25, (0.8, 0, 0.4, 0, 1.25, -0.5, 0, 0)),
        ("shear", 0.5, (1, 0.5, -1, 0, 1, 0, 0, 0)),
    ],
)
def test_literal_matrices_about_the_centre_of_5_pixels(name, amount, matrix):
    seed, limit = drawing(name, amount)
    found = RandomAffine(**{**STILL, name: limit}).matrices(seed, 5, 5)
    np.testing.assert_allclose(found, [matrix], atol=1e-6)


@pytest.mark.parametrize(("name", "axis"), [("right", 2), ("down", 1)])
def test_translation_by_whole_pixels_moves_pixels(name, axis):
    seed, limit = drawing(name, 3.0)
    # Stripes along the other direction: the movement in that one is not seen, but at the ends.
    shape = [1, 16, 16, 1]
    stripes = np.random.default_rng(0).integers(0, 256, 16)
    images = np.broadcast_to(stripes.reshape([16 if a == axis else 1 for a in range(4)]), shape)
    moved = RandomAffine(**{**STILL, "translation": limit})(images, seed).numpy()
    middle = moved[0, :, 8, 0] if axis == 1 else moved[0, 8, :, 0]
    # The range is a float32: 3 pixels to within 2e-7, times steps of 255.
    np.testing.assert_allclose(middle, [0, 0, 0, *stripes[:-3]], atol=1e-3)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_no_range_changes_nothing(dtype):
    images = pictures(4).astype(dtype)
    np.testing.assert_array_equal(RandomAffine(**STILL)(images, seeds(4)).numpy(), images)


def test_amounts_fill_their_ranges_independently():
    n = 20_000
    matrices = RandomAffine(**RANGES).matrices(seeds(n), HEIGHT, WIDTH).astype("float64")
    across, shear, a2, _, along, b2 = matrices.T[:6]
    x, y = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    down = (y - b2) / along - y
    right = (x - shear * (y + down) - a2) / across - x
    found = {
        "right": right / 2.0,
        "down": down / 2.0,
        "scale": (1 / np.sqrt(across * along) - 1) / 0.15,
        "squeeze": (np.sqrt(along / across) - 1) / 0.2,
        "shear": shear / 0.3,
    }
    for name, values in found.items():
        assert np.abs(values).max() < 1 + 1e-5, name
        assert min(values.max(), -values.min()) > 0.999, name
        counts = np.histogram(values, 20, (-1.00001, 1.00001))[0]
        # χ² with 19 degrees of freedom; a fair generator passes 43.82 once in 1,000.
        assert ((counts - n / 20) ** 2 / (n / 20)).sum() < 43.82, name
    correlations = np.corrcoef(list(found.values()))[np.triu_indices(5, 1)]
    # Ten correlations, each 0 ± 1/√n: one of them beyond 4 of that once in 1,500.
    assert np.abs(correlations).max() < 4 / np.sqrt(n)


def test_each_picture_is_by_itself():
    images, distort = pictures(6), RandomAffine(**RANGES)
    together = distort(images, seeds(6)).numpy()
    turned = distort(images[::-1], seeds(6)[::-1]).numpy()
    np.testing.assert_array_equal(turned[::-1], together)
    for i in range(6):
        one = distort(images[i], seeds(6)[i]).numpy()
        assert one.shape == (HEIGHT, WIDTH, 2)
        np.testing.assert_array_equal(one, together[i])


def test_is_a_value():
    assert RandomAffine(**RANGES) == RandomAffine(**RANGES) != RandomAffine(**STILL)
