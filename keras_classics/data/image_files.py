"""Image files of any kind -> the shape and the look of the images a network was trained on."""

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps

from keras_classics.data.errors import DataError

# Those of photographs and drawings. Pillow knows forty more, among them some that run programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# MNIST's own preparation (LeCun et al. 1998, section III-A): the digit fits a box of 20×20 pixels
# in a field of 28×28, its centre of mass at the centre of the field.
_BOX_SHARE = 20 / 28
# Of 255: less contrast than this is noise of a blank sheet rather than a pencil.
_LEAST_CONTRAST = 16
# What is fainter than this share of the strongest ink is paper. A drawing's ground is one grey; the
# grain and the shadows of a photograph would otherwise count as ink and widen the box.
_FAINT_IN_DRAWING, _FAINT_IN_PHOTOGRAPH = 0.05, 0.4


def read_image(
    path: str | os.PathLike, image_shape: tuple[int, int, int], digits: bool
) -> tuple[np.ndarray, list[str]]:
    """Reads an image file into the shape that a network was trained on.

    JPEG, PNG, WebP, GIF, BMP and TIFF are read, whatever the file is called.

    Every mode of Pillow becomes 8-bit grey or RGB, by the number of channels: 16-bit and floating
    point values are scaled to 0…255, transparent images are laid on white (on black where white
    would leave nothing to see), and the camera's orientation is undone. An image that then has
    the right size keeps its pixels. Any other is

    - for digits, prepared like MNIST: inverted if its ink is darker than its border, stretched
      from ground 0 to ink 255, cut to the ink, scaled (antialiased) into a box of 20/28 of the
      field and moved so that the centre of mass is the field's centre;
    - otherwise resized (antialiased) until it just covers the shape, of which the centre is kept.

    Args:
        path: the image file.
        image_shape: (height, width, channels), with 1 or 3 channels.
        digits: whether the network reads single digits, light ink on a dark ground; then
            `image_shape` has 1 channel.

    Returns:
        A uint8 array of `image_shape`, and sentences that say what was done to the image.

    Raises:
        DataError: if the file is no readable image, is larger than 89 million pixels, or shows
            no ink where a digit is wanted.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     Image.new("RGB", (64, 48), "red").save(f"{directory}/red.png")
    ...     pixels, done = read_image(f"{directory}/red.png", (32, 32, 3), digits=False)
    >>> pixels.shape, pixels[0, 0].tolist()
    ((32, 32, 3), [255, 0, 0])
    >>> done
    ['Cut it from 64×48 to its central 48×48.', 'Resized it from 48×48 to 32×32 pixels.']
    """
    height, width, channels = image_shape
    if channels not in (1, 3) or (digits and channels != 1):
        raise ValueError(
            "`image_shape` must have 1 channel, or 3 where `digits` is false. "
            f"Received: image_shape={tuple(image_shape)}, digits={digits}"
        )
    done: list[str] = []
    image = _open(Path(path), done)
    image = _to_eight_bits(image, path, done)
    image = _to_channels(image, channels, done)
    if digits:
        ground, ink, faint = _ground_and_ink(image, path)
    if image.size == (width, height):
        done.append(f"Kept its pixels, which are {width}×{height} already.")
        if digits and ink < ground:
            done.append("Its ink is darker than its ground, other than in the training set.")
    elif digits:
        image = _prepare_digit(image, (width, height), (ground, ink, faint), done)
    else:
        image = _cover(image, (width, height), done)
    return np.asarray(image).reshape(image_shape), done


def rgb_pixels(encoded: bytes, name: str = "The image") -> np.ndarray:
    """Decodes the bytes of an image file of any kind into 8-bit red, green and blue, upright.

    Args:
        encoded: content of the file.
        name: what an error message calls it.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        DataError: if it is no readable image or has more than 89 million pixels.

    Example:
    >>> import io
    >>> file = io.BytesIO()
    >>> Image.new("L", (3, 2), 7).save(file, "png")
    >>> rgb_pixels(file.getvalue()).tolist()[0]
    [[7, 7, 7], [7, 7, 7], [7, 7, 7]]
    """
    image = _decode(io.BytesIO(encoded), name, [])
    return np.array(_to_channels(_to_eight_bits(image, name, []), 3, []))


def _open(path: Path, done: list[str]) -> Image.Image:
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {what}; name an image file.")
    return _decode(path, path, done)


