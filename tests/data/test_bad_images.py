import itertools
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_classics.data.bad_images import BadImages
from keras_classics.data.errors import DataError
from keras_classics.data.pipeline import in_order, one_epoch
from keras_classics.data.sources import load
from keras_classics.data.statistics import PixelStatistics
from keras_classics.data.transforms.crops import CenterCrop, RandomAreaCrop, RandomCrop
from keras_classics.data.transforms.resizing import Resize

N = 210  # of which 1 % is two
RESIZE = (Resize(8),)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Pictures of one grey each, their number; 7 of 10 are JPEG."""
    directory = tmp_path_factory.mktemp("original")
    for split in ("train", "val"):
        for number in range(N):
            folder = directory / split / f"class {number % 3}"
            folder.mkdir(parents=True, exist_ok=True)
            image = Image.new("L", (12 + number % 5, 10 + number % 7), number)
            suffix = "jpg" if number % 10 < 7 else "png"
            image.save(
                folder / f"{number:03}.{suffix}", **({"quality": 95} if suffix == "jpg" else {})
            )
    return directory


@pytest.fixture
def directory(originals, tmp_path):
    shutil.copytree(originals, tmp_path / "data")
    return tmp_path / "data"


def path_of(directory, number, split="train"):
    (path,) = (directory / split).glob(f"*/{number:03}.*")
    return path


def spoil(directory, number, content=b"", split="train"):
    path = path_of(directory, number, split)
    path.write_bytes(content)
    return str(path)


def numbers(batches):
    """The numbers of the pictures, batch by batch."""
    found = []
    for images, labels in batches:
        found.append(images.numpy()[:, 0, 0, 0].astype(int).tolist())
        assert [number % 3 for number in found[-1]] == labels.numpy().tolist()
    return found


def stopped(batches, bad):
    """What a pipeline stops with, in the words of the error that is kept."""
    with pytest.raises(tf.errors.OpError) as raised:
        numbers(batches)
    assert isinstance(bad.error, DataError)
    assert "\n" not in str(bad.error)
    assert str(bad.error) in str(raised.value)
    return str(bad.error)


def epoch(source, size, bad, number=0, **options):
    options = {"transforms": RESIZE, **options}
    return one_epoch(source, size, seed=3, epoch=number, bad=bad, **options)


# What is wrong with a file.


def test_reasons(directory):
    truncated = path_of(directory, 1).read_bytes()[:-90]
    huge = path_of(directory, 2)
    Image.new("1", (30_000, 30_000)).save(huge, "png")
    gone = path_of(directory, 3)
    gone.unlink()
    bad = BadImages()
    bad.add(spoil(directory, 0), of=9999)
    bad.add(spoil(directory, 1, truncated), of=9999)
    bad.add(spoil(directory, 4, b"<html>404; Not Found</html>"), of=9999)
    for path in (huge, gone, path_of(directory, 5), directory):
        bad.add(str(path), of=9999)
    bad.add(str(path_of(directory, 6)), of=9999, explain=lambda: "the moon is full")
    assert len(bad) == 8
    reasons = list(bad.reasons.values())
    assert reasons[1].startswith("cannot be decoded (")
    del reasons[1]
    assert reasons == [
        "is empty",
        "is not an image that can be read",
        "has more than 89,478,485 pixels",
        "does not exist",
        "cannot be used",
        "cannot be read (Is a directory)",
        "cannot be used (the moon is full)",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(directory):
    path, bad = path_of(directory, 0), BadImages()
    path.chmod(0)
    bad.add(str(path), of=N)
    assert bad.reasons == {str(path): "cannot be read (Permission denied)"}


def test_unknown_policies_are_refused():
    with pytest.raises(ValueError, match='`policy` must be one of "skip", "stop". Received: .*ig'):
        BadImages("ignore")


def test_the_file_is_read_again(tmp_path):
    path = tmp_path / "bad_images.txt"
    names = ["/no/such 사진.jpg", "/no/such\ttab.jpg", os.fsdecode(b"/no/such/caf\xe9.jpg")]
    bad = BadImages(path=path)
    for name in (*names, names[0]):
        bad.add(name, of=9999)
    assert path.read_bytes().split(b"\n") == [
        *(os.fsencode(f"{name}\tdoes not exist") for name in names),
        b"",
    ]
    again = BadImages(path=path)
    assert again.reasons == bad.reasons == dict.fromkeys(names, "does not exist")
    again.add(names[1], of=9999)
    assert len(path.read_bytes().splitlines()) == 3


def test_more_than_one_percent_stops():
    bad = BadImages()
    bad.add("/no/such/1.jpg", of=200)
    bad.add("/no/such/2.jpg", of=200)
    bad.add("/no/such/4.jpg", of=100, number=1)  # of another data set
    with pytest.raises(DataError) as raised:
        bad.add("/no/such/3.jpg", of=200)
    assert str(raised.value) == str(bad.error)
    assert str(raised.value) == (
        "4 of 200 images cannot be used, more than 1 %; mend or delete them (the last one, "
        "/no/such/3.jpg, does not exist)."
    )


# What a pipeline makes of them.


@pytest.mark.parametrize("in_memory", [False, True])
def test_without_bad_pictures_nothing_is_listed(directory, tmp_path, in_memory):
    source = load(f"folder:{directory}", "train")
    bad = BadImages(path=tmp_path / "bad_images.txt")
    found = numbers(epoch(source.cached("ram") if in_memory else source, 10, bad))
    assert list(map(len, found)) == [10] * 21
    assert sorted(itertools.chain(*found)) == list(range(N))
    assert bad.reasons == {} and not bad.path.exists()


def test_the_next_picture_takes_the_place(directory, tmp_path):
    source = load(f"folder:{directory}", "train")
    order = list(itertools.chain(*numbers(epoch(source, 10, BadImages()))))
    spoiled = [order[35], order[36]]
    text = spoil(directory, order[36], b"no picture")
    empty = spoil(directory, order[35])
    bad = BadImages(path=tmp_path / "bad_images.txt")
    found = numbers(epoch(source, 10, bad))
    assert list(map(len, found)) == [10] * 20 + [8]
    assert list(itertools.chain(*found)) == [n for n in order if n not in spoiled]
    listed = f"{empty}\tis empty\n{text}\tis not an image that can be read\n"
    assert bad.path.read_text() == listed
    # Once is enough, however often they are met.
    for again in (bad, BadImages(path=bad.path)):
        assert numbers(epoch(source, 10, again)) == found
        assert sorted(itertools.chain(*numbers(epoch(source, 10, again, 1)))) == [
            n for n in range(N) if n not in spoiled
        ]
        assert len(list(in_order(source, 10, RESIZE, again))) == 21
    assert bad.path.read_text() == listed


@pytest.mark.parametrize("places", [[0, 1], [208, 209], [9, 10], [0, 209]])
@pytest.mark.parametrize("size", [1, 10])
def test_bad_pictures_anywhere(directory, places, size):
    source = load(f"folder:{directory}", "train")
    order = [path.rpartition("/")[2][:3] for path in source.paths[source.order()]]
    spoiled = [int(order[place]) for place in places]
    for number in spoiled:
        spoil(directory, number)
    bad = BadImages()
    found = numbers(in_order(source, size, RESIZE, bad))
    expected = [int(number) for number in order if int(number) not in spoiled]
    assert found == [expected[start : start + size] for start in range(0, 208, size)]
    assert sorted(bad.reasons) == sorted(str(path_of(directory, n)) for n in spoiled)


def test_an_epoch_can_be_replayed_from_its_middle(directory, tmp_path):
    source = load(f"folder:{directory}", "train")
    for number in (17, 170):
        spoil(directory, number)
    path = tmp_path / "bad_images.txt"
    whole = numbers(epoch(source, 10, BadImages(path=path), 5))
    for start in (0, 1, 8, 20, 21):
        rest = numbers(epoch(source, 10, BadImages(path=path), 5, start=start))
        assert rest == whole[start:]


def test_an_interrupted_epoch_knows_what_lies_behind_it(directory, tmp_path):
    source = load(f"folder:{directory}", "train")
    order = list(itertools.chain(*numbers(epoch(source, 10, BadImages()))))
    spoil(directory, order[3])
    spoil(directory, order[-3])  # not met yet where the epoch breaks off
    whole = numbers(epoch(source, 10, BadImages()))
    path = tmp_path / "bad_images.txt"
    assert numbers(epoch(source, 10, BadImages(path=path)).take(5)) == whole[:5]
    assert len(path.read_text().splitlines()) == 1
    assert numbers(epoch(source, 10, BadImages(path=path), start=5)) == whole[5:]
    assert len(path.read_text().splitlines()) == 2


def test_a_picture_deleted_between_two_epochs(directory):
    source, bad = load(f"folder:{directory}", "train"), BadImages()
    assert len(list(itertools.chain(*numbers(epoch(source, 10, bad, 0))))) == N
    gone = path_of(directory, 77)
    gone.unlink()
    found = list(itertools.chain(*numbers(epoch(source, 10, bad, 1))))
    assert sorted(found) == [n for n in range(N) if n != 77]
    assert bad.reasons == {str(gone): "does not exist"}


def test_what_reads_a_pipeline_twice_or_breaks_off_accuses_nobody(directory):
    source, bad = load(f"folder:{directory}", "train"), BadImages()
    (empty,) = (spoil(directory, 100),)
    batches = epoch(source, 10, bad)
    whole = numbers(batches)
    # Some of Keras' backends look at a first batch, and begin anew.
    for _ in range(2):
        assert numbers(batches.take(3)) == whole[:3]
    assert numbers(batches) == numbers(batches) == whole
    both = iter(batches), iter(batches)
    for one, other in zip(*both, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    assert list(bad.reasons) == [empty]


def test_stop(directory, tmp_path):
    source = load(f"folder:{directory}", "train")
    empty = spoil(directory, 100)
    bad = BadImages("stop", tmp_path / "bad_images.txt")
    assert stopped(epoch(source, 10, bad), bad) == (
        f"{empty} cannot be used: it is empty; mend or delete it, or pass `on_bad_image` skip."
    )
    assert bad.path.read_text() == f"{empty}\tis empty\n"


def test_what_follows_an_error_accuses_nobody(directory):
    """What was prepared ahead goes on after the first error; good images are missing there."""
    empty = spoil(directory, 100)
    bad = BadImages("stop")
    batches = iter(epoch(load(f"folder:{directory}", "train"), 10, bad))
    errors = 0
    for _ in range(30):  # three times as many as there are batches
        try:
            next(batches, None)
        except tf.errors.OpError:
            errors += 1
    assert errors > 1 and list(bad.reasons) == [str(empty)]
    assert str(bad.error).startswith(f"{empty} cannot be used: it is empty")


def test_a_mean_image_of_bad_pictures(directory):
    source = load(f"folder:{directory}", "train")
    statistics = PixelStatistics(source, RESIZE, BadImages("skip"))
    for place in (3, 100, 200):
        spoil(directory, place)
    with pytest.raises(DataError, match="^3 of 210 images cannot be used, more than 1 %"):
        statistics.mean_image()


@pytest.mark.parametrize("known", [False, True])
def test_more_than_one_percent_of_a_pipeline(directory, tmp_path, known):
    source = load(f"folder:{directory}", "train")
    order = list(itertools.chain(*numbers(epoch(source, 10, BadImages()))))
    bad = BadImages(path=tmp_path / "bad_images.txt")
    for place in (5, 50):
        spoil(directory, order[place])
    if known:
        numbers(epoch(source, 10, bad))
    last = spoil(directory, order[-1])
    assert stopped(epoch(source, 10, bad), bad) == (
        "3 of 210 images cannot be used, more than 1 %; mend or delete them, listed in "
        f"{bad.path} (the last one, {last}, is empty)."
    )


def test_all_pictures_bad(directory):
    for number in range(N):
        spoil(directory, number)
    source, bad = load(f"folder:{directory}", "train"), BadImages()
    assert stopped(epoch(source, 10, bad), bad).startswith("3 of 210 images cannot be used")
    bad = BadImages()
    assert stopped(in_order(source, 300, RESIZE, bad), bad).startswith("3 of 210 ")


def test_train_and_val_are_counted_by_themselves(directory):
    bad = BadImages()
    for split, stored in (("train", "train"), ("test", "val")):
        for number in (1, 2):
            spoil(directory, number, split=stored)
        batches = in_order(load(f"folder:{directory}", split), 10, RESIZE, bad)
        assert len(list(itertools.chain(*numbers(batches)))) == N - 2
    assert len(bad) == 4 and bad.error is None


@pytest.mark.parametrize("transform", [CenterCrop(11), RandomCrop(11)])
def test_a_transform_at_fault_says_so(directory, transform):
    # One in seven is 10 pixels high.
    source, bad = load(f"folder:{directory}", "train"), BadImages()
    text = stopped(epoch(source, 10, bad, transforms=(transform,)), bad)
    assert text.startswith("3 of 210 images cannot be used, more than 1 %; ")
    assert "cannot be used (An image of 10×" in text
    assert text.endswith(" has no 11×11 to crop; crop less, or resize to more before.)).")


@pytest.mark.parametrize("number", [70, 77], ids=["jpeg", "png"])
def test_a_file_cut_off_is_bad_for_windows_too(directory, number):
    source = load(f"folder:{directory}", "train")
    content = path_of(directory, number).read_bytes()
    path = spoil(directory, number, content[: len(content) // 2])
    for seed in range(3):
        bad = BadImages()
        batches = one_epoch(
            source, 10, seed=seed, epoch=0, transforms=(RandomAreaCrop(4),), bad=bad
        )
        assert len(list(itertools.chain(*numbers(batches)))) == N - 1
        assert list(bad.reasons) == [path]
        assert bad.reasons[path].startswith(("cannot be decoded (", "is not an image"))


def test_a_list_that_was_cut_off_is_mended(tmp_path):
    path = tmp_path / "bad_images.txt"
    path.write_bytes(b"/a/caf\xe9.jpg\tis empty\n/a/b.jp")
    bad = BadImages("skip", path)
    assert bad.reasons == {os.fsdecode(b"/a/caf\xe9.jpg"): "is empty"}
    bad.add("/a/b.jpg", of=1000)
    assert path.read_bytes() == b"/a/caf\xe9.jpg\tis empty\n/a/b.jpg\tdoes not exist\n"


def test_a_list_that_cannot_be_written_stops_in_a_sentence(tmp_path):
    bad = BadImages("skip", tmp_path / "gone" / "bad_images.txt")
    with pytest.raises(DataError) as raised:
        bad.add("/a/b.jpg", of=1000)
    assert str(raised.value) == str(bad.error)
    assert str(bad.error) == (
        f"{bad.path} could not be written (No such file or directory); make room there or make "
        "it writable, and the same command continues the run."
    )
