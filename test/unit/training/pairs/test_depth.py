"""Crops of two views: exact intrinsics, enough in common, the same pair from the same seed."""

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.geometry import se3
from aliked_ros.training.pairs.depth import (
    DepthPairOptions,
    DepthView,
    UnreadableError,
    Window,
    crop_pair,
    cut,
    draw_usable,
)

OPTIONS = DepthPairOptions(
    size_px=64, crop_share=(0.5, 1.0), min_visible=0.2, tolerance=0.0, relative_tolerance=0.03
)
K = np.array([[90.0, 0, 63.5], [0, 90.0, 47.5], [0, 0, 1]])
SIZE = (96, 128)


def _picture():
    """Soft blobs, smooth enough that a colour can be read between pixels."""
    noise = np.random.default_rng(1).uniform(0, 255, (*SIZE, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 4.0)
    stretched = 128 + (blurred - blurred.mean()) * 8
    return np.clip(stretched, 0, 255).astype(np.uint8)


def _views(shift=0.1):
    """A wall at 2 m seen from two places side by side: pixels move by K[0, 0] * shift / 2."""
    pixels = round(K[0, 0] * shift / 2.0)
    image0 = _picture()
    image1 = np.roll(image0, -pixels, axis=1)
    depth = np.full(SIZE, 2.0, np.float32)
    T_1_0 = np.eye(4)
    T_1_0[0, 3] = -pixels * 2.0 / K[0, 0]
    return DepthView(image0, depth, K, np.eye(4)), DepthView(image1, depth, K, T_1_0)


def _colours(image, points):
    x, y = (points[:, i].astype(np.float32) for i in (0, 1))
    return cv2.remap(image.astype(np.float32), x, y, cv2.INTER_LINEAR)[:, 0]


def test_a_crop_keeps_every_3d_point_where_it_is_seen():
    depth = np.linspace(2, 3, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    view = DepthView(_picture(), depth, K, np.eye(4))
    window = Window(left=20, top=10, side=80)
    crop = cut(view, window, 64)
    points = np.array([[30.0, 20.0, 1.0], [70.0, 60.0, 1.0]])  # px of the whole view
    rays = points @ np.linalg.inv(K).T
    seen = (rays @ crop.K.T)[:, :2]
    np.testing.assert_allclose(seen, (points[:, :2] - [20, 10] + 0.5) * 0.8 - 0.5)
    # The depth of a crop's pixel is that of the whole view at the same ray.
    u, v = 13, 40
    x, y = (u + 0.5) / 0.8 - 0.5 + 20, (v + 0.5) / 0.8 - 0.5 + 10
    low = depth[int(y), int(x)] + (x - int(x)) * (depth[0, 1] - depth[0, 0])
    expected = low + (y - int(y)) * (depth[1, 0] - depth[0, 0])
    np.testing.assert_allclose(crop.depth[v, u], expected, rtol=1e-6)


def test_a_crop_of_the_wanted_size_is_not_resampled():
    view = _views()[0]
    crop = cut(view, Window(5, 7, 64), 64)
    assert np.array_equal(crop.image, view.image[7:71, 5:69])
    np.testing.assert_allclose(crop.K[:2, 2], K[:2, 2] - [5, 7])


def test_missing_depth_does_not_bleed_into_a_crop():
    view = _views()[0]
    view.depth[40:50, 40:50] = 0
    crop = cut(view, Window(0, 0, 96), 64)
    assert set(np.unique(crop.depth)) == {np.float32(0), np.float32(2)}
    assert crop.depth[30, 30] == 0  # the middle of the hole
    assert (crop.depth == 0).sum() < 10 * 10  # the hole has shrunk with the picture


def test_both_images_of_a_pair_show_the_same_colours_at_warped_points():
    generator = np.random.default_rng(0)
    for _ in range(10):
        pair = crop_pair(*_views(), OPTIONS, generator)
        assert pair is not None
        assert pair.image0.shape == pair.image1.shape == (64, 64, 3)
        y, x = np.mgrid[2:62:3, 2:62:3]
        points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)
        for warp, image_a, image_b in (
            (pair.warp_1_0, pair.image0, pair.image1),
            (pair.warp_0_1, pair.image1, pair.image0),
        ):
            warped = warp(torch.from_numpy(points))
            seen = warped.is_visible.numpy()
            assert seen.mean() > 0.1
            gap = _colours(image_a, points[seen]) - _colours(image_b, warped.points.numpy()[seen])
            # Two resizes differ by little; a shift by one pixel gives a mean of 8 and more.
            assert np.abs(gap).mean() < 3.0


def test_the_size_of_both_crops_varies():
    generator = np.random.default_rng(0)
    pairs = [crop_pair(*_views(), OPTIONS, generator) for _ in range(20)]
    ratios = [float(p.warp_1_0.K_b[0, 0] / p.warp_1_0.K_a[0, 0]) for p in pairs if p]
    assert min(ratios) < 0.8
    assert max(ratios) > 1.25


def test_every_crop_sees_enough_of_the_other():
    options = DepthPairOptions(64, (0.5, 0.6), 0.5, 0.0, 0.03)
    generator = np.random.default_rng(3)
    y, x = np.mgrid[0:64:2, 0:64:2]
    points = torch.from_numpy(np.column_stack([x.ravel(), y.ravel()]).astype(np.float32))
    for _ in range(10):
        pair = crop_pair(*_views(), options, generator)
        assert pair is not None
        for warp in (pair.warp_1_0, pair.warp_0_1):
            assert warp(points).is_visible.float().mean() > 0.45  # another grid than the source's


def test_views_that_share_nothing_make_no_pair():
    view0, view1 = _views()
    turned = se3.exp(np.array([0, 0, 0, 0, np.pi, 0]))
    away = DepthView(view1.image, view1.depth, K, turned)
    assert crop_pair(view0, away, OPTIONS, np.random.default_rng(0)) is None


def test_the_change_is_made_on_both_images_with_the_same_generator():
    seen = []

    def change(image, generator):
        seen.append(generator)
        return 255 - image

    options = DepthPairOptions(64, (0.5, 1.0), 0.2, 0.0, 0.03, change)
    generator = np.random.default_rng(0)
    pair = crop_pair(*_views(), options, generator)
    plain = crop_pair(*_views(), OPTIONS, np.random.default_rng(0))
    assert seen == [generator, generator]
    assert np.array_equal(pair.image0, 255 - plain.image0)
    assert np.array_equal(pair.image1, 255 - plain.image1)


def test_broken_views_are_named_once_and_others_drawn():
    attempts = iter([None, "a.jpg: cut off", "b.jpg: cut off", "a.jpg: cut off", _views()])

    def draw_views(generator):
        attempt = next(attempts)
        if isinstance(attempt, str):
            raise UnreadableError(attempt)
        return attempt

    pair = draw_usable(draw_views, OPTIONS, np.random.default_rng(0), "somewhere")
    assert pair.unreadable == ("a.jpg: cut off", "b.jpg: cut off")


def test_a_source_of_broken_views_says_so():
    def draw_views(generator):
        raise UnreadableError("x.jpg: cut off")

    with pytest.raises(ValueError, match=r"the folder.*100 ended.*x\.jpg: cut off"):
        draw_usable(draw_views, OPTIONS, np.random.default_rng(0), "the folder")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size_px", 1),
        ("crop_share", (0.0, 1.0)),
        ("crop_share", (0.9, 0.5)),
        ("min_visible", 0.0),
        ("relative_tolerance", 0.0),
        ("tolerance", -0.1),
    ],
)
def test_options_out_of_range_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        DepthPairOptions(**{**OPTIONS.__dict__, field: value})
