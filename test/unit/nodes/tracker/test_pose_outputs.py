import numpy as np
import pytest

pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from std_msgs.msg import Header

from aliked_ros.config.nodes import FramesConfig, OutputsConfig
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.conversions.poses import transform_from_message, transform_from_pose
from aliked_ros.nodes.tracker.base_pose import BasePose
from aliked_ros.nodes.tracker.pose_outputs import PoseOutputs, twist_between
from aliked_ros.odometry.result import UNKNOWN_COVARIANCE

FRAME_NS = 100_000_000


def pose(index, is_measured=True, increment=None):
    T_odom_base = np.eye(4)
    T_odom_base[0, 3] = 0.2 * index
    stamp_ns = 10**9 + index * FRAME_NS
    return BasePose(stamp_ns, T_odom_base, np.eye(6), is_measured, increment)


@pytest.fixture
def outputs(node, topics):
    frames = FramesConfig(odom_frame="map", base_frame="robot")
    made = PoseOutputs(node, topics, frames, OutputsConfig(path_length=3))
    made.send = lambda one: made.publish(Header(stamp=ns_to_stamp(one.stamp_ns)), one)
    made.send_path = node.timers[-1]
    return made


def test_a_measured_pose_goes_everywhere_in_the_frames_of_the_robot(node, outputs):
    outputs.send(pose(1))
    (odometry,), (tf,) = node.published["odometry"], node.published["/tf"]
    assert (odometry.header.frame_id, odometry.child_frame_id) == ("map", "robot")
    np.testing.assert_allclose(transform_from_pose(odometry.pose.pose), pose(1).T_odom_base)
    (transform,) = tf.transforms
    assert (transform.header, transform.child_frame_id) == (odometry.header, "robot")
    np.testing.assert_allclose(transform_from_message(transform.transform), pose(1).T_odom_base)
    (stamp_ns, T) = outputs.trajectory[0]
    assert stamp_ns == pose(1).stamp_ns
    np.testing.assert_array_equal(np.frombuffer(T).reshape(4, 4), pose(1).T_odom_base)


def test_a_held_pose_is_odometry_alone(node, outputs):
    outputs.send(pose(1, is_measured=False))
    outputs.send_path()
    assert len(node.published["odometry"]) == 1
    assert node.published["/tf"] == node.published["path"] == []
    assert len(outputs.trajectory) == 0


def test_the_path_is_sent_when_it_is_new_and_holds_the_newest_poses(node, outputs):
    for index in range(5):
        outputs.send(pose(index))
    outputs.send_path()
    outputs.send_path()
    (path,) = node.published["path"]
    assert [one.pose.position.x for one in path.poses] == pytest.approx([0.4, 0.6, 0.8])
    outputs.forget()
    outputs.send_path()
    assert len(node.published["path"]) == 1
    assert len(outputs.trajectory) == 0


def test_the_mount_is_a_static_transform(node, outputs):
    outputs.publish_mount(Header(), "camera", T_BODY_OPTICAL)
    (transform,) = node.published["/tf_static"][0].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ("robot", "camera")
    np.testing.assert_allclose(
        transform_from_message(transform.transform), T_BODY_OPTICAL, atol=1e-12
    )


def test_tf_can_be_left_to_others(node, topics):
    outputs = PoseOutputs(node, topics, FramesConfig(), OutputsConfig(publish_tf=False))
    outputs.publish(Header(), pose(0))
    assert node.published["/tf"] == []


def test_the_twist_is_the_way_over_the_time():
    twist, covariance = twist_between(pose(0), pose(2, increment=0.01 * np.eye(6)))
    np.testing.assert_allclose(twist, [2, 0, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(covariance, 0.25 * np.eye(6))
    assert twist_between(pose(0), pose(2))[1] is UNKNOWN_COVARIANCE


@pytest.mark.parametrize("before", [None, pose(1), pose(2)])
def test_without_an_earlier_pose_there_is_no_twist(before):
    twist, covariance = twist_between(before, pose(1))
    np.testing.assert_array_equal(twist, 0)
    assert covariance is UNKNOWN_COVARIANCE


def test_no_velocity_spans_a_gap(node, outputs):
    outputs.send(pose(0))
    outputs.break_off()
    outputs.send(pose(1))
    outputs.send(pose(2))
    speeds = [message.twist.twist.linear.x for message in node.published["odometry"]]
    assert speeds == pytest.approx([0, 0, 2])
