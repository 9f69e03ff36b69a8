import cv2
import numpy as np
import pytest

from aliked_ros.datasets.image_files import (
    list_images,
    read_image,
    read_raw_depth,
    read_rgb,
    size_of_first,
    write_image,
)
from aliked_ros.images import ImageError


@pytest.fixture
def noisy():
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def test_colour_comes_out_as_rgb(tmp_path, noisy):
    cv2.imwrite(str(tmp_path / "a.png"), noisy[:, :, ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), noisy)


def test_grey_stays_two_dimensional(tmp_path, noisy):
    cv2.imwrite(str(tmp_path / "a.png"), noisy[:, :, 0])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), noisy[:, :, 0])


def test_sixteen_bit_grey_becomes_eight_bit(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4), 65535, np.uint16))
    image = read_image(tmp_path / "a.png")
    assert image.dtype == np.uint8
    assert (image == 255).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_file_that_is_cut_off_is_an_error(tmp_path, noisy, suffix):
    file = tmp_path / f"a{suffix}"
    cv2.imwrite(str(file), noisy)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ImageError, match=f"a{suffix}.*cut off"):
        read_image(file)


def test_a_jpeg_with_bytes_after_its_end_is_read(tmp_path, noisy):
    file = tmp_path / "a.jpg"
    cv2.imwrite(str(file), noisy)
    file.write_bytes(file.read_bytes() + b"\0" * 100)
    assert read_image(file).shape == noisy.shape


@pytest.mark.parametrize("content", [b"", b"not an image at all"])
def test_a_file_that_is_no_image_is_an_error(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png"):
        read_image(tmp_path / "a.png")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ImageError, match=r"none\.png"):
        read_image(tmp_path / "none.png")


def test_depth_must_be_sixteen_bit_grey(tmp_path, noisy):
    cv2.imwrite(str(tmp_path / "a.png"), noisy[:, :, 0])
    with pytest.raises(ImageError, match=r"a\.png.*16 bits.*uint8"):
        read_raw_depth(tmp_path / "a.png")


def test_numbers_in_names_count_as_numbers(tmp_path, noisy):
    for name in ("img_10.png", "img_9.png", "img_100.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [file.stem for file in list_images(tmp_path)] == ["img_9", "img_10", "img_100"]


def test_the_size_comes_from_the_first_readable_image(tmp_path, noisy):
    (tmp_path / "a.png").write_bytes(b"broken")
    cv2.imwrite(str(tmp_path / "b.png"), noisy)
    assert size_of_first([tmp_path / "a.png", tmp_path / "b.png"]) == (40, 60)
    assert size_of_first([tmp_path / "a.png"]) is None


def test_grey_files_are_read_as_three_equal_channels(tmp_path, noisy):
    write_image(tmp_path / "a.png", noisy[:, :, 0])
    rgb = read_rgb(tmp_path / "a.png")
    assert rgb.shape == noisy.shape
    assert all(np.array_equal(rgb[:, :, channel], noisy[:, :, 0]) for channel in range(3))


def test_what_is_written_is_read_back_from_a_new_folder(tmp_path, noisy):
    path = tmp_path / "new" / "folder" / "a.png"
    write_image(path, noisy)
    np.testing.assert_array_equal(read_image(path), noisy)
    units = np.arange(2400, dtype=np.uint16).reshape(40, 60)
    write_image(path, units)
    np.testing.assert_array_equal(read_raw_depth(path), units)


def test_a_small_file_holds_the_same_picture(tmp_path):
    flat = np.zeros((200, 300, 3), np.uint8)
    flat[50:90, 40:200] = (200, 30, 60)
    for name, options in (("quick.png", {}), ("small.png", {"png_compression": 9})):
        write_image(tmp_path / name, flat, **options)
        np.testing.assert_array_equal(read_image(tmp_path / name), flat)
    sizes = [(tmp_path / name).stat().st_size for name in ("quick.png", "small.png")]
    assert sizes[1] < sizes[0]


def test_a_file_that_cannot_be_written_is_named(tmp_path, noisy):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match=r"cannot write .*a\.png"):
        write_image(tmp_path / "a.png", noisy)
