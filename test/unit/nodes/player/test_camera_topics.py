from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rosgraph_msgs", reason="ROS is not installed: run make install")

from point_world import CAMERA, RIGHT_CAMERA

from aliked_ros.nodes.base.conversions.cameras import depth_from_message, image_from_message
from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.player.camera_topics import CAMERA_FRAME, RIGHT_FRAME, CameraTopics
from aliked_ros.structs import Frame

LEFT, RIGHT = (np.full((480, 640), value, np.uint8) for value in (10, 20))
DEPTH_M = np.full((480, 640), 2.0, np.float32)
STAMP_NS = 1_234_567_890_123


def sequence(**changes):
    parts = {"camera": CAMERA, "right_camera": None, "T_left_right": None}
    return SimpleNamespace(**(parts | changes))


def test_everything_of_a_frame_has_its_stamp_and_the_frame_of_its_camera(node):
    topics = CameraTopics(node, sequence(right_camera=RIGHT_CAMERA), with_clock=True)
    topics.send(Frame(0, LEFT, RIGHT, DEPTH_M), STAMP_NS, lambda: None)
    frames = {
        "image_raw": CAMERA_FRAME,
        "camera_info": CAMERA_FRAME,
        "depth/image_raw": CAMERA_FRAME,
        "right/image_raw": RIGHT_FRAME,
        "right/camera_info": RIGHT_FRAME,
    }
    for topic, frame in frames.items():
        (message,) = node.published[topic]
        assert stamp_to_ns(message.header.stamp) == STAMP_NS, topic
        assert message.header.frame_id == frame, topic
    assert stamp_to_ns(node.published["/clock"][0].clock) == STAMP_NS
    np.testing.assert_array_equal(image_from_message(node.published["image_raw"][0]), LEFT)
    np.testing.assert_array_equal(image_from_message(node.published["right/image_raw"][0]), RIGHT)
    np.testing.assert_array_equal(depth_from_message(node.published["depth/image_raw"][0]), DEPTH_M)


def test_the_image_goes_last(node):
    topics = CameraTopics(node, sequence(right_camera=RIGHT_CAMERA), with_clock=False)
    seen = []

    def before_image():
        seen.append({topic for topic, messages in node.published.items() if messages})

    topics.send(Frame(0, LEFT, RIGHT), STAMP_NS, before_image)
    assert seen == [{"camera_info", "right/camera_info", "right/image_raw"}]
    assert "/clock" not in node.published


def test_what_a_sequence_does_not_have_is_not_published(node):
    CameraTopics(node, sequence(camera=None), False).send(Frame(0, LEFT), STAMP_NS, lambda: None)
    assert [topic for topic, messages in node.published.items() if messages] == ["image_raw"]


def test_a_raw_pair_is_published_with_its_rectification(node):
    T_left_right = np.eye(4)
    T_left_right[0, 3] = 0.1
    pair = sequence(right_camera=CAMERA, T_left_right=T_left_right)
    CameraTopics(node, pair, False).send(Frame(0, LEFT, RIGHT), STAMP_NS, lambda: None)
    P = np.reshape(node.published["right/camera_info"][0].p, (3, 4))
    assert P[0, 3] == pytest.approx(-0.1 * P[0, 0])
