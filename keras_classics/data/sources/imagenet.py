"""ImageNet's two tar files, looked at before hours go into preparing them."""

import os
import re
import tarfile

from keras_classics.data.errors import DataError

# What image-net.org hands out: name, how its members are called, how many there are.
_ARCHIVES = (
    ("ILSVRC2012_img_train.tar", r"n\d{8}\.tar", 1_000),
    ("ILSVRC2012_img_val.tar", r"ILSVRC2012_val_\d{8}\.JPEG", 50_000),
)


def check_archives(folder: str | os.PathLike) -> None:
    """Checks that a folder holds ImageNet's two tar files, whole and none taken for the other.

    TensorFlow Datasets labels the validation images by their order, whatever they are, and leaves
    out a split whose file is missing; neither would be noticed before the results are.

    Args:
        folder: where TensorFlow Datasets looks for them, `downloads/manual` in its data directory.

    Raises:
        DataError: if a file is missing, is no tar file, is cut off or holds something else.

    Example:
    >>> check_archives("no/such/directory")
    Traceback (most recent call last):
    keras_classics.data.errors.DataError: `imagenet2012` must be fetched by hand: put ...
    """
    missing = [n for n, *_ in _ARCHIVES if not os.path.isfile(os.path.join(folder, n))]
    if missing:
        raise DataError(
            f"`imagenet2012` must be fetched by hand: put {' and '.join(missing)} from "
            f"https://image-net.org/download-images into {folder} and start again, or set "
            "`dataset` to folder:<directory>, one that holds the unpacked images."
        )
    for name, pattern, count in _ARCHIVES:
        path = os.path.join(folder, name)
        try:
            with tarfile.open(path, "r:") as archive:
                members = archive.getnames()  # skips from header to header
        except (tarfile.TarError, OSError) as error:
            raise DataError(
                f"{path} cannot be read ({error}); it is damaged or incomplete, download it again."
            ) from error
        right = sum(re.fullmatch(pattern, member) is not None for member in members)
        if not right == len(members) == count:
            kind = pattern.replace(r"\d{8}", "…").replace("\\", "")
            raise DataError(
                f"{path} holds {len(members):,} files, of which {right:,} are called {kind}, in "
                f"place of {count:,}; download it again."
            )
