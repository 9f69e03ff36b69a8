import cv2
import numpy as np
import pytest

from aliked_ros.images.file_size import is_whole, picture_size


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tiff", ".webp", ".bmp", ".ppm"])
@pytest.mark.parametrize("size", [(61, 33), (640, 480)])
def test_the_size_is_that_of_the_decoded_picture(ending, size):
    image = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    assert picture_size(cv2.imencode(ending, image)[1].tobytes()) == size


def test_a_lossless_webp_and_a_progressive_jpeg_have_headers_of_their_own():
    image = np.zeros((33, 61, 3), np.uint8)
    for ending, options in (
        (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101]),
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    ):
        assert picture_size(cv2.imencode(ending, image, options)[1].tobytes()) == (61, 33)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tiff", ".webp"])
def test_what_is_cut_off_in_its_header_or_is_no_picture_has_no_size(ending):
    data = cv2.imencode(ending, np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    assert picture_size(data[:9]) is None
    assert picture_size(b"") is None
    assert picture_size(b"not a picture") is None


def test_any_bytes_give_a_size_or_none():
    generator = np.random.default_rng(0)
    good = [cv2.imencode(e, np.zeros((8, 8, 3), np.uint8))[1] for e in (".png", ".jpg", ".tiff")]
    for index in range(300):
        data = good[index % 3].copy().ravel()
        data[generator.integers(0, len(data), 5)] = generator.integers(0, 256, 5)
        size = picture_size(data.tobytes())
        assert size is None or all(side >= 0 for side in size)


def picture(size=(64, 48)):
    return np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)


def test_a_jpeg_is_not_whole_because_of_the_small_picture_in_its_header():
    data = cv2.imencode(".jpg", picture())[1].tobytes()
    small = cv2.imencode(".jpg", picture((8, 8)))[1].tobytes()
    header = b"Exif\0\0" + small
    segment = b"\xff\xe1" + (len(header) + 2).to_bytes(2, "big") + header
    with_small = data[:2] + segment + data[2:]
    assert is_whole(with_small)
    assert not is_whole(with_small[: len(with_small) * 2 // 3])
    assert picture_size(with_small) == (64, 48)


def test_a_jpeg_may_be_padded_to_the_size_of_a_buffer():
    data = cv2.imencode(".jpg", picture())[1].tobytes()
    assert is_whole(data + bytes(1_000_000))
    assert not is_whole(data[:-2] + bytes(1_000_000))
