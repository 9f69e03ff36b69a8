from dataclasses import replace

import numpy as np
import pytest
from map_world import points_of, view_of
from point_world import K, match_views, room, sideways, turning, wall

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import Motion
from aliked_ros.odometry.two_views import NoPair, Pair, look_for_parallax, look_for_rotation

CONFIG = OdometryConfig(sensor="mono")
AWAY = sideways(9)[-1]


def pair_of(world, T_world_1, outlier_share=0.0):
    views = view_of(world, np.eye(4)), view_of(world, T_world_1, outlier_share=outlier_share)
    return match_views(*views)


def test_a_turn_is_found_with_its_noise():
    T = turning(2, 0.1)[1]
    errors, sigma_rad = [], 0.0
    for seed in range(20):
        rotation = look_for_rotation(pair_of(room(seed), T), K, CONFIG)
        assert rotation.kind is Motion.ROTATION
        errors.append(np.linalg.norm(se3.log_so3(rotation.R_1_0 @ T[:3, :3])))
        sigma_rad = rotation.sigma_rad
    # Two noisy images of 0.3 px each; 0.5 px are claimed once. Three axes.
    assert 0.2 < np.sqrt(np.mean(np.square(errors)) / 3) / sigma_rad < 2.5


def test_a_camera_that_stands_still_did_not_turn_at_all():
    rotation = look_for_rotation(pair_of(room(), np.eye(4)), K, CONFIG)
    assert rotation.kind is Motion.NONE
    np.testing.assert_array_equal(rotation.R_1_0, np.eye(3))


def test_a_turn_is_found_among_wrong_matches():
    T = turning(2, 0.1)[1]
    rotation = look_for_rotation(pair_of(room(), T, outlier_share=0.3), K, CONFIG)
    assert se3.rotation_angle_deg(rotation.R_1_0 @ T[:3, :3]) < 0.1


def test_parallax_is_no_rotation():
    assert look_for_rotation(pair_of(room(), AWAY), K, CONFIG) is None


def test_few_matches_are_neither():
    few = pair_of(room(), turning(2, 0.1)[1]).select(np.arange(39))
    assert look_for_rotation(few, K, CONFIG) is None
    answer = look_for_parallax(pair_of(room(), AWAY).select(np.arange(39)), K, CONFIG)
    assert isinstance(answer, NoPair)
    assert answer.kind is Motion.UNKNOWN


@pytest.mark.parametrize("outlier_share", [0.0, 0.3])
def test_a_motion_with_parallax_is_found_with_the_points_that_it_explains(outlier_share):
    world = room()
    matched = pair_of(world, AWAY, outlier_share)
    pair = look_for_parallax(matched, K, CONFIG)
    assert isinstance(pair, Pair)
    T_1_0 = se3.inverse(AWAY)
    assert np.linalg.norm(pair.T_1_0[:3, 3]) == pytest.approx(1)
    length_m = np.linalg.norm(T_1_0[:3, 3])
    assert se3.rotation_angle_deg(pair.T_1_0[:3, :3] @ AWAY[:3, :3]) < 0.2
    assert pair.T_1_0[:3, 3] @ T_1_0[:3, 3] / length_m > np.cos(np.radians(3))
    shown = points_of(world, matched.view0)[pair.points.index0]
    truth = length_m / world.points[shown][:, 2]
    error = np.abs(pair.inverse_depth - truth) / pair.sigma
    assert np.median(error) < 2
    assert len(pair.points) > (1 - outlier_share) * 0.9 * len(matched)
    assert pair.parallax_deg == pytest.approx(np.degrees(np.median(truth)), rel=0.3)


def test_too_little_parallax_waits_and_says_how_much_there_is():
    answer = look_for_parallax(pair_of(room(), AWAY), K, replace(CONFIG, min_parallax_deg=15.0))
    assert answer.kind is Motion.GENERAL
    assert 3 < answer.parallax_deg < 15
    assert "waits for 15 deg" in answer.reason
    assert f"{answer.parallax_deg:.2f} deg" in answer.reason


def test_a_plane_that_two_motions_explain_waits():
    waited, wrong = 0, 0
    for seed in range(10):
        # Half forwards: another plane and another motion explain the images as well.
        T = se3.from_rotation_translation(np.eye(3), np.array([0.5, 0.0, 0.6]))
        answer = look_for_parallax(pair_of(wall(seed), T), K, CONFIG)
        if isinstance(answer, NoPair):
            waited += 1
            assert "plane" in answer.reason
            continue
        cosine = answer.T_1_0[:3, 3] @ [-0.5, 0, -0.6] / np.hypot(0.5, 0.6)
        wrong += cosine < np.cos(np.radians(15))
    assert waited > 0
    assert wrong == 0


def test_matches_without_any_order_agree_on_no_motion():
    matched = pair_of(room(), AWAY)
    pairs = matched.pairs.copy()
    pairs[:, 1] = np.random.default_rng(0).permutation(pairs[:, 1])
    shuffled = replace(matched, pairs=pairs)
    assert look_for_rotation(shuffled, K, CONFIG) is None
    assert isinstance(look_for_parallax(shuffled, K, CONFIG), NoPair)


def test_no_matches_at_all_are_no_pair():
    none = pair_of(room(), AWAY).select(np.arange(0))
    assert look_for_rotation(none, K, CONFIG) is None
    assert isinstance(look_for_parallax(none, K, CONFIG), NoPair)


def test_views_that_turned_far_are_too_far_apart():
    T = AWAY.copy()
    T[:3, :3] = se3.exp_so3(np.array([0, 0.4, 0]))
    answer = look_for_parallax(pair_of(room(), T), K, CONFIG)
    assert isinstance(answer, NoPair)
    assert "turned by 23 deg" in answer.reason


def test_a_turn_that_few_matches_leave_unknown_waits():
    matched = pair_of(room(), AWAY)
    x = matched.xy[0][:, 0]
    strip = matched.select(np.argsort(x)[:60])
    answer = look_for_parallax(strip, K, CONFIG)
    assert isinstance(answer, NoPair)
    assert answer.kind is Motion.GENERAL
    assert "the turn between two images is known to" in answer.reason
