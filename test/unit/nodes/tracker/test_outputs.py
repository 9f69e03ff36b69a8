"""The order in which things are published, and what holds a pose back."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from nav_msgs.msg import Odometry
from point_world import CAMERA
from std_msgs.msg import Header

from aliked_ros.config import ScaleConfig
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.conversions.poses import pose_to_message
from aliked_ros.nodes.tracker.beginning import Beginning
from aliked_ros.nodes.tracker.outputs import TrackerOutputs
from aliked_ros.nodes.tracker.setup import Setup
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import State, TrackedPairs

EMPTY_MAP = SimpleNamespace(
    landmarks=lambda: (np.zeros((0, 3)), np.zeros(0, np.int64)), keyframes=list
)
NO_TRACKS = TrackedPairs(
    0,
    np.zeros((0, 2), np.int64),
    *[np.zeros((0, 2), np.float32)] * 2,
    np.zeros(0, np.float32),
    np.zeros(0, np.uint64),
    np.zeros(0, np.uint32),
    np.zeros(0, bool),
)
SETUP = Setup(Header(frame_id="camera"), CAMERA, "camera", T_BODY_OPTICAL, ("aliked-n16", 128))


def result(index=0, state=State.TRACKING):
    """Return the result of a camera that moves one unit forward per image."""
    T_world_camera = np.eye(4)
    T_world_camera[2, 3] = index
    return SimpleNamespace(
        stamp_ns=10**9 * (index + 1),
        state=state,
        T_world_camera=None if state is State.INITIALISING else T_world_camera,
        covariance=np.eye(6),
        noise_covariance=0.1 * np.eye(6),
        step_covariance=0.1 * np.eye(6),
        unit_deviation=0.0,
        is_keyframe=index == 0,
        tracks=NO_TRACKS,
    )


@pytest.fixture
def placement():
    return Placement(T_BODY_OPTICAL, np.eye(4))


def test_a_pose_comes_with_mount_matches_and_map(node, topics, make_settings, placement):
    outputs = TrackerOutputs(node, topics, make_settings(), T_BODY_OPTICAL)
    for index in range(2):
        assert outputs.publish(SETUP, EMPTY_MAP, placement, result(index)) == ""
    counts = {topic: len(messages) for topic, messages in node.published.items()}
    assert counts["/tf_static"] == 1
    for topic in ("odometry", "matches", "/tf", "landmarks", "keyframes", "tracks"):
        assert counts[topic] == 2, topic
    newest = node.published["odometry"][-1]
    assert newest.pose.pose.position.x == pytest.approx(1.0)
    assert newest.twist.twist.linear.x == pytest.approx(1.0)
    assert len(outputs.trajectory) == 2


def test_without_a_pose_there_are_matches_alone(node, topics, make_settings, placement):
    outputs = TrackerOutputs(node, topics, make_settings("mono"), None)
    assert outputs.publish(SETUP, EMPTY_MAP, placement, result(state=State.INITIALISING)) == ""
    assert len(node.published["matches"]) == 1
    assert node.published["odometry"] == node.published["/tf_static"] == []


def test_no_pose_is_published_before_it_is_in_metres(node, topics, make_settings, placement):
    scale = ScaleConfig(scale_source="odometry", scale_part_m=0.5)
    outputs = TrackerOutputs(node, topics, make_settings("mono", scale=scale), None)
    reasons = []
    for index in range(10):
        # The other odometry says that a unit is two metres.
        reference = Odometry(header=Header(stamp=ns_to_stamp(10**9 * (index + 1))))
        T_odom_base = np.eye(4)
        T_odom_base[0, 3] = 2.0 * index
        reference.pose.pose = pose_to_message(T_odom_base)
        node.send("/scale_odometry", reference)
        reasons.append(outputs.publish(SETUP, EMPTY_MAP, placement, result(index)))
    assert "the scale is not known yet: 0 parts of 0.5 m" in reasons[0]
    assert reasons[-1] == ""
    published = node.published["odometry"]
    assert len(published) == reasons.count("") < 10
    assert published[-1].pose.pose.position.x == pytest.approx(18.0)

    outputs.forget(Beginning.at_origin())
    assert "not known" in outputs.publish(SETUP, EMPTY_MAP, placement, result(11))
    assert len(outputs.trajectory) == 0


def test_a_gap_has_no_velocity(node, topics, make_settings, placement):
    outputs = TrackerOutputs(node, topics, make_settings(), None)
    outputs.publish(SETUP, EMPTY_MAP, placement, result(0))
    outputs.break_off()
    outputs.publish(SETUP, EMPTY_MAP, placement, result(1))
    assert node.published["odometry"][-1].twist.twist.linear.x == 0


def variances(message):
    return np.diag(np.reshape(message.pose.covariance, (6, 6)))


def test_a_restart_that_nobody_asked_for_shows_in_the_covariance(
    node, topics, make_settings, placement
):
    outputs = TrackerOutputs(node, topics, make_settings(), None)
    outputs.publish(SETUP, EMPTY_MAP, placement, result(0))
    outputs.publish(SETUP, EMPTY_MAP, placement, result(1))
    np.testing.assert_allclose(outputs.last_pose[:3, 3], [1, 0, 0], atol=1e-12)

    outputs.forget(Beginning.at_last_pose(outputs.last_pose))
    np.testing.assert_allclose(outputs.last_pose[:3, 3], [1, 0, 0], atol=1e-12)
    again = Placement(T_BODY_OPTICAL, outputs.last_pose)
    for index in (0, 1):
        outputs.publish(SETUP, EMPTY_MAP, again, result(index))
        newest = node.published["odometry"][-1]
        assert newest.pose.pose.position.x == pytest.approx(1.0 + index)
        # How far the base went meanwhile is not known, neither now nor later.
        assert variances(newest).min() >= 1e3
    assert newest.twist.twist.linear.x == pytest.approx(1.0)


def test_a_recording_that_starts_over_is_uncertain_once(node, topics, make_settings, placement):
    outputs = TrackerOutputs(node, topics, make_settings(), None)
    outputs.publish(SETUP, EMPTY_MAP, placement, result(1))
    outputs.forget(Beginning.at_origin(is_asked_for=False))
    assert outputs.last_pose is None
    for index, is_certain in ((0, False), (1, True)):
        outputs.publish(SETUP, EMPTY_MAP, placement, result(index))
        assert (variances(node.published["odometry"][-1]).max() < 1e3) == is_certain


def test_who_asks_for_a_restart_knows_where_it_begins(node, topics, make_settings, placement):
    outputs = TrackerOutputs(node, topics, make_settings(), None)
    outputs.publish(SETUP, EMPTY_MAP, placement, result(1))
    outputs.forget(Beginning.at_origin())
    outputs.publish(SETUP, EMPTY_MAP, placement, result(0))
    assert variances(node.published["odometry"][-1]).max() < 1e3
