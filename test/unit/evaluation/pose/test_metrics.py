"""Errors and AUC beside slow definitions; estimators in a world with known motion."""

import cv2
import numpy as np
import pytest

from aliked_ros.evaluation.pose import metrics
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project

K = (
    np.array([[500.0, 0, 320.0], [0, 510.0, 240.0], [0, 0, 1]]),
    np.array([[620.0, 0, 300.0], [0, 600.0, 250.0], [0, 0, 1]]),
)
T_1_0 = se3.exp(np.array([0.5, -0.1, 0.2, 0.05, -0.15, 0.1]))


@pytest.fixture
def pixels():
    """Exact matches of two cameras, a fifth of them wrong."""
    generator = np.random.default_rng(1)
    points0 = np.column_stack([generator.uniform(-2, 2, (200, 2)), generator.uniform(3, 9, 200)])
    pixels0 = project(points0, K[0])
    pixels1 = project(se3.transform(T_1_0, points0), K[1])
    pixels1[:40] = generator.uniform((0, 0), (640, 480), (40, 2))
    return pixels0, pixels1


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_exact_matches_with_outliers_give_the_motion(estimator, pixels):
    estimate = metrics.estimate_motion(pixels, K, estimator, 1.0)
    assert metrics.pose_error_deg(T_1_0, estimate) < 0.5


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_order_of_the_matches_does_not_change_the_motion(estimator, pixels):
    order = np.random.default_rng(2).permutation(200)
    first = metrics.estimate_motion(pixels, K, estimator, 1.0)
    second = metrics.estimate_motion((pixels[0][order], pixels[1][order]), K, estimator, 1.0)
    assert np.allclose(first, second)


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_four_matches_give_no_motion_and_fail(estimator, pixels):
    few = pixels[0][:4], pixels[1][:4]
    assert metrics.estimate_motion(few, K, estimator, 1.0) is None
    assert metrics.pose_error_deg(T_1_0, None) == float("inf")


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_random_matches_give_a_rigid_motion_of_unit_translation(estimator):
    generator = np.random.default_rng(0)
    for count in (6, 20):
        noise = generator.uniform(0, 480, (count, 2)), generator.uniform(0, 480, (count, 2))
        estimate = metrics.estimate_motion(noise, K, estimator, 1.0)
        np.testing.assert_allclose(estimate[:3, :3] @ estimate[:3, :3].T, np.eye(3), atol=1e-9)
        assert np.linalg.norm(estimate[:3, 3]) == pytest.approx(1)


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_as_many_random_matches_as_the_solver_needs_do_not_end_the_run(estimator):
    generator = np.random.default_rng(0)
    noise = generator.uniform(0, 480, (5, 2)), generator.uniform(0, 480, (5, 2))
    metrics.estimate_motion(noise, K, estimator, 1.0)


def test_error_is_the_larger_angle_and_ignores_the_sign_of_the_translation():
    turned = se3.exp(np.array([0, 0, 0, 0, np.radians(7.0), 0])) @ T_1_0
    turned[:3, 3] = T_1_0[:3, 3]
    assert metrics.pose_error_deg(T_1_0, turned) == pytest.approx(7.0)
    moved = T_1_0.copy()
    moved[:3, 3] = se3.exp_so3(np.radians(11.0) * np.array([0, 0, 1.0])) @ np.array([2.0, 0, 0])
    truth = T_1_0.copy()
    truth[:3, 3] = [-0.1, 0, 0]
    assert metrics.pose_error_deg(truth, moved) == pytest.approx(11.0)
    truth[:3, 3] = 0
    assert metrics.pose_error_deg(truth, moved) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("threshold_deg", metrics.AUC_THRESHOLDS_DEG)
def test_auc_is_the_integral_of_the_recall_curve(threshold_deg):
    errors = [0.3, 1.2, 2.0, 4.9, 6.0, 9.5, 14.0, 33.0, float("inf"), 179.0]
    # The curve joins its corners by straight lines and stays level after the last one.
    corners_x = [0.0, *sorted(e for e in errors if e < threshold_deg), threshold_deg]
    corners_y = [i / len(errors) for i in range(len(corners_x) - 1)]
    corners_y.append(corners_y[-1])
    x = np.linspace(0, threshold_deg, 200_001)
    y = np.interp(x, corners_x, corners_y)
    expected = ((y[:-1] + y[1:]) / 2 * np.diff(x)).sum() / threshold_deg
    assert metrics.pose_auc(errors, threshold_deg) == pytest.approx(expected, abs=1e-5)


def test_auc_of_perfect_and_of_failed_pairs():
    assert metrics.pose_auc([0.0] * 5, 5) == pytest.approx(1)
    assert metrics.pose_auc([float("inf")] * 5, 5) == 0
    assert metrics.pose_auc([], 5) == 0


def test_precision_counts_matches_on_the_true_epipolar_lines(pixels):
    E = se3.skew(T_1_0[:3, 3] / np.linalg.norm(T_1_0[:3, 3])) @ T_1_0[:3, :3]
    num_right = 0
    for p0, p1 in zip(*pixels, strict=True):
        x0, x1 = np.linalg.inv(K[0]) @ [*p0, 1], np.linalg.inv(K[1]) @ [*p1, 1]
        sides = [cv2.norm((E @ x0)[:2]), cv2.norm((E.T @ x1)[:2])]
        distances = [abs(x1 @ E @ x0) / side for side in sides]
        num_right += distances[0] ** 2 + distances[1] ** 2 < 5e-4
    precision = metrics.matching_precision(pixels, K, T_1_0)
    assert precision == pytest.approx(num_right / 200)
    assert 0.8 <= precision < 0.95
    empty = np.empty((0, 2)), np.empty((0, 2))
    assert metrics.matching_precision(empty, K, T_1_0) == 0


def test_unknown_estimator_is_named(pixels):
    with pytest.raises(ValueError, match=r"'usac'.*opencv, poselib"):
        metrics.estimate_motion(pixels, K, "usac", 1.0)
