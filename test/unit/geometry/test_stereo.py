import cv2
import numpy as np
import pytest

from aliked_ros.config import StereoConfig
from aliked_ros.geometry.stereo import match_along_rows

HEIGHT, WIDTH = 160, 320


def texture(seed=0):
    """Return a smooth random image (H, W + 100), float32."""
    noise = np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH + 100))
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5)
    return np.clip((smooth - smooth.mean()) * 4 + 128, 0, 255).astype(np.float32)


def pair(disparity, row_offset=0.0):
    """Return a left and a right image whose points differ by a disparity, px."""
    wide = texture()
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    columns, rows = columns.astype(np.float32) + 50, rows.astype(np.float32)
    left = cv2.remap(wide, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    # A point at x in the left image is at x - disparity in the right one.
    right = cv2.remap(
        wide, columns + disparity, rows - row_offset, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return left.round().astype(np.uint8), right.round().astype(np.uint8)


def keypoints(count=200):
    generator = np.random.default_rng(1)
    return generator.uniform([70, 15], [WIDTH - 20, HEIGHT - 15], (count, 2))


@pytest.mark.parametrize("disparity", [1.2, 3.3, 17.75, 40.5])
def test_a_known_disparity_is_found_below_a_tenth_of_a_pixel(disparity):
    left, right = pair(disparity)
    found = match_along_rows(left, right, keypoints(), StereoConfig())
    assert np.isfinite(found).mean() > 0.9
    assert np.nanmedian(np.abs(found - disparity)) < 0.05
    assert np.nanmax(np.abs(found - disparity)) < 0.5


def test_a_disparity_beyond_the_range_is_unknown():
    left, right = pair(45.0)
    found = match_along_rows(left, right, keypoints(), StereoConfig(max_disparity_px=20))
    assert np.isfinite(found).mean() < 0.05


def test_images_of_different_things_have_no_disparity():
    left, _ = pair(0.0)
    other = np.random.default_rng(5).integers(0, 256, left.shape, np.uint8)
    found = match_along_rows(left, other, keypoints(), StereoConfig())
    assert np.isfinite(found).mean() < 0.1


def test_without_texture_nothing_is_found():
    blank = np.full((HEIGHT, WIDTH), 90, np.uint8)
    assert np.isnan(match_along_rows(blank, blank, keypoints(), StereoConfig())).all()


def test_keypoints_outside_or_unknown_have_no_disparity():
    left, right = pair(5.0)
    pixels = np.array([[np.nan, np.nan], [-20.0, 5.0], [WIDTH + 20.0, 50.0], [150.0, 80.0]])
    found = match_along_rows(left, right, pixels, StereoConfig())
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(5.0, abs=0.2)
    assert len(match_along_rows(left, right, np.zeros((0, 2)), StereoConfig())) == 0


def test_brightness_and_contrast_of_the_right_image_do_not_matter():
    left, right = pair(12.4)
    darker = (right * 0.6 + 20).astype(np.uint8)
    found = match_along_rows(left, darker, keypoints(), StereoConfig())
    assert np.nanmedian(np.abs(found - 12.4)) < 0.1


def test_a_tiny_image_is_no_crash():
    tiny = np.zeros((1, 1), np.uint8)
    assert np.isnan(match_along_rows(tiny, tiny, np.zeros((1, 2)), StereoConfig())).all()
