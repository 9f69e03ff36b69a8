from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")
pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from aliked_ros.config import ScaleConfig
from aliked_ros.nodes.tracker.scale_source import ScaleSource
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
def source(monkeypatch, node, diagnostics):
    measure = Measured()
    monkeypatch.setattr("aliked_ros.nodes.tracker.scale_source.OdometryMeasure", lambda *_: measure)
    made = ScaleSource(node, ScaleConfig(scale_source="odometry"), diagnostics)
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
