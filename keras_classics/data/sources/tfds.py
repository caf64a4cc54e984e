"""Images and labels from TensorFlow Datasets, with its failures put into one sentence."""

import contextlib
import difflib
import logging
import math
import os
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_classics.data.errors import DataError
from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.parallelism import without_autotuning
from keras_classics.data.sources.base import LabelledImages
from keras_classics.data.sources.imagenet import check_archives
from keras_classics.data.sources.memory import Source
from keras_classics.data.sources.records import RecordSource, read_config

_NETWORK_TIMEOUT = 10.0  # seconds
_UNKNOWN_FILE = "a record or features.json"


def read_tfds(name: str, split: str, data_dir: str | os.PathLike | None = None) -> LabelledImages:
    """Reads one split of a data set of TensorFlow Datasets in its stored order.

    The features are found by their type: one `Image` with 8-bit values and one `ClassLabel`. Where
    there are several, those that the data set names for supervised learning are taken. A data set
    that is not in `data_dir` is downloaded into it. Images of one size are read into memory. Of
    images of varying sizes the "test" split is the one called so if its images have labels
    (ImageNet's have none), else "validation".

    Args:
        name: `dataset`, `dataset/config`, `dataset:version` or `dataset/config:version`.
        split: name of the split.
        data_dir: directory of prepared data sets; `None` is TFDS's own default.

    Returns:
        A `Source`; a `RecordSource` where the images have varying sizes.

    Raises:
        DataError: if the data set is unknown, unsuitable, absent or damaged.

    Example:
    >>> read_tfds("mnist", "train", data_dir="no/such/directory")
    Traceback (most recent call last):
    keras_classics.data.errors.DataError: `data_dir` must be an existing directory ...
    """
    if data_dir is not None:
        data_dir = os.path.expanduser(data_dir)
        if not os.path.isdir(data_dir):
            raise DataError(  # the whole path, however long
                "`data_dir` must be an existing directory (create it to download into it). "
                f"Received: data_dir={data_dir!r}"
            )
    import_tensorflow()
    builder = _builder(name, data_dir)
    image, label = _image_and_label(name, builder.info)
    features = builder.info.features
    if not builder.info.splits:
        _download(name, builder, features[image], features[label])
    if None in features[image].shape:
        return _records(name, split, builder, image, label)
    if split not in builder.info.splits:
        raise DataError(
            f"`{name}` has no split {split!r}, only {', '.join(builder.info.splits)}; "
            "choose a `dataset` that has the splits train and test."
        )
    _check_memory(name, builder.info.splits[split].num_examples, features[image].shape)
    images, labels = _read(name, split, builder, image, label)
    class_names = tuple(features[label].names)
    if labels.min() < 0:
        raise DataError(
            f"The split {split!r} of `{name}` holds images without labels; "
            "choose a `dataset` whose images are all labelled."
        )
    if images.shape[1:] != features[image].shape or labels.max() >= len(class_names):
        raise DataError(_damage(name, builder, _UNKNOWN_FILE))
    return Source(name, split, images, labels, class_names)


def _records(name: str, split: str, builder: Any, image: str, label: str) -> RecordSource:
    names = tuple(builder.info.features[label].names)
    for stored in ("test", "validation") if split == "test" else (split,):
        if stored in builder.info.splits:
            source = RecordSource(name, split, names, builder, stored, (image, label))
            if _first_label(source) >= 0:
                return source
    raise DataError(
        f"`{name}` has no split {split!r} with labels, only {', '.join(builder.info.splits)}; "
        "choose a `dataset` that has the splits train and test or validation."
    )


def _first_label(source: RecordSource) -> int:
    """Reads one example; all files have to be there, which for ImageNet are thousands."""
    import tensorflow as tf

    files = source.builder.info.splits[source.stored_split].filepaths
    missing = [file for file in files if not file.exists()]
    try:
        _, (_, label) = next(iter(source.examples()))
    except (tf.errors.OpError, OSError, ValueError, AssertionError, StopIteration) as error:
        what = (missing or files)[0].name
        raise DataError(_damage(source.name, source.builder, what)) from error
    if missing:
        raise DataError(_damage(source.name, source.builder, missing[0].name))
    return int(label)


def _builder(name: str, data_dir: str | None) -> Any:
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        known = [*tfds.list_builders(with_community_datasets=False), "mnist_5k"]
        close = difflib.get_close_matches(re.split("[:/]", name)[0], known)
        similar = f" (similar names: {', '.join(close)})" if close else ""
        raise DataError(
            f"`{name}` is not the name of a data set{similar}; set `dataset` to a name of "
            "TensorFlow Datasets, mnist_5k, idx:<directory> or folder:<directory>."
        ) from error
    except Exception as error:  # whatever the builders of hundreds of data sets raise
        raise DataError(
            f"`{name}` could not be opened by TensorFlow Datasets ({_one_line(error)}); "
            "correct `dataset` or `data_dir`."
        ) from error


