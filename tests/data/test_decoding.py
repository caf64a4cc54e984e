import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageFile, ImageOps

from keras_classics.data.decoding import decode
from keras_classics.data.transforms.crops import RandomAreaCrop

SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2, "4:1:1": "4:1:1"}


def colours(width, height, seed=0):
    """A picture as rough as a photograph: in every row and column there is something to see."""
    rough = np.random.default_rng(seed).integers(0, 256, (8, 11, 3)).astype("uint8")
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def by_pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def exif(orientation):
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    return tags.tobytes()


PICTURE = colours(44, 31)
JPEGS = {
    "quality 20": encoded(PICTURE, "jpeg", quality=20),
    "progressive": encoded(PICTURE, "jpeg", progressive=True),
    "optimised": encoded(PICTURE, "jpeg", optimize=True, restart_marker_blocks=1),
    "grey": encoded(PICTURE.convert("L"), "jpeg"),
    "cmyk": encoded(PICTURE.convert("CMYK"), "jpeg"),
    "exif": encoded(PICTURE, "jpeg", exif=exif(1)),
    "damaged exif": encoded(PICTURE, "jpeg", exif=b"Exif\0\0 and nothing else"),
    "comment": encoded(PICTURE, "jpeg", comment=b"Exif"),
    "1×1": encoded(colours(1, 1), "jpeg"),
    "30×30,000": encoded(colours(30, 30_000), "jpeg"),
    "30,000×30": encoded(colours(30_000, 30), "jpeg"),
    **{
        f"{name} {'progressive' if progressive else ''}": encoded(
            PICTURE, "jpeg", subsampling=value, progressive=progressive
        )
        for name, value in SUBSAMPLINGS.items()
        for progressive in (False, True)
    },
}
each_jpeg = pytest.mark.parametrize("data", JPEGS.values(), ids=JPEGS)


@each_jpeg
def test_jpeg_is_what_pillow_makes_of_it(data):
    found = decode(data)
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, by_pillow(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "tiff"])
def test_pictures_are_turned_upright(orientation, format):
    data = encoded(PICTURE, format, exif=exif(orientation))
    found = decode(data).numpy()
    assert found.shape == ((44, 31, 3) if orientation >= 5 else (31, 44, 3))
    np.testing.assert_array_equal(found, by_pillow(data))


def animated(format):
    frames = [colours(20, 10, seed) for seed in (1, 2, 3)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)


def palette():
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 1, 2, 3, 9, 8, 7])
    image.putdata([0, 1, 2])
    return image


def transparent(mode):
    image = Image.new("RGBA", (3, 1), (10, 20, 30, 255))
    image.putpixel((1, 0), (10, 20, 30, 0))
    image.putpixel((2, 0), (100, 0, 200, 51))  # a fifth of it on white
    return image.convert(mode)


OTHERS = {
    "png": (encoded(PICTURE, "png"), np.asarray(PICTURE)),
    "webp": (encoded(PICTURE, "webp", lossless=True), np.asarray(PICTURE)),
    "bmp": (encoded(PICTURE, "bmp"), np.asarray(PICTURE)),
    "tiff": (encoded(PICTURE, "tiff"), np.asarray(PICTURE)),
    "grey png": (encoded(Image.new("L", (1, 1), 77), "png"), [[[77, 77, 77]]]),
    "black and white": (encoded(Image.new("1", (1, 1), 1), "png"), [[[255, 255, 255]]]),
    "16-bit png": (
        encoded(Image.fromarray(np.uint16([[0, 257, 32_896, 65_535]])), "png"),
        [[[0] * 3, [1] * 3, [128] * 3, [255] * 3]],
    ),
    "palette": (encoded(palette(), "png"), [[[255, 0, 0], [1, 2, 3], [9, 8, 7]]]),
    "rgba": (
        encoded(transparent("RGBA"), "png"),
        [[[10, 20, 30], [255, 255, 255], [224, 204, 244]]],
    ),
    "grey with transparency": (
        encoded(Image.merge("LA", [Image.new("L", (1, 1), 5), Image.new("L", (1, 1), 255)]), "png"),
        [[[5, 5, 5]]],
    ),
    "cmyk tiff": (encoded(Image.new("CMYK", (1, 1), (255, 0, 0, 0)), "tiff"), [[[0, 255, 255]]]),
    "animated webp": (animated("webp"), np.asarray(colours(20, 10, 1))),
    "animated gif": (animated("gif"), by_pillow(animated("gif"))),
    "1×1": (encoded(colours(1, 1), "png"), np.asarray(colours(1, 1))),
    "30×30,000": (encoded(colours(30, 30_000), "png"), np.asarray(colours(30, 30_000))),
}
each_other = pytest.mark.parametrize(("data", "expected"), OTHERS.values(), ids=OTHERS)


@each_other
def test_other_kinds(data, expected):
    found = decode(data)
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, expected)


def test_an_animated_gif_begins_with_its_first_picture():
    difference = decode(animated("gif")).numpy().astype(int) - np.asarray(colours(20, 10, 1))
    assert np.abs(difference).mean() < 5  # of 256 colours
    assert np.abs(difference - np.asarray(colours(20, 10, 2))).mean() > 30


