"""Transforms that end with an epoch, and draws that several pictures share."""

import re

import numpy as np
import pytest
from PIL import Image

from keras_classics.data.bad_images import BadImages
from keras_classics.data.pipeline import in_order, one_epoch, one_pass_of_copies
from keras_classics.data.sources import Source, load
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.color import DivideAroundMean, PCAColorJitter
from keras_classics.data.transforms.crops import RandomCrop, RandomFlip
from keras_classics.data.transforms.resizing import ResizeShorterSide
from keras_classics.data.transforms.wrappers import SharedByChunk, UntilEpoch
from keras_classics.training import RecipeError, vary
from tests.data.test_sharding import Records
from tests.runs import small_recipes

N, SIDE, CROP, CHUNK = 45, 20, 12, 7
SHARED = (SharedByChunk(RandomCrop(CROP), CHUNK), SharedByChunk(RandomFlip(), CHUNK))


def map_of_places():
    """A picture whose pixels say where they are: row, column and nothing."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.stack([rows, columns, 0 * rows], axis=-1).astype("uint8")


@pytest.fixture(scope="module")
def memory():
    images = np.repeat(map_of_places()[np.newaxis], N, axis=0)
    images[..., 2] = np.arange(N)[:, np.newaxis, np.newaxis]
    return Source("memory", "train", images, np.arange(N), tuple(map(str, range(N))))


@pytest.fixture(scope="module")
def files(tmp_path_factory, memory):
    root = tmp_path_factory.mktemp("pictures")
    for number, pixels in enumerate(memory.images):
        path = root / "train" / f"{number:02}" / "picture.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(pixels).save(path)
    return load(f"folder:{root}", "train")


@pytest.fixture(scope="module")
def records(files):
    return Records("records", "train", files.class_names, files, "train")


def epoch_of(source, transforms=SHARED, size=14, **options):
    pairs = list(one_epoch(source, size, seed=4, transforms=transforms, **options))
    return tuple(
        np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*pairs, strict=True)
    )


def draws(images):
    """(row, column, whether flipped) of the crop that each picture was cut to."""
    flipped = images[:, 0, 0, 1] > images[:, 0, -1, 1]
    left = np.minimum(images[:, 0, 0, 1], images[:, 0, -1, 1])
    return list(zip(images[:, 0, 0, 0].tolist(), left.tolist(), flipped.tolist(), strict=True))


@pytest.mark.parametrize("kind", ["memory", "files", "records"])
def test_each_chunk_of_an_epoch_has_one_crop_and_one_flip(kind, request):
    images, labels = epoch_of(request.getfixturevalue(kind), epoch=1)
    assert sorted(labels) == list(range(N))  # each picture once: it is its own label
    np.testing.assert_array_equal(images[:, 0, 0, 2], labels)
    found = draws(images)
    chunks = [found[first : first + CHUNK] for first in range(0, N, CHUNK)]
    assert all(len(set(chunk)) == 1 for chunk in chunks)
    # Of 81 places and two sides, 7 chunks take the same one as another by chance in one of 8.
    assert len({chunk[0] for chunk in chunks}) >= 5
    assert {flipped for _, _, flipped in found} == {False, True}
    again, _ = epoch_of(request.getfixturevalue(kind), epoch=2)
    assert draws(again)[::CHUNK] != found[::CHUNK]


def test_every_crop_is_as_likely(memory):
    """9 · 9 places and two sides, in 7 chunks of 300 epochs: 26 rows' and columns' draws each."""
    found = [
        one for epoch in range(300) for one in draws(epoch_of(memory, epoch=epoch)[0])[::CHUNK]
    ]
    for values, count in ((0, 9), (1, 9), (2, 2)):
        seen = np.bincount([int(one[values]) for one in found], minlength=count)
        expected = len(found) / count
        # Six standard deviations of a count: a fair draw leaves them once in 10⁸ times.
        assert len(seen) == count and np.abs(seen - expected).max() < 6 * expected**0.5


@pytest.mark.parametrize("kind", ["memory", "files", "records"])
def test_batches_and_interruptions_change_no_draw(kind, request):
    source = request.getfixturevalue(kind)
    whole, labels = epoch_of(source, epoch=3)
    for options in ({"size": 9}, {"size": 14, "start": 2}, {"size": 10, "start": 3}):
        images, own = epoch_of(source, epoch=3, **options)
        first = options.get("start", 0) * options["size"]
        np.testing.assert_array_equal(own, labels[first:])
        np.testing.assert_array_equal(images, whole[first:])


def test_others_draw_for_each_picture_as_before(memory):
    """The noise behind a shared crop is what it is behind one of each picture's own."""
    plain = (RandomCrop(CROP), RandomFlip(), PCAColorJitter(std=30.0))
    own, _ = epoch_of(memory, plain, epoch=1)
    shared, _ = epoch_of(memory, (*SHARED, plain[2]), epoch=1)
    # The third channel is the picture's number and its noise.
    np.testing.assert_array_equal(own[:, 0, 0, 2], shared[:, 0, 0, 2])
    assert len(set(shared[:, 0, 0, 2] % 1)) > N / 2


