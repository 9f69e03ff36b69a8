from pathlib import Path

import numpy as np
import pytest
from evo.core import sync

from aliked_ros.datasets import tum_rows
from aliked_ros.evaluation.odometry.trajectory import compare_files
from aliked_ros.geometry import se3

RATE_HZ = 10


def _walk(count: int = 60) -> np.ndarray:
    """A path with turns in all directions, (count, 4, 4)."""
    time = np.arange(count) / RATE_HZ
    twists = np.column_stack(
        [np.sin(time), 0.3 * time, np.cos(2 * time), 0.2 * time, 0.1 * np.sin(time), 0.05 * time]
    )
    return np.array([se3.exp(twist) for twist in twists])


def _write(path: Path, poses: np.ndarray, start_ns: int = 1_403_715_276 * 10**9) -> Path:
    step_ns = 10**9 // RATE_HZ
    tum_rows.write(path, [(start_ns + i * step_ns, T) for i, T in enumerate(poses)])
    return path


def _noisy(poses: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(0)
    noise = [se3.exp(random.normal(0, 0.02, 6)) for _ in poses]
    return poses @ np.array(noise)


def _umeyama(source: np.ndarray, target: np.ndarray, with_scale: bool) -> tuple[np.ndarray, float]:
    """Least-squares alignment of (N, 3) points, by the paper's formula; aligned source, scale."""
    mean_source, mean_target = source.mean(axis=0), target.mean(axis=0)
    centred, wanted = source - mean_source, target - mean_target
    U, D, V_transposed = np.linalg.svd(wanted.T @ centred / len(source))
    S = np.diag([1, 1, np.sign(np.linalg.det(U) * np.linalg.det(V_transposed))])
    R = U @ S @ V_transposed
    scale = np.trace(np.diag(D) @ S) / centred.var(axis=0).sum() if with_scale else 1.0
    return scale * centred @ R.T + mean_target, scale


@pytest.mark.parametrize("with_scale", [False, True])
def test_scores_agree_with_an_independent_computation(tmp_path, with_scale):
    truth = _walk()
    moved = se3.exp(np.array([5.0, -3, 2, 0.5, 1.0, -0.7])) @ _noisy(truth)
    moved[:, :3, 3] *= 0.4
    comparison = compare_files(
        _write(tmp_path / "estimate.txt", moved),
        _write(tmp_path / "truth.txt", truth),
        with_scale=with_scale,
        rpe_frames=5,
    )
    aligned, scale = _umeyama(moved[:, :3, 3], truth[:, :3, 3], with_scale)
    errors_m = np.linalg.norm(aligned - truth[:, :3, 3], axis=1)
    score = comparison.score
    assert score.alignment == ("Sim(3)" if with_scale else "SE(3)")
    assert score.scale == pytest.approx(scale, rel=1e-6)
    assert score.ate_rmse_m == pytest.approx(np.sqrt((errors_m**2).mean()), rel=1e-5)
    assert score.ate_median_m == pytest.approx(np.median(errors_m), rel=1e-5)
    assert score.ate_max_m == pytest.approx(errors_m.max(), rel=1e-5)
    assert score.num_pairs == score.num_poses == 60
    np.testing.assert_allclose(comparison.positions_m, aligned, atol=1e-6)
    scaled = moved.copy()
    scaled[:, :3, 3] *= scale
    _check_relative_error(score, scaled, truth)


def _check_relative_error(score, estimate, truth):
    """Relative motions over five poses, all pairs; no alignment changes them."""
    translations_m, angles_deg = [], []
    for i in range(len(truth) - 5):
        wanted = se3.inverse(truth[i]) @ truth[i + 5]
        error = se3.inverse(wanted) @ (se3.inverse(estimate[i]) @ estimate[i + 5])
        translations_m.append(np.linalg.norm(error[:3, 3]))
        angles_deg.append(se3.rotation_angle_deg(error[:3, :3]))
    assert score.rpe_frames == 5
    assert score.rpe_rmse_m == pytest.approx(np.sqrt(np.mean(np.square(translations_m))), rel=1e-5)
    assert score.rpe_rmse_deg == pytest.approx(np.sqrt(np.mean(np.square(angles_deg))), rel=1e-5)


def test_a_perfect_estimate_in_another_world_scores_zero(tmp_path):
    truth = _walk()
    moved = se3.exp(np.array([1.0, 2, 3, 0.3, 0.2, 0.1])) @ truth
    comparison = compare_files(
        _write(tmp_path / "a.txt", moved), _write(tmp_path / "b.txt", truth), with_scale=False
    )
    assert comparison.score.ate_rmse_m < 1e-7
    assert comparison.score.rpe_rmse_m < 1e-7
    assert comparison.score.rpe_frames == RATE_HZ


def test_lost_poses_do_not_spoil_the_association(tmp_path):
    truth = _walk()
    tum_rows.write(
        tmp_path / "estimate.txt",
        [(i * 10**8 + 3_000_000, T) for i, T in enumerate(truth) if i % 3],
    )
    _write(tmp_path / "truth.txt", truth, start_ns=0)
    score = compare_files(tmp_path / "estimate.txt", tmp_path / "truth.txt", with_scale=False).score
    assert score.num_pairs == 40
    assert score.ate_rmse_m < 1e-7


@pytest.mark.parametrize("case", ["too few", "elsewhen", "empty"])
def test_without_three_pairs_there_is_no_score(tmp_path, case):
    truth = _walk()
    estimate = {"too few": truth[:2], "elsewhen": truth, "empty": truth[:0]}[case]
    start_ns = 0 if case == "elsewhen" else 1_403_715_276 * 10**9
    _write(tmp_path / "estimate.txt", estimate, start_ns)
    _write(tmp_path / "truth.txt", truth)
    assert compare_files(tmp_path / "estimate.txt", tmp_path / "truth.txt", with_scale=True) is None


def test_an_estimate_that_does_not_move_is_aligned_at_its_first_pose(tmp_path):
    truth = np.tile(np.eye(4), (10, 1, 1))
    truth[:, 0, 3] = 1e-3 * np.arange(10)
    still = np.tile(se3.exp(np.array([1.0, 2, 3, 0.1, 0, 0])), (10, 1, 1))
    score = compare_files(
        _write(tmp_path / "estimate.txt", still),
        _write(tmp_path / "truth.txt", truth),
        with_scale=True,
    ).score
    assert score.alignment == "first pose"
    assert score.ate_max_m == pytest.approx(9e-3, rel=1e-3)


def test_stamps_are_associated_as_the_newest_evo_wants_it(tmp_path, monkeypatch):
    # evo 1.38 takes the tolerance by its name only, the oldest that is allowed by name too.
    associate = sync.associate_trajectories

    def by_name_only(trajectory0, trajectory1, *, max_diff):
        return associate(trajectory0, trajectory1, max_diff=max_diff)

    monkeypatch.setattr(sync, "associate_trajectories", by_name_only)
    path = _write(tmp_path / "path.txt", _walk())
    comparison = compare_files(path, path, with_scale=False)
    assert comparison.score.num_pairs == 60
