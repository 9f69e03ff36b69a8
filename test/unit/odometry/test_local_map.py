from itertools import pairwise

import numpy as np
from point_world import CAMERA, K, match_views, room, sideways

from aliked_ros.odometry.adjusted_map import insert_keyframe
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.local_map import NONE, LocalMap
from aliked_ros.odometry.matched_views import MatchedViews

POSES = [sideways(13)[i] for i in (0, 4, 8, 12)]


def views():
    world = room()
    found = []
    for number, T in enumerate(POSES):
        features, depths = world.see(T)
        view = make_view(number, features, CAMERA, depths, 1e-3)
        found.append(view.at(T, np.zeros((6, 6))))
    return found


def pairs_of(view0, view1):
    return match_views(view0, view1).pairs


def insert(window, view, reference, pairs):
    insert_keyframe(window, MatchedViews(reference, view, pairs), view, K, radius_px=3.0)


def shared(keyframe0, keyframe1):
    return len(np.intersect1d(keyframe0.landmark, keyframe1.landmark)) - 1  # without NONE


def make(size=4):
    return LocalMap(size)


def test_matched_keypoints_see_the_same_landmark_at_its_true_place():
    first, second, *_ = views()
    window = make()
    window.begin(first, first)
    pairs = pairs_of(first, second)
    insert(window, second, first, pairs)
    keyframe0, keyframe1 = window.keyframes
    np.testing.assert_array_equal(keyframe0.landmark[pairs[:, 0]], keyframe1.landmark[pairs[:, 1]])
    assert shared(keyframe0, keyframe1) == len(pairs) == len(window.points_world)
    z = window.points_world[:, 2]
    assert (z > 1.5).all()
    assert (z < 10.5).all()


def test_a_landmark_that_one_keyframe_missed_is_found_in_the_next():
    first, second, third, _ = views()
    window = make()
    window.begin(first, first)
    insert(window, second, first, pairs_of(first, second))
    num_shared = shared(*window.keyframes)
    # The third sees only half of what it could, by the matches; the rest by the places.
    half = pairs_of(second, third)[::2]
    insert(window, third, second, half)
    assert shared(window.keyframes[1], window.keyframes[2]) > 1.5 * len(half)
    assert shared(window.keyframes[0], window.keyframes[2]) > 0.6 * num_shared


def test_no_keyframe_sees_a_landmark_twice_and_old_ones_go():
    sequence = views()
    window = make(size=3)
    window.begin(sequence[0], sequence[0])
    for before, view in pairwise(sequence):
        insert(window, view, before, pairs_of(before, view))
    assert [k.view.stamp_ns for k in window.keyframes] == [1, 2, 3]
    owners, rows, landmarks = window.sightings()
    assert len(set(zip(owners, landmarks, strict=True))) == len(landmarks) == len(rows)
    np.testing.assert_array_equal(np.unique(landmarks), np.arange(len(window.points_world)))


def test_a_keyframe_without_its_reference_begins_a_new_window():
    first, second, third, _ = views()
    window = make()
    window.begin(first, first)
    insert(window, third, second, pairs_of(second, third))
    assert [k.view.stamp_ns for k in window.keyframes] == [2]
    assert (window.keyframes[0].landmark == NONE).all()
    assert window.find(first) is None
