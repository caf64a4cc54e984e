"""The parts of each batch that several processes make: together they are the batch."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_classics.data.pipeline import one_epoch, one_pass_of_copies
from keras_classics.data.sharding import Shard
from keras_classics.data.sources import Source, load
from keras_classics.data.sources.records import RecordSource
from keras_classics.data.transforms.affine import RandomAffine
from keras_classics.data.transforms.crops import RandomCrop
from keras_classics.data.transforms.wrappers import SharedByChunk

N = 45


@pytest.fixture(scope="module")
def memory():
    images = np.random.default_rng(0).integers(0, 255, (N, 12, 12, 3), "uint8")
    return Source("memory", "train", images, np.arange(N), tuple(map(str, range(N))))


@pytest.fixture(scope="module")
def files(tmp_path_factory, memory):
    root = tmp_path_factory.mktemp("pictures")
    for number, pixels in enumerate(memory.images):
        path = root / "train" / f"{number:02}" / "picture.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(pixels).save(path)
    return load(f"folder:{root}", "train")


class Records(RecordSource):
    """Records without the files of TensorFlow Datasets: the encoded pictures of a folder."""

    def __len__(self):
        return len(self.builder)

    def examples(self, seed=None):
        order = tf.constant(self.builder.order(seed))
        return tf.data.Dataset.from_tensor_slices(order).map(self.builder.fetcher()).enumerate()


@pytest.fixture(scope="module")
def records(files):
    return Records("records", "train", files.class_names, files, "train")


def batches(source, start=0, copies=1, size=12, shared=False, **shard):
    common = {"seed": 3, "epoch": 1, "start": start, "shard": Shard(**shard)}
    if copies > 1:
        distort = (RandomAffine(translation=1.0, scale=0.1, squeeze=0.1, shear=0.1),)
        pairs = one_pass_of_copies(source, size, copies=copies, transforms=distort, **common)
    else:
        cut = SharedByChunk(RandomCrop(8), crop_chunk=5) if shared else RandomCrop(8)
        pairs = one_epoch(source, size, transforms=(cut,), **common)
    return [(images.numpy(), labels.numpy()) for images, labels in pairs]


@pytest.mark.parametrize("kind", ["memory", "files", "records", "copies"])
@pytest.mark.parametrize("start", [0, 2])
def test_the_parts_of_all_processes_are_the_batch(kind, start, request):
    """45 pictures in batches of 12 on 4 devices: the last batch of 9 is cut to 8."""
    copies = 3 if kind == "copies" else 1
    source = request.getfixturevalue("memory" if kind == "copies" else kind)
    whole = batches(source, start, copies)
    halves = [batches(source, start, copies, process=p, processes=2, multiple=4) for p in range(2)]
    assert [len(labels) for _, labels in halves[0]] == [6, 6, 6, 4][start:]
    for (images, labels), *parts in zip(whole, *halves, strict=True):
        together = [np.concatenate(part) for part in zip(*parts, strict=True)]
        size = len(labels) - len(labels) % 4
        # What is drawn for an image depends on nobody else's.
        np.testing.assert_array_equal(together[0], images[:size])
        np.testing.assert_array_equal(together[1], labels[:size])


@pytest.mark.parametrize("kind", ["memory", "files", "records"])
def test_processes_cut_a_chunk_alike_wherever_its_pictures_are_made(kind, request):
    source = request.getfixturevalue(kind)
    parts = [batches(source, shared=True, process=p, processes=2, multiple=2) for p in range(2)]
    for (images, labels), *halves in zip(batches(source, shared=True), *parts, strict=True):
        together = [np.concatenate(half) for half in zip(*halves, strict=True)]
        size = len(labels) - len(labels) % 2
        np.testing.assert_array_equal(together[0], images[:size])
        np.testing.assert_array_equal(together[1], labels[:size])


@pytest.mark.parametrize("kind", ["memory", "files"])
def test_pieces_are_the_batch_one_after_the_other(kind, request):
    source = request.getfixturevalue(kind)
    whole = batches(source)
    pieces = batches(source, multiple=3, pieces=3)
    assert [len(labels) for _, labels in pieces] == [4] * 9 + [3] * 3
    for number, (images, labels) in enumerate(whole):
        three = pieces[3 * number : 3 * number + 3]
        np.testing.assert_array_equal(np.concatenate([part for part, _ in three]), images)
        np.testing.assert_array_equal(np.concatenate([part for _, part in three]), labels)


@pytest.mark.parametrize("size", [1, 7, 24, 45, 47, 48, 1000])
@pytest.mark.parametrize(("processes", "multiple"), [(1, 1), (1, 4), (2, 2), (2, 4), (3, 12)])
def test_each_process_has_an_equal_share(size, processes, multiple):
    shards = [Shard(process, processes, multiple) for process in range(processes)]
    places = [shard.places(size, 24) for shard in shards]
    together = np.sort(np.concatenate(places))
    rest = size % 24
    cut = size - rest % multiple
    np.testing.assert_array_equal(together, np.arange(cut))
    for step in range(shards[0].batches(size, 24)):
        counts = [np.sum((own >= 24 * step) & (own < 24 * (step + 1))) for own in places]
        assert len(set(counts)) == 1 and counts[0] > 0
    assert shards[0].batches(size, 24) == -(-cut // 24)
