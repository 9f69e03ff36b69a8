"""Each figure beside a slow loop written from its definition."""

import cv2
import numpy as np
import pytest

from aliked_ros.evaluation.homography import metrics

SIZES = ((90, 120), (100, 110))  # (height, width)
H_1_0 = np.array([[0.9, 0.12, 4.0], [-0.1, 1.05, 7.0], [2e-4, -1e-4, 1.0]])


@pytest.fixture
def features():
    """Keypoints of both images and matches, a part of them wrong."""
    generator = np.random.default_rng(5)
    keypoints0 = generator.uniform((0, 0), (119, 89), (80, 2))
    keypoints1 = np.vstack(
        [
            slow_warp(H_1_0, keypoints0[:50]) + generator.normal(0, 2.0, (50, 2)),
            generator.uniform((0, 0), (109, 99), (25, 2)),
        ]
    )
    wrong = np.column_stack((np.arange(50, 70), generator.permutation(np.arange(50, 75))[:20]))
    matches = np.vstack([np.column_stack((np.arange(50), np.arange(50))), wrong])
    return keypoints0, keypoints1, matches


def slow_warp(H, points):
    result = []
    for x, y in points:
        w = H[2, 0] * x + H[2, 1] * y + H[2, 2]
        result.append(((H[0, 0] * x + H[0, 1] * y + H[0, 2]) / w,
                       (H[1, 0] * x + H[1, 1] * y + H[1, 2]) / w))  # fmt: skip
    return np.array(result)


def slow_covisible(H, points, size):
    return [
        i
        for i, (x, y) in enumerate(slow_warp(H, points))
        if 0 <= x <= size[1] - 1 and 0 <= y <= size[0] - 1
    ]


def test_every_figure_equals_a_slow_loop(features):
    keypoints0, keypoints1, matches = features
    score = metrics.score_pair((keypoints0, keypoints1), matches, H_1_0, SIZES)
    warped = slow_warp(H_1_0, keypoints0)
    errors = [float(np.hypot(*(warped[i] - keypoints1[j]))) for i, j in matches]
    for threshold, value in enumerate(score.mma, start=1):
        assert value == pytest.approx(sum(e <= threshold for e in errors) / len(errors))
    covisible0 = slow_covisible(H_1_0, keypoints0, SIZES[1])
    covisible1 = slow_covisible(np.linalg.inv(H_1_0), keypoints1, SIZES[0])
    assert len(covisible0) < 80
    assert len(covisible1) < 75
    num_correct = sum(e <= 3 for e in errors)
    expected = num_correct / ((len(covisible0) + len(covisible1)) / 2)
    assert score.matching_score == pytest.approx(expected)
    repeated = 0
    for i in covisible0:
        repeated += min(np.hypot(*(warped[i] - keypoints1[j])) for j in covisible1) <= 3
    for j in covisible1:
        repeated += min(np.hypot(*(warped[i] - keypoints1[j])) for i in covisible0) <= 3
    expected = repeated / (len(covisible0) + len(covisible1))
    assert score.repeatability == pytest.approx(expected)
    assert score.num_matches == 70
    assert score.num_keypoints == pytest.approx(77.5)


def test_corner_error_equals_opencvs_perspective_transform():
    estimate = H_1_0 + np.array([[0.01, 0, 1.5], [0, -0.01, 0.5], [0, 1e-5, 0]])
    corners = np.array([[[0, 0], [119, 0], [0, 89], [119, 89]]], np.float64)
    difference = cv2.perspectiveTransform(corners, H_1_0) - cv2.perspectiveTransform(
        corners, estimate
    )
    expected = np.linalg.norm(difference[0], axis=1).mean()
    assert metrics.corner_error(H_1_0, estimate, SIZES[0]) == pytest.approx(expected)
    assert metrics.corner_error(H_1_0, 7 * estimate, SIZES[0]) == pytest.approx(expected)


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_exact_matches_with_outliers_give_the_homography(estimator):
    generator = np.random.default_rng(0)
    matched0 = generator.uniform((0, 0), (119, 89), (100, 2))
    matched1 = metrics.warp(H_1_0, matched0)
    matched1[:20] = generator.uniform((0, 0), (109, 99), (20, 2))
    estimate = metrics.estimate_homography(matched0, matched1, estimator)
    assert metrics.corner_error(H_1_0, estimate, SIZES[0]) < 1e-3


@pytest.mark.parametrize("estimator", metrics.ESTIMATORS)
def test_the_order_of_the_keypoints_does_not_change_the_estimate(estimator, features):
    keypoints0, keypoints1, matches = features
    shuffled = np.random.default_rng(1).permutation(matches)
    first, second = (
        metrics.estimate_homography(keypoints0[m[:, 0]], keypoints1[m[:, 1]], estimator)
        for m in (matches, shuffled)
    )
    assert np.allclose(first, second)


def test_pair_without_keypoints_scores_zero():
    nothing = np.empty((0, 2))
    score = metrics.score_pair((nothing, nothing), np.empty((0, 2), np.int64), H_1_0, SIZES)
    assert score.mma == (0.0,) * 10
    assert score.repeatability == score.matching_score == 0
    assert score.corner_error_px == float("inf")


def test_three_matches_are_too_few_for_a_homography():
    points = np.array([[0.0, 0], [50, 0], [0, 50]])
    assert metrics.estimate_homography(points, points) is None


def test_summary_averages_over_pairs_and_counts_failures():
    def pair(mma, corner_error_px):
        return metrics.PairScore(100, 10, 0.5, 0.25, (mma,) * 10, corner_error_px)

    figures = metrics.summarise([pair(1.0, 0.5), pair(0.5, 2.0), pair(0.0, float("inf"))])
    assert figures["pairs"] == 3
    assert figures["MMA@3"] == pytest.approx(50)
    assert [round(figures[f"MHA@{t}"], 2) for t in (1, 3, 5)] == [33.33, 66.67, 66.67]
    assert figures["repeatability"] == pytest.approx(50)
    assert figures["matching_score"] == pytest.approx(25)


def test_unknown_estimator_is_named():
    points = np.random.default_rng(0).random((10, 2))
    with pytest.raises(ValueError, match=r"'magsac'.*opencv, poselib"):
        metrics.estimate_homography(points, points, "magsac")
