import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from aliked_ros.geometry.camera import (
    project,
    project_raw,
    rectify_keypoints,
    to_plane,
)
from aliked_ros.structs import Camera

K = np.array([[420.0, 0, 310.0], [0, 430.0, 250.0], [0, 0, 1]])
P = np.array([[400.0, 0, 320.0, 0], [0, 400.0, 240.0, 0], [0, 0, 1, 0]])
R = Rotation.from_rotvec([0.01, -0.02, 0.015]).as_matrix()
CAMERAS = {
    "none": Camera(640, 480, K),
    "plumb_bob": Camera(640, 480, K, "plumb_bob", np.array([-0.3, 0.08, 1e-3, -5e-4, 0.01]), R, P),
    "rational_polynomial": Camera(
        640,
        480,
        K,
        "rational_polynomial",
        np.array([0.5, 0.1, 1e-4, 2e-4, 0.01, 0.8, 0.2, 0.03]),
        R,
        P,
    ),
    "equidistant": Camera(640, 480, K, "equidistant", np.array([-0.02, 0.01, -5e-3, 1e-3]), R, P),
}


@pytest.fixture(params=list(CAMERAS))
def camera(request):
    return CAMERAS[request.param]


@pytest.fixture
def points():
    generator = np.random.default_rng(0)
    return generator.uniform([-1.5, -1.1, 2.0], [1.5, 1.1, 6.0], size=(200, 3))


def test_a_point_lands_on_the_same_rectified_pixel_through_the_raw_image(camera, points):
    raw = project_raw(points, camera)
    expected = project(points @ camera.R.T, camera.K_rectified)
    np.testing.assert_allclose(rectify_keypoints(raw, camera), expected, atol=1e-4)


def test_plumb_bob_agrees_with_opencv(points):
    camera = CAMERAS["plumb_bob"]
    # OpenCV's default of five iterations is exact only near the middle of the image.
    raw = project_raw(points * [0.3, 0.3, 1.0], camera)
    expected = cv2.undistortPoints(raw.reshape(-1, 1, 2), K, camera.D, R=R, P=P).reshape(-1, 2)
    np.testing.assert_allclose(rectify_keypoints(raw, camera), expected, atol=0.01)


def test_equidistant_agrees_with_opencv(points):
    camera = CAMERAS["equidistant"]
    raw = project_raw(points, camera)
    expected = cv2.fisheye.undistortPoints(raw.reshape(-1, 1, 2), K, camera.D, R=R, P=P)
    np.testing.assert_allclose(rectify_keypoints(raw, camera), expected.reshape(-1, 2), atol=1e-4)


def test_an_undistorted_camera_returns_the_pixels_unchanged():
    pixels = np.array([[0.0, 0.0], [12.25, 400.5]])
    np.testing.assert_array_equal(rectify_keypoints(pixels, CAMERAS["none"]), pixels)


def test_pixels_outside_the_range_of_the_distortion_model_become_nan():
    # r (1 - 0.5 r^2) never exceeds 0.544: no point of the world is imaged further out.
    camera = Camera(640, 480, np.diag([100.0, 100.0, 1.0]), "plumb_bob", np.array([-0.5, 0, 0, 0]))
    rectified = rectify_keypoints(np.array([[10.0, 5.0], [90.0, 0.0]]), camera)
    assert np.isfinite(rectified[0]).all()
    assert np.isnan(rectified[1]).all()


def test_no_keypoints_give_an_empty_array(camera):
    assert rectify_keypoints(np.zeros((0, 2)), camera).shape == (0, 2)
    assert project_raw(np.zeros((0, 3)), camera).shape == (0, 2)


def test_normalised_pixels_are_rays_through_their_pixels():
    pixels = np.array([[310.0, 250.0], [0.0, 479.0]])
    xy = to_plane(pixels, K)
    np.testing.assert_allclose(xy[0], [0, 0])
    rays = np.column_stack([xy, np.ones(2)])
    np.testing.assert_allclose(project(rays * 7.0, K), pixels, atol=1e-9)
