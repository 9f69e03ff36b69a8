import numpy as np
import pytest
from point_world import CAMERA, K, match_views, room, sideways, turning, wall

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import Motion
from aliked_ros.odometry.initialisation import initialise
from aliked_ros.odometry.intake import make_view

CONFIG = OdometryConfig(sensor="mono")


def start(world, T_world_1, outlier_share=0.0, limit=None, **knobs):
    views = [
        make_view(index, world.see(T, outlier_share)[0], CAMERA, None, 0.0)
        for index, T in enumerate([np.eye(4), T_world_1])
    ]
    matched = match_views(*views).select(slice(limit))
    config = OdometryConfig(sensor="mono", **knobs)
    return initialise(matched, K, config, median_depth=6.0)


def direction_error_deg(T_1_0, T_world_1):
    truth = se3.inverse(T_world_1)[:3, 3]
    cosine = T_1_0[:3, 3] @ truth / np.linalg.norm(truth) / np.linalg.norm(T_1_0[:3, 3])
    return np.degrees(np.arccos(min(cosine, 1.0)))


@pytest.mark.parametrize("outlier_share", [0.0, 0.3])
def test_parallax_gives_a_motion_of_unit_length(outlier_share):
    T = sideways(8)[-1]
    outcome = start(room(), T, outlier_share)
    assert outcome.reason == ""
    assert outcome.kind is Motion.GENERAL
    assert np.linalg.norm(outcome.motion.T_1_0[:3, 3]) == pytest.approx(1.0)
    assert direction_error_deg(outcome.motion.T_1_0, T) < 1.0
    assert outcome.parallax_deg > CONFIG.min_parallax_deg


def test_little_parallax_is_waited_for():
    outcome = start(room(), sideways(8)[-1], min_parallax_deg=20.0)
    assert outcome.motion is None
    assert outcome.kind is Motion.GENERAL
    assert "waits for 20 deg" in outcome.reason


def test_a_rotation_is_returned_as_one():
    T = turning(6)[-1]
    outcome = start(room(), T, outlier_share=0.1)
    assert outcome.kind is Motion.ROTATION
    np.testing.assert_array_equal(outcome.motion.T_1_0[:3, 3], 0)
    assert se3.rotation_angle_deg(outcome.motion.T_1_0[:3, :3] @ T[:3, :3]) < 0.05
    assert outcome.motion.covariance[0, 0] > 1e-4  # a translation may hide in it


def test_standing_still_is_neither_rotation_nor_motion():
    outcome = start(room(), np.eye(4))
    assert outcome.kind is Motion.NONE
    np.testing.assert_array_equal(outcome.motion.T_1_0, np.eye(4))


def test_a_plane_approached_head_on_leaves_two_motions_and_none_is_chosen():
    ahead = se3.from_rotation_translation(np.eye(3), np.array([0.0, 0.0, 1.0]))
    outcome = start(wall(), ahead)
    assert outcome.motion is None
    assert "plane" in outcome.reason


def test_few_matches_are_not_enough():
    outcome = start(room(), sideways(8)[-1], limit=4)
    assert outcome.kind is Motion.UNKNOWN
    assert "only 4 matches" in outcome.reason


def test_matches_of_chance_are_no_motion():
    outcome = start(room(), sideways(8)[-1], outlier_share=0.97)
    assert outcome.motion is None
    assert outcome.kind is Motion.UNKNOWN
