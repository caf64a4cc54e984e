import io

import numpy as np
from PIL import Image

from keras_classics.report import pixels


def test_signed_values_get_their_colours():
    colors = pixels.signed(np.array([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan]), 1.0)
    negative, zero, positive = pixels.NEGATIVE, pixels.ZERO, pixels.POSITIVE
    assert [tuple(c) for c in colors] == [negative, negative, zero, positive, positive, zero]


def test_signed_zeros_are_white():
    assert (pixels.signed(np.zeros(3), 0.0) == pixels.ZERO).all()


def test_ink_is_black_on_white():
    assert pixels.ink(np.array([-1.7, -1.0, 1.0]))[:, 0].tolist() == [255, 255, 0]


def test_grey_pictures_become_ink_on_paper():
    light_on_dark = np.zeros((1, 4, 4, 1), "uint8")
    light_on_dark[0, 1, 1] = 250
    drawn = pixels.pictures(light_on_dark)
    assert drawn.shape == (1, 4, 4, 3)
    assert drawn[0, 0, 0].tolist() == [255] * 3
    assert drawn[0, 1, 1].tolist() == [5] * 3
    np.testing.assert_array_equal(pixels.pictures(255 - light_on_dark), drawn)


def test_colour_pictures_stay_as_they_are():
    images = np.arange(2 * 2 * 2 * 4, dtype="uint8").reshape(2, 2, 2, 4)
    np.testing.assert_array_equal(pixels.pictures(images), images[..., :3])


def test_tiles_lie_in_rows():
    cells = np.stack([np.full((2, 3, 3), shade, "uint8") for shade in (10, 20, 30)])
    canvas = pixels.tile(cells, columns=2, scale=2, gap=4, border=1)
    assert canvas.shape == (2 * 6 + 4, 2 * 8 + 4, 4)
    assert [canvas[1, 1, 0], canvas[1, 13, 0], canvas[11, 1, 0]] == [10, 20, 30]
    assert canvas[0, 0].tolist() == [*pixels.LINE, 255]
    assert (canvas[11:, 12:] == (255, 255, 255, 0)).all()  # the page is seen there


def test_shrinking_averages():
    images = np.zeros((1, 5, 4, 1))
    images[0, :2, :2] = [[[1], [2]], [[3], [6]]]
    small = pixels.shrink(images, 3)
    assert small.shape == (1, 2, 2, 1)
    assert small[0, :, :, 0].tolist() == [[3, 0], [0, 0]]
    assert pixels.shrink(images, 5).shape == images.shape
    assert pixels.shrink(np.ones((2, 9, 1)), 3).shape == (2, 3, 1)


def test_png_holds_the_same_pixels():
    picture = np.arange(27, dtype="uint8").reshape(3, 3, 3)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(pixels.png(picture)))), picture)
