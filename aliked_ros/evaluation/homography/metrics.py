"""Keypoints and matches of two images of a plane -> the figures of the HPatches tables.

The protocol is D2-Net's (Dusmanu et al. 2019) as ALIKE's and ALIKED's authors run it: mutual
nearest neighbours without a threshold, OpenCV's RANSAC. With the true homography H, keypoints p of
image 0 and q of image 1, matches (i, j) and e_ij = |H p_i - q_j| in pixels of image 1:

    MMA@t             share of the matches with e_ij <= t; 0 if there is no match
    corner error      mean distance of the four corners of image 0 under H and under the estimate
    MHA@t             share of the pairs with a corner error <= t
    co-visible        keypoints that H (or its inverse) takes into the other image: C0 and C1
    matching score    matches with e_ij <= 3 / mean of |C0| and |C1|
    repeatability     share of the co-visible keypoints with a co-visible partner at most 3 px
                      away in image 1, both images pooled (DeTone et al. 2018)

MMA and homography accuracy are averaged over pairs, not over matches.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import poselib
from scipy.spatial import cKDTree

from aliked_ros.structs import Array, Index, Mask

MMA_THRESHOLDS_PX = tuple(range(1, 11))
CORNER_THRESHOLDS_PX = (1, 3, 5)
CORRECT_PX = 3.0  # of the matching score and of the repeatability
RANSAC_THRESHOLD_PX = 3.0  # OpenCV's default, which the protocol leaves as it is
ESTIMATORS = ("opencv", "poselib")


@dataclass(frozen=True)
class PairScore:
    """How good the features of two images of a plane are.

    Attributes:
        num_keypoints: mean of the two images.
        num_matches: mutual nearest neighbours.
        repeatability, matching_score: as above, in [0, 1].
        mma: MMA@1, ..., MMA@10, each in [0, 1].
        corner_error_px: of the estimated homography; infinite where there is none.
    """

    num_keypoints: float
    num_matches: int
    repeatability: float
    matching_score: float
    mma: tuple[float, ...]
    corner_error_px: float


def score_pair(
    keypoints: tuple[Array, Array],
    matches: Index,
    H_1_0: Array,
    image_sizes: tuple[tuple[int, int], tuple[int, int]],
    estimator: str = "opencv",
    seed: int = 0,
) -> PairScore:
    """Return all figures of a pair.

    Args:
        keypoints: (N, 2) of image 0 and (M, 2) of image 1, px.
        matches: (K, 2) indices into them.
        H_1_0: (3, 3), true homography from pixels of image 0 to pixels of image 1.
        image_sizes: (height, width) of image 0 and of image 1, px.
        estimator: one of ESTIMATORS.
        seed: of the estimator's random sampling; OpenCV's draws are always the same.
    """
    keypoints0, keypoints1 = keypoints
    matched0, matched1 = keypoints0[matches[:, 0]], keypoints1[matches[:, 1]]
    errors_px = np.linalg.norm(warp(H_1_0, matched0) - matched1, axis=1)
    covisible0 = is_inside(warp(H_1_0, keypoints0), image_sizes[1])
    covisible1 = is_inside(warp(np.linalg.inv(H_1_0), keypoints1), image_sizes[0])
    mean_covisible = (covisible0.sum() + covisible1.sum()) / 2
    estimate = estimate_homography(matched0, matched1, estimator, seed)
    return PairScore(
        num_keypoints=(len(keypoints0) + len(keypoints1)) / 2,
        num_matches=len(matches),
        repeatability=repeatability(
            warp(H_1_0, keypoints0[covisible0]), keypoints1[covisible1], CORRECT_PX
        ),
        matching_score=float((errors_px <= CORRECT_PX).sum() / max(mean_covisible, 1)),
        mma=mean_matching_accuracy(errors_px),
        corner_error_px=corner_error(H_1_0, estimate, image_sizes[0]),
    )


def warp(H_1_0: Array, points: Array) -> Array:
    """Return pixels (N, 2) of image 1 for pixels (N, 2) of image 0."""
    homogeneous = points @ H_1_0[:, :2].T + H_1_0[:, 2]  # (N, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        return homogeneous[:, :2] / homogeneous[:, 2:]


def is_inside(points: Array, image_size: tuple[int, int]) -> Mask:
    """Return which points (N, 2) lie between the centres of the outermost pixels: (N,) bool."""
    height, width = image_size
    return ((points >= 0) & (points <= [width - 1, height - 1])).all(axis=1)


def repeatability(warped0: Array, keypoints1: Array, threshold_px: float) -> float:
    """Return the share of two point sets (N, 2), (M, 2) in one image that have a partner."""
    if len(warped0) == 0 or len(keypoints1) == 0:
        return 0.0
    distances0 = cKDTree(keypoints1).query(warped0)[0]
    distances1 = cKDTree(warped0).query(keypoints1)[0]
    num_repeated = (distances0 <= threshold_px).sum() + (distances1 <= threshold_px).sum()
    return float(num_repeated / (len(warped0) + len(keypoints1)))


def mean_matching_accuracy(errors_px: Array) -> tuple[float, ...]:
    """Return MMA at 1 to 10 px of the errors (K,) of all matches; zeros without matches."""
    if len(errors_px) == 0:
        return (0.0,) * len(MMA_THRESHOLDS_PX)
    return tuple(float((errors_px <= threshold).mean()) for threshold in MMA_THRESHOLDS_PX)


def estimate_homography(
    matched0: Array, matched1: Array, estimator: str = "opencv", seed: int = 0
) -> Array | None:
    """Return H_1_0 (3, 3) of matched pixels (K, 2), or None where it cannot be estimated.

    The result depends on the matches, not on the order in which a method lists its keypoints.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator is {estimator!r}: must be one of {', '.join(ESTIMATORS)}")
    if len(matched0) < 4:
        return None
    # Random sampling draws row numbers: rows in raster order make the draws comparable.
    order = np.lexsort(np.round(matched0).T)
    source, target = matched0[order], matched1[order]
    if estimator == "poselib":
        options = {"max_reproj_error": RANSAC_THRESHOLD_PX, "seed": seed}
        H_1_0, info = poselib.estimate_homography(source, target, options, {})
        return H_1_0 if info["num_inliers"] >= 4 else None
    H_1_0, _ = cv2.findHomography(source, target, cv2.RANSAC, RANSAC_THRESHOLD_PX)
    return H_1_0


