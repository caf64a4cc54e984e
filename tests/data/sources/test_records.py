import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_classics.data.bad_images import BadImages
from keras_classics.data.encoded import errors_of_pipeline
from keras_classics.data.errors import DataError
from keras_classics.data.pipeline import images_at, in_order, one_epoch
from keras_classics.data.sources import hold_out, imagenet, load
from keras_classics.data.sources.records import RecordSource
from keras_classics.data.transforms.crops import RandomAreaCrop, RandomFlip
from keras_classics.data.transforms.resizing import Resize
from keras_classics.runs import train
from keras_classics.training import vary
from tests.runs import small_recipes

N = {"train": 57, "validation": 23, "test": 5}
RESIZE = (Resize(8),)


def message(*arguments):
    with pytest.raises(DataError) as raised:
        load(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def picture(number):
    """A picture of one grey, its number, and a size of its own."""
    return Image.new("L", (12 + number % 5, 10 + number % 7), number).convert("RGB")


def encoded(image, format="jpeg"):
    file = io.BytesIO()
    image.save(file, format, quality=95)
    return file.getvalue()


@pytest.fixture(scope="module")
def shapes():
    """Makes TFDS know `varying_shapes`, built as ImageNet is: its test pictures have no labels."""
    import tensorflow_datasets as tfds

    splits = {
        "like_imagenet": {"train": 0, "validation": 0, "test": -1},
        "labelled_test": {"train": 0, "validation": 0, "test": 0},
        "no_train": {"validation": 0},
    }

    class VaryingShapes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in splits]  # noqa: RUF012

        def _info(self):
            features = {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "label": tfds.features.ClassLabel(names=["cat", "dog", "eel"]),
                "file_name": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, dl_manager):
            return {
                split: self._generate_examples(split, unknown)
                for split, unknown in splits[self.builder_config.name].items()
            }

        def _generate_examples(self, split, unknown):
            for number in range(N[split]):
                yield (
                    number,
                    {
                        "image": io.BytesIO(encoded(picture(number))),
                        "label": unknown or number % 3,
                        "file_name": f"{number}.jpg",
                    },
                )

    return VaryingShapes


@pytest.fixture(scope="module")
def prepared(shapes, tmp_path_factory):
    """A folder that holds it, the training pictures in five files."""
    import tensorflow_datasets as tfds

    directory = tmp_path_factory.mktemp("tfds")
    for config in ("like_imagenet", "labelled_test", "no_train"):
        shapes(config=config, data_dir=directory).download_and_prepare(
            download_config=tfds.download.DownloadConfig(num_shards=5)
        )
    return directory


@pytest.fixture
def source(prepared):
    return load("varying_shapes/like_imagenet", "train", prepared)


def numbers(batches):
    """The numbers of the pictures, batch by batch."""
    found = []
    for images, labels in batches:
        found.append(images.numpy()[:, 0, 0, 0].astype(int).tolist())
        assert [number % 3 for number in found[-1]] == labels.numpy().tolist()
    return found


def flat(batches):
    return list(itertools.chain(*numbers(batches)))


def stored(source):
    """The numbers in the stored order, read in TFDS's own way."""
    dataset = source.builder.as_dataset(split=source.stored_split, shuffle_files=False)
    return [int(example["image"][0, 0, 0]) for example in dataset]


def test_what_a_source_says(source, prepared):
    assert isinstance(source, RecordSource)
    assert (source.name, source.split) == ("varying_shapes/like_imagenet", "train")
    assert source.class_names == ("cat", "dog", "eel") and source.num_classes == 3
    assert len(source) == 57
    assert source.directory == f"{prepared}/varying_shapes/like_imagenet/1.0.0"
    assert len(list(prepared.glob("*/like_imagenet/*/*train.tfrecord*"))) == 5


@pytest.mark.parametrize(
    ("config", "split", "stored_split"),
    [
        ("like_imagenet", "test", "validation"),
        ("labelled_test", "test", "test"),
        ("no_train", "test", "validation"),
    ],
)
def test_the_test_split_is_the_one_with_labels(prepared, config, split, stored_split):
    source = load(f"varying_shapes/{config}", split, prepared)
    assert (source.split, source.stored_split) == (split, stored_split)
    assert len(source) == N[stored_split]
    assert sorted(flat(in_order(source, 10, RESIZE))) == list(range(N[stored_split]))


