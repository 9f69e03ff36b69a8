import numpy as np
import pytest

from aliked_ros.datasets.ground_truth import GroundTruth, nearest_rigid
from aliked_ros.geometry import se3

MS = 1_000_000


def _turn_and_shift(angle_rad: float, x_m: float) -> np.ndarray:
    R = se3.exp_so3(np.array([0.0, 0.0, angle_rad]))
    return se3.from_rotation_translation(R, np.array([x_m, 0.0, 0.0]))


def _truth(*times_ms: int) -> GroundTruth:
    poses = np.array([_turn_and_shift(0.001 * time, 0.01 * time) for time in times_ms])
    return GroundTruth(np.array(times_ms, np.int64) * MS, poses)


def test_a_pose_at_its_own_stamp_is_returned_as_it_is():
    truth = _truth(0, 50)
    np.testing.assert_array_equal(truth.at(50 * MS), truth.T_world_camera[1])


def test_between_near_poses_position_and_rotation_are_interpolated():
    halfway = _truth(0, 50).at(20 * MS)
    np.testing.assert_allclose(halfway, _turn_and_shift(0.02, 0.2), atol=1e-12)


@pytest.mark.parametrize("turn_rad", [1e-9, 3.0, 3.3, 6.28])
def test_a_turn_takes_the_shorter_way(turn_rad):
    ends = np.array([_turn_and_shift(0.0, 0.0), _turn_and_shift(turn_rad, 1.0)])
    late = GroundTruth(np.array([0, 40]) * MS, ends).at(30 * MS)
    shorter = turn_rad if turn_rad < np.pi else turn_rad - 2 * np.pi
    np.testing.assert_allclose(late, _turn_and_shift(0.75 * shorter, 0.75), atol=1e-12)


def test_across_a_gap_only_a_pose_within_20_ms_counts():
    truth = _truth(0, 500)
    np.testing.assert_array_equal(truth.at(480 * MS), truth.T_world_camera[1])
    np.testing.assert_array_equal(truth.at(20 * MS), truth.T_world_camera[0])
    assert truth.at(250 * MS) is None


def test_before_the_start_and_after_the_end_there_is_none():
    truth = _truth(100, 150)
    assert truth.at(0) is None
    assert truth.at(171 * MS) is None
    assert truth.at(165 * MS) is not None


def test_empty_ground_truth_has_no_poses():
    assert GroundTruth(np.zeros(0, np.int64), np.zeros((0, 4, 4))).at(0) is None


def test_moving_to_the_camera_composes_on_the_right():
    truth = _truth(0)
    T_body_camera = _turn_and_shift(np.pi / 2, 1.0)
    moved = truth.moved_by(T_body_camera)
    np.testing.assert_allclose(moved.T_world_camera[0], truth.T_world_camera[0] @ T_body_camera)


def test_rounded_rotations_become_orthogonal_again():
    T = np.round(_turn_and_shift(0.7, 2.0), 3)[None]
    rigid = nearest_rigid(T)[0]
    np.testing.assert_allclose(rigid[:3, :3] @ rigid[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rigid, _turn_and_shift(0.7, 2.0), atol=1e-3)
