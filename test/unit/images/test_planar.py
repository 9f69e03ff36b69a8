import cv2
import numpy as np
import pytest

from aliked_ros.images import ImageError, decode_image


@pytest.fixture
def rgb():
    coarse = np.random.default_rng(0).integers(40, 216, (3, 4, 3), np.uint8)
    return cv2.resize(coarse, (32, 24), interpolation=cv2.INTER_LINEAR)


def planes(rgb):
    """Return luma (H, W), u and v (H/2, W/2)."""
    height, width = rgb.shape[:2]
    flat = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).ravel()
    size = height * width
    u, v = flat[size : size * 5 // 4], flat[size * 5 // 4 :]
    half = (height // 2, width // 2)
    return flat[:size].reshape(height, width), u.reshape(half), v.reshape(half)


def pack(rgb, encoding):
    y, u, v = planes(rgb)
    if encoding in ("nv12", "nv21"):
        pairs = np.stack((u, v) if encoding == "nv12" else (v, u), axis=-1)
        return y.tobytes() + pairs.tobytes()
    if encoding == "nv24":
        whole = [one.repeat(2, axis=0).repeat(2, axis=1) for one in (u, v)]
        return y.tobytes() + np.stack(whole, axis=-1).tobytes()
    return y.tobytes() + (
        v.tobytes() + u.tobytes() if encoding == "yv12" else u.tobytes() + v.tobytes()
    )


@pytest.mark.parametrize(
    "encoding", ["nv12", "NV12", "nv21", "nv24", "i420", "yv12", "yuv420", "YUV420"]
)
def test_colour_in_planes_comes_out_as_rgb(rgb, encoding):
    data = pack(rgb, encoding.lower())
    height, width = rgb.shape[:2]
    pixels = decode_image(data, height, width, encoding, width)
    assert np.abs(pixels.astype(int) - rgb).mean() < 8  # half of the colour is gone


def test_a_driver_that_counts_the_rows_of_colour_is_understood(rgb):
    height, width = rgb.shape[:2]
    data = pack(rgb, "nv12")
    np.testing.assert_array_equal(
        decode_image(data, height * 3 // 2, width, "nv12", width),
        decode_image(data, height, width, "nv12", width),
    )


def test_padded_rows_change_nothing(rgb):
    height, width = rgb.shape[:2]
    y, u, v = planes(rgb)

    def padded(plane, step):
        return np.pad(plane, ((0, 0), (0, step - plane.shape[1]))).tobytes()

    expected = decode_image(pack(rgb, "i420"), height, width, "i420", width)
    data = padded(y, 40) + padded(u, 20) + padded(v, 20)
    np.testing.assert_array_equal(decode_image(data, height, width, "i420", 40), expected)
    pairs = np.stack((u, v), axis=-1).reshape(height // 2, width)
    data = padded(y, 40) + padded(pairs, 40)
    expected = decode_image(pack(rgb, "nv12"), height, width, "nv12", width)
    np.testing.assert_array_equal(decode_image(data, height, width, "nv12", 40), expected)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 31, "step": 31}, ["31x24", "even"]),
        ({"step": 16}, ["step is 16", "at least 32"]),
        ({"height": 25}, ["data has 1152 bytes", "1200"]),
    ],
)
def test_fields_that_contradict_each_other_are_named(rgb, fields, words):
    fields = {"height": 24, "width": 32, "encoding": "nv12", "step": 32, **fields}
    with pytest.raises(ImageError) as caught:
        decode_image(pack(rgb, "nv12"), **fields)
    assert all(word in str(caught.value) for word in words)
