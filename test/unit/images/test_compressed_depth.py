import struct
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliked_ros.images import ImageError, decode_compressed_depth


def encode_rvl(image):
    """Wilson's encoder, number by number, after the listing in his paper."""
    nibbles = []

    def write(value):
        while True:
            low, value = value & 7, value >> 3
            nibbles.append(low | (8 if value else 0))
            if not value:
                return

    values, at, previous = image.ravel().astype(int).tolist(), 0, 0
    while at < len(values):
        begin = at
        while at < len(values) and values[at] == 0:
            at += 1
        write(at - begin)
        begin = at
        while at < len(values) and values[at] != 0:
            at += 1
        write(at - begin)
        for value in values[begin:at]:
            delta = value - previous
            write((delta << 1) ^ (delta >> 31))
            previous = value
    nibbles += [0] * (-len(nibbles) % 8)
    words = [
        sum(nibble << (28 - 4 * place) for place, nibble in enumerate(nibbles[i : i + 8]))
        for i in range(0, len(nibbles), 8)
    ]
    height, width = image.shape
    return struct.pack("<II", width, height) + struct.pack(f"<{len(words)}I", *words)


COLOUR = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()


def message(image, codec, a=0.0, b=0.0):
    body = encode_rvl(image) if codec == "rvl" else cv2.imencode(".png", image)[1].tobytes()
    return struct.pack("<iff", 0, a, b) + body


@pytest.fixture
def raw():
    image = np.random.default_rng(0).integers(400, 5000, (12, 16)).astype(np.uint16)
    image[2:5, 3:9] = 0
    image[0, 0] = 65535
    return image


@pytest.mark.parametrize("codec", ["png", "rvl"])
@pytest.mark.parametrize("ending", ["compressedDepth {}", "compressedDepth"])
def test_millimetres_come_back_as_metres(raw, codec, ending):
    if codec == "rvl" and "{}" not in ending:
        pytest.skip("without a name it is png")
    depth_m = decode_compressed_depth(message(raw, codec), "16UC1; " + ending.format(codec))
    expected = raw.astype(np.float32) / 1000
    expected[(raw == 0) | (raw == 65535)] = np.nan
    np.testing.assert_allclose(depth_m, expected, rtol=1e-6)


@pytest.mark.parametrize("codec", ["png", "rvl"])
def test_metres_travel_as_inverse_depth(codec):
    # The encoder of compressed_depth_image_transport, with its default parameters.
    metres = np.random.default_rng(0).uniform(0.5, 8.0, (12, 16)).astype(np.float32)
    metres[3, 4] = 20.0  # beyond depth_max
    a = 100.0 * 101.0
    b = 1.0 - a / 10.0
    coded = np.where(metres < 10.0, a / metres + b, 0).astype(np.uint16)
    depth_m = decode_compressed_depth(
        message(coded, codec, a, b), f"32FC1; compressedDepth {codec}"
    )
    assert np.isnan(depth_m[3, 4])
    seen = metres < 10.0
    np.testing.assert_allclose(depth_m[seen], metres[seen], rtol=2e-3)


def test_a_bare_png_is_read_and_another_unit_counts(raw):
    data = cv2.imencode(".png", raw)[1].tobytes()
    depth_m = decode_compressed_depth(data, "16UC1; png compressed ", depth_scale=1e-4)
    np.testing.assert_allclose(depth_m[1, 1], raw[1, 1] * 1e-4, rtol=1e-6)


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_rvl_comes_back_exactly(height, width, share, seed):
    generator = np.random.default_rng(seed)
    image = generator.integers(1, 65535, (height, width)).astype(np.uint16)
    image[generator.random((height, width)) < share] = 0
    depth_m = decode_compressed_depth(message(image, "rvl"), "16UC1; compressedDepth rvl")
    np.testing.assert_array_equal(np.nan_to_num(np.rint(depth_m * 1000)), image)


@pytest.mark.parametrize("codec", ["png", "rvl"])
def test_damaged_messages_are_refused_and_ask_for_no_memory(raw, codec):
    generator = np.random.default_rng(0)
    data = bytearray(message(raw, codec))
    for _ in range(200):
        broken = data.copy()
        broken[generator.integers(12, len(broken))] = int(generator.integers(0, 256))
        cut = broken[: generator.integers(0, len(broken) + 1)]
        with suppress(ImageError):
            decode_compressed_depth(bytes(cut), f"16UC1; compressedDepth {codec}", 0.0, 1.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["0 bytes", "empty"]),
        (bytes(12) + b"JPEG", ["holds no PNG", "rvl"]),
        (
            bytes(12) + cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes(),
            ["uint8", "16 bits"],
        ),
    ],
)
def test_what_is_no_compressed_depth_is_named(data, words):
    with pytest.raises(ImageError) as caught:
        decode_compressed_depth(data, "16UC1; compressedDepth png")
    assert all(word in str(caught.value) for word in words)


def test_a_covered_camera_sends_an_image_of_zeros():
    image = np.zeros((480, 640), np.uint16)
    depth_m = decode_compressed_depth(message(image, "rvl"), "16UC1; compressedDepth rvl")
    assert depth_m.shape == (480, 640)
    assert np.isnan(depth_m).all()


def test_a_png_is_known_by_itself_whatever_the_format_says():
    image = np.full((24, 32), 1500, np.uint16)
    depth_m = decode_compressed_depth(message(image, "png"), "16UC1; compressedDepth rvl")
    np.testing.assert_allclose(depth_m, 1.5)
