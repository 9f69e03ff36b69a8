from dataclasses import replace

import numpy as np
import pytest
from map_world import NOISE, keyframe_of, points_of, true_map
from point_world import World, room, sideways

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.window import apply, choose_window

PATH = sideways(60)[::5]  # 12 keyframes, half a metre apart


@pytest.fixture
def world():
    return room(count=800)


@pytest.fixture
def local_map(world):
    return true_map(world, PATH)


def window_of(local_map, num_free, *, has_unit=True, keyframe=None):
    return choose_window(
        local_map, keyframe or local_map.newest, num_free, NOISE, has_unit=has_unit
    )


def split(window):
    is_fixed = window.problem.is_fixed
    numbers = np.array([keyframe.number for keyframe in window.keyframes])
    return numbers[~is_fixed].tolist(), numbers[is_fixed].tolist()


def test_the_newest_are_free_and_those_around_hold_them(local_map):
    window = window_of(local_map, 4)
    free, fixed = split(window)
    assert free == [8, 9, 10, 11]
    assert set(fixed) <= set(range(8))
    assert len(fixed) > 2
    shown = np.unique(np.concatenate([k.numbers for k in window.keyframes[-4:]]))
    np.testing.assert_array_equal(window.numbers, shown)


def test_a_keyframe_with_too_little_in_common_is_neither(local_map):
    newest = local_map.newest
    for keyframe, num in zip(local_map.keyframes[:4], (9, 14, 15, 16), strict=True):
        keyframe.landmark[:] = NONE
        keyframe.landmark[:num] = newest.numbers[:num]
    for keyframe in local_map.keyframes[4:-1]:
        keyframe.landmark[:] = NONE
    free, fixed = split(window_of(local_map, 10))
    assert free == [2, 3, 11]
    assert fixed == [1]


def test_where_nothing_is_around_the_oldest_hold_the_window(local_map):
    local_map.keyframes = local_map.keyframes[:5]
    assert split(window_of(local_map, 10)) == ([1, 2, 3, 4], [0])
    assert split(window_of(local_map, 10, has_unit=False)) == ([2, 3, 4], [0, 1])


def test_there_is_nothing_to_adjust_when_all_is_held(local_map):
    local_map.keyframes = local_map.keyframes[:1]
    assert window_of(local_map, 10) is None
    local_map.keyframes[0].landmark[:] = NONE
    assert window_of(local_map, 10) is None


def test_the_problem_is_the_maps(world, local_map):
    local_map.newest.view = local_map.newest.view.noisier(3.0)
    window = window_of(local_map, 3)
    problem = window.problem
    np.testing.assert_array_equal(problem.points_world, world.points[window.numbers])
    for position, keyframe in enumerate(window.keyframes):
        mine = problem.keyframe == position
        rows = window.rows[mine]
        np.testing.assert_array_equal(problem.T_camera_world[position], keyframe.T_view_world)
        np.testing.assert_array_equal(
            keyframe.landmark[rows], window.numbers[problem.landmark[mine]]
        )
        np.testing.assert_array_equal(problem.xy[mine], keyframe.view.xy[rows])
        np.testing.assert_allclose(problem.sigma[mine], NOISE * keyframe.view.spread[rows])
        np.testing.assert_array_equal(
            problem.inverse_depth[mine], keyframe.view.inverse_depth[rows]
        )
        assert mine.sum() == np.isin(keyframe.numbers, window.numbers).sum()


def test_a_landmark_that_a_keyframe_shows_twice_counts_once(local_map):
    newest = local_map.newest
    newest.landmark[5] = newest.landmark[8]
    problem = window_of(local_map, 3).problem  # which refuses two
    assert len(problem.keyframe) > 100


def disturbed(world, path=PATH, num_true=4, seed=0):
    """A map whose newest keyframes and landmarks are a little off."""
    local_map, generator = true_map(world, path), np.random.default_rng(seed)
    for keyframe in local_map.keyframes[num_true:]:
        twist = generator.normal(0, [0.02] * 3 + [0.005] * 3)
        keyframe.T_view_world = se3.exp(twist) @ keyframe.T_view_world
    local_map.landmarks.points_world[:] += generator.normal(0, 0.03, (len(world.points), 3))
    return local_map


def off_m(keyframe, T_world_view):
    return np.linalg.norm(keyframe.centre_world - T_world_view[:3, 3])


def test_an_adjusted_window_is_nearer_the_truth(world):
    path = PATH[:6]
    local_map = disturbed(world, path, num_true=1)
    before = [off_m(k, T) for k, T in zip(local_map.keyframes, path, strict=True)]
    window = window_of(local_map, 10)
    apply(local_map, window, adjust_bundle(window.problem))
    after = [off_m(k, T) for k, T in zip(local_map.keyframes, path, strict=True)]
    assert after[0] == before[0] < 1e-12
    assert max(after) < 0.01 < 0.02 < max(before)
    counts = local_map.num_observers()
    seen = np.flatnonzero(counts > 1)
    landmarks = local_map.landmarks
    errors = np.linalg.norm(landmarks.points_world[seen] - world.points[seen], axis=1)
    assert np.median(errors) < 0.01
    # The covariance is that of the adjustment, no more the one that the map came with.
    sigma = np.sqrt(np.trace(landmarks.covariance[seen], axis1=1, axis2=2))
    assert 0.15 < np.median(errors / sigma) < 1


