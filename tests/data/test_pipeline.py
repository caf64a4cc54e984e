import numpy as np
import pytest
import tensorflow as tf

from keras_classics.data.distortions import RandomAffine
from keras_classics.data.pipeline import in_order, one_epoch, one_pass_of_copies
from keras_classics.data.randomness import fold_in
from keras_classics.data.sources import Source

N = 23  # no multiple of any batch size here
DISTORT = RandomAffine(translation=1.0, scale=0.1, squeeze=0.1, shear=0.1)


@pytest.fixture(scope="module")
def source():
    """Pictures whose label is their number."""
    images = np.random.default_rng(0).integers(1, 256, (N, 6, 5, 1)).astype("uint8")
    return Source("numbers", "train", images, np.arange(N), tuple(map(str, range(N))))


def stamp(images, seeds):
    """A transform that shows the seed of each picture, its upper 24 bits, in every pixel."""
    number = tf.cast(tf.bitwise.right_shift(seeds, np.uint64(40)), tf.float32)
    return tf.zeros_like(images, tf.float32) + number[:, tf.newaxis, tf.newaxis, tf.newaxis]


def flat(batches):
    """All images and labels of some batches, one after the other."""
    batches = list(batches.as_numpy_iterator())
    return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))


def assert_same(one, other):
    for a, b in zip(flat(one), flat(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_in_order_gives_every_picture_as_it_is_stored(source):
    batches = in_order(source, 10)
    assert [len(labels) for _, labels in batches] == [10, 10, 3]
    images, labels = flat(batches)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int32)
    np.testing.assert_array_equal(images, source.images)
    np.testing.assert_array_equal(labels, source.labels)


@pytest.mark.parametrize("shuffle", ["once", "every_epoch"])
def test_an_epoch_holds_every_picture_once(source, shuffle):
    images, labels = flat(one_epoch(source, 7, seed=0, epoch=3, shuffle=shuffle))
    assert images.dtype == np.uint8
    assert sorted(labels) == list(range(N))
    assert list(labels) != list(range(N))
    np.testing.assert_array_equal(images, source.images[labels])


@pytest.mark.parametrize(("shuffle", "orders"), [("once", 1), ("every_epoch", 4)])
def test_shuffle_says_how_many_orders_there_are(source, shuffle, orders):
    epochs = [one_epoch(source, 7, seed=0, epoch=epoch, shuffle=shuffle) for epoch in range(4)]
    assert len({tuple(flat(epoch)[1]) for epoch in epochs}) == orders
    again = one_epoch(source, 7, seed=0, epoch=0, shuffle=shuffle)
    assert_same(epochs[0], again)
    other = one_epoch(source, 7, seed=1, epoch=0, shuffle=shuffle)
    assert list(flat(other)[1]) != list(flat(epochs[0])[1])


PASSES = {
    "epoch": lambda source, size, **options: one_epoch(source, size, seed=5, epoch=2, **options),
    "copies": lambda source, size, **options: one_pass_of_copies(
        source, size, seed=5, epoch=2, copies=3, **options
    ),
}


@pytest.mark.parametrize("make", PASSES.values(), ids=PASSES)
def test_batching_changes_no_picture(source, make):
    sevens, sixteens = (make(source, size, transforms=(DISTORT,)) for size in (7, 16))
    assert [len(labels) for _, labels in sevens] == [7, 7, 7, 2]
    assert [len(labels) for _, labels in sixteens] == [16, 7]
    assert_same(sevens, sixteens)


@pytest.mark.parametrize("make", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize("start", [1, 3])
def test_a_pass_can_be_replayed_from_its_middle(source, make, start):
    whole = make(source, 7, transforms=(DISTORT,))
    rest = make(source, 7, transforms=(DISTORT,), start=start)
    assert_same(rest, whole.skip(start))


@pytest.mark.parametrize("make", PASSES.values(), ids=PASSES)
def test_nothing_is_left_after_the_last_step(source, make):
    assert list(make(source, 7, start=4, transforms=(DISTORT,))) == []


def test_every_epoch_and_picture_has_its_own_seed(source):
    stamps = [
        flat(one_epoch(source, 7, seed=0, epoch=epoch, shuffle="once", transforms=(stamp,)))[0]
        for epoch in range(3)
    ]
    # 69 draws among 2^24 values: two of them alike once in 7,000 seeds.
    assert len(np.unique(stamps)) == 3 * N


def test_transforms_apply_in_turn(source):
    def double(images, seeds):
        return 2.0 * tf.cast(images, tf.float32)

    def add_one(images, seeds):
        return images + 1.0

    images, labels = flat(one_epoch(source, 7, seed=0, epoch=0, transforms=(double, add_one)))
    np.testing.assert_array_equal(images, 2.0 * source.images[labels] + 1)


def passes(source, epochs, copies=3, transforms=(stamp,)):
    options = {"seed": 0, "copies": copies, "transforms": transforms}
    return [one_pass_of_copies(source, 7, epoch=epoch, **options) for epoch in epochs]


def test_all_copies_come_once_in_as_many_passes(source):
    rounds = [flat(one) for one in passes(source, range(3))]
    assert [len(labels) for _, labels in rounds] == [N, N, N]
    images, labels = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    seen = {number: [] for number in range(N)}
    for image, number in zip(images, labels, strict=True):
        is_original = np.array_equal(image, source.images[number])
        seen[number].append("original" if is_original else float(image[0, 0, 0]))
    for number, versions in seen.items():
        seeds = [fold_in(fold_in(fold_in(0, 1), copy), number) for copy in (1, 2)]
        stamps = {float(int(seed) >> 40) for seed in seeds}
        assert len(versions) == 3
        assert set(versions) == {"original", *stamps}
    # One order of all copies, not originals first.
    assert all(len(set(labels)) < N for _, labels in rounds)


def test_originals_are_untouched_and_copies_are_not(source):
    rounds = [flat(one) for one in passes(source, range(3), transforms=(DISTORT,))]
    images, labels = (np.concatenate(parts) for parts in zip(*rounds, strict=True))
    assert images.dtype == np.float32
    untouched = (images == source.images[labels]).all(axis=(1, 2, 3))
    assert sorted(labels[untouched]) == list(range(N))


def test_the_second_round_is_the_first_again(source):
    for one, other in zip(passes(source, range(3)), passes(source, range(3, 6)), strict=True):
        assert_same(one, other)


def test_copies_need_no_transform(source):
    images, labels = flat(one_pass_of_copies(source, 7, seed=0, epoch=0, copies=2))
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, source.images[labels])


def test_one_copy_is_the_originals(source):
    (only,) = passes(source, [0], copies=1)
    images, labels = flat(only)
    assert sorted(labels) == list(range(N))
    np.testing.assert_array_equal(images, source.images[labels])
