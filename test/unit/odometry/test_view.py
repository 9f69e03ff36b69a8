import numpy as np
import pytest
from point_world import CAMERA, room, sideways

from aliked_ros.odometry.intake import make_view

POSE = sideways(5)[-1]


def view_of(depths=True):
    features, depths_m = room(count=200).see(np.eye(4))
    return make_view(0, features, CAMERA, depths_m if depths else None, 1e-3), depths_m


def test_a_view_is_measured_once_it_has_a_pose_and_depths():
    view, depths_m = view_of()
    assert view.has_depth
    assert not view.is_measured
    posed = view.at(POSE, np.eye(6))
    assert posed.is_measured
    assert posed.median_depth == pytest.approx(np.median(depths_m), rel=0.01)
    assert not posed.without_depth().is_measured
    assert not view_of(depths=False)[0].has_depth


def test_a_world_that_moves_takes_the_pose_along():
    view = view_of()[0].at(POSE, np.eye(6))
    moved = view.moved(POSE)
    np.testing.assert_allclose(moved.pose, POSE @ POSE)
    assert moved.covariance is view.covariance
