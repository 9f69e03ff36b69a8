import cv2
import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def room():
    return SyntheticRoom(0, 160, 120, num_frames=40, rate_hz=10.0, texels_per_m=60.0)


def _bilinear(picture, x, y):
    maps = x.astype(np.float32), y.astype(np.float32)
    return cv2.remap(picture, *maps, cv2.INTER_LINEAR).astype(np.float64)


def test_it_serves_every_sensor(room):
    frame = room.read(0)
    assert room.sensors == ("mono", "stereo", "rgbd")
    assert frame.image.shape == frame.right_image.shape == (120, 160, 3)
    assert frame.image.dtype == np.uint8
    assert frame.depth_m.shape == (120, 160)
    assert frame.depth_m.dtype == np.float32
    np.testing.assert_allclose(
        frame.T_world_camera @ se3.inverse(frame.T_world_camera), np.eye(4), atol=1e-12
    )


def test_the_room_is_closed_and_nothing_is_too_near(room):
    for index in range(0, 40, 8):
        depth_m = room.read(index, "rgbd").depth_m
        assert np.isfinite(depth_m).all()
        assert depth_m.min() > 0.5


def test_depth_and_poses_explain_the_next_view(room):
    first, second = room.read(10, "rgbd"), room.read(14, "rgbd")
    K = room.camera.K
    y, x = np.mgrid[0:120, 0:160]
    rays = np.linalg.inv(K) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    points_first = (rays * first.depth_m.ravel()).T
    T_second_first = se3.inverse(second.T_world_camera) @ first.T_world_camera
    points = se3.transform(T_second_first, points_first)
    pixels = points[:, :2] / points[:, 2:] * K[0, 0] + K[:2, 2]
    u, v = pixels[:, 0].reshape(120, 160), pixels[:, 1].reshape(120, 160)
    inside = (u > 1) & (u < 158) & (v > 1) & (v < 118)
    assert inside.mean() > 0.6
    depth_error_m = np.abs(_bilinear(second.depth_m, u, v) - points[:, 2].reshape(120, 160))[inside]
    colour_error = np.abs(_bilinear(second.image, u, v) - first.image).mean(axis=2)[inside]
    # Occlusions and depth edges aside, both agree to what bilinear sampling can tell.
    assert np.quantile(depth_error_m, 0.8) < 0.002
    assert np.median(colour_error) < 5
    shifted = np.abs(_bilinear(second.image, u + 2, v) - first.image).mean(axis=2)[inside]
    assert colour_error.mean() < 0.6 * shifted.mean()


def test_the_right_view_is_shifted_by_the_disparity(room):
    frame = room.read(3)
    baseline_m = -room.right_camera.P[0, 3] / room.right_camera.P[0, 0]
    assert baseline_m == pytest.approx(0.12)
    disparity_px = room.camera.K[0, 0] * baseline_m / frame.depth_m
    y, x = np.mgrid[0:120, 0:160].astype(np.float64)
    inside = x - disparity_px > 1
    warped = _bilinear(frame.right_image, x - disparity_px, y)
    error = np.abs(warped - frame.image).mean(axis=2)[inside]
    unshifted = np.abs(frame.right_image.astype(float) - frame.image).mean(axis=2)[inside]
    assert np.median(error) < 4
    assert error.mean() < 0.4 * unshifted.mean()


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(room):
    again = SyntheticRoom(0, 160, 120, num_frames=40, rate_hz=10.0, texels_per_m=60.0)
    np.testing.assert_array_equal(again.read(5).image, room.read(5).image)
    other = SyntheticRoom(1, 160, 120, num_frames=40, rate_hz=10.0, texels_per_m=60.0)
    assert (other.read(5).image != room.read(5).image).mean() > 0.3


def test_the_camera_moves_smoothly_and_stays_in_the_room(room):
    positions_m = room.ground_truth.T_world_camera[:, :3, 3]
    steps_m = np.linalg.norm(np.diff(positions_m, axis=0), axis=1)
    assert steps_m.min() > 0.01
    assert steps_m.max() < 0.09
    assert (positions_m > [1.0, 1.0, 1.0]).all()
    assert (positions_m < [5.0, 4.0, 2.0]).all()


def test_depth_noise_belongs_to_the_frame_and_leaves_the_images_alone(room):
    again = SyntheticRoom(
        0, 160, 120, num_frames=40, rate_hz=10.0, texels_per_m=60.0, depth_noise=0.002
    )
    exact, noisy = room.read(5, "rgbd"), again.read(5, "rgbd")
    again.read(6, "rgbd")
    np.testing.assert_array_equal(again.read(5, "rgbd").depth_m, noisy.depth_m)
    np.testing.assert_array_equal(noisy.image, exact.image)
    assert np.std(1 / noisy.depth_m - 1 / exact.depth_m) == pytest.approx(0.002, rel=0.2)