# A window holds the pixels of the whole, whatever is stored at half the resolution.


def boxes(height, width, n=60):
    """Windows anywhere, along the edges and of single pixels."""
    draw = np.random.default_rng(0).integers
    yield 0, 0, height, width
    for top, left in ((0, 0), (height - 1, width - 1), (height // 2, 0)):
        yield top, left, 1, 1
    for _ in range(n):
        high, wide = int(draw(1, height + 1)), int(draw(1, width + 1))
        yield int(draw(height - high + 1)), int(draw(width - wide + 1)), high, wide


def assert_windows_are_exact(data, wanted):
    whole = decode(data).numpy()
    for top, left, height, width in wanted:
        box = tf.constant([top, left, height, width])
        sides = []
        found = decode(data, lambda *own, box=box, sides=sides: sides.append(own) or box)
        np.testing.assert_array_equal(found, whole[top : top + height, left : left + width])
        assert tuple(map(int, sides[0])) == whole.shape[:2]


@each_jpeg
def test_windows_of_jpeg_are_exact(data):
    height, width = decode(data).shape[:2]
    assert_windows_are_exact(data, boxes(height, width, n=60 if height * width < 2000 else 5))


@pytest.mark.parametrize("name", SUBSAMPLINGS)
@pytest.mark.parametrize("progressive", [False, True])
def test_windows_of_noise_are_exact(name, progressive, monkeypatch):
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 2**20)
    for height, width in ((3, 5), (17, 16), (65, 97), (130, 33)):
        noise = np.random.default_rng(width).integers(0, 256, (height, width, 3)).astype("uint8")
        options = {"subsampling": SUBSAMPLINGS[name], "progressive": progressive, "quality": 95}
        data = encoded(Image.fromarray(noise), "jpeg", **options)
        assert_windows_are_exact(data, boxes(height, width, n=25))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_windows_of_turned_pictures_are_exact(orientation):
    data = encoded(PICTURE, "jpeg", exif=exif(orientation))
    assert_windows_are_exact(data, boxes(*decode(data).shape[:2], n=10))


@each_other
def test_windows_of_other_kinds_are_exact(data, expected):
    assert_windows_are_exact(data, boxes(*np.shape(expected)[:2], n=3))


def test_windows_of_photographs_are_exact(data_dir):
    sample = data_dir.parent / "imagenet_sample"
    if not sample.is_dir():
        pytest.skip(f"no photographs here: {sample}")
    crop = RandomAreaCrop(224)
    files = sorted(sample.glob("*/*/*"))
    assert files
    for seed, file in enumerate(files):
        data = file.read_bytes()
        whole = decode(data).numpy()
        assert_windows_are_exact(data, [crop.patch(*whole.shape[:2], seed)])


# Bytes that are no picture.


def fails(data, window=None):
    with pytest.raises((tf.errors.OpError, ValueError)):
        decode(data, window)


BAD = {
    "nothing": b"",
    "two bytes": b"\xff\xd8",
    "three bytes": b"\xff\xd8\xff",
    "text": b"<html>404 Not Found</html>\n",
    "png cut off": encoded(PICTURE, "png")[:-200],
    "gif cut off": encoded(PICTURE, "gif")[:-200],
    "webp cut off": encoded(PICTURE, "webp")[:-200],
    "too many pixels": encoded(Image.new("1", (30_000, 30_000)), "png"),
    "jpeg of too many pixels": JPEGS["grey"].replace(b"\x00\x1f\x00\x2c", b"\xff\xdc\xff\xdc", 1),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_bytes_that_are_no_picture(data):
    fails(data)
    fails(data, lambda height, width: tf.constant([0, 0, 1, 1]))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_jpeg_cut_off_is_bad_wherever_the_window_lies(progressive, share):
    data = encoded(colours(200, 300), "jpeg", progressive=progressive)
    cut = data[: int(share * len(data))]
    fails(cut)
    for top in (0, 299):
        fails(cut, lambda height, width, top=top: tf.constant([top, 5, 1, 7]))


def test_a_jpeg_with_something_behind_it_is_good():
    data = JPEGS["4:2:0 "] + b"\0\0 and more"
    np.testing.assert_array_equal(decode(data), by_pillow(data))
    assert_windows_are_exact(data, boxes(31, 44, n=5))


@pytest.mark.parametrize("name", ["16-bit png", "webp", "turned"])
def test_tensors_are_as_good_as_bytes(name):
    data = OTHERS[name][0] if name in OTHERS else encoded(PICTURE, "jpeg", exif=exif(6))
    np.testing.assert_array_equal(decode(tf.constant(data)), decode(data))


def test_in_a_pipeline():
    files = [JPEGS["4:2:0 "], JPEGS["cmyk"], OTHERS["16-bit png"][0], OTHERS["webp"][0]]
    files.append(encoded(PICTURE, "jpeg", exif=exif(6)))
    dataset = tf.data.Dataset.from_tensor_slices(files).map(decode, num_parallel_calls=2)
    assert dataset.element_spec.shape.as_list() == [None, None, 3]
    for found, data in zip(dataset, files, strict=True):
        np.testing.assert_array_equal(found, decode(data))