def _decode(file: Path | io.BytesIO, path: str | os.PathLike, done: list[str]) -> Image.Image:
    """Decodes the first image of a file, upright."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning)  # of odd metadata
            with Image.open(file, formats=FORMATS) as image:
                frames = getattr(image, "n_frames", 1)
                image.load()
                upright = ImageOps.exif_transpose(image)
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels; make it smaller."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not an image that can be read; save it as PNG or JPEG."
        ) from error
    except Exception as error:  # decoders of damaged files raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path} cannot be decoded ({reason}); it is damaged or incomplete, save it again."
        ) from error
    if frames > 1:
        done.append(f"Took the first of {frames} images in the file.")
    if turned:
        done.append("Turned it upright, as its EXIF orientation says.")
    return upright


def _to_eight_bits(image: Image.Image, path: str | os.PathLike, done: list[str]) -> Image.Image:
    """Scales 16-bit, 32-bit and floating point greys to 0…255; leaves every other mode alone."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    least, most = float(values.min()), float(values.max())
    if not np.isfinite([least, most]).all():
        raise DataError(f"{path} holds values that are not finite; save it as PNG or JPEG.")
    if image.mode == "F" and least >= 0 and most <= 1:
        low, high = 0.0, 1.0
    elif not image.mode.startswith("I;16") and least >= 0 and most <= 255:
        low, high = 0.0, 255.0
    elif image.mode != "F" and least >= 0 and most <= 65535:
        low, high = 0.0, 65535.0
    else:  # no scale to tell from
        low, high = least, most
    if (low, high) != (0, 255):
        done.append(f"Scaled its values from {low:g}…{high:g} to 0…255.")
    scaled = (values.astype(np.float64) - low) * (255 / ((high - low) or 1))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _to_channels(image: Image.Image, channels: int, done: list[str]) -> Image.Image:
    if image.has_transparency_data:
        image = _lay_on_ground(image, done)
    if channels == 3:
        if image.mode in ("1", "L"):
            done.append("Repeated its grey values for red, green and blue.")
        return image.convert("RGB")
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")  # some modes have no direct way to grey
        done.append("Turned its colours into grey.")
    return image.convert("L")


def _lay_on_ground(image: Image.Image, done: list[str]) -> Image.Image:
    image = image.convert("RGBA")
    bands: Any = image.getextrema()
    if bands[3][0] == 255:  # nothing shines through
        return image
    for ground in ("white", "black"):
        laid = Image.alpha_composite(Image.new("RGBA", image.size, ground), image).convert("RGB")
        bands = laid.getextrema()
        if any(least < most for least, most in bands):
            break
    done.append(f"Laid it on {ground} where it is transparent.")
    return laid


def _ground_and_ink(image: Image.Image, path: str | os.PathLike) -> tuple[float, float, float]:
    """Returns the border's grey, the one farthest from it, and the share below which is paper."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = float(np.median(border))
    ink = max(float(pixels.min()), float(pixels.max()), key=lambda grey: abs(grey - ground))
    if abs(ink - ground) < _LEAST_CONTRAST:
        raise DataError(
            f"{path} shows no ink, its {image.width}×{image.height} pixels hardly differ; name an "
            "image of a digit."
        )
    is_drawing = np.mean(border == ground) > 0.5
    return ground, ink, _FAINT_IN_DRAWING if is_drawing else _FAINT_IN_PHOTOGRAPH


def _prepare_digit(
    image: Image.Image, size: tuple[int, int], greys: tuple[float, float, float], done: list[str]
) -> Image.Image:
    """Does with a digit of any size what MNIST's authors did with theirs."""
    ground, ink, faint = greys
    if ink < ground:
        done.append("Inverted it, since its ink is darker than its border.")
    strength = (np.arange(256) - ground) / (ink - ground)
    strength = np.where(strength < faint, 0, np.minimum(strength, 1))
    digit = image.point(np.rint(255 * strength).astype(int).tolist())

    box: Any = digit.getbbox()
    digit_size = np.array([box[2] - box[0], box[3] - box[1]])
    scale = np.min(_BOX_SHARE * np.array(size) / digit_size)
    scaled_size = np.maximum(np.rint(scale * digit_size), 1).astype(int)
    # In floating point, since thin strokes become faint before they are made white like MNIST's.
    digit = digit.crop(box).convert("F")
    pixels = np.asarray(digit.resize(tuple(scaled_size.tolist()), Image.Resampling.BILINEAR))
    pixels = pixels * (255 / pixels.max())

    field = np.zeros(size[::-1], np.uint8)
    top, left = (
        int(np.clip(round(room / 2 - centre), 0, room - length))
        for room, centre, length in zip(
            field.shape, _centre_of_mass(pixels), pixels.shape, strict=True
        )
    )
    field[top : top + pixels.shape[0], left : left + pixels.shape[1]] = np.rint(pixels)
    done.append(
        f"Cut it to its ink, {digit_size[0]}×{digit_size[1]} pixels, scaled that to "
        f"{scaled_size[0]}×{scaled_size[1]} and centred it by its mass in {size[0]}×{size[1]}."
    )
    return Image.fromarray(field)


def _centre_of_mass(pixels: np.ndarray) -> tuple[float, ...]:
    """Returns (row, column), counted from 0 at the middle of the first pixel as in MNIST."""
    masses = pixels.sum(axis=1), pixels.sum(axis=0)
    return tuple(float(np.average(np.arange(len(mass)), weights=mass)) for mass in masses)


def _cover(image: Image.Image, size: tuple[int, int], done: list[str]) -> Image.Image:
    width, height = size
    share = min(image.width / width, image.height / height)
    kept = max(1, round(share * width)), max(1, round(share * height))
    if kept != image.size:
        done.append(f"Cut it from {image.width}×{image.height} to its central {kept[0]}×{kept[1]}.")
    if kept != size:
        done.append(f"Resized it from {kept[0]}×{kept[1]} to {width}×{height} pixels.")
    left, top = (image.width - kept[0]) // 2, (image.height - kept[1]) // 2
    # Cut first: with a box, Pillow's antialiasing would mix in what lies outside of it.
    image = image.crop((left, top, left + kept[0], top + kept[1]))
    return image.resize(size, Image.Resampling.BILINEAR)
