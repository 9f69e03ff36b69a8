import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliked_ros.images import IMAGE_ENCODINGS, GreyRange, ImageError, decode_image

BAYER_OFFSETS = {  # (row, column) of the red and the blue cell in the upper left 2x2 cells
    "bayer_rggb": ((0, 0), (1, 1)),
    "bayer_bggr": ((1, 1), (0, 0)),
    "bayer_gbrg": ((1, 0), (0, 1)),
    "bayer_grbg": ((0, 1), (1, 0)),
}


def decode(array, encoding, **changes):
    array = np.ascontiguousarray(array)
    fields = {"height": array.shape[0], "width": array.shape[1], "step": array.strides[0]}
    return decode_image(array.tobytes(), encoding=encoding, **{**fields, **changes})


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("encoding", "channels"),
    [("rgb8", [0, 1, 2]), ("bgr8", [2, 1, 0]), ("8UC3", [2, 1, 0])],
)
def test_three_channels_come_out_as_rgb(rgb, encoding, channels):
    np.testing.assert_array_equal(decode(rgb[..., channels].copy(), encoding), rgb)


@pytest.mark.parametrize(("encoding", "channels"), [("rgba8", [0, 1, 2]), ("bgra8", [2, 1, 0])])
def test_alpha_is_dropped(rgb, encoding, channels):
    alpha = np.full((6, 8, 1), 7, np.uint8)
    message = np.concatenate([rgb[..., channels], alpha], axis=2)
    np.testing.assert_array_equal(decode(message, encoding), rgb)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_stays_two_dimensional(rgb, encoding):
    np.testing.assert_array_equal(decode(rgb[..., 0].copy(), encoding), rgb[..., 0])


def test_unpadded_grey_and_rgb_are_views():
    data = np.arange(6 * 8 * 3, dtype=np.uint8)
    assert np.shares_memory(decode_image(data, 6, 8, "rgb8", 24), data)
    assert np.shares_memory(decode_image(data, 6, 8, "mono8", 8), data)


@pytest.mark.parametrize("is_bigendian", [False, True])
@pytest.mark.parametrize("encoding", ["mono16", "16UC1", "rgb16", "bgr16", "rgba16", "bgra16"])
def test_sixteen_bits_are_scaled_to_eight_in_both_byte_orders(encoding, is_bigendian):
    num_channels = {"m": 1, "1": 1}.get(encoding[0], len(encoding) - 2)
    wide = np.random.default_rng(1).integers(0, 65536, (5, 7, num_channels), np.uint16)
    message = wide.astype(">u2" if is_bigendian else "<u2")
    pixels = decode(message, encoding, is_bigendian=is_bigendian)
    expected = wide * (255.0 / 65535.0)
    if num_channels == 1:
        expected = expected[..., 0]
    else:
        expected = expected[..., [2, 1, 0] if encoding.startswith("b") else [0, 1, 2]]
    assert pixels.dtype == np.uint8
    assert np.abs(pixels - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", BAYER_OFFSETS)
def test_bayer_colours_land_in_the_right_channel(pattern, bits):
    (red_row, red_column), (blue_row, blue_column) = BAYER_OFFSETS[pattern]
    scale = 1 if bits == 8 else 257
    mosaic = np.full((8, 8), 100 * scale, np.uint8 if bits == 8 else np.uint16)
    mosaic[red_row::2, red_column::2] = 200 * scale
    mosaic[blue_row::2, blue_column::2] = 30 * scale
    pixels = decode(mosaic, f"{pattern}{bits}")
    np.testing.assert_array_equal(pixels[3, 3], [200, 100, 30])


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
def test_yuv_follows_bt601(encoding):
    y, u, v = 120, 90, 170
    pair = [u, y, v, y] if encoding in {"yuv422", "uyvy"} else [y, u, y, v]
    message = np.tile(np.array(pair, np.uint8), (4, 3)).reshape(4, 6, 2)
    luma = 1.164 * (y - 16)
    red, green, blue = (
        luma + 1.596 * (v - 128),
        luma - 0.813 * (v - 128) - 0.391 * (u - 128),
        luma + 2.018 * (u - 128),
    )
    assert np.abs(decode(message, encoding)[1, 2] - [red, green, blue]).max() <= 1.5


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 13), st.integers(0, 2**32 - 1))
def test_row_padding_changes_nothing(height, width, padding, seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    rows = np.zeros((height, 3 * width + padding), np.uint8)
    rows[:, : 3 * width] = rgb.reshape(height, -1)
    step = rows.shape[1]
    np.testing.assert_array_equal(decode_image(rows.tobytes(), height, width, "rgb8", step), rgb)
    # The last row may end without its padding.
    data = rows.tobytes()[: step * (height - 1) + 3 * width]
    np.testing.assert_array_equal(decode_image(data, height, width, "rgb8", step), rgb)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "hsv8"}, ["encoding", "'hsv8'", "mono8", "bayer_rggb8"]),
        ({"encoding": "8UC2"}, ["encoding is '8UC2'", "yuyv or uyvy"]),
        ({"encoding": "jpeg"}, ["encoding is 'jpeg'", "CompressedImage"]),
        ({"max_megapixels": 4e-5}, ["image is 8x6", "max_megapixels is 4e-05"]),
        ({"step": 23}, ["step is 23", "24"]),
        ({"height": 7}, ["data has 144 bytes", "168"]),
        ({"height": 0}, ["8x0", "positive"]),
        ({"width": 7, "encoding": "yuv422"}, ["width is 7", "even"]),
    ],
)
def test_bad_fields_are_named_with_value_and_remedy(rgb, changes, words):
    fields = {"height": 6, "width": 8, "step": 24, "encoding": "rgb8", **changes}
    with pytest.raises(ImageError) as caught:
        decode_image(rgb.tobytes(), **fields)
    assert all(word in str(caught.value) for word in words)


def test_every_encoding_gives_uint8_grey_or_rgb():
    for encoding in IMAGE_ENCODINGS:
        pixels = decode_image(bytes(12 * 6 * 8), 4, 6, encoding, 48)
        assert pixels.dtype == np.uint8
        assert pixels.shape in {(4, 6), (4, 6, 3)}


@pytest.mark.parametrize("encoding", ["RGB8", "Rgb8"])
def test_the_case_of_an_encoding_does_not_matter(rgb, encoding):
    np.testing.assert_array_equal(decode(rgb, encoding), rgb)


def test_four_bytes_per_pixel_without_a_name_are_bgra(rgb):
    alpha = np.full((6, 8, 1), 7, np.uint8)
    bgra = np.concatenate([rgb[..., ::-1], alpha], axis=2)
    np.testing.assert_array_equal(decode(bgra, "8UC4"), rgb)


def test_the_range_of_an_image_may_be_given():
    grey = np.array([[0, 100, 1023]], np.uint16)
    pixels = decode(grey, "mono16", grey_range=GreyRange("0 1023"))
    np.testing.assert_array_equal(pixels, [[0, 25, 255]])


def test_floating_point_grey_is_read_with_the_range_that_is_there():
    kelvin = np.linspace(290, 310, 600, dtype=np.float32).reshape(20, 30)
    pixels = decode(kelvin, "32FC1")
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert abs(int(pixels[10, 0]) - 128) < 8
