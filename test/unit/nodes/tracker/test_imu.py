from functools import partial

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from geometry_msgs.msg import Quaternion
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from aliked_ros.config.nodes import FramesConfig
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.tracker.imu import ImuOrientation

FRAME_NS = 100_000_000
NUM_IMAGES = 100


@pytest.fixture
def started(node, topics, diagnostics):
    """An imu beside 100 images; returns it, its callback and the problems that it reports."""
    frames = FramesConfig(use_imu=True, imu_transform="base")
    imu = ImuOrientation(node, topics, frames, 0.5, diagnostics)
    return imu, partial(node.send, "/imu"), node.said["warning"]


def message(stamp_ns, has_orientation=True):
    orientation = Quaternion(w=1.0) if has_orientation else Quaternion(w=0.0)
    return Imu(header=Header(stamp=ns_to_stamp(stamp_ns)), orientation=orientation)


def covered(imu, store, messages_from_ns, has_orientation=True):
    """Return how many of the images had an orientation."""
    num = 0
    for index in range(NUM_IMAGES):
        if messages_from_ns is not None:
            store(message(messages_from_ns + index * FRAME_NS, has_orientation))
        num += imu.at(10**9 + index * FRAME_NS, np.eye(4)) is not None
    return num


def test_messages_at_the_stamps_of_the_images_are_nothing_to_warn_of(started):
    imu, store, problems = started
    assert covered(imu, store, 10**9) == NUM_IMAGES
    assert problems == []


@pytest.mark.parametrize("messages_from_ns", [None, 10**14], ids=["silent", "another clock"])
def test_a_sensor_that_never_covers_an_image_is_named(started, messages_from_ns):
    imu, store, problems = started
    assert covered(imu, store, messages_from_ns) == 0
    assert "/imu has no orientation for the stamps of the last 50 images" in problems[0]


def test_the_reason_of_the_messages_themselves_stands(started):
    imu, store, problems = started
    assert covered(imu, store, 10**9, has_orientation=False) == 0
    assert all("run a filter" in problem for problem in problems)


def test_an_imu_that_is_not_asked_for_is_not_heard(node, topics, diagnostics):
    imu = ImuOrientation(node, topics, FramesConfig(), 0.5, diagnostics)
    assert imu.at(10**9, np.eye(4)) is None
    assert node.callbacks == {}


def test_orientations_are_those_of_the_camera(node, topics, diagnostics):
    turned = "0 0 0 0 0 0.70710678 0.70710678"  # the imu's x is the base's y
    frames = FramesConfig(use_imu=True, imu_transform=turned)
    imu = ImuOrientation(node, topics, frames, 0.5, diagnostics)
    for stamp_ns in (10**9, 2 * 10**9):
        node.send("/imu", message(stamp_ns))
    R_inertial_camera = imu.at(10**9, np.eye(4))
    np.testing.assert_allclose(R_inertial_camera @ [0, 1, 0], [1, 0, 0], atol=1e-7)
    assert diagnostics.read()[1]["images with an imu orientation"] == "1 of 1"


def test_a_message_of_another_time_is_not_used_and_harms_nothing(started):
    imu, store, problems = started
    for index in range(NUM_IMAGES):
        store(message(10**9 + index * FRAME_NS))
        if index == 50:
            store(message(10**15))
            store(message(0))
        assert imu.at(10**9 + index * FRAME_NS, np.eye(4)) is not None
    assert ["far" in text or "stamp is 0" in text for text in problems] == [False, True]
    assert len(problems) == 2
