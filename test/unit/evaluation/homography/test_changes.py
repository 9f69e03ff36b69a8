import cv2
import numpy as np
import pytest

from aliked_ros.evaluation.homography import changes as warps
from aliked_ros.evaluation.homography.metrics import warp


def smooth_image(height, width):
    """A picture of two slow waves: bilinear sampling of it is almost exact."""
    y, x = np.mgrid[:height, :width]
    waves = [127 + 60 * np.sin(x / 15 + k) + 60 * np.cos(y / 17 - k) for k in range(3)]
    return np.clip(np.stack(waves, axis=2), 0, 255).astype(np.uint8)


GEOMETRIC = {
    "rotate": lambda image: warps.rotate(image, 37.0),
    "quarter turn": lambda image: warps.rotate(image, 90.0),
    "scale": lambda image: warps.scale_down(image, 1.7),
    "resize": lambda image: warps.resize(image, 100),
}


@pytest.mark.parametrize("name", GEOMETRIC)
def test_homography_says_where_each_pixel_went(name):
    image = smooth_image(120, 150)
    changed, H_1_0 = GEOMETRIC[name](image)
    generator = np.random.default_rng(0)
    points = generator.uniform((30, 30), (119, 89), (200, 2))
    landed = warp(H_1_0, points).astype(np.float32)
    before = cv2.remap(image, *np.hsplit(points.astype(np.float32), 2), cv2.INTER_LINEAR)
    after = cv2.remap(changed, *np.hsplit(landed, 2), cv2.INTER_LINEAR)
    assert np.abs(before.astype(float) - after).max() < 6


def test_quarter_turn_is_numpys():
    image = smooth_image(40, 61)
    turned, _ = warps.rotate(image, 90.0)
    assert turned.shape == (61, 40, 3)
    assert np.abs(turned.astype(int) - np.rot90(image)).max() <= 1


def test_resize_keeps_an_image_that_fits():
    image = smooth_image(40, 60)
    for longer_side_px in (0, 60, 640):
        same, H_1_0 = warps.resize(image, longer_side_px)
        assert same is image
        assert np.array_equal(H_1_0, np.eye(3))


@pytest.mark.parametrize("change", warps.CHANGES, ids=lambda change: change.name)
def test_every_curve_has_a_level_without_effect_and_stays_an_image(change):
    image = smooth_image(64, 80)
    difference = []
    for level in change.levels:
        changed, H_1_0 = change.apply(image, level)
        assert changed.dtype == np.uint8
        assert changed.ndim == 3
        assert H_1_0.shape == (3, 3)
        same_shape = changed.shape == image.shape
        difference.append(np.abs(changed.astype(int) - image).mean() if same_shape else 255)
    assert min(difference) < 1.5
    assert max(difference) > min(difference) + 1.5


def test_random_views_lie_inside_the_image_and_differ():
    seen = []
    for seed in range(50):
        H_1_0 = warps.random_view(np.random.default_rng(seed), (321, 481))
        corners = np.array([[0, 0], [480, 0], [480, 320], [0, 320]], float)
        inside = warp(np.linalg.inv(H_1_0), corners)
        assert inside.min() > -1e-3
        assert (inside.max(axis=0) < np.array([480, 320]) + 1e-3).all()
        seen.append(H_1_0)
    again = warps.random_view(np.random.default_rng(49), (321, 481))
    assert np.array_equal(again, seen[-1])
    assert np.std([H[0, 1] for H in seen]) > 0.05
