import numpy as np
import pytest

pytest.importorskip("visualization_msgs", reason="ROS is not installed: run make install")
pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from aliked_ros.msg import Matches, OdometryStatus
from builtin_interfaces.msg import Time
from nav_msgs.msg import Odometry
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.poses import pose_to_message
from aliked_ros.nodes.tracker.map_outputs import landmarks_to_message, lines_to_message
from aliked_ros.nodes.view.items import (
    keyframes_item,
    landmarks_item,
    matches_item,
    odometry_item,
    status_item,
)

HEADER = Header(stamp=Time(sec=3, nanosec=7), frame_id="odom")
STAMP_NS = 3_000_000_007


def test_tracks_keep_their_ends_and_inliers():
    message = Matches(header=HEADER)
    message.keypoints_previous = [1.0, 2.0, 3.0, 4.0]
    message.keypoints_current = [5.0, 6.0, 7.0, 8.0]
    message.inliers = [1, 0]
    item = matches_item(message)
    assert item["stamp_ns"] == STAMP_NS
    np.testing.assert_array_equal(item["previous"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(item["current"], [[5, 6], [7, 8]])
    np.testing.assert_array_equal(item["is_inlier"], [True, False])


def test_a_covariance_about_the_axes_of_odom_becomes_one_about_those_of_the_base():
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    message = Odometry(header=HEADER)
    message.pose.pose = pose_to_message(T)
    message.pose.covariance = np.diag([4.0, 1, 1, 9, 2, 2]).ravel()
    item = odometry_item(message)
    np.testing.assert_allclose(item["T_world_body"], T, atol=1e-12)
    np.testing.assert_allclose(item["covariance"], np.diag([1.0, 4, 1, 2, 9, 2]), atol=1e-12)


def test_a_pose_that_is_none_is_refused():
    message = Odometry(header=HEADER)
    message.pose.pose.orientation.w = 0.0
    with pytest.raises(ValueError, match="unit quaternion"):
        odometry_item(message)


def test_a_status_is_counts_latencies_and_a_state_in_words():
    message = OdometryStatus(
        header=HEADER, state=OdometryStatus.LOST, reason="dark", num_inliers=5, match_ms=2.5
    )
    item = status_item(message)
    plots = dict(zip(item["names"], item["values"], strict=True))
    assert (item["state"], item["reason"]) == ("lost", "dark")
    assert (plots["counts/inliers"], plots["latency_ms/match"]) == (5, 2.5)


def test_landmarks_and_keyframes_are_what_the_tracker_publishes():
    points = np.array([[1.0, 2, 3], [4, 5, 6]])
    item = landmarks_item(landmarks_to_message(points, np.array([2, 7]), HEADER))
    np.testing.assert_array_equal(item["landmarks"], points)
    np.testing.assert_array_equal(item["num_seen"], [2, 7])
    lines = np.arange(12.0).reshape(2, 2, 3)
    markers = lines_to_message(lines, "keyframes", (1.0, 0.0, 0.0), HEADER, 0.01)
    np.testing.assert_array_equal(keyframes_item(markers)["keyframes"], lines)
    assert keyframes_item(lines_to_message(lines[:0], "k", (1.0, 0.0, 0.0), HEADER, 0.01))[
        "keyframes"
    ].shape == (0, 2, 3)
