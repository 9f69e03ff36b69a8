import numpy as np
import pytest
from point_world import CAMERA, K, match_views, room

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.acceptance import accept
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.motion import estimate_motion
from aliked_ros.odometry.step import Measured

ASIDE = se3.from_rotation_translation(np.eye(3), np.array([0.5, 0.0, 0.0]))


def measured(config):
    world = room()
    (features0, depths0), (features1, _) = world.see(np.eye(4)), world.see(ASIDE)
    depths0[::2] = np.nan
    view0 = make_view(0, features0, CAMERA, depths0, 1e-3).at(ASIDE, 0.01 * np.eye(6))
    matched = match_views(view0, make_view(1, features1, CAMERA, None, 0.0))
    return Measured(matched, estimate_motion(matched, K, config))


def test_the_pose_is_the_references_and_the_motion_since():
    config = OdometryConfig(sensor="rgbd")
    view = accept(measured(config), K, config).view1
    np.testing.assert_allclose(view.pose, ASIDE @ ASIDE, atol=0.01)
    # Its covariance is that of the reference, seen from where the view is, and that of the motion.
    carried = se3.carry(se3.inverse(ASIDE), 0.01 * np.eye(6))
    assert np.linalg.eigvalsh(view.covariance - carried).min() > -1e-4


@pytest.mark.parametrize(("sensor", "learns"), [("rgbd", False), ("mono", True)])
def test_only_a_single_cameras_reference_learns_depths_from_parallax(sensor, learns):
    config = OdometryConfig(sensor=sensor)
    before = measured(config)
    after = accept(before, K, config)
    known = [np.isfinite(m.view0.inverse_depth).sum() for m in (before.matched, after)]
    assert (known[1] > known[0] + 50) == learns
    assert np.isfinite(after.view1.inverse_depth).sum() > 100


def test_a_reference_without_depths_has_none_to_pass_on():
    config = OdometryConfig(sensor="mono")
    before = measured(config)
    blind = before.matched.view0.without_depth()
    matched = before.matched.with_views(blind, before.matched.view1)
    after = accept(Measured(matched, before.motion), K, config)
    assert not after.view1.has_depth
    assert after.view1.T_world_view is not None
