"""Encoded pictures -> pixels, in a pipeline of tf.data.

JPEG is decoded by TensorFlow, which can decode a window of it. Everything else (PNG, WebP, GIF,
pictures that a camera took sideways) goes through Pillow: the first frame, upright, on white where
it is transparent, in 8 bits. Either way three channels come out, red, green and blue.
"""

import io

import numpy as np

from keras_classics.data.host_tensorflow import import_tensorflow
from keras_classics.data.pictures import rgb_pixels

# Exact and as fast as the others where libjpeg-turbo has vector instructions; Pillow's choice too.
DCT_METHOD = "INTEGER_ACCURATE"
# Pillow's limit, above which a file is taken for an attack on the memory.
MOST_PIXELS = 89_478_485
_EXIF_WITHIN = 512  # bytes from the start; the Exif segment is the first or the second


def decode(encoded, window=None):
    """Decodes a picture, or a window of it.

    Args:
        encoded: scalar string tensor, the bytes of a picture file.
        window: function (height, width) -> int32 tensor (top, left, height, width), what to decode
            of a picture of that size; None for all of it. Where JPEG stores colours at half the
            resolution, the outermost pixels of a window may differ from those of the whole by some
            grey levels, since colours are interpolated across its edge.

    Returns:
        uint8 tensor (height, width, 3).

    Raises:
        tf.errors.OpError: if the bytes are no picture that can be decoded.

    Example:
        >>> import tensorflow as tf
        >>> from keras_classics.data.decoding import decode
        >>> picture = tf.io.encode_jpeg(tf.zeros((20, 30, 3), tf.uint8))
        >>> decode(picture).shape.as_list()
        [20, 30, 3]
        >>> decode(picture, window=lambda height, width: tf.constant([5, 5, 8, 9])).shape.as_list()
        [8, 9, 3]
    """
    tf = import_tensorflow()

    def by_tensorflow():
        height, width, _ = tf.unstack(tf.image.extract_jpeg_shape(encoded), 3)
        # JPEG's sides are below 2¹⁶, so that 64 bits hold their product.
        pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
        with tf.control_dependencies(
            [tf.debugging.assert_less_equal(pixels, tf.constant(MOST_PIXELS, tf.int64))]
        ):
            if window is None:
                return tf.io.decode_jpeg(encoded, channels=3, dct_method=DCT_METHOD)
            return tf.image.decode_and_crop_jpeg(
                encoded, window(height, width), channels=3, dct_method=DCT_METHOD
            )

    def by_pillow():
        image = tf.numpy_function(rgb_pixels, [encoded], tf.uint8)
        image = tf.ensure_shape(image, (None, None, 3))
        if window is None:
            return image
        sides = tf.shape(image)
        top, left, height, width = tf.unstack(window(sides[0], sides[1]), 4)
        return image[top : top + height, left : left + width]

    return tf.cond(_is_upright_jpeg(encoded), by_tensorflow, by_pillow)


def _is_upright_jpeg(encoded):
    tf = import_tensorflow()
    start = tf.strings.substr(encoded, 0, _EXIF_WITHIN)
    is_jpeg = tf.strings.substr(start, 0, 3) == b"\xff\xd8\xff"
    has_exif = tf.strings.regex_full_match(start, r"\C*Exif\C*")
    # Few pictures have an orientation, so few wait for Python here.
    turned = tf.cond(
        is_jpeg & has_exif,
        lambda: tf.numpy_function(_is_turned, [encoded], tf.bool),
        lambda: tf.constant(False),
    )
    return is_jpeg & ~turned


def _is_turned(encoded):
    from PIL import ExifTags, Image

    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return np.bool_(image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9))
    except Exception:  # damaged metadata is no reason to refuse the pixels
        return np.False_
