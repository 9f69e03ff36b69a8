import numpy as np
from point_world import CAMERA, K, room, sideways

from aliked_ros.config import MatcherConfig
from aliked_ros.odometry.attempts import attempts
from aliked_ros.odometry.frame_matches import match_views
from aliked_ros.odometry.intake import make_view

PATH = sideways(6)


def setting():
    world, found = room(), []
    for index, T in enumerate(PATH[::2]):
        features, depths_m = world.see(T)
        found.append(make_view(index, features, CAMERA, depths_m, 1e-3))
    keyframe, previous = (
        view.at(T, np.zeros((6, 6))) for view, T in zip(found[:2], PATH[::2][:2], strict=True)
    )
    view = found[2]
    matches = match_views(view.features, previous, keyframe, (), MatcherConfig(min_similarity=0.9))
    return view, matches, keyframe, previous


def tried(T_world_expected, keyframe=None, radius_px=30.0, previous=None):
    view, matches, own, before = setting()
    keyframe = keyframe(own) if keyframe else own
    previous = previous(before) if previous else before
    return list(attempts(view, matches, keyframe, previous, T_world_expected, K, radius_px))


def names(found):
    return [(a.matched.view0.stamp_ns, a.trusts_prior) for a in found]


def test_the_expected_places_come_first_and_a_trusted_rotation_last():
    found = tried(PATH[4])
    assert names(found) == [(0, False), (0, False), (1, False), (0, True)]
    assert len(found[0].matched) != 0


def test_a_wrong_expectation_is_not_tried():
    far = PATH[4].copy()
    far[0, 3] += 3.0
    assert names(tried(far)) == names(tried(None)) == [(0, False), (1, False), (0, True)]
    assert names(tried(PATH[4], radius_px=0.0)) == names(tried(None))


def test_a_reference_needs_depths():
    assert tried(PATH[4], keyframe=lambda view: view.without_depth()) == []
    assert names(tried(None, previous=lambda view: view.without_depth())) == [(0, False), (0, True)]
