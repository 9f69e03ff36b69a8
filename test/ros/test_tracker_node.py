"""The tracker alone, with features and calibration made by hand from a world of points."""

import numpy as np
import pytest
from aliked_ros.msg import OdometryStatus
from nav_msgs.msg import Path
from point_world import CAMERA, nothing, room, sideways
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParametersAtomically
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
    sender.info.k, sender.info.p = np.zeros(9), np.zeros(12)
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


def position(probe):
    p = probe.heard["odometry"][-1].pose.pose.position
    return np.array([p.x, p.y, p.z])


def variances(probe):
    return np.diag(np.reshape(probe.heard["odometry"][-1].pose.covariance, (6, 6)))


@pytest.mark.parametrize("restart_at", ["auto", "origin"])
def test_time_that_goes_back_and_another_model_restart_the_odometry(processes, probe, restart_at):
    sender = start_tracker(processes, probe, restart_at=restart_at)
    world, path = room(), sideways(4)
    for index in range(4):
        assert sender.send(world.see(path[index]), 50 + index).state == OdometryStatus.TRACKING
    moved = position(probe)
    assert abs(moved[1]) > 0.1

    num_poses = len(probe.heard["odometry"])
    statuses = [sender.send(world.see(path[3]), index) for index in range(4)]
    assert [one.state for one in statuses] == [OdometryStatus.UNUSABLE] * 2 + [
        OdometryStatus.TRACKING
    ] * 2
    assert "believed only if 3 in a row agree" in statuses[0].reason
    assert statuses[2].restart_reason == "time has jumped back by 5.1 s"
    assert [one.num_restarts for one in statuses] == [0, 0, 1, 1]
    assert [one.restart_reason for one in statuses[3:]] == [""]
    # A live robot is where it was (REP 105); only a recording that starts over is at the origin.
    probe.wait_until(lambda: len(probe.heard["odometry"]) == num_poses + 2, "odometry")
    expected = moved if restart_at == "auto" else np.zeros(3)
    np.testing.assert_allclose(position(probe), expected, atol=0.02)
    first = np.reshape(probe.heard["odometry"][num_poses].pose.covariance, (6, 6))
    assert np.diag(first).min() >= 1e3

    doubted = [sender.send(world.see(path[3]), index, model="another") for index in (4, 5)]
    assert [one.state for one in doubted] == [OdometryStatus.UNUSABLE] * 2
    other = sender.send(world.see(path[3]), 6, model="another")
    assert other.state == OdometryStatus.TRACKING
    assert other.num_matches == 0
    assert other.restart_reason == "features of another follow those of test"
    assert other.num_restarts == 2
    assert variances(probe).min() >= 1e3


@pytest.mark.parametrize("stamp_s", [0, 1, 2**31 - 1])
def test_one_stamp_far_from_its_neighbours_is_refused_counted_and_harms_nothing(
    sender, probe, stamp_s
):
    world, path = room(), sideways(8)
    for index in range(5):
        sender.send(world.see(path[index]), 100 + index)
    bad = sender.send(world.see(path[5]), 10 * (stamp_s - 1))
    assert bad.state == OdometryStatus.UNUSABLE
    assert "stamp" in bad.reason
    good = [sender.send(world.see(path[index]), 100 + index) for index in (5, 6, 7)]
    assert [one.state for one in good] == [OdometryStatus.TRACKING] * 3
    assert {one.num_restarts for one in good} == {0}
    assert good[-1].num_skipped == 1
    assert -position(probe)[1] == pytest.approx(path[7][0, 3], abs=0.03)


def test_a_frame_without_depth_is_tracked_and_says_why(sender, probe):
    world, path = room(), sideways(6)
    for index in range(4):
        assert sender.send(world.see(path[index]), index).num_depths > 100
    status = sender.send(world.see(path[4]), 4, depth_offset_ns=21_000_000)
    assert status.state == OdometryStatus.TRACKING
    assert status.reason == "nearest /depth/image_raw is 21 ms off, sync_slop_s is 10 ms"
    assert status.num_depths == 0
    probe.wait_until(lambda: len(probe.heard["odometry"]) == 5, "odometry")
    assert -position(probe)[1] == pytest.approx(path[4][0, 3], abs=0.03)
    assert sender.send(world.see(path[5]), 5).reason == ""


def test_depth_ahead_for_a_while_is_found_again(sender):
    sighting = room().see(np.eye(4))
    num_depths = [
        sender.send(sighting, index, depth_offset_ns=3600 * 10**9 * (10 <= index < 80)).num_depths
        for index in range(90)
    ]
    assert min(num_depths[:10]) > 100
    assert max(num_depths[10:80]) == 0
    assert min(num_depths[83:]) > 100


def test_out_of_order_and_empty_frames_are_answered_and_harm_nothing(sender, probe):
    world, path = room(), sideways(6)
    for index in range(3):
        sender.send(world.see(path[index]), index)
    late = sender.send(world.see(path[1]), 1)
    assert late.state == OdometryStatus.UNUSABLE
    assert "stamp" in late.reason
    before = np.reshape(probe.heard["odometry"][-1].pose.covariance, (6, 6))
    dark = sender.send(nothing(), 3)
    assert dark.state == OdometryStatus.PREDICTED
    assert dark.num_keypoints == 0
    predicted = np.reshape(probe.heard["odometry"][-1].pose.covariance, (6, 6))
    assert (np.diag(predicted) > 2 * np.diag(before)).all()
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


def parameter(name, value):
    kind = 2 if isinstance(value, int) else 4
    field = "integer_value" if kind == 2 else "string_value"
    return Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))


def test_thresholds_change_while_it_tracks_and_several_change_together_or_not_at_all(sender, probe):
    def set_all(**values):
        request = SetParametersAtomically.Request(
            parameters=[parameter(f"odometry.{name}", value) for name, value in values.items()]
        )
        name = "/aliked_tracker/set_parameters_atomically"
        return probe.call(SetParametersAtomically, name, request).result

    world, path = room(), sideways(6)
    for index in range(2):
        assert sender.send(world.see(path[index]), index).state == OdometryStatus.TRACKING
    assert set_all(min_inliers=10_000).successful
    status = sender.send(world.see(path[2]), 2)
    assert "10000 are needed" in status.reason
    refused = set_all(min_inliers=15, window_size=-1)
    assert not refused.successful
    assert "odometry.window_size" in refused.reason
    assert "-1" in refused.reason
    assert "10000 are needed" in sender.send(world.see(path[3]), 3).reason
    refused = set_all(min_inliers=15, sensor="mono")
    assert "takes effect only when the node is configured: ros2 lifecycle set" in refused.reason
    assert set_all(min_inliers=15, window_size=3).successful
    status = sender.send(world.see(path[4]), 4)
    assert (status.state, status.num_restarts) == (OdometryStatus.TRACKING, 0)
