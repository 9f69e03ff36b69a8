import cv2
import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="ROS is not installed: run make install")

from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header

from aliked_ros.images import ImageError
from aliked_ros.nodes.base.conversions.cameras import (
    camera_from_message,
    camera_to_message,
    depth_from_message,
    image_from_message,
    image_to_message,
)
from aliked_ros.structs import Camera

HEADER = Header(frame_id="camera")
K = np.array([[50.0, 0, 32], [0, 51, 24], [0, 0, 1]])
PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize("image", [PIXELS, PIXELS[..., 0].copy()], ids=["rgb", "grey"])
def test_images_come_back_as_they_were(image):
    message = image_to_message(image, HEADER)
    assert (message.header, message.width, message.height) == (HEADER, 64, 48)
    np.testing.assert_array_equal(image_from_message(message), image)


def test_depth_keeps_metres_and_holes():
    depth_m = np.array([[1.5, np.nan], [0.25, 30.0]], np.float32)
    message = image_to_message(depth_m, HEADER)
    assert message.encoding == "32FC1"
    np.testing.assert_array_equal(depth_from_message(message), depth_m)


def test_compressed_images_are_rgb():
    message = CompressedImage(format="rgb8; png compressed bgr8")
    message.data.frombytes(cv2.imencode(".png", PIXELS[..., ::-1])[1].tobytes())
    np.testing.assert_array_equal(image_from_message(message), PIXELS)


def test_an_unknown_encoding_is_named():
    message = image_to_message(PIXELS, HEADER)
    message.encoding = "hsv8"
    with pytest.raises(ImageError, match="'hsv8'"):
        image_from_message(message)


@pytest.mark.parametrize(
    "camera",
    [
        Camera(64, 48, K),
        Camera(64, 48, K, "plumb_bob", np.array([0.1, -0.2, 0.01, 0.02, 0.3])),
        Camera(64, 48, K, "equidistant", np.zeros(4)),
        Camera(
            64, 48, K, R=cv2.Rodrigues(np.array([0.1, 0, 0]))[0], P=np.hstack([K, [[-5], [0], [0]]])
        ),
    ],
    ids=["pinhole", "plumb_bob", "equidistant", "rectified"],
)
def test_a_calibration_comes_back_as_it_was(camera):
    again = camera_from_message(camera_to_message(camera, HEADER))
    assert again.distortion_model == camera.distortion_model
    assert (again.width, again.height) == (64, 48)
    np.testing.assert_array_equal(again.K, camera.K)
    np.testing.assert_array_equal(again.R, camera.R)
    np.testing.assert_array_equal(again.K_rectified, camera.K_rectified)
    assert again.is_distorted == camera.is_distorted
    if camera.D.any():
        np.testing.assert_array_equal(again.D, camera.D)


def test_binning_and_region_of_interest_count():
    whole = Camera(1280, 960, np.array([[1050.0, 0, 640.5], [0, 1050, 480.5], [0, 0, 1]]))
    message = camera_to_message(whole, HEADER)
    message.binning_x = message.binning_y = 2
    np.testing.assert_allclose(camera_from_message(message, (640, 480)).K[:2, 2], [320, 240])
    message.roi.x_offset, message.roi.y_offset, message.roi.width, message.roi.height = 20, 0, 8, 6
    camera = camera_from_message(message, (4, 3))
    np.testing.assert_allclose(camera.K[:2, 2], [310, 240])
    assert (camera.width, camera.height) == (4, 3)


def test_rectified_images_have_the_camera_of_p():
    message = camera_to_message(Camera(64, 48, K, P=np.hstack([K * 0.9, np.zeros((3, 1))])), HEADER)
    message.k, message.d = np.zeros(9), [1.0, 2.0]
    message.p[10] = 1.0
    camera = camera_from_message(message, is_rectified=True)
    assert camera.K[0, 0] == pytest.approx(45.0)
    assert not camera.is_distorted


def test_compressed_depth_is_metres():
    image = np.array([[1500, 0, 65535]], np.uint16)
    message = CompressedImage(format="16UC1; compressedDepth png")
    message.data.frombytes(bytes(12) + cv2.imencode(".png", image)[1].tobytes())
    np.testing.assert_array_equal(depth_from_message(message), np.float32([[1.5, np.nan, np.nan]]))


def test_a_camera_that_is_not_calibrated_is_refused():
    with pytest.raises(ValueError, match="not calibrated"):
        camera_from_message(CameraInfo(width=64, height=48))
