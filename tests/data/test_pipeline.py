import dataclasses
import gc
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image

from keras_classics.data import encoded as encoded_pipeline
from keras_classics.data.decoding import decode
from keras_classics.data.errors import DataError
from keras_classics.data.pipeline import images_at, in_order, one_epoch, one_pass_of_copies
from keras_classics.data.randomness import fold_in
from keras_classics.data.sources import FileSource, Source, load
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.color import PCAColorJitter
from keras_classics.data.transforms.crops import CenterCrop, RandomAreaCrop, RandomCrop, RandomFlip
from keras_classics.data.transforms.photometric import PhotometricDistortions
from keras_classics.data.transforms.resizing import RandomShorterSide, Resize, ResizeShorterSide
from keras_classics.data.transforms.transform import in_turn

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


# Files


def rough(number, width, height):
    noise = np.random.default_rng(number).integers(0, 256, (5, 7, 3)).astype("uint8")
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """25 pictures of many kinds and of sizes of their own."""
    directory = tmp_path_factory.mktemp("data") / "folder 사진"
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    kinds = [
        ("jpg", "RGB", {"subsampling": 2}),
        ("png", "RGBA", {}),
        ("jpg", "CMYK", {}),
        ("webp", "RGB", {}),
        ("jpg", "RGB", {"exif": turned.tobytes(), "subsampling": 2}),
        ("gif", "P", {}),
        ("jpg", "L", {"progressive": True}),
    ]
    for number in range(25):
        suffix, mode, options = kinds[number % len(kinds)]
        for split in ("train", "val"):
            path = directory / split / f"class {number % 3}" / f"{number}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = rough(number, 20 + 3 * number, 80 - 2 * number).convert(mode)
            image.save(path, **options)
    return directory


@pytest.fixture
def files(folder):
    return load(f"folder:{folder}", "train")


def by_hand(source, transforms, seed, epoch):
    """What an epoch must hold, one picture after the other."""
    order = source.order(fold_in(fold_in(seed, 0), epoch))
    images = []
    for index in order:
        image = decode(Path(source.paths[index]).read_bytes()).numpy()
        own = fold_in(fold_in(fold_in(seed, 1), epoch), index)
        for transform, transform_seed in in_turn(transforms, own):
            image = transform(image, transform_seed)
        images.append(image)
    return np.stack(images), source.labels[order]


AUGMENTATIONS = {
    "alexnet": (ResizeShorterSide(40), RandomCrop(36), RandomFlip(), PCAColorJitter()),
    "vgg": (RandomShorterSide(36, 60), RandomCrop(32), RandomFlip(), PCAColorJitter()),
    "googlenet": (
        RandomAreaCrop(32, interpolation="random"),
        RandomFlip(),
        PhotometricDistortions(),
    ),
    "area only": (RandomAreaCrop(32),),
    "area later": (ResizeShorterSide(40), RandomAreaCrop(32)),
    "area twice": (RandomAreaCrop(32),) * 2,
    "plain": (ResizeShorterSide(40), CenterCrop(32)),
}
FLOATS = ("alexnet", "vgg", "googlenet")
each_augmentation = pytest.mark.parametrize("name", AUGMENTATIONS)


@each_augmentation
def test_an_epoch_of_files_is_what_one_makes_by_hand(files, name):
    batches = one_epoch(files, 7, seed=5, epoch=2, transforms=AUGMENTATIONS[name])
    images, labels = flat(batches)
    expected_images, expected_labels = by_hand(files, AUGMENTATIONS[name], 5, 2)
    assert images.dtype == (np.float32 if name in FLOATS else np.uint8)
    np.testing.assert_array_equal(images, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)
    assert [len(labels) for _, labels in batches] == [7, 7, 7, 4]
    side = 36 if name == "alexnet" else 32
    assert batches.element_spec == (
        tf.TensorSpec((None, side, side, 3), images.dtype),
        tf.TensorSpec((None,), tf.int32),
    )


def test_only_the_window_is_decoded_where_a_crop_comes_first(files, monkeypatch):
    windows = []

    def watched(encoded, window=None):
        windows.append(window)
        return decode(encoded, window)

    monkeypatch.setattr(encoded_pipeline, "decode", watched)
    for name, transforms in AUGMENTATIONS.items():
        windows.clear()
        one_epoch(files, 7, seed=5, epoch=2, transforms=transforms)
        assert [callable(window) for window in windows] == [
            name in ("googlenet", "area only", "area twice")
        ]


