import math
from statistics import NormalDist

import numpy as np
import pytest

from keras_classics.data.randomness import fold_in, normal, permutation, uniform

GOLDEN_RATIO = 0x9E3779B97F4A7C15
MODULUS = 2**64


class SplitMix64:
    """The generator of Steele, Lea and Flood, figure 17, in Python's unbounded integers."""

    def __init__(self, seed):
        self.state = seed

    def __next__(self):
        self.state = (self.state + GOLDEN_RATIO) % MODULUS
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % MODULUS
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % MODULUS
        return z ^ (z >> 31)


def folded(seed, number):
    """The number-th output of the generator whose state is the first output for the seed."""
    stream = SplitMix64(next(SplitMix64(seed)))
    return [next(stream) for _ in range(number + 1)][-1]


def test_the_reference_is_splitmix64():
    stream = SplitMix64(1234567)  # widely published first values
    assert [next(stream) for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.parametrize("seed", [0, 1, 1998, 2**31, 2**40 + 1, 2**63 - 1])
@pytest.mark.parametrize("number", [0, 1, 255])
def test_fold_in_is_the_reference(seed, number):
    assert int(fold_in(seed, number)) == folded(seed, number)


def test_fold_in_takes_whole_arrays_of_seeds_and_numbers():
    seeds = np.uint64([0, 7, MODULUS - 1])
    expected = [[folded(int(seed), number) for number in range(3)] for seed in seeds]
    found = fold_in(seeds[:, np.newaxis], np.arange(3))
    assert found.tolist() == expected
    chained = fold_in(fold_in(5, 2), 9)
    assert int(chained) == folded(folded(5, 2), 9)


def test_uniform_is_the_upper_24_bits():
    expected = [-2 + 5 * (folded(seed, 3) >> 40) / 2**24 for seed in range(20)]
    found = uniform(np.arange(20, dtype="uint64"), 3, -2.0, 3.0)
    assert found.dtype.name == "float32"
    # One product and one sum in float32 below 3.
    np.testing.assert_allclose(found, expected, atol=1e-6)


N = 100_000


@pytest.fixture(scope="module")
def draws():
    """Two draws for each of 100,000 neighbouring seeds."""
    seeds = np.arange(N, dtype="uint64")
    return [uniform(seeds, draw, 0.0, 1.0) for draw in (0, 1)]


@pytest.mark.parametrize("draw", [0, 1])
def test_uniform_is_uniform(draw, draws):
    assert draws[draw].min() >= 0.0
    assert draws[draw].max() < 1.0
    counts = np.bincount((draws[draw] * 100).astype(int), minlength=100)
    # χ² with 99 degrees of freedom; a fair generator passes 148.23 once in 1,000 seeds.
    assert ((counts - N / 100) ** 2 / (N / 100)).sum() < 148.23


def test_neighbouring_seeds_and_draws_are_unrelated(draws):
    first, second = draws
    pairs = [(first, second), (first[1:], first[:-1]), (first[1:], second[:-1])]
    # A correlation of N independent pairs is 0 ± 1/√N: beyond 3.29 of that once in 1,000.
    assert max(abs(np.corrcoef(a, b)[0, 1]) for a, b in pairs) < 3.29 / np.sqrt(N - 1)


def test_normal_is_box_and_muller_of_both_halves_of_the_hash():
    expected = []
    for seed in range(20):
        upper, lower = divmod(folded(seed, 3), 2**32)
        radius = math.sqrt(-2 * math.log((upper + 1) / 2**32))
        expected.append(5 + 2 * radius * math.cos(2 * math.pi * lower / 2**32))
    found = normal(np.arange(20, dtype="uint64"), 3, 5.0, 2.0)
    assert found.dtype.name == "float32"
    # Rounded to float32 once, below 16.
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_normal_draws_several_for_each_seed():
    seeds = np.arange(5, dtype="uint64")
    found = normal(seeds[:, np.newaxis], np.arange(3), 0.0, 1.0)
    expected = [normal(seeds, draw, 0.0, 1.0) for draw in range(3)]
    np.testing.assert_array_equal(found.T, expected)
    np.testing.assert_array_equal(normal(seeds, 0, 7.0, 0.0), np.full(5, 7.0))


def test_normal_is_normal():
    seeds = np.arange(N, dtype="uint64")
    first, second = (normal(seeds, draw, 0.0, 1.0).astype("float64") for draw in (0, 1))
    edges = [NormalDist().inv_cdf(share / 100) for share in range(1, 100)]
    for values in (first, second):
        counts = np.bincount(np.searchsorted(edges, values), minlength=100)
        # χ² with 99 degrees of freedom; a fair generator passes 148.23 once in 1,000 seeds.
        assert ((counts - N / 100) ** 2 / (N / 100)).sum() < 148.23
        # Kolmogorov and Smirnov, who also look inside the bins: 1.95 once in 1,000.
        exact = np.array([NormalDist().cdf(value) for value in np.sort(values)])
        assert np.abs(exact - (np.arange(N) + 0.5) / N).max() * np.sqrt(N) < 1.95
        # Of 100,000, 9.6 are expected beyond 3.9, and none beyond 6 but once in 5,000.
        assert 3.9 < np.abs(values).max() < 6
    pairs = [(first, second), (first[1:], first[:-1]), (first[1:], second[:-1])]
    # A correlation of N independent pairs is 0 ± 1/√N: beyond 3.29 of that once in 1,000. Those of
    # the squares show numbers that share a radius.
    for a, b in pairs:
        assert abs(np.corrcoef(a, b)[0, 1]) < 3.29 / np.sqrt(N - 1)
        assert abs(np.corrcoef(a**2, b**2)[0, 1]) < 3.29 / np.sqrt(N - 1)


@pytest.mark.parametrize("size", [0, 1, 2, 1000])
def test_permutation_is_one(size):
    assert sorted(permutation(3, size).tolist()) == list(range(size))


def test_permutation_sorts_the_numbers_by_their_hash():
    expected = sorted(range(50), key=lambda number: folded(11, number))
    assert permutation(11, 50).tolist() == expected
    assert permutation(fold_in(0, 1), 50).tolist() != expected


def test_all_orders_are_equally_likely():
    seeds = 600
    orders = [tuple(permutation(seed, 3).tolist()) for seed in range(seeds)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 6
    # χ² with 5 degrees of freedom; a fair generator passes 20.52 once in 1,000.
    assert ((counts - seeds / 6) ** 2 / (seeds / 6)).sum() < 20.52