def test_a_bad_picture_moves_no_chunk_whether_it_is_known_or_not(tmp_path):
    for number in range(110):  # of which one may be bad
        pixels = map_of_places()
        pixels[..., 2] = number
        path = tmp_path / "train" / "a" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    source = load(f"folder:{tmp_path}", "train")
    whole, _ = epoch_of(source, epoch=1)
    third = int(whole[2, 0, 0, 2])  # in the first chunk
    (tmp_path / "train" / "a" / f"{third:03}.png").write_text("no picture")
    kept = np.delete(whole, 2, axis=0)
    bad = BadImages("skip")
    np.testing.assert_array_equal(epoch_of(source, epoch=1, bad=bad)[0], kept)
    assert len(bad) == 1
    np.testing.assert_array_equal(epoch_of(source, epoch=1, bad=bad)[0], kept)


def test_copies_share_their_chunks_again_in_the_next_round(memory):
    transforms = (SharedByChunk(RandomCrop(SIDE, padding=3), CHUNK),)

    def pass_of(epoch, start=0):
        options = {"seed": 4, "copies": 3, "transforms": transforms, "start": start}
        pairs = one_pass_of_copies(memory, 14, epoch=epoch, **options)
        return np.concatenate([np.asarray(images) for images, _ in pairs])

    np.testing.assert_array_equal(pass_of(1), pass_of(4))
    np.testing.assert_array_equal(pass_of(1)[28:], pass_of(1, start=2))
    assert not np.array_equal(pass_of(1), pass_of(2))


@pytest.mark.parametrize("kind", ["memory", "files", "records"])
def test_a_transform_ends_with_its_epoch(kind, request):
    source = request.getfixturevalue(kind)
    noise, flip = PCAColorJitter(std=30.0), RandomFlip()
    until = (UntilEpoch(noise, 2), flip)
    for epoch in (0, 1):
        expected = epoch_of(source, (noise, flip), epoch=epoch)
        for one, other in zip(epoch_of(source, until, epoch=epoch), expected, strict=True):
            np.testing.assert_array_equal(one, other)
    # Behind it the flip draws what it drew, at its own place.
    images, _ = epoch_of(source, until, epoch=2)
    noisy, _ = epoch_of(source, (noise, flip), epoch=2)
    assert images.dtype == np.uint8 and noisy.dtype == np.float32
    plain = images.astype("float32")
    np.testing.assert_allclose(
        noisy - noisy[:, :1, :1],
        plain - plain[:, :1, :1],
        atol=1e-3,  # float32 pixels of some thousands at most
    )


def test_the_shape_of_pictures_is_known_beforehand(files):
    transforms = (*SHARED, UntilEpoch(PCAColorJitter(), 1))
    assert tuple(in_order(files, 2, transforms).element_spec[0].shape) == (None, CROP, CROP, 3)


def test_one_inside_of_the_other(memory):
    both = (SHARED[0], UntilEpoch(SHARED[1], 1))
    np.testing.assert_array_equal(epoch_of(memory, both, epoch=0)[0], epoch_of(memory, epoch=0)[0])
    assert not any(flipped for *_, flipped in draws(epoch_of(memory, both, epoch=1)[0]))


def test_a_chunk_is_no_larger_than_a_batch():
    words = "`crop_chunk` 33 is more than a batch: `batch_size` is 32; "
    for transform in (
        SharedByChunk(RandomFlip(), 33),
        UntilEpoch(SharedByChunk(RandomFlip(), 33), 1),
    ):
        changes = {"train_transforms": (transform,)}
        with pytest.raises(RecipeError, match=f"^{words}"):
            vary(small_recipes.PLAIN, changes)
        assert vary(small_recipes.PLAIN, changes, batch_size=33).batch_size == 33


SIZES = "`transform` must be one that keeps the pictures' size. Received: "
DRAWS = "`transform` must be one that draws, such as RandomFlip(). Received: "
COUNT = "must be a positive integer. Received: "


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: UntilEpoch(RandomFlip(), 0), f"`epoch` {COUNT}epoch=0"),
        (lambda: UntilEpoch(RandomCrop(4), 1), SIZES),
        (lambda: UntilEpoch(ResizeShorterSide(4), 1), SIZES),
        (lambda: UntilEpoch(None, 1), SIZES),
        (lambda: SharedByChunk(RandomFlip(), 0), f"`crop_chunk` {COUNT}crop_chunk=0"),
        (lambda: SharedByChunk(RandomFlip(), True), f"`crop_chunk` {COUNT}crop_chunk=True"),
        (lambda: SharedByChunk(DivideAroundMean(), 2), DRAWS),
        (lambda: SharedByChunk(RandomAffine(1, 0, 0, 0), 2), DRAWS),
        (
            lambda: SharedByChunk(UntilEpoch(RandomFlip(), 1), 2),
            "`transform` must be inside of `UntilEpoch`, not around it. Received: ",
        ),
    ],
)
def test_refuses_with_a_sentence(build, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refused:
        build()
    assert len(str(refused.value)) < 260
