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


def test_a_setup_is_what_calibration_mount_and_features_say(
    node, topics, make_settings, make_extraction
):
    reader = SetupReader(node, topics, make_settings())
    np.testing.assert_array_equal(reader.fixed_mount, T_BODY_OPTICAL)
    extraction = make_extraction(room().see(np.eye(4))[0], 5)
    with pytest.raises(NotReadyError, match="no camera_info on /camera_info yet"):
        reader.read(extraction)
    node.send("/camera_info", camera_to_message(CAMERA, Header()))
    found = reader.read(extraction)
    assert (found.stamp_ns, found.camera_frame, found.right_camera) == (5, "camera", None)
    assert found.model == ("aliked-n16", 64)
    np.testing.assert_array_equal(found.camera.K, CAMERA.K)
    np.testing.assert_array_equal(found.T_base_camera, T_BODY_OPTICAL)
    assert reader.read(extraction).has_cameras_of(found)
    assert not found.has_cameras_of(None)


def test_a_pair_needs_both_calibrations(node, topics, make_settings, make_extraction):
    reader = SetupReader(node, topics, make_settings("stereo"))
    extraction = make_extraction(room().see(np.eye(4))[0])
    node.send("/camera_info", camera_to_message(CAMERA, Header()))
    with pytest.raises(NotReadyError, match="right/camera_info"):
        reader.read(extraction)
    node.send("/right/camera_info", camera_to_message(RIGHT_CAMERA, Header()))
    np.testing.assert_array_equal(reader.read(extraction).right_camera.P, RIGHT_CAMERA.P)


def test_the_name_of_the_camera_may_be_given(node, topics, make_settings, make_extraction):
    frames = FramesConfig(camera_frame="left", camera_transform="optical")
    reader = SetupReader(node, topics, make_settings(frames=frames))
    node.send("/camera_info", camera_to_message(CAMERA, Header()))
    assert reader.read(make_extraction(room().see(np.eye(4))[0])).camera_frame == "left"


@pytest.mark.parametrize(
    ("frame_id", "used", "words"),
    [
        ("/camera", "camera", "names in TF do not begin with '/'"),
        ("", "", "frame_id of the images is empty"),
        ("left", "left", "frame_id of the images is 'left', that of camera_info 'camera'"),
    ],
)
def test_frames_that_tf_does_not_know_are_said_once(
    node, topics, make_settings, make_extraction, frame_id, used, words
):
    reader = SetupReader(node, topics, make_settings())
    node.send("/camera_info", camera_to_message(CAMERA, Header(frame_id="camera")))
    extraction = make_extraction(room().see(np.eye(4))[0])
    extraction.header.frame_id = frame_id
    for _ in range(3):
        assert reader.read(extraction).camera_frame == used
    said = [text for text in node.said["warning"] if words in text]
    assert len(said) == 1
