import struct
import zlib

import cv2
import numpy as np
import pytest

from aliked_ros.images import GreyRange, ImageError, decode_compressed

BAYER_OFFSETS = {"bayer_rggb8": ((0, 0), (1, 1)), "bayer_gbrg8": ((1, 0), (0, 1))}


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def test_png_comes_back_exactly_as_rgb_and_as_grey(rgb):
    _, colour = cv2.imencode(".png", rgb[..., ::-1])
    np.testing.assert_array_equal(decode_compressed(colour.tobytes()), rgb)
    _, grey = cv2.imencode(".png", rgb[..., 0])
    np.testing.assert_array_equal(decode_compressed(grey.tobytes()), rgb[..., 0])


@pytest.mark.parametrize("data", [b"", b"not a jpeg"])
def test_unreadable_compressed_data_is_an_image_error(data):
    with pytest.raises(ImageError, match=f"{len(data)} bytes"):
        decode_compressed(data)


def test_damaged_files_are_refused_in_words_of_ours(rgb):
    big = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    for ending in (".png", ".jpg"):
        data = cv2.imencode(ending, big)[1].tobytes()
        with pytest.raises(ImageError, match="cut off or damaged"):
            decode_compressed(data[: len(data) // 2], "rgb8; png compressed bgr8")


@pytest.mark.parametrize("encoding", BAYER_OFFSETS)
def test_a_mosaic_becomes_colour(encoding):
    (red_row, red_column), (blue_row, blue_column) = BAYER_OFFSETS[encoding]
    mosaic = np.full((8, 8), 100, np.uint8)
    mosaic[red_row::2, red_column::2] = 200
    mosaic[blue_row::2, blue_column::2] = 30
    pixels = decode_compressed(png(mosaic), f"{encoding}; png compressed ")
    np.testing.assert_array_equal(pixels[3, 3], [200, 100, 30])


@pytest.mark.parametrize(
    ("format", "is_swapped"),
    [
        ("rgb8; png compressed bgr8", False),
        ("bgr8; png compressed bgr8", False),
        ("png", False),
        ("", False),
        ("rgb8; png compressed rgb8", True),
    ],
)
def test_the_order_of_colours_is_what_the_format_says(rgb, format, is_swapped):
    stored = rgb if is_swapped else rgb[..., ::-1]
    np.testing.assert_array_equal(decode_compressed(png(stored), format), rgb)


def test_sixteen_bits_of_which_ten_are_used_are_not_dark():
    ten = np.linspace(0, 1023, 600).reshape(20, 30).astype(np.uint16)
    auto = decode_compressed(png(ten), "mono16; png compressed ")
    assert auto.max() == 255
    full = decode_compressed(png(ten), "mono16; png compressed ", GreyRange("full"))
    assert full.max() == 4


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("16UC1; compressedDepth png", ["depth_transport", "compressedDepth"]),
        ("h264", ["h264", "republish"]),
        ("theora", ["theora", "republish"]),
    ],
)
def test_what_is_no_picture_file_is_named_with_the_remedy(rgb, format, words):
    with pytest.raises(ImageError) as caught:
        decode_compressed(png(rgb), format)
    assert all(word in str(caught.value) for word in words)


def huge_png(side):
    """Return a small PNG file that says it is very large."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def test_a_small_file_cannot_ask_for_much_memory():
    with pytest.raises(ImageError, match=r"10000x10000, 100\.0 megapixels, max_megapixels is 10"):
        decode_compressed(huge_png(10_000), max_megapixels=10.0)


def test_the_complaints_of_opencv_do_not_reach_the_user(capfd):
    level = cv2.getLogLevel()
    with pytest.raises(ImageError, match="cut off or damaged"):
        decode_compressed(b"P5 640 480 255\n" + bytes(100), "")
    assert "OpenCV" not in capfd.readouterr().err
    assert cv2.getLogLevel() == level