def test_no_such_split(prepared):
    assert message("varying_shapes/no_train", "train", prepared) == (
        "`varying_shapes/no_train` has no split 'train' with labels, only validation; choose a "
        "`dataset` that has the splits train and test or validation."
    )


def test_examples_are_encoded(source):
    examples = list(source.examples())
    assert [int(place) for place, _ in examples] == list(range(57))
    for _, (data, label) in examples:
        number = int(tf.io.decode_jpeg(data)[0, 0, 0])
        assert data.numpy() == encoded(picture(number))
        assert int(label) == number % 3 and label.dtype == tf.int32


def test_in_order_gives_every_picture_as_it_is_stored(source):
    batches = in_order(source, 10, RESIZE)
    assert [len(labels) for _, labels in batches] == [10] * 5 + [7]
    assert flat(batches) == stored(source)
    for images, labels in in_order(source, 1):
        np.testing.assert_array_equal(images[0], np.asarray(picture(int(images[0, 0, 0, 0]))))
        assert (images.dtype, labels.dtype) == (tf.uint8, tf.int32)


class Damaged(RecordSource):
    """The same, with other bytes in the place of the first picture."""

    def examples(self, seed=None):
        (place, (_, label)), *_ = super().examples(seed).take(1)
        damaged = tf.data.Dataset.from_tensors((place, (tf.constant(self.content), label)))
        return damaged.concatenate(super().examples(seed).skip(1))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "The image is not an image that can be read; save it as PNG or JPEG."),
        (encoded(picture(0))[:200], "Invalid JPEG data, size 200"),
    ],
    ids=["no picture", "cut off"],
)
@pytest.mark.parametrize("transforms", [RESIZE, (RandomAreaCrop(8),)], ids=["whole", "window"])
def test_a_record_that_cannot_be_decoded(source, content, reason, transforms):
    damaged = Damaged(**vars(source))
    object.__setattr__(damaged, "content", content)
    with pytest.raises(DataError) as raised, errors_of_pipeline(BadImages(), "imagenet2012"):
        list(epoch(damaged, transforms=transforms))
    assert isinstance(raised.value.__cause__, tf.errors.OpError)
    text = str(raised.value)
    assert text.startswith(f"An image of imagenet2012 is damaged ({reason}")
    assert text.endswith("); prepare it again.") and "\n" not in text


def test_errors_of_the_network_are_not_blamed_on_the_data():
    for error in (tf.errors.ResourceExhaustedError(None, None, "OOM"), ValueError("JPEG")):
        with (
            pytest.raises(type(error)) as raised,
            errors_of_pipeline(BadImages(), "imagenet2012"),
        ):
            raise error
        assert raised.value is error


def test_no_part_of_a_stream_is_held_out(source):
    with pytest.raises(DataError, match="is read as a stream, of which no part can be held out"):
        hold_out(source, 10)


def epoch(source, size=10, seed=3, number=0, transforms=RESIZE, **options):
    return one_epoch(source, size, seed=seed, epoch=number, transforms=transforms, **options)


