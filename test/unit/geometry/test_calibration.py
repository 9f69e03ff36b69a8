from dataclasses import replace

import numpy as np
import pytest

from aliked_ros.geometry.calibration import (
    CalibrationFields,
    OtherSizeError,
    Region,
    crop,
    make_camera,
    resize,
)
from aliked_ros.geometry.camera import project_raw, rectify_keypoints
from aliked_ros.structs import Camera

SMALL_K = [525.0, 0, 320, 0, 525, 240, 0, 0, 1]


def projection(K, tx=0.0):
    return [K[0], 0, K[2], tx, 0, K[4], K[5], 0, 0, 0, 1, 0]


FIELDS = CalibrationFields(640, 480, SMALL_K, "plumb_bob", [0.0] * 5, P=projection(SMALL_K))
# The same camera on a sensor of twice the resolution.
LARGE_K = [1050.0, 0, 640.5, 0, 1050, 480.5, 0, 0, 1]


def test_what_is_given_is_the_camera():
    camera = make_camera(FIELDS, (640, 480))
    np.testing.assert_array_equal(camera.K.ravel(), SMALL_K)
    assert (camera.width, camera.height, camera.distortion_model) == (640, 480, "none")
    assert not camera.is_distorted


def test_binning_makes_the_pixels_of_the_sensor_smaller():
    binned = CalibrationFields(
        1280, 960, LARGE_K, "plumb_bob", [0.1, 0, 0, 0, 0], P=projection(LARGE_K, -105.0)
    )
    binned = replace(binned, binning=(2, 2))
    camera = make_camera(binned, (640, 480))
    np.testing.assert_allclose(camera.K.ravel(), SMALL_K)
    np.testing.assert_allclose(camera.P.ravel(), projection(SMALL_K, -52.5))
    np.testing.assert_array_equal(camera.D, binned.D)


def test_a_region_moves_the_principal_point():
    fields = CalibrationFields(
        1280,
        960,
        [525.0, 0, 640, 0, 525, 480, 0, 0, 1],
        P=projection([525.0, 0, 640, 0, 525, 480]),
        region=Region(320, 240, 640, 480),
    )
    camera = make_camera(fields, (640, 480))
    np.testing.assert_array_equal(camera.K.ravel(), SMALL_K)
    np.testing.assert_array_equal(camera.P.ravel(), projection(SMALL_K))


def test_region_and_binning_go_together_as_a_point_tells():
    whole = Camera(1280, 960, np.reshape(LARGE_K, (3, 3)), "plumb_bob", np.array([0.1, 0, 0, 0, 0]))
    fields = CalibrationFields(
        1280, 960, LARGE_K, "plumb_bob", whole.D, binning=(2, 4), region=Region(100, 40, 800, 600)
    )
    camera = make_camera(fields, (400, 150))
    points = np.array([[0.1, -0.05, 1.0], [-0.2, 0.1, 1.0]])
    expected = (project_raw(points, whole) - [100, 40] + 0.5) / [2, 4] - 0.5
    np.testing.assert_allclose(project_raw(points, camera), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "size", "words"),
    [
        ({"binning": (2, 2)}, (640, 480), ["binning is 2x2", "images of 320x240", "are 640x480"]),
        (
            {"region": Region(320, 240, 640, 480)},
            (640, 480),
            ["roi is 640x480 at (320, 240)", "camera_info is for 640x480", "whole sensor"],
        ),
        ({}, (320, 240), ["camera_info is for 640x480, the images are 320x240"]),
        ({"region": Region(5, 0, 0, 0)}, (640, 480), ["roi is 640x480 at (5, 0)"]),
        ({"binning": (1000, 1)}, (640, 480), ["binning is 1000x1", "no pixel"]),
        ({"width": 0}, (640, 480), ["0x480", "positive"]),
    ],
)
def test_contradictions_are_named(changes, size, words):
    with pytest.raises(ValueError, match=r"camera|binning|roi") as caught:
        make_camera(replace(FIELDS, **changes), size)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_calibration_of_another_resolution_is_an_error_of_its_own():
    with pytest.raises(OtherSizeError):
        make_camera(FIELDS, (320, 240))


def test_rectified_images_need_p_alone():
    fields = replace(FIELDS, K=[0.0] * 9, model="ftheta", D=[0.1] * 3)
    camera = make_camera(fields, (640, 480), is_rectified=True)
    np.testing.assert_array_equal(camera.K.ravel(), SMALL_K)
    assert not camera.is_distorted
    with pytest.raises(ValueError, match=r"K is zero and P is not.*rectified_images to true"):
        make_camera(replace(fields, model="none"), (640, 480))
    with pytest.raises(ValueError, match="P is zero and rectified_images is true"):
        make_camera(replace(FIELDS, P=[0.0] * 12), is_rectified=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"K": [0.0] * 9, "P": None}, ["not calibrated", "K[0]"]),
        ({"K": [525.0, 0, 320, 0, -1, 240, 0, 0, 1]}, ["525.0, -1.0 px", "K[4]"]),
        ({"K": [525.0, 0, 0, 0, 525, 0, 320, 240, 1]}, ["column by column"]),
        ({"K": [525.0, 9, 320, 0, 525, 240, 0, 0, 1]}, ["K[1] is 9", "skew"]),
        ({"K": [float("nan")] * 9}, ["K is [nan", "finite"]),
        ({"K": SMALL_K[:8]}, ["K has 8 values", "9"]),
        ({"P": [1.0] * 12}, ["P is", "column by column"]),
        ({"R": [1.0, 0, 0, 0, 1, 0, 0, 0, -1]}, ["R is", "no rotation"]),
        ({"K": [0.8, 0, 0.5, 0, 1.1, 0.5, 0, 0, 1]}, ["0.8, 1.1 px", "640 px wide", "parts"]),
        ({"K": [1.0, 0, 0, 0, 1, 0, 0, 0, 1]}, ["1, 1 px", "no lens"]),
        ({"P": projection([1.0, 0, 0, 0, 1, 0])}, ["focal length of P is 1, 1 px"]),
        ({"width": 0, "height": 0}, ["0x0", "of the images that were calibrated"]),
        ({"model": "equidistant", "D": [0.1] * 5}, ["needs 4 values, D has 5"]),
        ({"D": [-4.0, 0, 0, 0, 0]}, ["cannot be inverted in", "check D"]),
    ],
)
def test_what_cannot_be_used_is_named(changes, words):
    with pytest.raises(ValueError, match=r".") as caught:
        make_camera(replace(FIELDS, **changes), (640, 480))
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_crop_and_another_size_keep_where_points_are():
    camera = Camera(
        1280, 960, np.reshape(LARGE_K, (3, 3)), "equidistant", np.array([0.01, -0.002, 1e-4, 1e-5])
    )
    part = resize(crop(camera, Region(200, 100, 800, 600)), (400, 300))
    pixels = np.array([[400.0, 300.0], [777.0, 444.0]])
    moved = (pixels - [200, 100] + 0.5) / 2 - 0.5
    K = camera.K
    rays = (rectify_keypoints(pixels, camera) - K[:2, 2]) / [K[0, 0], K[1, 1]]
    rays_of_part = (rectify_keypoints(moved, part) - part.K[:2, 2]) / [part.K[0, 0], part.K[1, 1]]
    np.testing.assert_allclose(rays_of_part, rays, atol=1e-6)
