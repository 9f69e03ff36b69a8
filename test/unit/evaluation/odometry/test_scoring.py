import numpy as np
import pytest

from aliked_ros.datasets import tum_rows
from aliked_ros.evaluation.odometry.scoring import farthest_m, move_along, score_corrected
from aliked_ros.geometry import se3

PERIOD_NS, EVERY = 10**8, 10


def _path(count=60):
    time = np.arange(count) / 10
    zero = np.zeros(count)
    twists = np.column_stack([np.sin(time), zero, time, zero, 0.2 * time, zero])
    return [(i * PERIOD_NS, se3.exp(twist)) for i, twist in enumerate(twists)]


def _drifted(path):
    """Return the path as an odometry says it that errs with every keyframe, never in between."""
    errors = [np.array([0.1 * k, 0, 0, 0, 0.01 * k, 0]) for k in range(len(path) // EVERY + 1)]
    return [(stamp, se3.exp(errors[i // EVERY]) @ T) for i, (stamp, T) in enumerate(path)]


def test_poses_that_move_along_with_corrected_keyframes_are_corrected():
    path = _path()
    moved = move_along(_drifted(path), path[::EVERY])
    assert [stamp_ns for stamp_ns, _ in moved] == [stamp_ns for stamp_ns, _ in path]
    np.testing.assert_allclose([T for _, T in moved], [T for _, T in path], atol=1e-12)


def test_a_keyframe_that_left_the_map_leaves_its_frames_to_the_one_before():
    path = _path()
    said = _drifted(path)
    moved = move_along(said, [path[0], path[20], path[50]])
    correction = path[20][1] @ se3.inverse(said[20][1])
    np.testing.assert_allclose(moved[35][1], correction @ said[35][1])
    np.testing.assert_allclose(moved[55][1], path[55][1], atol=1e-12)


def test_keyframes_of_a_part_of_the_path_correct_nothing():
    path = _path()
    assert move_along(path, path[30::EVERY]) == []
    assert move_along(path, []) == []
    # Nor do keyframes whose poses nobody heard of.
    assert move_along(path, [(stamp_ns + 1, T) for stamp_ns, T in path]) == []


@pytest.mark.parametrize(("sensor", "scale"), [("rgbd", 1.0), ("mono", 0.2)])
def test_the_corrected_error_is_that_of_the_corrected_poses(tmp_path, sensor, scale):
    path = _path()
    tum_rows.write(tmp_path / "groundtruth.txt", path)
    said = []
    for stamp_ns, T in _drifted(path):
        shrunk = T.copy()
        shrunk[:3, 3] *= scale
        said.append((stamp_ns, shrunk))
    keyframes = [(stamp_ns, T @ np.eye(4)) for stamp_ns, T in path[::EVERY]]
    for _, T in keyframes:
        T[:3, 3] *= scale
    assert score_corrected(tmp_path, said, keyframes, sensor)["ate_rmse_m"] < 0.02
    assert score_corrected(tmp_path, said, said[::EVERY], sensor)["ate_rmse_m"] > 0.05


def test_the_farthest_pose_is_told_from_the_first():
    poses = [(i, se3.exp(np.array([x, 0, 0, 0, 0, 0]))) for i, x in enumerate([1.0, 4.0, -1.0])]
    assert farthest_m(poses) == pytest.approx(3)
    assert farthest_m([]) is None
