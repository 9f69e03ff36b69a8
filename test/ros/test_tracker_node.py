"""The tracker alone, with features and calibration made by hand from a world of points."""

import numpy as np
import pytest
from aliked_ros.msg import OdometryStatus
from nav_msgs.msg import Path
from point_world import CAMERA, nothing, room, sideways
from std_msgs.msg import Header
from tracker_sender import start_tracker

from aliked_ros.nodes.base.conversions.cameras import camera_to_message
from aliked_ros.nodes.base.qos import LATCHED_QOS


@pytest.fixture
def sender(processes, probe):
    probe.listen(Path, "path", LATCHED_QOS)
    return start_tracker(processes, probe)


def test_frames_wait_for_a_calibration_that_fits(sender, probe):
    sighting = room().see(np.eye(4))
    good, sender.info = sender.info, None
    status = sender.send(sighting, 0)
    assert status.state == OdometryStatus.INITIALISING
    assert "camera_info" in status.reason

    sender.info = camera_to_message(CAMERA, Header())
    sender.info.width = 320
    status = sender.send(sighting, 1)
    assert status.state == OdometryStatus.INITIALISING
    sender.send(sighting, 2)
    assert "320x480" in sender.statuses[-1].reason

    sender.info = camera_to_message(CAMERA, Header())
    sender.info.k = np.zeros(9)
    sender.send(sighting, 3)
    status = sender.send(sighting, 4)
    assert status.state == OdometryStatus.UNUSABLE
    assert "not calibrated" in status.reason
    assert probe.heard["odometry"] == []

    sender.info = good
    sender.send(sighting, 5)
    status = sender.send(sighting, 6)
    assert status.state == OdometryStatus.TRACKING
    assert (status.num_skipped, status.num_processed) in {(5, 2), (6, 1)}


def test_a_recording_that_starts_over_and_another_model_restart_the_odometry(sender, probe):
    world, path = room(), sideways(4)
    for index in range(4):
        assert sender.send(world.see(path[index]), 50 + index).state == OdometryStatus.TRACKING
    moved = probe.heard["odometry"][-1].pose.pose.position
    assert abs(moved.y) > 0.1

    back = sender.send(world.see(path[3]), 0)
    assert back.state == OdometryStatus.TRACKING
    again = probe.heard["odometry"][-1].pose.pose.position
    assert (again.x, again.y, again.z) == (0.0, 0.0, 0.0)

    other = sender.send(world.see(path[3]), 1, model="another")
    assert other.state == OdometryStatus.TRACKING
    assert other.num_matches == 0


def test_out_of_order_and_empty_frames_are_answered_and_harm_nothing(sender, probe):
    world, path = room(), sideways(6)
    for index in range(3):
        sender.send(world.see(path[index]), index)
    late = sender.send(world.see(path[1]), 1)
    assert late.state == OdometryStatus.UNUSABLE
    assert "stamp" in late.reason
    lost = sender.send(nothing(), 3)
    assert lost.state == OdometryStatus.LOST
    assert lost.num_keypoints == 0
    held = probe.heard["odometry"][-1]
    assert min(np.diag(np.reshape(held.pose.covariance, (6, 6)))) >= 1e3
    assert sender.send(world.see(path[4]), 4).state == OdometryStatus.TRACKING


@pytest.mark.parametrize("descriptor_type", ["float16", "int8"])
def test_short_descriptors_are_matched_as_long_ones_are(sender, descriptor_type):
    world, path = room(), sideways(3)
    expected = sender.send(world.see(path[0]), 0)
    sender.send(world.see(path[0]), 1, descriptor_type=descriptor_type)
    status = sender.send(world.see(path[0]), 2, descriptor_type=descriptor_type)
    assert status.state == OdometryStatus.TRACKING
    assert status.num_matches == expected.num_keypoints
    assert status.handover_ms > 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"odom_frame": ""}, ["odom_frame is ''", "must not be empty"]),
        ({"odom_frame": "base_link"}, ["base_frame is 'base_link'", "a name of its own"]),
        ({"path_length": 0}, ["path_length is 0", "at least 1"]),
        ({"sync_slop_s": 0.0}, ["sync_slop_s is 0.0", "at least"]),
        ({"odometry__mono_window_size": 8}, ["it is called odometry.window_size now"]),
    ],
)
def test_a_bad_start_ends_with_one_clear_line(processes, parameters, words):
    processes.start("tracker_node", camera_transform="optical", **parameters)
    assert processes.wait("tracker_node") == 1
    log = processes.log("tracker_node")
    assert "Traceback" not in log
    assert all(word in log for word in words), log
