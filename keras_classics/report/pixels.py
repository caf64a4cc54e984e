"""Arrays to pictures: colours for signed values, ink for digits, tiles side by side."""

import io
import math

import numpy as np
from PIL import Image

# Negative, zero, positive: two hues that colour-blind readers tell apart, as in the curves.
NEGATIVE, ZERO, POSITIVE = (35, 94, 168), (250, 250, 247), (208, 90, 30)
LINE = (205, 205, 200)


def signed(values: np.ndarray, limit: float) -> np.ndarray:
    """Colours values in [−limit, limit]: blue, white at zero, orange.

    Args:
        values: floats of any shape.
        limit: the value that gets the full colour.

    Returns:
        uint8 array with one more axis, of length 3.
    """
    scaled = np.nan_to_num(values / limit if limit > 0 else np.zeros_like(values))
    anchors = np.array([NEGATIVE, ZERO, POSITIVE], float)
    channels = [np.interp(scaled, (-1, 0, 1), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype("uint8")


def ink(values: np.ndarray) -> np.ndarray:
    """Draws −1 as paper, +1 as black ink; values outside are clipped.

    Returns:
        uint8 array with one more axis, of length 3.
    """
    grey = 255 * (1 - np.clip(values, -1, 1)) / 2
    return np.repeat(np.nan_to_num(grey)[..., None].round().astype("uint8"), 3, axis=-1)


def is_light_on_dark(images: np.ndarray) -> bool:
    """Whether most of what grey pictures show is dark, as the ground of MNIST's digits."""
    return images.size > 0 and bool(np.median(images) < 128)


def pictures(images: np.ndarray, light_on_dark: bool | None = None) -> np.ndarray:
    """Turns data-set pictures into RGB, grey ones into dark ink on white paper.

    Args:
        images: uint8 array of shape (n, h, w, c).
        light_on_dark: whether grey ones are turned into their negatives; None for what
            `is_light_on_dark` says of these.

    Returns:
        uint8 array of shape (n, h, w, 3).
    """
    if images.shape[-1] >= 3:
        return images[..., :3]
    grey = images[..., :1]
    if light_on_dark is None:
        light_on_dark = is_light_on_dark(grey)
    return np.repeat(255 - grey if light_on_dark else grey, 3, axis=-1)


def shrink(images: np.ndarray, side: int) -> np.ndarray:
    """Averages squares of pixels until no side is longer than `side`.

    Args:
        images: array of shape (n, h, w) or (n, h, w, c).
        side: greatest height or width of the result.

    Returns:
        Array of the same type and number of axes.
    """
    count, height, width, *channels = images.shape
    factor = math.ceil(max(height, width) / side)
    rows, columns = max(1, height // factor), max(1, width // factor)
    whole = images[:, : rows * factor, : columns * factor]
    squares = whole.reshape(count, rows, -1, columns, whole.shape[2] // columns, *channels)
    return squares.mean(axis=(2, 4)).astype(images.dtype)


def tile(
    cells: np.ndarray, columns: int, scale: int, gap: int = 4, border: int = 1, line: tuple = LINE
) -> np.ndarray:
    """Puts pictures of one size side by side, each in a thin border; between them is no colour.

    Args:
        cells: uint8 array of shape (n, h, w, 3).
        columns: how many in a row.
        scale: pixels of the result per pixel of a picture.
        gap: pixels between two pictures.
        border: width of the lines in pixels.
        line: their colour.

    Returns:
        uint8 array of shape (H, W, 4), whose last channel is 0 between the pictures.
    """
    count, height, width, _ = cells.shape
    height, width = height * scale + 2 * border, width * scale + 2 * border
    rows = math.ceil(count / columns)
    canvas = blank(rows * (height + gap) - gap, columns * (width + gap) - gap)
    for index, cell in enumerate(cells):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = (*line, 255)
        enlarged = cell.repeat(scale, axis=0).repeat(scale, axis=1)
        inside = canvas[top + border : top + height - border, left + border : left + width - border]
        inside[..., :3] = enlarged
    return canvas


def blank(height: int, width: int) -> np.ndarray:
    """Returns a picture (h, w, 4) through which the page is seen; white where that cannot be."""
    return np.full((height, width, 4), (255, 255, 255, 0), "uint8")


def png(picture: np.ndarray) -> bytes:
    """Encodes a uint8 picture of shape (h, w, 3 or 4)."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
