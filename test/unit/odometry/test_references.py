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
    assert matches.previous is matches.keyframe is None
    assert matches.lost == ()


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


def test_keyframes_of_the_trajectory_are_looked_for_so_many_times():
    first, second, third = views()
    references = References()
    references.set_keyframe(first)
    references.confirm(first)
    references.confirm(second)
    references.confirm(second)
    references.lose(num_attempts=2)
    assert references.lost == (second, first)
    assert len(references.match(third.features, MatcherConfig()).lost) == 2
    references.count_attempt()
    assert references.lost
    references.count_attempt()
    assert not references.lost


def test_a_second_loss_still_looks_for_the_first_trajectory():
    first, second, third = views()
    references = References()
    references.confirm(first)
    references.lose(num_attempts=5)
    references.set_keyframe(second)
    references.confirm(second)
    references.lose(num_attempts=5)
    assert references.lost == (first,)
    references.set_keyframe(third)
    references.find(first)
    assert references.keyframe is first
    assert not references.lost
