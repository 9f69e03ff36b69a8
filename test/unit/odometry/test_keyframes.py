import numpy as np
import pytest
from point_world import CAMERA, room

from aliked_ros.config import OdometryConfig
from aliked_ros.odometry.estimated_motion import EstimatedMotion
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.keyframes import KeyframeRule
from aliked_ros.odometry.result import Motion

WIDTH = 640


def motion(displacement_px, num_inliers=100, kind=Motion.GENERAL):
    inliers = np.arange(200) < num_inliers
    return EstimatedMotion(np.eye(4), np.zeros((6, 6)), inliers, kind, 1.0, displacement_px)


@pytest.fixture
def view():
    features, depths_m = room(count=800).see(np.eye(4))
    return make_view(0, features, CAMERA, depths_m, 1e-3)


def rule(sensor="rgbd"):
    return KeyframeRule(OdometryConfig(sensor=sensor), WIDTH)


def test_a_keyframe_is_due_when_the_image_has_moved_on(view):
    limit_px = 0.02 * WIDTH
    assert not rule().is_due(view, view, motion(0.9 * limit_px))
    assert rule().is_due(view, view, motion(1.1 * limit_px))
    assert not rule("mono").is_due(view, view, motion(1.1 * limit_px))


def test_a_keyframe_is_due_when_few_of_the_first_inliers_are_left(view):
    keyframes = rule()
    assert not keyframes.is_due(view, view, motion(0.0, 100))
    assert not keyframes.is_due(view, view, motion(0.0, 80))
    assert keyframes.is_due(view, view, motion(0.0, 60))
    keyframes.restart()
    assert not keyframes.is_due(view, view, motion(0.0, 60))


def test_a_camera_that_stands_still_keeps_its_keyframe(view):
    assert not rule().is_due(view, view, motion(1000.0, kind=Motion.NONE))


def test_a_view_with_few_depths_does_not_take_the_place_of_one_with_many(view):
    assert not rule().is_due(view, view.without_depth(), motion(1000.0))
    assert rule().is_due(view.without_depth(), view.without_depth(), motion(1000.0))
