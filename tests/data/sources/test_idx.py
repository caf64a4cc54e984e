import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from keras_classics.data.errors import DataError
from keras_classics.data.sources import load

IMAGES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABELS = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}
DIGITS = tuple("0123456789")


def idx_images(images):
    return struct.pack(">4I", 2051, *images.shape[:3]) + images.tobytes()


def idx_labels(labels):
    return struct.pack(">2I", 2049, len(labels)) + bytes(labels.tolist())


@pytest.fixture(scope="module")
def digits():
    return {split: load("mnist_5k", split) for split in ("train", "test")}


@pytest.fixture
def directory(tmp_path, digits):
    """The four original files of 50 training and 30 test digits."""
    for split, count in (("train", 50), ("test", 30)):
        source = digits[split]
        (tmp_path / IMAGES[split]).write_bytes(idx_images(source.images[:count]))
        (tmp_path / LABELS[split]).write_bytes(idx_labels(source.labels[:count]))
    return tmp_path


def gzip_all(directory):
    for file in list(directory.iterdir()):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()


def message(directory, split="train"):
    with pytest.raises(DataError) as raised:
        load(f"idx:{directory}", split)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(("split", "count"), [("train", 50), ("test", 30)])
def test_reads_pictures_labels_and_names(directory, digits, split, count):
    source = load(f"idx:{directory}", split)
    assert (source.name, source.split) == (f"idx:{directory}", split)
    assert (source.images.dtype, source.labels.dtype) == (np.uint8, np.int64)
    assert source.image_shape == (28, 28, 1)
    assert source.class_names == DIGITS
    np.testing.assert_array_equal(source.images, digits[split].images[:count])
    np.testing.assert_array_equal(source.labels, digits[split].labels[:count])


def test_reads_gzipped_files(directory, digits):
    gzip_all(directory)
    source = load(f"idx:{directory}", "test")
    np.testing.assert_array_equal(source.images, digits["test"].images[:30])


def test_knows_gzip_by_content(directory, digits):
    file = directory / IMAGES["train"]
    file.write_bytes(gzip.compress(file.read_bytes()))
    file = directory / LABELS["train"]
    file.rename(f"{file}.gz")  # a browser has unpacked it and kept the name
    source = load(f"idx:{directory}", "train")
    np.testing.assert_array_equal(source.images, digits["train"].images[:50])


@pytest.mark.parametrize("zipped", [False, True])
def test_reads_names_with_a_dot(directory, digits, zipped):
    for file in list(directory.iterdir()):
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    if zipped:
        gzip_all(directory)
    source = load(f"idx:{directory}", "train")
    np.testing.assert_array_equal(source.labels, digits["train"].labels[:50])


def test_home_directory_is_expanded(directory, monkeypatch):
    monkeypatch.setenv("HOME", str(directory.parent))
    assert len(load(f"idx:~/{directory.name}", "test")) == 30


def test_rectangular_pictures(tmp_path):
    images = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    for split in ("train", "test"):
        (tmp_path / IMAGES[split]).write_bytes(idx_images(images))
        (tmp_path / LABELS[split]).write_bytes(idx_labels(np.array([0, 1])))
    source = load(f"idx:{tmp_path}", "train")
    assert source.image_shape == (3, 5, 1)
    np.testing.assert_array_equal(source.images[..., 0], images)


def test_labels_txt_names_the_classes(directory):
    names = [f"Ziffer {digit} – ñ" for digit in DIGITS]
    (directory / "labels.txt").write_text("\ufeff" + "\r\n".join(names) + "\n\n", "utf-8")
    assert load(f"idx:{directory}", "test").class_names == tuple(names)


def test_class_names_are_those_of_both_splits(directory):
    (directory / LABELS["train"]).write_bytes(idx_labels(np.zeros(50, int)))
    (directory / LABELS["test"]).write_bytes(idx_labels(np.full(30, 4)))
    names = tuple("01234")  # 1, 2 and 3 are a gap
    assert load(f"idx:{directory}", "train").class_names == names
    assert load(f"idx:{directory}", "test").class_names == names


def test_a_name_twice_in_labels_txt(directory):
    (directory / "labels.txt").write_text("cat\ndog\n cat\n" * 4, "utf-8")
    assert message(directory) == (
        f"{directory}/labels.txt names 'cat' twice; write one class name a line."
    )


def test_labels_txt_that_leads_nowhere(directory):
    (directory / "labels.txt").symlink_to("nowhere")
    assert message(directory).startswith(f"{directory}/labels.txt cannot be read (")


def test_too_few_names_in_labels_txt(directory):
    (directory / "labels.txt").write_text("zero\none\n", "utf-8")
    assert message(directory) == (
        f"{directory}/{LABELS['train']} holds the label 9, but {directory}/labels.txt names "
        "2 classes, counted from 0; complete labels.txt, one name a line."
    )


