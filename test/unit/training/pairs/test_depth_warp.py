"""DepthWarp against a plane whose warp is a known homography, and against what hides or is lost."""

import pickle

import numpy as np
import pytest
import torch

from aliked_ros.geometry import se3
from aliked_ros.training.pairs.depth_warp import DepthWarp, interpolate_depth

SIZE = (60, 80)
K0 = np.array([[70.0, 0, 39.5], [0, 75.0, 29.5], [0, 0, 1]])
K1 = np.array([[60.0, 0, 42.0], [0, 62.0, 28.0], [0, 0, 1]])
T_1_0 = se3.exp(np.array([0.6, -0.3, 0.15, 0.05, -0.08, 0.1]))
# Points X of the plane in camera 0 fulfil n . X = d.
NORMAL_0 = np.array([0.2, -0.1, 1.0])
DISTANCE_0 = 3.0


def _plane_depth(K, normal, distance):
    """Depth of the plane n . X = d along the optical axis, at the pixel centres."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(K).T
    return (distance / (rays @ normal)).astype(np.float32)


def _plane_in_camera_1():
    normal_1 = T_1_0[:3, :3] @ NORMAL_0
    return normal_1, DISTANCE_0 + normal_1 @ T_1_0[:3, 3]


def _warp(depth0, depth1, tolerance=0.05, relative_tolerance=0.0, T=T_1_0):
    arrays = (depth0, depth1, K0, K1, T)
    return DepthWarp(*(torch.tensor(a) for a in arrays), tolerance, relative_tolerance)


def _plane_warp():
    depths = _plane_depth(K0, NORMAL_0, DISTANCE_0), _plane_depth(K1, *_plane_in_camera_1())
    return _warp(*depths)


def _through_homography(points):
    """Where the plane's homography K1 (R + t n^T / d) K0^-1 takes pixels (N, 2)."""
    H = T_1_0[:3, :3] + np.outer(T_1_0[:3, 3], NORMAL_0) / DISTANCE_0
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ (K1 @ H @ np.linalg.inv(K0)).T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def _random_points(number=500):
    generator = np.random.default_rng(0)
    return generator.uniform(0, [SIZE[1] - 1, SIZE[0] - 1], (number, 2)).astype(np.float32)


def _inside(points):
    return ((points >= 0) & (points <= [SIZE[1] - 1, SIZE[0] - 1])).all(axis=1)


def test_points_of_a_slanted_plane_land_where_its_homography_takes_them():
    points = _random_points()
    expected = _through_homography(points)
    warped = _plane_warp()(torch.from_numpy(points))
    # Between pixel centres depth is linear only in its inverse; the rest is float32.
    np.testing.assert_allclose(warped.points, expected, atol=2e-3)
    # Away from the border, where a thousandth of a pixel decides, visible means inside.
    clear = np.abs(expected - np.clip(expected, 0, [SIZE[1] - 1, SIZE[0] - 1])).max(axis=1)
    assert 0.3 < _inside(expected).mean() < 0.95
    np.testing.assert_array_equal(
        warped.is_visible[(clear == 0) | (clear > 0.01)],
        _inside(expected)[(clear == 0) | (clear > 0.01)],
    )
    assert warped.is_known.all()


def test_whole_pixels_of_a_plane_land_exactly():
    points = np.stack(np.meshgrid(np.arange(80), np.arange(60)), -1).reshape(-1, 2)
    warped = _plane_warp()(torch.from_numpy(points).double())
    np.testing.assert_allclose(warped.points, _through_homography(points), atol=1e-5)


def test_there_and_back_is_the_same_point():
    points = torch.from_numpy(_random_points())
    there = _plane_warp()
    back = DepthWarp(
        there.depth_b, there.depth_a, there.K_b, there.K_a, there.T_b_a.inverse(), 0.05, 0.0
    )
    warped = there(points)
    returned = back(warped.points)
    seen = warped.is_visible
    assert seen.sum() > 100
    torch.testing.assert_close(returned.points[seen], points[seen], atol=5e-3, rtol=0)
    assert returned.is_visible[seen].float().mean() > 0.99


def test_a_nearer_object_hides_what_is_behind_it():
    sideways = np.eye(4)
    sideways[0, 3] = -0.5  # camera 1 is half a metre to the right
    depth0 = np.full(SIZE, 4.0, np.float32)
    depth1 = depth0.copy()
    depth1[20:40, 10:30] = 2.0
    points = torch.tensor([[x, y] for x in range(5, 75, 3) for y in range(5, 55, 3)]).float()
    warped = _warp(depth0, depth1, T=sideways)(points)
    x = 60.0 * ((points[:, 0] - 39.5) / 70.0 - 0.5 / 4.0) + 42.0
    y = 62.0 * (points[:, 1] - 29.5) / 75.0 + 28.0
    torch.testing.assert_close(warped.points, torch.stack([x, y], dim=1))
    behind = (x >= 10) & (x <= 29) & (y >= 20) & (y <= 39)
    beside = (x <= 9) | (x >= 30) | (y <= 19) | (y >= 40)  # in between depths are mixed
    inside = (x >= 0) & (x <= 79) & (y >= 0) & (y <= 59)
    assert behind.sum() > 10
    assert not warped.is_visible[behind].any()
    assert torch.equal(warped.is_visible[beside], inside[beside])
    assert warped.is_known.all()


