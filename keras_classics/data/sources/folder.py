"""Folders of image files: as ImageNet is usually unpacked, or one folder for each class alone.

With `<directory>/train/<class>/*.JPEG` for training and `<directory>/val/<class>/*.JPEG` for
measuring, the split is the owner's. With `<directory>/<class>/*.jpg` alone, a fifth of each class
is kept for measuring: those whose names have the smallest checksums, so that a picture stays on its
side in every run, on every machine, and also when others come or go, but for those at the limit.
"""

import hashlib
import os
import warnings

import numpy as np

from keras_classics.data.errors import DataError
from keras_classics.words import plural

_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_FOLDERS = {"train": "train", "test": "val"}
_KEPT = 5  # one of so many pictures of a class is measured, where the folders do not say


def read_folder(
    directory: str | os.PathLike, split: str
) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Lists the images of one split, in the order of their classes' and their own names.

    The classes are the folders in `train`, whichever split is read, or those in the directory where
    it has neither `train` nor `val`; of these, a fifth of each class is "test". Hidden files are
    passed over, and so are files whose suffix is that of no image, with a warning that counts them.

    Args:
        directory: the folder that holds `train` and `val`, or the folders of the classes.
        split: "train", or "test" for `val`.

    Returns:
        The paths, the labels `(n,)` int64 and the class names.

    Raises:
        DataError: if a folder is missing, empty or cannot be read, `val` has a class that `train`
            has not, or two classes differ in case alone; without `train` and `val`, also if there
            is one class only, or a class of one picture.

    Warns:
        UserWarning: if a class of `train` has no images in `val`, or files were passed over.

    Example:
    >>> read_folder("no/such/directory", "train")
    Traceback (most recent call last):
    keras_classics.data.errors.DataError: no/such/directory is not a directory; ...
    """
    directory = os.path.expanduser(directory)
    if not os.path.isdir(directory):
        raise DataError(
            f"{directory} is not a directory; set `dataset` to folder:<directory>, one that holds "
            "a folder for each class, or train/<class>/ and val/<class>/."
        )
    if not any(os.path.isdir(os.path.join(directory, name)) for name in _FOLDERS.values()):
        return _read_classes(directory, split)
    class_names = tuple(_folders(os.path.join(directory, "train")))
    root = os.path.join(directory, _FOLDERS[split])
    if split != "train":
        _check_known(root, class_names)
    paths, labels, empty, other = [], [], [], 0
    for label, name in enumerate(class_names):
        folder = os.path.join(root, name)
        images, others = _images(folder) if os.path.isdir(folder) else ([], 0)
        if not images and split == "train":
            raise DataError(f"The class folder {folder} holds no images; fill it or delete it.")
        paths += images
        labels += [label] * len(images)
        empty += [] if images else [name]
        other += others
    if not paths:
        raise DataError(f"{root} holds no images; put them into {root}/<class>/.")
    if empty:
        warnings.warn(
            f"{len(empty):,} of {len(class_names):,} classes have no images in {root} "
            f"({_some(empty)}); the error measured there says nothing about them.",
            stacklevel=2,
        )
    _warn_of_others(other, root)
    return paths, np.array(labels, np.int64), class_names


def _read_classes(directory, split):
    """The same for a directory that holds the folders of the classes."""
    class_names = tuple(_folders(directory))
    if len(class_names) == 1:
        raise DataError(
            f"{directory} holds one folder, {class_names[0]}, and there is nothing to tell it "
            "from; make one for each class."
        )
    paths, labels, other = [], [], 0
    for label, name in enumerate(class_names):
        images, others = _images(os.path.join(directory, name))
        if len(images) < 2:
            raise DataError(_too_few(os.path.join(directory, name), images))
        kept = set(sorted(images, key=_checksum)[: -(-len(images) // _KEPT)])
        chosen = [path for path in images if (path in kept) == (split == "test")]
        paths += chosen
        labels += [label] * len(chosen)
        other += others
    _warn_of_others(other, directory)
    return paths, np.array(labels, np.int64), class_names


def _too_few(folder, images) -> str:
    if images:
        return (
            f"The class folder {folder} holds one image; two are needed, one to train on and one "
            "to measure with."
        )
    inner = [entry.name for entry in _entries(folder) if entry.is_dir()]
    if inner:
        return (
            f"The class folder {folder} holds no images but folders ({_some(sorted(inner))}); put "
            "its images into it, or name the folder above the classes."
        )
    return f"The class folder {folder} holds no images; fill it or delete it."


def _checksum(path: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.basename(path))).hexdigest()


def _warn_of_others(count: int, root: str) -> None:
    if count:
        warnings.warn(
            f"Passed over {plural(count, 'file')} in {root} without the suffix of an image.",
            stacklevel=3,
        )


def _check_known(root: str, class_names: tuple[str, ...]) -> None:
    surplus = sorted(set(_folders(root)) - set(class_names))
    if surplus:
        raise DataError(
            f"{root} has classes that train has not ({_some(surplus)}); a network cannot know "
            "them: add them to train or take them out."
        )


def _folders(root: str) -> list[str]:
    if not os.path.isdir(root):
        raise DataError(
            f"{root} does not exist; a data set of folders needs train/<class>/ and val/<class>/, "
            "or <class>/ alone."
        )
    names = sorted(e.name for e in _entries(root) if e.is_dir() and not e.name.startswith("."))
    if not names:
        raise DataError(f"{root} holds no folders; put the images into {root}/<class>/.")
    alike: dict[str, str] = {}
    for name in names:
        other = alike.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(
                f"The class folders {other} and {name} in {root} differ in case alone; rename one, "
                "or put their images together."
            )
    return names


def _images(folder: str) -> tuple[list[str], int]:
    names = [e.name for e in _entries(folder) if not e.name.startswith(".") and not e.is_dir()]
    images = sorted(name for name in names if name.lower().endswith(_SUFFIXES))
    return [os.path.join(folder, name) for name in images], len(names) - len(images)


def _entries(folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror}); allow it, or choose another `dataset`."
        ) from error


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
