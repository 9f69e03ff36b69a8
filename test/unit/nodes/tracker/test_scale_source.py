from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from geometry_msgs.msg import Point, PoseWithCovariance, Quaternion
from nav_msgs.msg import Odometry

from aliked_ros.config import ScaleConfig
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.base.conversions.poses import pose_to_message
from aliked_ros.nodes.tracker.scale_source import OdometryMeasure, ScaleSource
from aliked_ros.odometry.placement import Placement
from aliked_ros.odometry.result import State
from aliked_ros.odometry.scale import Scale


class Measured:
    """A measure whose scale the test says."""

    def __init__(self):
        self.newest = None

    def add(self, *_):
        pass

    def scale(self):
        return self.newest

    def progress(self):
        return "wait"

    def forget(self):
        self.newest = None


@pytest.fixture
def source(monkeypatch, topics, diagnostics):
    measure = Measured()
    monkeypatch.setattr("aliked_ros.nodes.tracker.scale_source.OdometryMeasure", lambda *_: measure)
    made = ScaleSource(topics, ScaleConfig(scale_source="odometry"))
    placement = Placement(np.eye(4), np.eye(4))
    result = SimpleNamespace(T_world_camera=np.eye(4), state=State.TRACKING)
    return SimpleNamespace(
        measure=measure,
        placement=placement,
        place=lambda: made.place(result, placement, None),
        forget=made.forget,
        shown=lambda: diagnostics.read()[1]["metres per unit"],
    )


def variance(placement):
    T_odom_base = np.eye(4)
    T_odom_base[0, 3] = 1.0
    return placement.scale_covariance(T_odom_base)[0, 0]


def test_a_unit_of_exactly_one_metre_is_a_scale(source):
    assert source.place() == "the scale is not known yet: wait"
    assert source.shown() == "unknown"
    source.measure.newest = Scale(1.0, 0.01)
    assert source.place() == ""
    assert source.shown() == "1 +- 0.01"


def test_the_uncertainty_follows_when_the_value_stays(source):
    for sigma in (0.1, 0.02):
        source.measure.newest = Scale(2.0, sigma)
        source.place()
        assert variance(source.placement) == pytest.approx((sigma / 2) ** 2)


def test_nothing_is_known_after_a_restart(source):
    source.measure.newest = Scale(2.0, 0.1)
    assert source.place() == ""
    source.forget()
    assert source.place() == "the scale is not known yet: wait"
    assert source.shown() == "unknown"


@pytest.mark.parametrize(
    ("position", "quaternion"),
    [
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]),
        ([0.0, 0.0, 0.0], [np.nan] * 4),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5.0]),
        ([np.nan, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]),
        ([np.inf, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]),
    ],
)
def test_a_pose_that_is_none_is_counted_said_once_and_harms_nothing(
    node, topics, diagnostics, position, quaternion
):
    measure = OdometryMeasure(topics, part_m=0.5)
    placement, scales = Placement(np.eye(4), np.eye(4)), []
    for index in range(20):
        T = np.eye(4)
        T[0, 3] = 2.0 * index
        message = Odometry(pose=PoseWithCovariance(pose=pose_to_message(T)))
        if index in (5, 8):
            message.pose.pose.position = Point(**dict(zip("xyz", position, strict=True)))
            message.pose.pose.orientation = Quaternion(**dict(zip("xyzw", quaternion, strict=True)))
        message.header.stamp = ns_to_stamp(10**9 * (index + 1))
        node.send("/scale_odometry", message)
        T_world_camera = np.eye(4)
        T_world_camera[0, 3] = index
        result = SimpleNamespace(stamp_ns=10**9 * (index + 1), T_world_camera=T_world_camera)
        measure.add(result, placement, None)
        scales.append(measure.scale())
    assert scales[-1].value == pytest.approx(2.0)
    assert diagnostics.read()[1]["scale_odometry not used"] == "2"
    (said,) = node.said["warning"]
    assert "/scale_odometry: pose is" in said
    assert "give finite numbers and a unit quaternion" in said
