"""HomographyWarp against OpenCV, and what it says about points that cannot be seen."""

import pickle

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.training.pairs.warps import HomographyWarp, is_inside

SIZE = (60, 80)
H = np.array([[0.9, -0.2, 12.0], [0.25, 1.1, -8.0], [0.001, -0.002, 1.0]])


def _points(number=300, dtype=np.float32):
    return np.random.default_rng(0).uniform(-10, 90, (number, 2)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_land_where_opencv_takes_them(dtype):
    points = _points(dtype=dtype)
    warped = HomographyWarp(torch.from_numpy(H), SIZE)(torch.from_numpy(points))
    expected = cv2.perspectiveTransform(points[None].astype(float), H)[0]
    np.testing.assert_allclose(warped.points, expected, atol=1e-4)
    inside = ((expected >= 0) & (expected <= [SIZE[1] - 1, SIZE[0] - 1])).all(axis=1)
    assert 0.2 < inside.mean() < 0.9
    np.testing.assert_array_equal(warped.is_visible, inside)
    assert warped.is_known.all()


def test_corners_of_the_image_are_inside_and_just_beyond_is_not():
    corners = torch.tensor([[0.0, 0.0], [79.0, 59.0], [-0.01, 5.0], [79.01, 5.0], [5.0, 59.01]])
    warped = HomographyWarp(torch.eye(3), SIZE)(corners)
    assert warped.is_visible.tolist() == [True, True, False, False, False]
    assert torch.equal(is_inside(corners, SIZE), warped.is_visible)


def test_points_at_and_beyond_the_horizon_are_not_visible_and_finite():
    tilted = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, -0.02, 1]])  # the horizon is y = 50
    points = torch.tensor([[10.0, 20.0], [10.0, 50.0], [10.0, 58.0], [0.0, 60.0]])
    points.requires_grad_()
    warped = HomographyWarp(tilted, (1000, 1000))(points)
    # Beyond it, (0, 60) would come out at (0, -300); with the sign lost, inside a larger image.
    assert warped.is_visible.tolist() == [True, False, False, False]
    assert warped.points.isfinite().all()
    warped.points.sum().backward()
    assert points.grad.isfinite().all()


def test_covered_points_are_known_and_not_visible():
    cover = torch.zeros(SIZE, dtype=torch.bool)
    cover[10:20, 30:50] = True
    points = torch.tensor([[40.0, 15.0], [29.6, 9.6], [29.4, 15.0], [40.0, 20.0], [200.0, 15.0]])
    warped = HomographyWarp(torch.eye(3), SIZE, cover)(points)
    assert warped.is_visible.tolist() == [False, False, True, True, False]
    assert warped.is_known.all()


def test_the_gradient_agrees_with_finite_differences():
    points = torch.from_numpy(_points(6, np.float64)).requires_grad_()
    warp = HomographyWarp(torch.from_numpy(H), SIZE)
    assert torch.autograd.gradcheck(lambda p: warp(p).points, points)


def test_half_precision_around_it_does_not_move_points():
    warp, points = HomographyWarp(torch.from_numpy(H).float(), SIZE), torch.from_numpy(_points())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        warped = warp(points)
    assert warped.points.dtype == torch.float32
    assert torch.equal(warped.points, warp(points).points)


def test_no_points_give_no_points():
    warped = HomographyWarp(torch.eye(3), SIZE)(torch.zeros(0, 2))
    assert warped.points.shape == (0, 2)
    assert warped.is_visible.shape == (0,)


def test_a_worker_can_send_it():
    points = torch.from_numpy(_points(5))
    warp = HomographyWarp(torch.from_numpy(H), SIZE, torch.ones(SIZE, dtype=torch.bool))
    sent = pickle.loads(pickle.dumps(warp))
    assert torch.equal(sent(points).points, warp(points).points)
    assert not sent(points).is_visible.any()