def test_an_epoch_holds_every_picture_once(source):
    orders = [flat(epoch(source, number=number)) for number in range(3)]
    orders += [flat(epoch(source, seed=4)), stored(source)]
    assert all(sorted(order) == list(range(57)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    assert flat(epoch(source, shuffle="once", number=2)) == orders[0]
    # Not only the files are in another order.
    assert all(np.mean(np.abs(np.diff(order))) > 10 for order in orders[:4])


def test_an_order_is_a_function_of_the_seed(source, prepared):
    batches = epoch(source)
    orders = [numbers(batches), numbers(batches), numbers(epoch(source))]
    assert orders[0] == orders[1] == orders[2]
    code = (
        "import json, sys\n"
        "from keras_classics.data.sources import load\n"
        "from tests.data.sources.test_records import epoch, numbers\n"
        "source = load('varying_shapes/like_imagenet', 'train', sys.argv[1])\n"
        "print(json.dumps(numbers(epoch(source))))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(prepared)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert json.loads(printed.splitlines()[-1]) == orders[0]


AUGMENT = (RandomAreaCrop(6), RandomFlip())


def test_batching_changes_no_picture(source):
    tens, sixteens = (epoch(source, size, transforms=AUGMENT) for size in (10, 16))
    assert [len(labels) for _, labels in sixteens] == [16, 16, 16, 9]
    for part in (0, 1):
        one, other = (
            np.concatenate([batch[part].numpy() for batch in batches])
            for batches in (tens, sixteens)
        )
        np.testing.assert_array_equal(one, other)


def test_an_epoch_can_be_replayed_from_its_middle(source):
    whole = list(epoch(source, transforms=AUGMENT))
    for start in (1, 5, 6):
        rest = list(epoch(source, transforms=AUGMENT, start=start))
        assert len(rest) == 6 - start
        for one, other in zip(rest, whole[start:], strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


def test_some_pictures(source):
    order = stored(source)
    found = images_at(source, [40, 0, 40], RESIZE)
    assert found[:, 0, 0, 0].tolist() == [order[40], order[0], order[40]]
    assert len(images_at(source, [])) == 0


# Damage.


@pytest.fixture
def damaged(shapes, tmp_path):
    """A prepared folder of one's own, and its files of records."""
    shapes(config="like_imagenet", data_dir=tmp_path).download_and_prepare()
    files = {path.name.split("-")[1].split(".")[0]: path for path in tmp_path.glob("*/*/*/*rec*")}
    return tmp_path, files


def alter(file, place):
    content = bytearray(file.read_bytes())
    content[place] ^= 255
    file.write_bytes(content)


def test_a_damaged_first_record(damaged):
    directory, files = damaged
    alter(files["train"], 100)
    assert message("varying_shapes/like_imagenet", "train", directory) == (
        f"`varying_shapes/like_imagenet` is damaged: {files['train'].name} in "
        f"{files['train'].parent} is missing, truncated or altered; delete that directory and "
        "prepare the data set again."
    )


@pytest.mark.parametrize("number", [0, 3])
def test_a_missing_file(prepared, tmp_path, number):
    shutil.copytree(prepared / "varying_shapes", tmp_path / "varying_shapes")
    (file,) = tmp_path.glob(f"*/like_imagenet/*/*train*-0000{number}-of-00005")
    file.unlink()
    assert message("varying_shapes/like_imagenet", "train", tmp_path) == (
        f"`varying_shapes/like_imagenet` is damaged: {file.name} in {file.parent} is missing, "
        "truncated or altered; delete that directory and prepare the data set again."
    )


@pytest.mark.parametrize("cut", [False, True])
def test_a_damaged_record_ends_the_stream(damaged, cut):
    directory, files = damaged
    if cut:
        files["train"].write_bytes(files["train"].read_bytes()[:-9])
    else:
        alter(files["train"], -100)
    source = load("varying_shapes/like_imagenet", "train", directory)
    for batches in (in_order(source, 10, RESIZE), epoch(source)):
        with pytest.raises(tf.errors.DataLossError, match="truncated record|corrupted record"):
            numbers(batches)


# ImageNet's two files.

TRAIN, VAL = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"


def tar(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def classes(names):
    return tar(
        {
            f"{name}.tar": tar({f"{name}_{n}.JPEG": encoded(picture(n)) for n in range(2)})
            for name in names
        }
    )


def photographs(n):
    return tar({f"ILSVRC2012_val_{i + 1:08}.JPEG": encoded(picture(i)) for i in range(n)})


@pytest.fixture
def manual(tmp_path):
    folder = tmp_path / "downloads" / "manual"
    folder.mkdir(parents=True)
    return folder


def test_imagenet_says_what_it_needs(tmp_path, manual):
    rule = (
        f"from https://image-net.org/download-images into {manual} and start again, or set "
        "`dataset` to folder:<directory>, one that holds the unpacked images."
    )
    for split in ("train", "test"):
        assert message("imagenet2012", split, tmp_path) == (
            f"`imagenet2012` must be fetched by hand: put {TRAIN} and {VAL} {rule}"
        )
    (manual / TRAIN).write_bytes(classes(["n01440764"]))
    assert message("imagenet2012", "train", tmp_path) == (
        f"`imagenet2012` must be fetched by hand: put {VAL} {rule}"
    )
    # Nothing is prepared by halves.
    assert not (tmp_path / "imagenet2012").exists()


@pytest.mark.parametrize(
    ("train", "val", "problem"),
    [
        (
            classes(["n01440764"]),
            b"",
            f"{TRAIN} holds 1 files, of which 1 are called n….tar, in place of 1,000; download it "
            "again.",
        ),
        (
            photographs(3),
            b"",
            f"{TRAIN} holds 3 files, of which 0 are called n….tar, in place of 1,000; download it "
            "again.",
        ),
        (
            b"<html>404 Not Found</html>" * 100,
            b"",
            f"{TRAIN} cannot be read (invalid header); it is damaged or incomplete, download it "
            "again.",
        ),
        (
            b"",
            b"",
            f"{TRAIN} cannot be read (empty file); it is damaged or incomplete, download it again.",
        ),
        (
            classes(["n01440764"])[:3000],
            b"",
            f"{TRAIN} cannot be read (unexpected end of data); it is damaged or incomplete, "
            "download it again.",
        ),
        (
            tar({f"n{n:08}.tar": b"" for n in range(1000)}),
            photographs(3),
            f"{VAL} holds 3 files, of which 3 are called ILSVRC2012_val_….JPEG, in place of "
            "50,000; download it again.",
        ),
    ],
    ids=["too few", "the other one", "a page", "nothing", "cut off", "too few to measure"],
)
def test_wrong_tar_files(tmp_path, manual, train, val, problem):
    (manual / TRAIN).write_bytes(train)
    (manual / VAL).write_bytes(val)
    assert message("imagenet2012", "train", tmp_path) == f"{manual}/{problem}"
    assert not (tmp_path / "imagenet2012").exists()


def test_imagenet_from_its_files(tmp_path, manual, monkeypatch):
    archives = [(name, pattern, 2) for name, pattern, _ in imagenet._ARCHIVES]
    monkeypatch.setattr(imagenet, "_ARCHIVES", archives)
    (manual / TRAIN).write_bytes(classes(["n01440764", "n01443537"]))
    (manual / VAL).write_bytes(photographs(2))
    train, test = (load("imagenet2012", split, tmp_path) for split in ("train", "test"))
    assert train.class_names[:2] == ("n01440764", "n01443537") and train.num_classes == 1000
    assert (len(train), len(test)) == (4, 2)
    ((images, labels),) = in_order(train, 10, RESIZE)
    assert sorted(zip(images[:, 0, 0, 0].numpy(), labels.numpy(), strict=True)) == [
        *((0, 0), (0, 1), (1, 0), (1, 1))
    ]


def test_tar_files_that_are_whole_but_hold_no_pictures(tmp_path, manual, monkeypatch):
    archives = [(name, pattern, 1) for name, pattern, _ in imagenet._ARCHIVES]
    monkeypatch.setattr(imagenet, "_ARCHIVES", archives)
    (manual / TRAIN).write_bytes(tar({"n01440764.tar": b"no tar file"}))
    (manual / VAL).write_bytes(photographs(1))
    text = message("imagenet2012", "train", tmp_path)
    assert text.startswith(f"`imagenet2012` is not in {tmp_path} and could not be prepared (")
    assert text.endswith("or `dataset` to folder:<directory>, a directory of images.")


def test_other_data_that_is_fetched_by_hand(tmp_path):
    assert message("imagenet2012_subset", "train", tmp_path) == (
        f"`imagenet2012_subset` must be fetched by hand into {tmp_path}/downloads/manual "
        "(manual_dir should contain two files: ILSVRC2012_img_train.tar and "
        "ILSVRC2012_img_val.tar. You need to register on https://image-net.org/download-images in "
        "order to get the link to download the dataset); do that and start again, or set "
        "`data_dir` to a directory that holds it, or `dataset` to folder:<directory>, a directory "
        "of images."
    )


class Remover(keras.callbacks.Callback):
    """Takes the training pictures away as soon as training has ended."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_train_end(self, logs=None):
        for path in self.folder.rglob("*-train.tfrecord*"):
            path.unlink()


def test_files_that_are_gone_at_the_end_cost_pictures_and_no_measurement(prepared, tmp_path):
    data, resize = tmp_path / "data", (Resize(28),)
    shutil.copytree(prepared, data)
    changes = {
        "dataset": "varying_shapes/labelled_test", "limit_train": None, "validation": 0,
        "model.channels": 3, "train_transforms": resize, "test_transforms": resize, "epochs": 1,
    }  # fmt: skip
    recipe = vary(small_recipes.PLAIN, changes)
    metrics = train(recipe, tmp_path / "run", data_dir=data, verbose=0, callbacks=[Remover(data)])
    assert not list(data.glob("*/labelled_test/*/*-train.tfrecord*"))
    assert metrics["examples"] == 5 and (tmp_path / "run" / "metrics.json").exists()
    with np.load(tmp_path / "run" / "predictions.npz") as file:
        assert "sample_images" in file and "batch_images" not in file and "near_index" not in file
