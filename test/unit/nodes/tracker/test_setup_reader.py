import numpy as np
import pytest

pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from point_world import CAMERA, RIGHT_CAMERA, room
from std_msgs.msg import Header

from aliked_ros.config.nodes import FramesConfig
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.cameras import camera_to_message
from aliked_ros.nodes.tracker.not_ready import NotReadyError
from aliked_ros.nodes.tracker.setup_reader import SetupReader


def test_a_setup_is_what_calibration_mount_and_features_say(node, make_settings, make_extraction):
    reader = SetupReader(node, make_settings())
    np.testing.assert_array_equal(reader.fixed_mount, T_BODY_OPTICAL)
    extraction = make_extraction(room().see(np.eye(4))[0], 5)
    with pytest.raises(NotReadyError, match="no camera_info on /camera_info yet"):
        reader.read(extraction)
    node.callbacks["camera_info"](camera_to_message(CAMERA, Header()))
    found = reader.read(extraction)
    assert (found.stamp_ns, found.camera_frame, found.right_camera) == (5, "camera", None)
    assert found.model == ("aliked-n16", 64)
    np.testing.assert_array_equal(found.camera.K, CAMERA.K)
    np.testing.assert_array_equal(found.T_base_camera, T_BODY_OPTICAL)
    assert reader.read(extraction).has_cameras_of(found)
    assert not found.has_cameras_of(None)


def test_a_pair_needs_both_calibrations(node, make_settings, make_extraction):
    reader = SetupReader(node, make_settings("stereo"))
    extraction = make_extraction(room().see(np.eye(4))[0])
    node.callbacks["camera_info"](camera_to_message(CAMERA, Header()))
    with pytest.raises(NotReadyError, match="right/camera_info"):
        reader.read(extraction)
    node.callbacks["right/camera_info"](camera_to_message(RIGHT_CAMERA, Header()))
    np.testing.assert_array_equal(reader.read(extraction).right_camera.P, RIGHT_CAMERA.P)


def test_the_name_of_the_camera_may_be_given(node, make_settings, make_extraction):
    frames = FramesConfig(camera_frame="left", camera_transform="optical")
    reader = SetupReader(node, make_settings(frames=frames))
    node.callbacks["camera_info"](camera_to_message(CAMERA, Header()))
    assert reader.read(make_extraction(room().see(np.eye(4))[0])).camera_frame == "left"
