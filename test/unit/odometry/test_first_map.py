from dataclasses import replace

import numpy as np
import pytest
from map_world import points_of, view_of
from point_world import K, match_views, room, sideways

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.first_map import build
from aliked_ros.odometry.matched_views import MatchedViews
from aliked_ros.odometry.two_views import look_for_parallax

CONFIG = OdometryConfig(sensor="mono")
PATH = sideways(9)
START = se3.exp(np.array([3.0, -1.0, 2.0, 0.3, -0.5, 0.2]))


def seen(world=None, path=PATH):
    """Return the pair of the ends of a path and those between, matched with the first view."""
    world = world or room()
    views = [view_of(world, T, number, depth=False) for number, T in enumerate(path)]
    pair = look_for_parallax(match_views(views[0], views[-1]), K, CONFIG)
    others = [match_views(views[0], view) for view in views[2:-1:2]]
    return world, pair, others


def make(pair, others, median_depth=1.0, covariance=None):
    covariance = np.zeros((6, 6)) if covariance is None else covariance
    return build(pair, others, START, covariance, median_depth, K, CONFIG)


@pytest.fixture(scope="module")
def scene():
    return seen()


def test_all_views_are_keyframes_and_the_last_is_the_newest(scene):
    _, pair, others = scene
    local_map, reason = make(pair, others)
    assert reason == ""
    assert [k.view.stamp_ns for k in local_map.keyframes] == [0, 2, 4, 6, 8]
    numbers = [k.number for k in local_map.keyframes]
    assert numbers == sorted(set(numbers))
    assert local_map.next_number == numbers[-1] + 1
    assert local_map.newest_image.view is pair.points.view1


def test_poses_and_landmarks_are_the_true_ones_but_for_the_unit(scene):
    world, pair, others = scene
    local_map, _ = make(pair, others)
    np.testing.assert_allclose(local_map.keyframes[0].T_world_view, START, atol=1e-12)
    first, newest = local_map.keyframes[0], local_map.newest
    shown = points_of(world, first.view)[first.linked]
    said = se3.transform(first.T_view_world, local_map.landmarks.points_world[first.numbers])
    unit_m = np.median(world.points[shown][:, 2] / said[:, 2])
    errors_m = np.linalg.norm(unit_m * said - world.points[shown], axis=1)
    assert np.median(errors_m / world.points[shown][:, 2]) < 0.02
    for keyframe in local_map.keyframes:
        T_first_view = first.T_view_world @ keyframe.T_world_view
        T_first_view[:3, 3] *= unit_m
        error = se3.log(se3.inverse(PATH[keyframe.view.stamp_ns]) @ T_first_view)
        assert np.linalg.norm(error[:3]) < 0.03
        assert np.linalg.norm(error[3:]) < 0.005
    assert len(newest.linked) > 50


@pytest.mark.parametrize("median_depth", [1.0, 7.0])
def test_the_unit_is_the_median_depth_that_is_asked_for(scene, median_depth):
    _, pair, others = scene
    local_map, _ = make(pair, others, median_depth)
    first = local_map.keyframes[0]
    points = se3.transform(first.T_view_world, local_map.landmarks.points_world[first.numbers])
    assert np.median(points[:, 2]) == pytest.approx(median_depth, rel=0.1)


def test_a_longer_unit_changes_the_map_by_nothing_else(scene):
    _, pair, others = scene
    (short, _), (long, _) = make(pair, others, 1.0), make(pair, others, 4.0)
    moved = [
        (k.T_view_world @ START)[:3, 3] for m in (short, long) for k in m.keyframes[1:]
    ]  # fmt: skip
    half = len(moved) // 2
    np.testing.assert_allclose(4 * np.array(moved[:half]), moved[half:], rtol=0.02, atol=1e-3)


def swapped(pair):
    """The pair with depths that are wrong: what no view between would confirm."""
    flipped = 2 * np.median(pair.inverse_depth) - pair.inverse_depth
    depth = np.maximum(flipped, 0.1 * pair.inverse_depth)
    return replace(pair, inverse_depth=depth)


def test_a_pair_whose_depths_are_wrong_is_refused_by_the_views_between(scene):
    _, pair, others = scene
    local_map, reason = make(swapped(pair), others)
    assert local_map is None
    assert "does not confirm" in reason


def test_a_view_between_of_another_place_confirms_nothing(scene):
    _, pair, others = scene
    stranger = view_of(room(seed=5), PATH[3])
    rows = np.arange(min(len(others[0].view0), len(stranger), 200))
    alien = MatchedViews(others[0].view0, stranger, np.column_stack([rows, rows]))
    local_map, reason = make(pair, [others[0], alien])
    assert local_map is None
    assert "does not confirm" in reason


def test_a_view_between_that_shows_little_confirms_nothing(scene):
    _, pair, others = scene
    local_map, reason = make(pair, [others[0].select(np.arange(19))])
    assert local_map is None
    assert "does not confirm" in reason


def test_landmarks_that_are_known_badly_do_not_make_a_map(scene):
    _, pair, others = scene
    few = replace(pair, sigma=np.where(np.arange(len(pair.sigma)) < 29, pair.sigma, 1e3))
    local_map, reason = make(few, others)
    assert local_map is None
    assert "parallax" in reason


def test_matches_that_no_motion_explains_do_not_survive_the_adjustment(scene):
    _, pair, _ = scene
    pairs = pair.points.pairs.copy()
    pairs[:, 1] = np.random.default_rng(0).permutation(pairs[:, 1])
    local_map, reason = make(replace(pair, points=replace(pair.points, pairs=pairs)), [])
    assert local_map is None
    assert "does not fit" in reason


def test_the_first_pose_hands_its_uncertainty_on(scene):
    _, pair, others = scene
    given = np.diag([4.0, 4.0, 4.0, 0.01, 0.01, 0.01])
    local_map, _ = make(pair, others, covariance=given)
    sure, _ = make(pair, others)
    np.testing.assert_array_equal(local_map.keyframes[0].covariance, given)
    for keyframe, other in zip(local_map.keyframes[1:], sure.keyframes[1:], strict=True):
        T_view_first = keyframe.T_view_world @ START
        # The poses are carried as they were proposed, so a little differently from this.
        np.testing.assert_allclose(
            keyframe.covariance - other.covariance, se3.carry(T_view_first, given), atol=0.02
        )
    assert np.trace(sure.newest.covariance) > 0  # its own part
