"""AlexNet's jitter of the colours along the principal axes of RGB, and what its code did next."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from keras_classics import checks
from keras_classics.data.randomness import normal
from keras_classics.data.transforms.transform import Transform, as_pictures, stacked, static_shape

if TYPE_CHECKING:
    from keras_classics.types import Seeds, Shape


@dataclass(frozen=True)
class RGBPCA:
    """Eigenvalues and eigenvectors of the covariance of the colours of pixels in 0…1.

    Args:
        eigenvalues: three variances, of pixels divided by 255.
        eigenvectors: rows red, green, blue of a matrix whose columns are the eigenvectors.

    Raises:
        ValueError: if the eigenvalues are not three numbers from 0 on, or the eigenvectors not
            three by three.

    Example:
        >>> from keras_classics.data.transforms.color import IMAGENET_PCA
        >>> IMAGENET_PCA.eigenvalues
        (0.2175, 0.0188, 0.0045)
    """

    eigenvalues: tuple[float, ...]
    eigenvectors: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        # Plain tuples whatever came, an array or JSON's lists: equal values are equal recipes.
        values, vectors = _finite(self.eigenvalues, (3,)), _finite(self.eigenvectors, (3, 3))
        if values is None or vectors is None or not (values >= 0).all():
            raise ValueError(
                "`eigenvalues` must be three variances and `eigenvectors` three rows of three. "
                f"Received: eigenvalues={checks.shown(self.eigenvalues)}, "
                f"eigenvectors={checks.shown(self.eigenvectors)}"
            )
        object.__setattr__(self, "eigenvalues", tuple(values.tolist()))
        object.__setattr__(self, "eigenvectors", tuple(map(tuple, vectors.tolist())))


def _finite(values, shape):
    """Returns finite numbers of a shape as an array, None for anything else."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if array.shape == shape and np.isfinite(array).all() else None


# Of ImageNet's training images, as fb.resnet.torch published them and most others use them.
IMAGENET_PCA = RGBPCA(
    eigenvalues=(0.2175, 0.0188, 0.0045),
    eigenvectors=(
        (-0.5675, 0.7192, 0.4009),
        (-0.5808, -0.0045, -0.8140),
        (-0.5836, -0.6948, 0.4203),
    ),
)


def fit_rgb_pca(dataset: Iterable[Any]) -> RGBPCA:
    """Returns the principal axes of the colours of all pixels of a data set.

    The covariance divides by the number of pixels. Each image's own is merged in float64 (Chan,
    Golub, LeVeque 1979), so that no large sums are subtracted from each other.

    Args:
        dataset: iterable, such as an array, a list or a `tf.data.Dataset`, of images (height,
            width, 3) of any sizes, of batches (n, height, width, 3) of them, or of tuples that
            begin with an image or batch: (image, label). Pixels are in 0…255.

    Returns:
        `RGBPCA`, largest eigenvalue first. The largest component of each eigenvector is positive.

    Raises:
        ValueError: if there is no image, or one that does not have three channels.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.color import fit_rgb_pca
        >>> black_and_red = np.zeros((2, 8, 8, 3))
        >>> black_and_red[1, ..., 0] = 255
        >>> fit_rgb_pca(black_and_red).eigenvalues
        (0.25, 0.0, 0.0)
    """
    if not isinstance(dataset, Iterable):
        checks.refuse("dataset", "images, one after the other", dataset)
    count, mean, scatter = 0, np.zeros(3), np.zeros((3, 3))
    for pixels in _pixels(dataset):
        own = pixels.mean(axis=1)
        pixels -= own[:, np.newaxis]
        step, n = own - mean, pixels.shape[1]
        scatter += pixels @ pixels.T + np.outer(step, step) * (count * n / (count + n))
        mean += step * (n / (count + n))
        count += n
    if not count:
        raise ValueError("`dataset` must hold at least one image. Received: none")
    values, vectors = np.linalg.eigh(scatter / count / 255**2)
    # eigh sorts upwards, and rounds a variance of nothing to either side of 0.
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    largest = vectors[np.abs(vectors).argmax(axis=0), range(3)]
    return RGBPCA(values, vectors * np.sign(largest))


def _pixels(dataset):
    """The pixels of one image after the other, float64 (3, height · width), 0…255."""
    for element in dataset:
        images = np.asarray(element[0] if isinstance(element, tuple) else element)
        if images.ndim not in (3, 4) or images.shape[-1] != 3:
            raise ValueError(
                "An image must have the shape (height, width, 3) to fit colours to it. "
                f"Received: shape={images.shape}"
            )
        for image in images if images.ndim == 4 else [images]:
            if image.size:
                yield image.reshape(-1, 3).T.astype(np.float64, order="C")


class ColorTransform(Transform):
    """A transform that needs three channels."""

    dtype = np.float32

    def __call__(self, images: Any, seeds: Any = None) -> Any:
        images = as_pictures(images)
        check_channels(static_shape(images))
        return super().__call__(images, seeds)


def check_channels(shape: Shape | None) -> None:
    """Raises a ValueError unless a shape is that of one or several images in colour."""
    if shape is None or len(shape) not in (3, 4) or shape[-1] != 3:
        raise ValueError(
            "`images` must have three channels, (height, width, 3) or (n, height, width, 3): "
            f"grey images have no colour to change. Received: shape={shape}"
        )


