import resource
import struct
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_classics.data.errors import DataError
from keras_classics.data.image_files import read_image
from keras_classics.data.sources import load

FIELD = (28, 28, 1)
KEPT = "Kept its pixels, which are 28×28 already."
INVERTED = "Inverted it, since its ink is darker than its border."


def save(directory, picture, ending="png", **options):
    """Writes an array or a Pillow image to a file."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    path = directory / f"picture.{ending}"
    picture.save(path, **options)
    return path


def message(path, shape=FIELD, digits=True):
    with pytest.raises(DataError) as raised:
        read_image(path, shape, digits)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture(scope="module")
def digits():
    return load("mnist_5k", "test").images[:40, :, :, 0]


def bar(size=(40, 20), low=255, high=0):
    """A dark upright bar of 4×10 pixels on a light ground."""
    pixels = np.full(size, low, np.uint8)
    pixels[20:30, 6:10] = high
    return pixels


# Digits


def test_a_digit_of_the_right_size_is_kept(tmp_path, digits):
    pixels, done = read_image(save(tmp_path, digits[0]), FIELD, digits=True)
    assert (pixels.shape, pixels.dtype) == (FIELD, np.uint8)
    np.testing.assert_array_equal(pixels[..., 0], digits[0])
    assert done == [KEPT]


def test_a_dark_digit_of_the_right_size_is_kept_with_a_word(tmp_path, digits):
    pixels, done = read_image(save(tmp_path, 255 - digits[0]), FIELD, digits=True)
    np.testing.assert_array_equal(pixels[..., 0], 255 - digits[0])
    assert done == [KEPT, "Its ink is darker than its ground, other than in the training set."]


def test_the_preparation_is_that_of_mnist(tmp_path, digits):
    """Digits of MNIST, moved about on a sheet, come back as they were."""
    agreeing = 0
    for digit in digits:
        sheet = 255 - np.pad(digit, ((3, 19), (12, 1)))
        pixels, done = read_image(save(tmp_path, sheet), FIELD, digits=True)
        assert done[0] == INVERTED
        # What is fainter than a twentieth is taken for paper, and the strongest ink becomes 255.
        agreeing += np.abs(pixels[..., 0].astype(int) - digit).max() <= 13
    assert agreeing >= 36  # of 40: a faint outermost row changes the scale of the others


@pytest.mark.parametrize("factor", [4, 10])
def test_enlarged_digits_come_back_nearly(tmp_path, digits, factor):
    for digit in digits:
        sheet = np.pad(digit.repeat(factor, 0).repeat(factor, 1), ((5, 300), (90, 7)))
        pixels, _ = read_image(save(tmp_path, sheet), FIELD, digits=True)
        correlation = np.corrcoef(pixels.ravel(), digit.ravel())[0, 1]
        assert correlation > 0.97


@pytest.mark.parametrize("darkest", [220, 190, 150])
def test_photographed_digits_come_back_nearly(tmp_path, digits, darkest):
    """Pencil on greyish paper that darkens to one side, with grain, as JPEG."""
    noise = np.random.default_rng(0).normal(0, 5, (500, 400))
    paper = np.linspace(220, darkest, 400) + noise
    correlations = []
    for digit in digits[:20]:
        ink = np.zeros((500, 400))
        ink[100:380, 50:330] = Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC)
        sheet = paper * (1 - ink / 255) + 60 * ink / 255
        sheet = Image.fromarray(sheet.clip(0, 255).astype(np.uint8)).convert("RGB")
        pixels, _ = read_image(save(tmp_path, sheet, "jpg"), FIELD, digits=True)
        assert (pixels == 0).sum() > 300
        correlations.append(np.corrcoef(pixels.ravel(), digit.ravel())[0, 1])
    assert np.mean(correlations) > 0.93


def test_box_and_centre_of_mass(tmp_path):
    pixels, done = read_image(save(tmp_path, bar()), FIELD, digits=True)
    assert done == [
        INVERTED,
        "Cut it to its ink, 4×10 pixels, scaled that to 8×20 and centred it by its mass in 28×28.",
    ]
    expected = np.zeros((28, 28), np.uint8)
    expected[4:24, 10:18] = 255
    np.testing.assert_array_equal(pixels[..., 0], expected)


def test_the_box_is_a_share_of_any_field(tmp_path):
    pixels, done = read_image(save(tmp_path, bar()), (56, 14, 1), digits=True)
    assert pixels.shape == (56, 14, 1)
    assert done[-1].endswith("scaled that to 10×25 and centred it by its mass in 14×56.")


def test_ink_far_from_its_centre_of_mass_is_not_cut_off(tmp_path):
    pixels = np.zeros((60, 60), np.uint8)
    pixels[0, :] = 255  # a long thin tail above …
    pixels[:50, 30] = 40
    pixels[50:, 20:40] = 255
    result, _ = read_image(save(tmp_path, np.pad(pixels, 2)), FIELD, digits=True)
    rows, columns = np.nonzero(result[..., 0])
    assert (np.ptp(rows), np.ptp(columns)) == (19, 19)


@pytest.mark.parametrize("width", [1, 3])
def test_thin_strokes_become_white(tmp_path, width):
    pixels = np.full((3000, 3000), 255, np.uint8)
    pixels[400:2600, 1500 : 1500 + width] = 0
    pixels[400 : 400 + width, 700:1500] = 0
    result, _ = read_image(save(tmp_path, pixels), FIELD, digits=True)
    assert result.max() == 255
    assert (result > 100).sum() >= 20


def test_specks_in_opposite_corners(tmp_path):
    pixels = np.zeros((2000, 2000), np.uint8)
    pixels[3, 3] = pixels[-4, -4] = 255
    result, _ = read_image(save(tmp_path, pixels), FIELD, digits=True)
    assert np.argwhere(result[..., 0] > 200).tolist() == [[4, 4], [23, 23]]


@pytest.mark.parametrize("shape", [(20, 20000), (1, 20000), (20000, 1)])
@pytest.mark.parametrize("digits", [True, False])
def test_very_long_pictures(tmp_path, shape, digits):
    pixels = np.full(shape, 255, np.uint8)
    pixels[shape[0] // 4 : -(shape[0] // 4) or None, shape[1] // 4 : -(shape[1] // 4) or None] = 0
    path = save(tmp_path, pixels)
    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result, _ = read_image(path, FIELD, digits)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 100e6  # bytes
    assert time.perf_counter() - start < 5
    assert result.min() == 0
    assert result.max() == 255 or not digits


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1), np.uint8),
        np.full((28, 28), 7, np.uint8),
        np.full((300, 200), 255, np.uint8),
        np.random.default_rng(0).integers(230, 240, (90, 90), np.uint8),
    ],
    ids=["1x1", "right size", "white", "grain"],
)
def test_no_ink(tmp_path, pixels):
    path = save(tmp_path, pixels)
    size = f"{pixels.shape[1]}×{pixels.shape[0]}"
    assert message(path) == (
        f"{path} shows no ink, its {size} pixels hardly differ; name an image of a digit."
    )


# Photographs


def test_photographs_are_cut_and_resized(tmp_path):
    pixels = np.zeros((30, 50, 3), np.uint8)
    pixels[:, 10:40] = 200, 100, 50
    path = save(tmp_path, pixels)
    result, done = read_image(path, (15, 15, 3), digits=False)
    assert (result == (200, 100, 50)).all()
    assert done == [
        "Cut it from 50×30 to its central 30×30.",
        "Resized it from 30×30 to 15×15 pixels.",
    ]


def test_photographs_are_resized_with_antialiasing(tmp_path):
    board = np.indices((320, 320)).sum(0) % 2 * 255
    result, _ = read_image(save(tmp_path, board.astype(np.uint8)), (32, 32, 1), digits=False)
    assert np.abs(result.astype(int) - 127).max() <= 3


def test_photographs_of_the_right_size_are_kept(tmp_path, digits):
    pixels = np.stack([digits[0], digits[1], digits[2]], axis=-1)
    result, done = read_image(save(tmp_path, pixels), (28, 28, 3), digits=False)
    np.testing.assert_array_equal(result, pixels)
    assert done == [KEPT]


def test_real_photographs(data_dir):
    photographs = sorted((data_dir.parent / "imagenet_sample" / "val").rglob("*.JPEG"))
    assert photographs
    for path in photographs:
        result, done = read_image(path, (64, 48, 3), digits=False)
        assert (result.shape, result.dtype) == ((64, 48, 3), np.uint8)
        assert result.std() > 5
        assert done[-1].endswith("to 48×64 pixels.")


def test_a_single_pixel_photograph(tmp_path):
    path = save(tmp_path, Image.new("RGB", (1, 1), "blue"))
    result, _ = read_image(path, (32, 32, 3), digits=False)
    assert (result == (0, 0, 255)).all()


# Modes

PURE_RED = (255, 0, 0)


@pytest.mark.parametrize(
    ("mode", "colour", "ending", "expected"),
    [
        ("RGB", "red", "png", PURE_RED),
        ("RGBA", (255, 0, 0, 255), "png", PURE_RED),
        ("CMYK", (0, 255, 255, 0), "tif", PURE_RED),
        ("CMYK", (0, 255, 255, 0), "jpg", PURE_RED),
        ("YCbCr", (76, 85, 255), "tif", (254, 0, 0)),
        ("LAB", (100, 128, 128), "tif", (93, 94, 93)),
        ("L", 77, "png", (77, 77, 77)),
        ("1", 1, "png", (255, 255, 255)),
        ("LA", (77, 255), "png", (77, 77, 77)),
    ],
)
def test_modes_become_rgb_and_grey(tmp_path, mode, colour, ending, expected):
    path = save(tmp_path, Image.new(mode, (28, 28), colour), ending)
    result, _ = read_image(path, (28, 28, 3), digits=False)
    assert np.abs(result.astype(int) - expected).max() <= 2
    grey, _ = read_image(path, FIELD, digits=False)
    red, green, blue = expected
    assert np.abs(grey.astype(int) - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 2


def test_what_is_said_of_channels(tmp_path):
    path = save(tmp_path, Image.new("L", (28, 28), 9))
    _, done = read_image(path, (28, 28, 3), digits=False)
    assert done == ["Repeated its grey values for red, green and blue.", KEPT]
    path = save(tmp_path, Image.new("RGB", (28, 28), "red"))
    _, done = read_image(path, FIELD, digits=False)
    assert done == ["Turned its colours into grey.", KEPT]


def test_palette(tmp_path):
    image = Image.new("P", (28, 28), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    result, _ = read_image(save(tmp_path, image), (28, 28, 3), digits=False)
    assert (result == PURE_RED).all()


def transparent(mode, ink, ground):
    """The bar in `ink`, on transparent pixels of the colour `ground`."""
    image = Image.new("RGBA", (20, 40), (*[ground] * 3, 0))
    image.paste((*[ink] * 3, 255), (6, 20, 10, 30))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_dark_ink_on_a_transparent_ground_is_laid_on_white(tmp_path, mode):
    result, done = read_image(save(tmp_path, transparent(mode, 0, 0)), FIELD, digits=True)
    assert done[0] == "Laid it on white where it is transparent."
    assert INVERTED in done
    expected, _ = read_image(save(tmp_path, bar()), FIELD, digits=True)
    np.testing.assert_array_equal(result, expected)


def test_white_ink_on_a_transparent_ground_is_laid_on_black(tmp_path):
    result, done = read_image(save(tmp_path, transparent("RGBA", 255, 255)), FIELD, digits=True)
    assert done[0] == "Laid it on black where it is transparent."
    assert INVERTED not in done
    expected, _ = read_image(save(tmp_path, bar()), FIELD, digits=True)
    np.testing.assert_array_equal(result, expected)


def test_a_wholly_transparent_picture_shows_no_ink(tmp_path):
    assert "shows no ink" in message(save(tmp_path, Image.new("RGBA", (30, 30))))


def test_half_transparent_colours_are_mixed(tmp_path):
    image = Image.new("RGBA", (28, 28), (255, 0, 0, 51))
    image.putpixel((0, 0), (255, 0, 0, 255))
    result, _ = read_image(save(tmp_path, image), (28, 28, 3), digits=False)
    assert result[5, 5].tolist() == [255, 204, 204]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_truncated(tmp_path, digits, ending):
    path = save(tmp_path, digits[0].astype(np.uint16) * 257, ending)
    assert Image.open(path).mode.startswith("I")
    result, done = read_image(path, FIELD, digits=True)
    np.testing.assert_array_equal(result[..., 0], digits[0])
    assert done == ["Scaled its values from 0…65535 to 0…255.", KEPT]


def test_a_dark_sixteen_bit_picture_stays_dark(tmp_path):
    path = save(tmp_path, np.full((28, 28), 100, np.uint16))
    result, _ = read_image(path, FIELD, digits=False)
    assert result.max() == 0


@pytest.mark.parametrize(
    ("values", "dtype", "expected", "scale"),
    [
        ((0, 255), np.int32, (0, 255), None),
        ((0, 65535), np.int32, (0, 255), "0…65535"),
        ((-100, 100), np.int32, (0, 255), "-100…100"),
        ((0, 0.2), np.float32, (0, 51), "0…1"),
        ((0, 200.4), np.float32, (0, 200), None),
        ((-3e38, 3e38), np.float32, (0, 255), "-3e+38…3e+38"),
        ((1000, 1000), np.float32, (0, 0), "1000…1000"),
    ],
)
def test_wide_and_floating_point_values(tmp_path, values, dtype, expected, scale):
    pixels = np.full((28, 28), values[0], dtype)
    pixels[14:] = values[1]
    result, done = read_image(save(tmp_path, pixels, "tif"), FIELD, digits=False)
    assert (result[0, 0, 0], result[-1, 0, 0]) == expected
    assert done[:-1] == ([f"Scaled its values from {scale} to 0…255."] if scale else [])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(tmp_path, value):
    pixels = np.zeros((28, 28), np.float32)
    pixels[3, 3] = value
    path = save(tmp_path, pixels, "tif")
    assert message(path) == f"{path} holds values that are not finite; save it as PNG or JPEG."


# Files


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    upright = np.zeros((28, 28), np.uint8)
    upright[:14] = 90
    upright[:14, :14] = 250
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, stored.copy(), exif=exif)
    result, done = read_image(path, FIELD, digits=False)
    np.testing.assert_array_equal(result[..., 0], upright)
    turned = ["Turned it upright, as its EXIF orientation says."]
    assert done == (turned if orientation > 1 else []) + [KEPT]


@pytest.mark.parametrize("ending", ["gif", "tif", "png"])
def test_several_pictures_in_one_file(tmp_path, ending):
    frames = [Image.new("L", (28, 28), grey) for grey in (200, 100, 50)]
    path = save(tmp_path, frames[0], ending, save_all=True, append_images=frames[1:])
    result, done = read_image(path, (28, 28, 1), digits=False)
    assert (result == 200).all()
    assert "Took the first of 3 images in the file." in done


def test_no_file(tmp_path):
    path = tmp_path / "none.png"
    assert message(path) == f"{path} does not exist; name an image file."


def test_a_directory(tmp_path):
    assert message(tmp_path) == f"{tmp_path} is a directory; name an image file."


@pytest.mark.parametrize("content", [b"", b"seven\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_a_file_that_is_no_picture(tmp_path, content):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    assert message(path) == f"{path} is not an image that can be read; save it as PNG or JPEG."


@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "tif", "bmp", "webp"])
def test_truncated_files(tmp_path, ending):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    path = save(tmp_path, noise, ending)
    path.write_bytes(path.read_bytes()[:-1500])
    text = message(path)
    assert text.startswith(f"{path} ")
    assert text.endswith(("it is damaged or incomplete, save it again.", "save it as PNG or JPEG."))


def test_a_truncated_jpeg(tmp_path, digits):
    path = save(tmp_path, np.tile(digits[0], (9, 9)), "jpg")
    path.write_bytes(path.read_bytes()[:-3000])
    text = message(path)
    assert text.startswith(f"{path} cannot be decoded (image file is truncated")
    assert text.endswith("; it is damaged or incomplete, save it again.")


def test_decompression_bombs(tmp_path):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    for width in (10_000, 100_000):
        path = tmp_path / f"{width}.png"
        header = struct.pack(">2I5B", width, 10_000, 8, 0, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
        assert message(path) == f"{path} has more than 89,478,485 pixels; make it smaller."


@pytest.mark.parametrize(
    ("shape", "digits"), [((28, 28, 2), False), ((28, 28, 3), True), ((28, 28, 4), False)]
)
def test_shapes_that_are_none(tmp_path, shape, digits):
    with pytest.raises(ValueError, match="image_shape") as raised:
        read_image(tmp_path, shape, digits)
    assert str(raised.value) == (
        "`image_shape` must have 1 channel, or 3 where `digits` is false. "
        f"Received: image_shape={shape}, digits={digits}"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
        ("x.ppm", b"P6 2 2 255 " + bytes(12)),
        ("x.ico", bytes([0, 0, 1, 0, 1, 0, 1, 1])),
        ("x.png", b"P6 2 2 255 " + bytes(12)),  # by its content, not by its name
    ],
)
def test_other_formats_of_pillow_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="is not an image that can be read; save it as PNG"):
        read_image(tmp_path / name, (28, 28, 3), digits=False)
