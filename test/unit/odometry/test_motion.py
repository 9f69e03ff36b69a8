import numpy as np
import pytest
from point_world import CAMERA, K, World, match_views, room

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import Motion
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.motion import estimate_motion

CONFIG = OdometryConfig(sensor="rgbd")
SIGMA = 0.004


def pose(x=0.0, yaw_rad=0.0):
    R = se3.exp_so3(np.array([0.0, yaw_rad, 0.0]))
    return se3.from_rotation_translation(R, np.array([x, 0.0, 0.0]))


def views_of(world, T_world_1, outlier_share=0.0):
    """Matched views at the origin and at a pose, both with depths."""
    views = [
        make_view(index, features, CAMERA, depths_m, SIGMA)
        for index, (features, depths_m) in enumerate(
            [world.see(np.eye(4), outlier_share), world.see(T_world_1, outlier_share)]
        )
    ]
    return match_views(*views)


def test_the_motion_and_its_inliers_are_found_among_wrong_pairs():
    motion = estimate_motion(views_of(room(), pose(0.3, 0.05), outlier_share=0.3), K, CONFIG)
    error = se3.log(motion.T_1_0 @ pose(0.3, 0.05))
    assert np.linalg.norm(error[:3]) < 0.01
    assert 0.4 < motion.inlier_mask.mean() < 0.6
    assert motion.kind is Motion.GENERAL


def test_depth_of_the_reference_alone_is_enough():
    matched = views_of(room(), pose(0.3, 0.05))
    matched = matched.with_views(matched.view0, matched.view1.without_depth())
    motion = estimate_motion(matched, K, CONFIG)
    assert np.linalg.norm(se3.log(motion.T_1_0 @ pose(0.3, 0.05))[:3]) < 0.01


@pytest.mark.parametrize(
    ("T_world_1", "kind"),
    [
        (pose(), Motion.NONE),
        (pose(0.001), Motion.NONE),
        (pose(0.0, 0.02), Motion.ROTATION),
        (pose(0.05), Motion.GENERAL),
        (pose(0.05, 0.02), Motion.GENERAL),
    ],
)
def test_the_kinds_of_motion_are_told_apart(T_world_1, kind):
    motion = estimate_motion(views_of(room(), T_world_1), K, CONFIG)
    assert motion.kind is kind


def test_no_motion_is_exactly_none():
    motion = estimate_motion(views_of(room(), pose()), K, CONFIG)
    np.testing.assert_array_equal(motion.T_1_0, np.eye(4))
    assert motion.displacement_px < 1.0


def test_too_few_agreeing_pairs_are_no_motion():
    matched = views_of(room(), pose(0.3))
    view0, view1 = matched.view0, matched.view1
    wrong = np.column_stack([matched.index0, np.roll(matched.index1, 7)])
    for useless in (
        matched.select(slice(0)),
        matched.select(slice(CONFIG.min_inliers - 1)),
        matched.with_views(view0.without_depth(), view1),
        MatchedViews(view0, view1, wrong),
    ):
        assert estimate_motion(useless, K, CONFIG) is None


def test_far_points_fix_the_rotation_and_leave_the_translation_uncertain():
    def sigmas(near, far):
        points = np.random.default_rng(0).uniform([-1, -0.7, 1], [1, 0.7, 1], (400, 3))
        depths = np.random.default_rng(1).uniform(near, far, (400, 1))
        motion = estimate_motion(views_of(World(points * depths), pose(0.1, 0.02)), K, CONFIG)
        return np.sqrt(np.diag(motion.covariance))

    close, distant = sigmas(2, 5), sigmas(40, 100)
    assert distant[:3].min() > 5 * close[:3].max()
    assert distant[3:].max() < 2 * close[3:].max()