def _image_and_label(name: str, info: Any) -> tuple[str, str]:
    """Returns the keys of the image and of its class, once they are known to be usable."""
    import tensorflow_datasets as tfds

    advice = "choose a `dataset` of single images and class labels."
    features = info.features if isinstance(info.features, tfds.features.FeaturesDict) else {}
    # Exact types: a `LabeledImage` is an `Image`, but a map of labels.
    images = [key for key in features if type(features[key]) is tfds.features.Image]
    labels = [key for key in features if type(features[key]) is tfds.features.ClassLabel]
    supervised = info.supervised_keys or ()
    images = [key for key in images if len(images) == 1 or key in supervised]
    labels = [key for key in labels if len(labels) == 1 or key in supervised]
    if len(images) != 1 or len(labels) != 1:
        raise DataError(f"`{name}` does not hold one image and one class label each; {advice}")
    image, label = features[images[0]], features[labels[0]]
    if image.np_dtype != np.uint8:
        raise DataError(
            f"`{name}` holds images of {np.dtype(image.np_dtype)} values, not uint8; {advice}"
        )
    if not label.num_classes:
        raise DataError(f"`{name}` does not say how many classes it has; {advice}")
    return images[0], labels[0]


def _download(name: str, builder: Any, image: Any, label: Any) -> None:
    import requests  # comes with TFDS

    if os.path.isdir(builder.data_dir):
        raise DataError(_damage(name, builder, "dataset_info.json"))
    # What an embedded data set can stand in for, told by the data rather than by the name.
    is_digits = image.shape == (28, 28, 1) and label.names == list("0123456789")
    advice = (
        "set `data_dir` to a directory that holds it, or `dataset` to "
        + ("mnist_5k for the embedded digits, or to " if is_digits else "")
        + (
            "folder:<directory>, a directory of images."
            if None in image.shape
            else "idx:<directory>, one that holds the four original files of a data set."
        )
    )
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        _check_manual_files(name, builder, advice)
    try:
        # TFDS retries for minutes where there is no network; one request tells.
        if builder.url_infos and not builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
            requests.head(next(iter(builder.url_infos)), timeout=_NETWORK_TIMEOUT)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise DataError(
            f"`{name}` is not in {builder.data_dir_root} and could not be downloaded (no network); "
            f"{advice}"
        ) from error
    except requests.RequestException:
        pass  # a URL that is none of HTTP's: TFDS knows how to fetch it
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever the builders of hundreds of data sets raise
        raise DataError(
            f"`{name}` is not in {builder.data_dir_root} and could not be prepared "
            f"({_one_line(error)}); {advice}"
        ) from error


def _check_manual_files(name: str, builder: Any, advice: str) -> None:
    """Checks what TFDS cannot download, where it would look for it."""
    folder = os.path.join(builder.data_dir_root, "downloads", "manual")
    if builder.name == "imagenet2012":
        check_archives(folder)
    elif not os.path.isdir(folder):
        how = _one_line(builder.MANUAL_DOWNLOAD_INSTRUCTIONS, 320)
        raise DataError(
            f"`{name}` must be fetched by hand into {folder} ({how}); do that and start again, or "
            f"{advice}"
        )


def _check_memory(name: str, examples: int, shape: tuple[int, int, int]) -> None:
    import psutil  # comes with TFDS

    # Twice the pixels: TensorFlow's copy and ours.
    needed, available = 2 * examples * math.prod(shape), psutil.virtual_memory().available
    if needed > available:
        raise DataError(
            f"`{name}` needs {needed / 2**30:,.1f} GiB of memory and {available / 2**30:,.1f} are "
            "free; choose a smaller `dataset`."
        )


def _read(
    name: str, split: str, builder: Any, image: str, label: str
) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    try:
        with _absl_errors_only():
            examples = builder.as_dataset(
                split=split,
                batch_size=-1,
                decoders=tfds.decode.PartialDecoding({image: True, label: True}),
                read_config=read_config(),
            )
    except (tf.errors.OpError, OSError, ValueError, AssertionError) as error:
        file = _damaged_file(builder.info.splits[split])
        raise DataError(_damage(name, builder, file or _UNKNOWN_FILE)) from error
    return examples[image].numpy(), examples[label].numpy()


@contextlib.contextmanager
def _absl_errors_only() -> Iterator[None]:
    """Keeps TFDS from warning of its own use of deprecated names."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _damaged_file(split_info: Any) -> str | None:
    """Returns the first file that is no sequence of as many intact records as it should be."""
    import tensorflow as tf

    for path, length in zip(split_info.filepaths, split_info.shard_lengths, strict=True):
        records = without_autotuning(tf.data.TFRecordDataset(os.fspath(path)))
        try:
            found = int(records.reduce(np.int64(0), lambda count, _: count + 1))
        except tf.errors.OpError:
            return path.name
        if found != length:
            return path.name
    return None


def _damage(name: str, builder: Any, what: str) -> str:
    return (
        f"`{name}` is damaged: {what} in {builder.data_dir} is missing, truncated or altered; "
        "delete that directory and prepare the data set again."
    )


def _one_line(error: Exception | str, most: int = 160) -> str:
    """Returns what TFDS says, without the arguments, lists and manuals around it."""
    text = " ".join(str(error).split())
    text = re.sub(r'^Failed to construct dataset .*?}": ', "", text)
    text = re.split(r" (?:Here are|The builder name string) ", text)[0]
    return textwrap.shorten(text.rstrip(".:"), most, placeholder="…") or type(error).__name__