def corner_error(H_1_0: Array, estimate: Array | None, image_size: tuple[int, int]) -> float:
    """Return the mean distance, px, of the corners under two (3, 3); infinite for None."""
    if estimate is None:
        return float("inf")
    height, width = image_size
    right, bottom = width - 1.0, height - 1.0
    corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]])
    distance = np.linalg.norm(warp(H_1_0, corners) - warp(estimate, corners), axis=1).mean()
    return float(distance) if np.isfinite(distance) else float("inf")


def summarise(scores: list[PairScore]) -> dict[str, float]:
    """Return the means over pairs, as the tables print them: shares in percent."""
    if not scores:
        return {}
    mma = 100 * np.mean([score.mma for score in scores], axis=0)
    corner_errors_px = np.array([score.corner_error_px for score in scores])
    figures = {
        "pairs": float(len(scores)),
        "keypoints": float(np.mean([score.num_keypoints for score in scores])),
        "matches": float(np.mean([score.num_matches for score in scores])),
        "repeatability": 100 * float(np.mean([score.repeatability for score in scores])),
        "matching_score": 100 * float(np.mean([score.matching_score for score in scores])),
    }
    for threshold, value in zip(MMA_THRESHOLDS_PX, mma, strict=True):
        figures[f"MMA@{threshold}"] = float(value)
    for threshold in CORNER_THRESHOLDS_PX:
        figures[f"MHA@{threshold}"] = 100 * float((corner_errors_px <= threshold).mean())
    return figures
