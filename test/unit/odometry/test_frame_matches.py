import numpy as np
from point_world import CAMERA, room

from aliked_ros.config import MatcherConfig
from aliked_ros.odometry.frame_matches import match_views
from aliked_ros.odometry.intake import make_view


def views():
    world = room()
    return [make_view(k, world.see(np.eye(4))[0], CAMERA, None, 0.0) for k in range(3)]


def test_without_views_there_is_nothing_to_match():
    matches = match_views(views()[0].features, None, None, (), MatcherConfig())
    assert matches.previous is matches.keyframe is None
    assert matches.lost == ()


def test_a_view_that_is_both_previous_and_keyframe_is_matched_once():
    first, second, third = views()
    matches = match_views(third.features, first, first, (), MatcherConfig())
    assert matches.previous is matches.keyframe
    matches = match_views(third.features, second, first, (second, first), MatcherConfig())
    assert matches.previous is not matches.keyframe
    assert matches.lost[0] is matches.previous
    assert matches.lost[1] is matches.keyframe