@pytest.mark.parametrize("name", ["vgg", "googlenet"])
def test_files_can_be_batched_replayed_and_kept(files, name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = {"seed": 5, "epoch": 2, "transforms": AUGMENTATIONS[name]}
    whole = one_epoch(files, 7, **options)
    assert_same(whole, one_epoch(files, 16, **options))
    assert_same(whole, one_epoch(files.cached("ram"), 7, **options))
    assert_same(whole, one_epoch(files.cached("disk"), 7, **options))
    assert_same(whole.skip(2), one_epoch(files, 7, start=2, **options))
    assert list(one_epoch(files, 7, start=4, **options)) == []


def test_files_and_arrays_of_the_same_pictures_make_the_same_epochs(tmp_path):
    for number in range(N):
        path = tmp_path / "train" / f"class {number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        rough(number, 12, 10).save(path)
    streamed = load(f"folder:{tmp_path}", "train")
    images = np.stack([np.asarray(Image.open(path)) for path in streamed.paths])
    source = Source("arrays", "train", images, streamed.labels, streamed.class_names)
    transforms = (RandomCrop(10, padding=2), RandomFlip(), PCAColorJitter())
    for shuffle in ("once", "every_epoch"):
        options = {"seed": 3, "epoch": 4, "shuffle": shuffle, "transforms": transforms}
        assert_same(one_epoch(streamed, 7, **options), one_epoch(source, 7, **options))
    resize = (Resize(8, "area"),)
    assert_same(in_order(streamed, 7, resize), in_order(source, 7, resize))


def test_in_order_gives_every_file_as_it_is_stored(files):
    for path, label, (images, labels) in zip(
        files.paths, files.labels, in_order(files, 1), strict=True
    ):
        np.testing.assert_array_equal(images[0], decode(Path(path).read_bytes()))
        assert labels.numpy().tolist() == [label]


def test_transforms_of_batches_are_refused_for_files(files):
    with pytest.raises(DataError) as raised:
        one_epoch(files, 7, seed=0, epoch=0, transforms=(Resize(32), DISTORT))
    assert str(raised.value) == (
        "RandomAffine transforms images in memory only; take it out of `train_transforms`, or "
        "choose data whose images have one size."
    )


def test_nothing_of_an_epoch_is_left_behind(files, monkeypatch):
    # In TensorFlow a registry of Python functions is for ever, and what they hold with them.
    alive, order = [], FileSource.order

    class Watched(np.ndarray):
        def __array_finalize__(self, _):  # also of whatever is cut out of it
            alive.append(weakref.ref(self))

    monkeypatch.setattr(FileSource, "order", lambda *args, **kw: order(*args, **kw).view(Watched))
    for epoch in range(3):
        source = dataclasses.replace(files)
        alive.append(weakref.ref(source))
        batches = iter(one_epoch(source, 7, seed=0, epoch=epoch, transforms=(Resize(8),)))
        assert sum(len(labels) for _, labels in batches) == 25
    del source, batches
    ends = time.monotonic() + 10  # the pipeline's threads let go of theirs when they end
    while any(reference() is not None for reference in alive) and time.monotonic() < ends:
        gc.collect()
        time.sleep(0.1)
    assert len(alive) > 6 and not any(reference() is not None for reference in alive)


# Some pictures


@pytest.mark.parametrize("indices", [[3, 0, 3, 22], [], [7]])
def test_pictures_of_files_and_arrays(files, source, indices):
    resize = Resize(8)
    expected = [resize(decode(Path(path).read_bytes()).numpy()) for path in files.paths[indices]]
    found = images_at(files, indices, (resize,))
    assert len(found) == len(indices)
    if indices:
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(images_at(source, indices), source.images[indices])


def test_pictures_that_are_gone(files, tmp_path):
    paths = files.paths.copy()
    paths[5] = "/no/such/picture.jpg"
    vanished = dataclasses.replace(files, paths=paths)
    for indices in ([5], [0, 5, 9]):
        with pytest.raises(DataError) as raised:
            images_at(vanished, indices, (Resize(8),))
        assert str(raised.value) == (
            f"Images of {files.name} cannot be read any more (/no/such/picture.jpg does not exist)."
        )
