import os
import shutil
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_classics.data.errors import DataError
from keras_classics.data.sources import FileSource, hold_out, load, local_copies
from keras_classics.data.sources.folder import read_folder


def fill(directory, files):
    """Makes empty files, and the folders they lie in."""
    for file in files:
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def relative(source, directory):
    return [os.path.relpath(path, directory) for path in source.paths]


def message(directory, split="train"):
    with pytest.raises(DataError) as raised:
        load(f"folder:{directory}", split)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def loaded(directory, split):
    """A source, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        source = load(f"folder:{directory}", split)
    return source, [str(one.message) for one in caught]


GOOD = [
    *("train/cat/2.JPEG", "train/cat/10.jpg", "train/dog/a.png", "train/ant/b.webp"),
    *("val/dog/1.jpg", "val/ant/1.jpg", "val/cat/1.jpg"),
]


def test_pictures_come_in_the_order_of_their_names(tmp_path):
    fill(tmp_path, GOOD)
    source = load(f"folder:{tmp_path}", "train")
    assert isinstance(source, FileSource)
    assert (source.name, source.split) == (f"folder:{tmp_path}", "train")
    assert source.class_names == ("ant", "cat", "dog") and source.num_classes == 3
    assert relative(source, tmp_path) == [
        *("train/ant/b.webp", "train/cat/10.jpg", "train/cat/2.JPEG", "train/dog/a.png")
    ]
    assert source.labels.tolist() == [0, 1, 1, 2] and source.labels.dtype == np.int64
    assert len(source) == 4
    assert source.directory == str(tmp_path)
    test = load(f"folder:{tmp_path}", "test")
    assert test.split == "test" and test.class_names == source.class_names
    assert relative(test, tmp_path) == ["val/ant/1.jpg", "val/cat/1.jpg", "val/dog/1.jpg"]
    assert test.labels.tolist() == [0, 1, 2]


def test_every_suffix_of_pictures_counts(tmp_path):
    names = ["a.JPEG", "b.jpg", "c.jpe", "d.Png", "e.webp", "f.gif", "g.bmp", "h.tif", "i.TIFF"]
    fill(tmp_path, [f"train/cat/{name}" for name in names])
    source, told = loaded(tmp_path, "train")
    assert len(source) == 9 and told == []


def test_hidden_and_other_files_are_passed_over(tmp_path):
    fill(tmp_path, [*GOOD, "train/readme.txt", "train/.cache/x.jpg", "train/cat/.hidden.jpg"])
    fill(tmp_path, ["train/cat/.DS_Store", "train/cat/deeper/x.jpg"])
    source, told = loaded(tmp_path, "train")
    assert len(source) == 4 and told == []
    fill(tmp_path, ["train/cat/Thumbs.db", "train/dog/notes.txt"])
    source, told = loaded(tmp_path, "train")
    assert len(source) == 4
    assert told == [f"Passed over 2 files in {tmp_path}/train without the suffix of an image."]


def test_links_are_followed(tmp_path):
    fill(tmp_path, ["elsewhere/cat/1.jpg", "elsewhere/2.jpg", "train/dog/1.jpg"])
    (tmp_path / "train" / "cat").symlink_to(tmp_path / "elsewhere" / "cat")
    (tmp_path / "train" / "dog" / "2.jpg").symlink_to(tmp_path / "elsewhere" / "2.jpg")
    assert relative(load(f"folder:{tmp_path}", "train"), tmp_path) == [
        *("train/cat/1.jpg", "train/dog/1.jpg", "train/dog/2.jpg")
    ]


def test_the_home_directory_has_a_short_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(tmp_path / "pets", GOOD)
    source = load("folder:~/pets", "train")
    assert source.directory == f"{tmp_path}/pets"
    assert relative(source, tmp_path)[0] == "pets/train/ant/b.webp"


# What is wrong with a folder.


@pytest.mark.parametrize("split", ["train", "test"])
def test_no_folder(tmp_path, split):
    missing = tmp_path / "nothing"
    assert message(missing, split) == (
        f"{missing} is not a directory; set `dataset` to folder:<directory>, one that holds "
        "a folder for each class, or train/<class>/ and val/<class>/."
    )
    with pytest.raises(DataError) as raised:
        load("folder:", split)
    assert str(raised.value) == (
        "`folder:` names no directory; set `dataset` to folder:<directory>, one that holds "
        "a folder for each class, or train/<class>/ and val/<class>/."
    )


def test_no_train_and_no_val(tmp_path):
    rule = "a data set of folders needs train/<class>/ and val/<class>/, or <class>/ alone."
    fill(tmp_path, ["train/cat/1.jpg"])
    assert message(tmp_path, "test") == f"{tmp_path}/val does not exist; {rule}"
    (tmp_path / "train").rename(tmp_path / "val")
    assert message(tmp_path, "train") == f"{tmp_path}/train does not exist; {rule}"


def test_no_class_folders(tmp_path):
    fill(tmp_path, ["train/1.jpg", "train/.git/1.jpg"])
    assert message(tmp_path) == (
        f"{tmp_path}/train holds no folders; put the images into {tmp_path}/train/<class>/."
    )


def test_an_empty_class_folder(tmp_path):
    fill(tmp_path, [*GOOD, "train/bee/.hidden", "train/bee/notes.txt"])
    assert message(tmp_path) == (
        f"The class folder {tmp_path}/train/bee holds no images; fill it or delete it."
    )


def test_only_empty_class_folders_to_measure(tmp_path):
    fill(tmp_path, ["train/cat/1.jpg", "val/cat/.hidden"])
    assert message(tmp_path, "test") == (
        f"{tmp_path}/val holds no images; put them into {tmp_path}/val/<class>/."
    )


@pytest.mark.parametrize("folder", [False, True], ids=["no folder", "an empty one"])
def test_a_class_only_in_train_is_a_warning(tmp_path, folder):
    fill(tmp_path, [*GOOD, "train/bee/1.jpg", *(["val/bee/.hidden"] if folder else [])])
    source, told = loaded(tmp_path, "test")
    assert told == [
        f"1 of 4 classes have no images in {tmp_path}/val (bee); the error measured there says "
        "nothing about them."
    ]
    # The labels are positions among the classes of train.
    assert source.class_names == ("ant", "bee", "cat", "dog")
    assert source.labels.tolist() == [0, 2, 3]


def test_a_class_only_in_val_is_an_error(tmp_path):
    fill(tmp_path, [*GOOD, *(f"val/{name}/1.jpg" for name in ("bee", "eel", "elk", "emu"))])
    assert len(load(f"folder:{tmp_path}", "train")) == 4
    assert message(tmp_path, "test") == (
        f"{tmp_path}/val has classes that train has not (bee, eel, elk, …); a network cannot know "
        "them: add them to train or take them out."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_without_permission(tmp_path):
    fill(tmp_path, GOOD)
    closed = tmp_path / "train" / "cat"
    closed.chmod(0)
    try:
        text = message(tmp_path)
    finally:
        closed.chmod(0o700)
    assert text == (
        f"{closed} cannot be read (Permission denied); allow it, or choose another `dataset`."
    )


def test_a_directory_that_cannot_be_read(tmp_path, monkeypatch):
    fill(tmp_path, GOOD)
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "cat":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert message(tmp_path) == (
        f"{tmp_path}/train/cat cannot be read (Permission denied); allow it, or choose another "
        "`dataset`."
    )


def test_a_hundred_thousand_files(tmp_path):
    folder = tmp_path / "train" / "cat"
    folder.mkdir(parents=True)
    for number in range(100_000):
        os.close(os.open(folder / f"{number:06}.jpg", os.O_CREAT | os.O_WRONLY))
    start = time.perf_counter()
    paths, labels, _ = read_folder(tmp_path, "train")
    seconds = time.perf_counter() - start
    assert len(paths) == len(labels) == 100_000
    assert paths[-1] == f"{folder}/099999.jpg"
    assert seconds < 5


# What a source gives.


@pytest.fixture
def pets(tmp_path):
    """Pictures of one grey each, their number, in folders with uncommon names."""
    directory = tmp_path / "my pets"
    number = 0
    for split, each in (("train", 6), ("val", 2)):
        for name in ("개", "고양이", "the dog"):
            folder = directory / split / name
            folder.mkdir(parents=True)
            for picture in range(each):
                image = Image.new("L", (5, 4), number)
                image.save(folder / f"사진 {picture}.png")
                number += 1
    return directory


def greys(source, indices):
    fetch = source.fetcher()
    found = [fetch(index) for index in indices]
    return [int(tf.io.decode_image(data)[0, 0, 0]) for data, _ in found], [int(y) for _, y in found]


KEPT = ("none", "ram", "disk")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "keras_classics" / "files"


@pytest.mark.parametrize("kept", KEPT)
def test_fetches_bytes_and_labels(pets, kept, cache):
    source = load(f"folder:{pets}", "train").cached(kept)
    assert source.class_names == ("the dog", "개", "고양이")
    # The classes by name: the files of "the dog" were made last.
    expected = [*range(12, 18), *range(6), *range(6, 12)]
    assert greys(source, range(18)) == (expected, source.labels.tolist())
    dataset = tf.data.Dataset.range(18).map(source.fetcher())
    assert [int(label) for _, label in dataset] == source.labels.tolist()
    assert dataset.element_spec[1].dtype == tf.int32


def test_what_is_in_memory_is_read_no_more(pets):
    source = load(f"folder:{pets}", "train").cached("ram")
    for path in source.paths:
        os.remove(path)
    assert greys(source, [0, 17]) == ([12, 11], [0, 2])
    # What is gone already is bad when its turn comes.
    empty = load(f"folder:{pets}", "test")
    os.remove(empty.paths[0])
    assert [len(data.numpy()) > 0 for data in empty.cached("ram").encoded] == [False] + 5 * [True]


def test_files_are_copied_once(pets, cache):
    source = load(f"folder:{pets}", "train").cached("disk")
    copies = {path: os.stat(path).st_ino for path in source.copies}
    assert len(copies) == 18 and all(Path(path).is_relative_to(cache) for path in copies)
    os.utime(source.paths[0], (0, 0))  # another file, as far as one can tell
    Image.new("L", (7, 9), 77).save(source.paths[1])
    os.remove(source.copies[2])
    again = load(f"folder:{pets}", "train").cached("disk")
    fresh = [os.stat(path).st_ino != copies.get(path) for path in again.copies]
    assert again.copies.tolist() == source.copies.tolist()
    assert fresh[3:] == [False] * 15 and fresh[0] and fresh[1]
    assert greys(again, range(3))[0] == [12, 77, 14]
    other = load(f"folder:{pets}", "test")
    os.remove(other.paths[0])  # found bad when its turn comes
    assert [os.path.exists(copy) for copy in other.cached("disk").copies] == [False] + [True] * 5
    # Those of the originals that are gone are read from their copies.
    for path in source.paths:
        os.remove(path)
    assert greys(source, [0, 17])[0] == [12, 11]
    assert not [path for path in cache.rglob("*") if path.suffix != ".png" and path.is_file()]


def test_no_room_for_copies(pets, cache, monkeypatch):
    monkeypatch.setattr(local_copies, "_SPARE", 10**18)
    source = load(f"folder:{pets}", "train")
    with pytest.raises(DataError, match="^`cache` disk needs 0 MB more in .*make room, or let XDG"):
        source.cached("disk")
    assert not list(cache.iterdir())
    cache.rmdir()
    cache.write_text("a file where the folder should be")
    with pytest.raises(
        DataError, match=r"^The cache .* cannot be written \(File exists\); let XDG_"
    ):
        source.cached("disk")


def test_names_that_are_not_unicode(tmp_path, cache):
    folder = os.fsencode(tmp_path) + b"/train/caf\xe9"
    try:
        os.makedirs(folder)
    except OSError:
        pytest.skip("this file system stores names as Unicode")
    Image.new("L", (5, 4), 9).save(tmp_path / "one.png")
    os.rename(tmp_path / "one.png", folder + b"/caf\xe9.png")
    source = load(f"folder:{tmp_path}", "train")
    assert greys(source, [0]) == greys(source.cached("disk"), [0]) == ([9], [0])


@pytest.mark.parametrize("kept", KEPT)
def test_parts_of_a_source(pets, kept, cache):
    source = load(f"folder:{pets}", "train").cached(kept)
    rest, held_out = hold_out(source, 6)
    assert (rest.split, held_out.split) == ("train", "validation")
    assert (len(rest), len(held_out)) == (12, 6)
    assert np.bincount(held_out.labels).tolist() == [2, 2, 2]
    assert sorted([*rest.paths, *held_out.paths]) == sorted(source.paths)
    own = greys(rest, range(12))[0] + greys(held_out, range(6))[0]
    assert sorted(own) == list(range(18))


def test_orders(pets):
    source = load(f"folder:{pets}", "train")
    assert source.order().tolist() == list(range(18))
    order = source.order(5).tolist()
    assert sorted(order) == list(range(18)) and order != list(range(18))
    assert order == source.order(np.uint64(5)).tolist() != source.order(6).tolist()
    # Without some, the others keep their order.
    left_out = [source.paths[order[0]], source.paths[order[7]], "/no/such/picture.jpg"]
    assert source.order(5, without=left_out).tolist() == order[1:7] + order[8:]
    assert source.order(without=dict.fromkeys(source.paths)).tolist() == []


def test_part_of_files_in_memory(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    paths = np.array([str(tmp_path / f"{name}.jpg") for name in "abc"])
    source = FileSource("folder:x", "train", paths, np.arange(3), tuple("abc")).cached("ram")
    part = source.part(np.array([True, False, True]), "validation")
    assert part.encoded.numpy().tolist() == [b"a", b"c"]
    assert part.labels.tolist() == [0, 2]


def photographs(root, counts, suffix=".png"):
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", (6, 5), (number, 0, 0)).save(root / name / f"{number}{suffix}")
    return root


def of(paths):
    return {path.rsplit("/", 2)[-2] + "/" + path.rsplit("/", 1)[-1] for path in paths}


def test_class_folders_alone_are_split_by_class(tmp_path):
    root = photographs(tmp_path, {"cat": 20, "dog": 11, "owl": 3})
    train, test = (read_folder(root, split) for split in ("train", "test"))
    assert train[2] == test[2] == ("cat", "dog", "owl")
    assert np.bincount(test[1]).tolist() == [4, 3, 1]
    assert np.bincount(train[1]).tolist() == [16, 8, 2]
    assert not of(train[0]) & of(test[0])


def test_a_picture_stays_on_its_side(tmp_path):
    root = photographs(tmp_path / "one", {"cat": 50, "dog": 50})
    before = of(read_folder(root, "test")[0])
    assert (
        of(read_folder(photographs(tmp_path / "two", {"cat": 50, "dog": 50}), "test")[0]) == before
    )
    for number in range(10):  # another twenty per cent come
        shutil.copy(root / "cat" / "0.png", root / "cat" / f"new{number}.png")
    after = of(read_folder(root, "test")[0])
    # By their checksums two of the ten new ones are expected among the twelve smallest.
    assert len(before - after) <= 4
    assert {name for name in after if name.startswith("dog")} <= before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: photographs(root, {"cat": 3}), "holds one folder, cat, and there is nothing"),
        (lambda root: photographs(root, {"cat": 3, "dog": 1}), "dog holds one image; two are need"),
        (
            lambda root: photographs(root, {"cat": 3, "Cat": 3}),
            "Cat and cat .* differ in case alone",
        ),
        (
            lambda root: photographs(root, {"all/cat": 3, "all/dog": 3, "more/owl": 2}),
            r"holds no images but folders \(cat, dog\)",
        ),
        (
            lambda root: (root / "cat").mkdir() or (root / "dog").mkdir(),
            "cat holds no images; fill",
        ),
        (lambda root: (root / "a.png").write_bytes(b""), "holds no folders"),
    ],
)
def test_class_folders_that_cannot_be_used(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(DataError, match=message) as raised:
        read_folder(tmp_path, "train")
    assert "\n" not in str(raised.value)