@dataclass(frozen=True)
class PCAColorJitter(ColorTransform):
    """AlexNet's colour jitter: adds one random colour to all pixels of an image.

    With λ and P the eigenvalues and eigenvectors of the covariance of colours in 0…1, the added
    colour is 255·P(α∘λ) in grey levels, α ~ N(0, `std`) for each axis, redrawn for each seed.
    Nothing is clipped: pixels leave 0…255 by a few levels.

    The paper gives neither the unit of λ nor whether N(0, 0.1) names a variance. Here pixels are in
    0…1 and 0.1 is a standard deviation. That shifts a channel by 3.2 grey levels (standard
    deviation, ImageNet constants); read literally on pixels in 0…255, the formula would shift it
    by 860. `scale="std"` is the form of the author's later code, cuda-convnet2, which multiplies by
    standard deviations: 255·P(α∘√λ), 7.2 grey levels, or 7.4 with the constants in its own files,
    121.780, 37.094 and 19.721 grey levels. These squared in 0…1 are 0.228, 0.021 and 0.006: the λ
    of `IMAGENET_PCA` are indeed variances of pixels in 0…1. (That code then divides by 1 + 0.1;
    this one does not: see `DivideAroundMean`.)

    Args:
        std: standard deviation of α.
        scale: "eigenvalue" for the paper's λ, "std" for the stronger √λ.
        pca: an `RGBPCA`, from `fit_rgb_pca` on the training images or ImageNet's.

    Input shape:
        images (n, height, width, 3) of any type and seeds (n,), or one image
        (height, width, 3) and one seed.

    Output shape:
        as the input, float32.

    Raises:
        ValueError: if `std` is negative, `scale` is unknown or `pca` is none; when called, if the
            images do not have three channels or a seed each.

    Reference:
        Krizhevsky, Sutskever, Hinton 2012, section 4.1: to each RGB pixel is added
        [p1, p2, p3][α1λ1, α2λ2, α3λ3]ᵀ, each α drawn once for all pixels of an image until it is
        used for training again.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.color import PCAColorJitter
        >>> image = np.full((224, 224, 3), 128, "uint8")
        >>> jitter = PCAColorJitter(std=0.1)
        >>> colors = [jitter(image, seed)[0, 0] for seed in range(1000)]
        >>> np.std(colors, axis=0).round().tolist()
        [3.0, 3.0, 3.0]
    """

    std: float = 0.1
    scale: str = "eigenvalue"
    pca: RGBPCA = IMAGENET_PCA

    def __post_init__(self) -> None:
        checks.number("std", self.std, 0)
        checks.choice("scale", self.scale, ("eigenvalue", "std"))
        if not isinstance(self.pca, RGBPCA):
            checks.refuse("pca", "an `RGBPCA`", self.pca)

    def shifts(self, seeds: Seeds) -> np.ndarray:
        """Returns the added colours in grey levels, float32 (…, 3) for seeds (…)."""
        alphas = normal(np.asarray(seeds)[..., np.newaxis], np.arange(3), 0.0, self.std)
        # A sum of its own for each seed: a product of matrices may round otherwise for several.
        shifts = (alphas[..., np.newaxis, :] * _axes(self.pca, self.scale)).sum(axis=-1)
        return shifts.astype(np.float32)

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        check_channels(image.shape)
        return _add(image, self.shifts(seed))

    def apply_batch(self, images: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        check_channels(images.shape)
        return stacked(_add(*pair) for pair in zip(images, self.shifts(seeds), strict=True))


# Red, green and blue of ImageNet's training images, as VGG's authors published them.
IMAGENET_MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True)
class DivideAroundMean(ColorTransform):
    """Divides what is left of an image when a mean colour is subtracted, and adds that again.

    The authors of AlexNet divide by 1 + 0.1 what they have added the colour noise to, so that
    pictures in training vary no more than those in testing, which get no noise. Their pixels have
    the mean image subtracted by then; those of a recipe do not.

    Args:
        by: the divisor.
        mean: red, green and blue of the mean colour, in 0 … 255.

    Input shape:
        images (n, height, width, 3) of any type, or one image (height, width, 3).

    Output shape:
        as the input, float32.

    Raises:
        ValueError: if `by` is no number above 0, or `mean` not three numbers in 0 … 255; when
            called, if the images do not have three channels.

    Reference:
        The 2012 code of AlexNet's authors, convdata.py.

    Example:
        >>> import numpy as np
        >>> from keras_classics.data.transforms.color import DivideAroundMean
        >>> image = np.full((1, 1, 3), (210, 100, 100), "uint8")
        >>> DivideAroundMean(by=1.1, mean=(100, 100, 100))(image).tolist()
        [[[200.0, 100.0, 100.0]]]
    """

    by: float = 1.1
    mean: tuple[float, ...] = IMAGENET_MEAN
    is_random = False

    def __post_init__(self) -> None:
        checks.number("by", self.by, 1e-6, 1e6)
        mean = _finite(self.mean, (3,))
        if mean is None or not ((mean >= 0) & (mean <= 255)).all():
            checks.refuse("mean", "three numbers in 0 … 255", self.mean)
        object.__setattr__(self, "mean", tuple(mean.tolist()))  # as `RGBPCA`

    def apply(self, image: np.ndarray, seed: Seeds) -> np.ndarray:
        check_channels(image.shape)
        mean = np.array(self.mean, np.float32)
        return mean + (np.asarray(image, np.float32) - mean) / np.float32(self.by)

    def apply_batch(self, images: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        return self.apply(images, 0)


@functools.cache
def _axes(pca, scale):
    """The principal axes as columns, as long in grey levels as α = 1 moves a colour."""
    lengths = np.array(pca.eigenvalues)
    return 255 * np.array(pca.eigenvectors) * (np.sqrt(lengths) if scale == "std" else lengths)


def _add(image, color):
    if image.dtype != np.uint8:
        image = np.asarray(image, np.float32)
    # A fifth of the time that NumPy takes to spread three numbers over pixels.
    return cv2.add(image, (*color.tolist(), 0.0), dtype=cv2.CV_32F)