@pytest.mark.parametrize(
    ("absolute", "relative", "expected"),
    [(0.05, 0.0, False), (0.15, 0.0, True), (0.0, 0.01, False), (0.0, 0.03, True)],
)
def test_the_tolerance_decides_how_far_surfaces_may_be_apart(absolute, relative, expected):
    depth0 = np.full(SIZE, 5.0, np.float32)
    warp = _warp(depth0, depth0 + np.float32(0.1), absolute, relative, T=np.eye(4))
    assert bool(warp(torch.tensor([[30.0, 30.0]])).is_visible[0]) is expected


def test_missing_depth_leaves_a_point_unknown_on_either_side():
    depth0, depth1 = np.full(SIZE, 3.0, np.float32), np.full(SIZE, 3.0, np.float32)
    depth0[10, 10] = 0
    depth1[:, 40:] = 0
    warp = _warp(depth0, depth1, T=np.eye(4))
    points = torch.tensor([[9.5, 9.5], [10.5, 10.2], [11.5, 9.5], [20.0, 20.0], [60.0, 20.0]])
    warped = warp(points)
    # The first two have the hole among their four neighbours; the last lands where b knows nothing.
    assert warped.is_known.tolist() == [False, False, True, True, False]
    assert warped.is_visible.tolist() == [False, False, True, True, False]
    assert warped.points.isfinite().all()


def test_a_point_that_lands_outside_is_known_to_be_invisible():
    sideways = np.eye(4)
    sideways[0, 3] = 5.0
    depth = np.full(SIZE, 3.0, np.float32)
    warped = _warp(depth, np.zeros(SIZE, np.float32), T=sideways)(torch.tensor([[40.0, 30.0]]))
    assert warped.is_known.tolist() == [True]
    assert warped.is_visible.tolist() == [False]


@pytest.mark.parametrize("distance", [3.0, 4.0])
def test_a_point_behind_the_other_camera_is_known_to_be_invisible(distance):
    backwards = np.eye(4)
    backwards[2, 3] = -4.0  # camera 1 stands in the wall, or has gone past it
    depth, nothing = np.full(SIZE, distance, np.float32), np.zeros(SIZE, np.float32)
    warped = _warp(depth, nothing, T=backwards)(torch.tensor([[40.0, 30.0], [39.5, 29.5]]))
    assert warped.is_known.all()
    assert not warped.is_visible.any()
    assert warped.points.isfinite().all()


def test_points_outside_their_own_image_are_unknown():
    points = torch.tensor([[-0.1, 5.0], [79.1, 5.0], [5.0, 59.1], [5.0, -3.0], [float("nan"), 1.0]])
    warped = _plane_warp()(points)
    assert not warped.is_known.any()
    assert not warped.is_visible.any()


def test_corners_of_the_image_have_depth():
    depth = torch.arange(12.0).reshape(3, 4) + 1
    corners = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0], [3.0, 2.0], [1.5, 0.5]])
    read, is_known = interpolate_depth(depth, corners)
    assert read.tolist() == [1.0, 4.0, 9.0, 12.0, 4.5]
    assert is_known.all()


def test_no_points_give_no_points():
    warped = _plane_warp()(torch.zeros(0, 2))
    assert warped.points.shape == (0, 2)
    assert warped.is_visible.shape == warped.is_known.shape == (0,)


def test_the_gradient_agrees_with_finite_differences():
    # On a wall at one depth nothing is lost by taking the depth as a constant.
    depth = np.full(SIZE, 3.0, np.float32)
    warp = _warp(depth, depth)
    points = torch.tensor(_random_points(7), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: warp(p).points, points)


def test_no_gradient_flows_through_the_depth():
    point = torch.tensor([[30.2, 20.6]], dtype=torch.float64, requires_grad=True)
    slanted = _plane_warp()
    z, _ = interpolate_depth(slanted.depth_a, point)
    level = _warp(np.full(SIZE, float(z), np.float64), np.full(SIZE, 3.0))
    gradients = [
        torch.autograd.grad(warp(point).points.sum(), point)[0] for warp in (slanted, level)
    ]
    torch.testing.assert_close(*gradients)


def test_unknown_points_have_finite_gradients():
    hollow = _warp(np.zeros(SIZE, np.float32), np.full(SIZE, 3.0, np.float32))
    points = torch.from_numpy(_random_points(20)).requires_grad_()
    hollow(points).points.sum().backward()
    assert points.grad.isfinite().all()


def test_half_precision_around_it_does_not_move_points():
    points = torch.from_numpy(_random_points())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        warped = _plane_warp()(points)
    torch.testing.assert_close(warped.points, _plane_warp()(points).points, rtol=0, atol=0)


def test_a_worker_can_send_it():
    points = torch.from_numpy(_random_points(5))
    sent = pickle.loads(pickle.dumps(_plane_warp()))
    assert torch.equal(sent(points).points, _plane_warp()(points).points)
