import numpy as np
from point_world import CAMERA, K, nothing, room, sideways, wall

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.frame_matches import match_views
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.recovery import Recovery

CONFIG = OdometryConfig(sensor="rgbd")
MATCHER = MatcherConfig(min_similarity=0.9)
PATH = sideways(12)


def see(world, stamp_ns, T_world_view):
    features, depths_m = world.see(T_world_view)
    view = make_view(stamp_ns, features, CAMERA, depths_m, 1e-3)
    return view.at(T_world_view, np.zeros((6, 6)))


def search(recovery, view):
    matches = match_views(view.features, None, None, recovery.lost, MATCHER)
    return recovery.search(view, matches.lost, K, CONFIG)


def unseen(stamp_ns):
    """A view of another place."""
    return see(wall(seed=9), stamp_ns, np.eye(4))


def lost_after(*keyframes):
    recovery = Recovery()
    for keyframe in keyframes:
        recovery.confirm(keyframe)
    recovery.lose()
    return recovery


def test_the_newest_keyframes_of_the_trajectory_are_looked_for_first():
    first, second = unseen(1), unseen(2)
    recovery = lost_after(first, second, second)
    assert recovery.lost == (second, first)


def test_nothing_is_looked_for_before_a_loss():
    recovery = Recovery()
    recovery.confirm(unseen(1))
    assert search(recovery, unseen(2)) is None
    assert recovery.lost == ()


def test_a_view_of_a_lost_keyframe_is_measured_against_it():
    world = room()
    keyframe, back = see(world, 1, PATH[0]), see(world, 5, PATH[8])
    recovery = lost_after(keyframe, see(world, 2, PATH[11]))
    measured = search(recovery, back)
    T_found = measured.matched.view0.pose @ se3.inverse(measured.motion.T_1_0)
    np.testing.assert_allclose(T_found, PATH[8], atol=0.02)
    assert recovery.lost == ()


def test_the_search_is_given_up_after_a_while():
    recovery = lost_after(see(room(), 1, PATH[0]))
    count = 0
    while recovery.lost:
        assert search(recovery, unseen(100 + count)) is None
        count += 1
        assert count < 1000
    assert count > 5


def test_an_image_without_keypoints_costs_no_attempt():
    recovery = lost_after(see(room(), 1, PATH[0]))
    features, depths_m = nothing()
    empty = make_view(7, features, CAMERA, depths_m, 1e-3)
    for _ in range(200):
        assert search(recovery, empty) is None
    assert recovery.lost


def test_a_second_loss_still_looks_for_the_first_trajectory():
    first, second = unseen(1), unseen(2)
    recovery = lost_after(first)
    recovery.confirm(second)
    recovery.lose()
    assert recovery.lost == (first,)
