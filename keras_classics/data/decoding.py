"""Encoded images -> pixels, in a pipeline of tf.data.

JPEG is decoded by TensorFlow, which can decode a window of it. Everything else (PNG, WebP, GIF,
images that a camera took sideways) goes through Pillow: the first frame, upright, on white where
it is transparent, in 8 bits. Either way three channels come out, red, green and blue.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.image_files import rgb_pixels

if TYPE_CHECKING:
    from keras_classics.types import Tensor

# Exact and as fast as the others where libjpeg-turbo has vector instructions; Pillow's choice too.
DCT_METHOD = "INTEGER_ACCURATE"
# Pillow's limit, above which a file is taken for an attack on the memory.
MOST_PIXELS = 89_478_485
# Columns decoded on either side of a window. Where JPEG stores colours at half the resolution, they
# are interpolated across its edge: without a margin, the outermost columns of photographs are off
# by up to 37 grey levels (0.0018 on average over all pixels); from 2 columns on, by none.
_MARGIN = 8
_END_OF_JPEG = b"\xff\xd9"
_EXIF_WITHIN = 512  # bytes from the start; the Exif segment is the first or the second


def decode(encoded: bytes | Tensor, window: Callable[[Any, Any], Any] | None = None) -> Tensor:
    """Decodes an image, or a window of it.

    Args:
        encoded: bytes of an image file, or a scalar string tensor of them.
        window: function (height, width) -> int32 tensor (top, left, height, width), what to decode
            of an image of that size; None for all of it. The pixels are those of the whole.

    Returns:
        uint8 tensor (height, width, 3).

    Raises:
        tf.errors.OpError: if the bytes are no image that can be decoded.

    Example:
        >>> import tensorflow as tf
        >>> from keras_classics.data.decoding import decode
        >>> image = tf.io.encode_jpeg(tf.zeros((20, 30, 3), tf.uint8))
        >>> decode(image).shape.as_list()
        [20, 30, 3]
        >>> decode(image, window=lambda height, width: tf.constant([5, 5, 8, 9])).shape.as_list()
        [8, 9, 3]
    """
    tf = import_tensorflow()
    encoded = tf.convert_to_tensor(encoded)

    def by_tensorflow():
        height, width, _ = tf.unstack(tf.image.extract_jpeg_shape(encoded), 3)
        # JPEG's sides are below 2¹⁶, so that 64 bits hold their product.
        pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
        with tf.control_dependencies(
            [tf.debugging.assert_less_equal(pixels, tf.constant(MOST_PIXELS, tf.int64))]
        ):
            if window is None:
                return whole()
            # A cut-off file is found bad even where the window lies above the cut.
            ends = tf.strings.substr(encoded, -2, 2) == _END_OF_JPEG
            box = window(height, width)
            return tf.cond(ends, lambda: part(box, width), lambda: cut(whole(), box))

    def whole():
        return tf.io.decode_jpeg(encoded, channels=3, dct_method=DCT_METHOD)

    def part(box, width):
        top, left, rows, columns = tf.unstack(box, 4)
        start = tf.maximum(left - _MARGIN, 0)
        end = tf.minimum(left + columns + _MARGIN, width)
        image = tf.image.decode_and_crop_jpeg(
            encoded, (top, start, rows, end - start), channels=3, dct_method=DCT_METHOD
        )
        return cut(image, (0, left - start, rows, columns))

    def cut(image, box):
        top, left, rows, columns = tf.unstack(box, 4)
        return image[top : top + rows, left : left + columns]

    def by_pillow():
        image = tf.numpy_function(lambda data: rgb_pixels(_bytes(data)), [encoded], tf.uint8)
        image = tf.ensure_shape(image, (None, None, 3))
        if window is None:
            return image
        sides = tf.shape(image)
        return cut(image, window(sides[0], sides[1]))

    return tf.cond(_is_upright_jpeg(encoded), by_tensorflow, by_pillow)


def _is_upright_jpeg(encoded):
    tf = import_tensorflow()
    start = tf.strings.substr(encoded, 0, _EXIF_WITHIN)
    is_jpeg = tf.strings.substr(start, 0, 3) == b"\xff\xd8\xff"
    has_exif = tf.strings.regex_full_match(start, r"\C*Exif\C*")
    # Few images have an orientation, so few wait for Python here.
    turned = tf.cond(
        is_jpeg & has_exif,
        lambda: tf.numpy_function(_is_turned, [encoded], tf.bool),
        lambda: tf.constant(False),
    )
    return is_jpeg & ~turned


def _bytes(encoded):
    """What TensorFlow hands to Python: bytes in a pipeline, else an array that holds them."""
    return encoded if isinstance(encoded, bytes) else encoded.item()


def _is_turned(encoded):
    from PIL import ExifTags, Image

    try:
        with Image.open(io.BytesIO(_bytes(encoded)), formats=("JPEG",)) as image:
            return np.bool_(image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9))
    except Exception:  # damaged metadata is no reason to refuse the pixels
        return np.False_
