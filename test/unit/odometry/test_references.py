import numpy as np
from point_world import CAMERA, room

from aliked_ros.config import MatcherConfig
from aliked_ros.odometry.references import References
from aliked_ros.odometry.view import make_view


def views():
    world = room()
    return [make_view(k, world.see(np.eye(4))[0], CAMERA, None, 0.0) for k in range(3)]


def test_without_views_there_is_nothing_to_match():
    features = views()[0].features
    matches = References().match(features, MatcherConfig())
    assert matches.previous is matches.keyframe is matches.lost_keyframe is None


def test_a_view_that_is_both_previous_and_keyframe_is_matched_once():
    first, second, third = views()
    references = References()
    references.previous = first
    references.set_keyframe(first)
    matches = references.match(third.features, MatcherConfig())
    assert matches.previous is matches.keyframe
    references.previous = second
    matches = references.match(third.features, MatcherConfig())
    assert matches.previous is not matches.keyframe


def test_a_lost_keyframe_is_looked_for_so_many_times_and_can_be_found():
    first, second, _ = views()
    references = References()
    references.set_keyframe(first)
    references.lose_keyframe(num_attempts=2)
    references.set_keyframe(second)
    references.count_attempt()
    assert references.lost_keyframe is first
    references.find_keyframe()
    assert references.keyframe is first
    assert references.lost_keyframe is None

    references.lose_keyframe(num_attempts=1)
    references.count_attempt()
    assert references.lost_keyframe is None