def test_landmarks_that_one_keyframe_shows_stay_where_they_are(world):
    local_map = disturbed(world, PATH[:6], num_true=1)
    once = np.flatnonzero(local_map.num_observers() == 1)
    before = local_map.landmarks.points_world[once].copy()
    window = window_of(local_map, 10)
    apply(local_map, window, adjust_bundle(window.problem))
    np.testing.assert_array_equal(local_map.landmarks.points_world[once], before)


def test_links_that_do_not_fit_are_broken_and_no_others(world, local_map):
    newest = local_map.newest
    shared = np.flatnonzero(np.isin(newest.landmark, local_map.keyframes[-2].numbers))
    wrong = shared[:5]
    newest.view.xy[wrong] += 20 * NOISE
    before = newest.landmark.copy()
    window = window_of(local_map, 4)
    apply(local_map, window, adjust_bundle(window.problem))
    assert (newest.landmark[wrong] == NONE).all()
    right = np.setdiff1d(np.arange(len(before)), wrong)
    np.testing.assert_array_equal(newest.landmark[right], before[right])


def test_a_link_that_is_another_one_by_now_is_not_broken(local_map):
    newest = local_map.newest
    shared = np.flatnonzero(np.isin(newest.landmark, local_map.keyframes[-2].numbers))
    newest.view.xy[shared[:5]] += 20 * NOISE
    window = window_of(local_map, 4)
    newest.landmark[shared[0]] = 799  # while the window was adjusted elsewhere
    apply(local_map, window, adjust_bundle(window.problem))
    assert newest.landmark[shared[0]] == 799
    assert (newest.landmark[shared[1:5]] == NONE).all()


def test_what_came_since_moves_along_with_the_newest_keyframe(world):
    local_map = disturbed(world, PATH[:8])
    window = window_of(local_map, 10)
    newest = window.keyframes[-1]
    before = newest.T_view_world.copy()
    # A keyframe that was made while the window was adjusted, with a landmark, and an image after.
    later = keyframe_of(world, PATH[8], 8)
    local_map.append(later)
    point = world.points[later.landmark[0]] + 0.1
    descriptors = later.view.descriptors[:1]
    made = local_map.landmarks.add(
        point[None], np.diag([1.0, 2.0, 3.0])[None], descriptors, np.ones((1, 3)), 8
    )
    image = Keyframe(9, later.view, later.T_view_world.copy(), later.covariance, later.landmark)
    local_map.newest_image = image
    seen_before = se3.transform(later.T_view_world, point[None])
    covariance_before = turned(later, local_map.landmarks.covariance[made[0]])
    to_newest = later.T_view_world @ se3.inverse(before)

    correction = apply(local_map, window, adjust_bundle(window.problem))

    assert np.linalg.norm(se3.log(correction)) > 1e-3
    np.testing.assert_allclose(newest.T_world_view, correction @ se3.inverse(before), atol=1e-12)
    for image_after in (later, image):
        kept = image_after.T_view_world @ newest.T_world_view
        np.testing.assert_allclose(kept, to_newest, atol=1e-12)
    moved = local_map.landmarks.points_world[made]
    np.testing.assert_allclose(se3.transform(later.T_view_world, moved), seen_before, atol=1e-12)
    covariance_after = turned(later, local_map.landmarks.covariance[made[0]])
    np.testing.assert_allclose(covariance_after, covariance_before, atol=1e-12)


def turned(keyframe, covariance_world):
    R = keyframe.T_view_world[:3, :3]
    return R @ covariance_world @ R.T


def test_without_anything_newer_the_correction_is_that_of_the_newest_keyframe(world):
    local_map = disturbed(world, PATH[:8])
    window = window_of(local_map, 4)
    before = local_map.newest.T_world_view
    correction = apply(local_map, window, adjust_bundle(window.problem))
    np.testing.assert_allclose(correction @ before, local_map.newest.T_world_view, atol=1e-12)


def test_a_single_cameras_window_keeps_its_unit():
    world = World(room().points)
    path = PATH[:5]
    local_map = true_map(world, path, depth=False)
    for keyframe, T in zip(local_map.keyframes[2:], path[2:], strict=True):
        keyframe.T_view_world = se3.exp(np.full(6, 0.01)) @ se3.inverse(T)
        keyframe.view = replace(keyframe.view)
    window = window_of(local_map, 10, has_unit=False)
    apply(local_map, window, adjust_bundle(window.problem))
    for keyframe, T in zip(local_map.keyframes, path, strict=True):
        assert off_m(keyframe, T) < 0.01
        np.testing.assert_array_equal(keyframe.landmark, points_of(world, keyframe.view))