def test_unreadable_labels_txt(directory):
    (directory / "labels.txt").write_bytes(b"caf\xe9\n")
    text = message(directory)
    assert text.startswith(f"{directory}/labels.txt cannot be read ('utf-8' codec can't decode")
    assert text.endswith("write one class name a line, in UTF-8.")


def test_no_directory(tmp_path):
    assert message(tmp_path / "none") == (
        f"The directory {tmp_path}/none does not exist; set `dataset` to idx:<directory>, "
        "one that holds the four IDX files."
    )


def test_a_name_without_directory():
    with pytest.raises(DataError, match="^`idx:` names no directory; set `dataset` to idx:<direct"):
        load("idx:", "train")


@pytest.mark.parametrize("missing", [IMAGES["train"], LABELS["train"], LABELS["test"]])
def test_missing_file(directory, missing):
    (directory / missing).unlink()
    assert message(directory) == (
        f"{directory}/{missing} is missing, with .gz and as {missing.replace('-idx', '.idx')}, "
        "too; put the file there, or set `dataset` to idx:<directory>, one that holds the "
        "four IDX files."
    )


def test_empty_file(directory):
    (directory / IMAGES["train"]).write_bytes(b"")
    assert message(directory) == f"{directory}/{IMAGES['train']} is empty; fetch it again."


@pytest.mark.parametrize(
    ("kept", "expected"), [(3, "16"), (4, "16"), (15, "16"), (16, "39,216"), (39215, "39,216")]
)
def test_truncated_file(directory, kept, expected):
    file = directory / IMAGES["train"]
    file.write_bytes(file.read_bytes()[:kept])
    assert message(directory) == (
        f"{file} is truncated: {expected} bytes expected, {kept:,} found; fetch it again."
    )


def test_surplus_bytes(directory):
    file = directory / LABELS["train"]
    file.write_bytes(file.read_bytes() + b"\0")
    assert message(directory) == (
        f"{file} has surplus bytes: 58 expected, 59 found; fetch it again."
    )


def test_a_small_file_that_unpacks_to_a_large_one(directory):
    """Read to the end of what its header declares, and no further."""
    file = directory / LABELS["train"]
    packed = gzip.compress(file.read_bytes() + bytes(300_000_000), 1)
    file.write_bytes(packed)
    tracemalloc.start()
    text = message(directory)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert text == f"{file} has surplus bytes: 58 expected, at least 59 found; fetch it again."
    assert most < 20_000_000


def test_a_header_that_declares_more_than_there_is(directory):
    file = directory / IMAGES["train"]
    file.write_bytes(gzip.compress(struct.pack(">4I", 2051, 2**31, 28, 28) + bytes(1000)))
    assert message(directory) == (
        f"{file} is truncated: {16 + 2**31 * 784:,} bytes expected, 1,016 found; fetch it again."
    )


def test_absurd_sizes_do_not_overflow(directory):
    file = directory / IMAGES["train"]
    file.write_bytes(struct.pack(">4I", 2051, *[2**32 - 1] * 3))
    assert f"{16 + (2**32 - 1) ** 3:,} bytes expected, 16 found" in message(directory)


def test_truncated_gzip(directory):
    gzip_all(directory)
    file = directory / f"{IMAGES['train']}.gz"
    file.write_bytes(file.read_bytes()[:-100])
    assert message(directory) == (
        f"{file} is truncated: its gzip stream has no end; fetch it again."
    )


@pytest.mark.parametrize("position", [2, 200, -6])
def test_damaged_gzip(directory, position):
    gzip_all(directory)
    file = directory / f"{IMAGES['train']}.gz"
    data = bytearray(file.read_bytes())
    data[position] ^= 0x55
    file.write_bytes(data)
    text = message(directory)
    assert text.startswith(f"{file} is ")
    assert text.endswith("; fetch it again.")


def test_swapped_files(directory):
    file = directory / IMAGES["train"]
    file.write_bytes((directory / LABELS["train"]).read_bytes())
    assert message(directory) == (
        f"{file} begins with the magic number 2049 (a file of labels) instead of 2051 (images); "
        "put the original file of images there."
    )


def test_wrong_magic_number(directory):
    file = directory / LABELS["train"]
    file.write_bytes(b"<html>Not found</html>")
    assert message(directory) == (
        f"{file} begins with the magic number 1013478509 instead of 2049 (labels); "
        "put the original file of labels there."
    )


def test_counts_that_differ(directory):
    (directory / LABELS["train"]).write_bytes((directory / LABELS["test"]).read_bytes())
    assert message(directory) == (
        f"{directory}/{IMAGES['train']} holds 50 images but {directory}/{LABELS['train']} 30 "
        "labels; put two files of the same data set there."
    )


@pytest.mark.parametrize("shape", [(0, 28, 28), (50, 0, 28)])
def test_no_pictures(directory, shape):
    file = directory / IMAGES["train"]
    file.write_bytes(struct.pack(">4I", 2051, *shape))
    assert message(directory) == f"{file} holds no images; fetch it again."
