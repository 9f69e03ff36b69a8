"""Is the covariance right: the errors of motions, normalised by their covariance (NEES)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.odometry.records import FrameRecord
from aliked_ros.geometry import se3
from aliked_ros.odometry.increment import covariance_between
from aliked_ros.odometry.result import State
from aliked_ros.structs import Array

NUM_FRAMES = 10  # of the motions that are judged
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """Where the normalised errors squared lie: as parts of all, adding up to 1.

    Attributes:
        inside: between the 2.5 % and 97.5 % quantiles of the chi-square distribution.
        below: smaller: the covariance was too large.
        above: larger: the covariance was too small.
        mean: of the errors over the degrees of freedom; 1 if the covariance is right.
    """

    inside: float
    below: float
    above: float
    mean: float


@dataclass(frozen=True)
class Consistency:
    """How the errors of the motions over NUM_FRAMES frames fit the covariances.

    Attributes:
        num: motions that were judged: every pair of frames so far apart, tracked throughout.
        num_unclaimed: motions whose covariance is unknown.
        whole: all six degrees of freedom.
        translation, rotation: three degrees of freedom each.
        error_m, error_deg: median length of the error.
        claimed_m, claimed_deg: median of the length by the covariance, root of its trace.
    """

    num: int
    num_unclaimed: int
    whole: Interval
    translation: Interval
    rotation: Interval
    error_m: float
    error_deg: float
    claimed_m: float
    claimed_deg: float


def check_motions(
    records: Sequence[FrameRecord], truth: GroundTruth, scale: float = 1.0
) -> Consistency | None:
    """Compare the errors of the motions over NUM_FRAMES frames with their covariances.

    A single camera's trajectory is brought to metres by one scale for the whole run. That takes
    one degree of freedom from all of its motions together, so six are left to each: that the unit
    drifts is an error which the covariance must account for.

    Args:
        records: one per frame, in order.
        truth: of the camera.
        scale: metres per unit of the estimate.

    Returns:
        None if no motion can be judged.
    """
    errors, covariances = [], []
    num_unclaimed = 0
    for first in range(max(len(records) - NUM_FRAMES, 0)):
        window = records[first : first + NUM_FRAMES + 1]
        if any(one.state is not State.TRACKING for one in window):
            continue
        earlier, later = window[0], window[-1]
        error = _error(earlier, later, truth, scale)
        if error is None:
            continue
        covariance = covariance_between(window)
        if covariance is None:
            num_unclaimed += 1
            continue
        units = np.array([scale] * 3 + [1.0] * 3)
        errors.append(error)
        covariances.append(units[:, None] * covariance * units)
    if not errors:
        return None
    return summarise(np.array(errors), np.array(covariances), num_unclaimed)


def summarise(errors: Array, covariances: Array, num_unclaimed: int = 0) -> Consistency:
    """Describe how errors fit their covariances.

    Args:
        errors: (N, 6) translation, m, then rotation, rad.
        covariances: (N, 6, 6) of the same.
        num_unclaimed: errors that have no covariance.
    """
    lengths = [np.linalg.norm(errors[:, part], axis=1) for part in (slice(3), slice(3, 6))]
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    claims = [np.sqrt(variances[:, part].sum(axis=1)) for part in (slice(3), slice(3, 6))]
    return Consistency(
        len(errors),
        num_unclaimed,
        judge(errors, covariances),
        judge(errors[:, :3], covariances[:, :3, :3]),
        judge(errors[:, 3:], covariances[:, 3:, 3:]),
        float(np.median(lengths[0])),
        float(np.degrees(np.median(lengths[1]))),
        float(np.median(claims[0])),
        float(np.degrees(np.median(claims[1]))),
    )


def judge(errors: Array, covariances: Array) -> Interval:
    """Return where the normalised errors squared of (N, D) errors lie."""
    from scipy.stats import chi2

    num_dof = errors.shape[1]
    solved = np.linalg.solve(covariances, errors[:, :, None])[:, :, 0]
    squared = np.sum(errors * solved, axis=1)
    low, high = chi2.ppf([(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2], num_dof)
    below, above = float(np.mean(squared < low)), float(np.mean(squared > high))
    return Interval(1 - below - above, below, above, float(np.mean(squared) / num_dof))


def _error(
    earlier: FrameRecord, later: FrameRecord, truth: GroundTruth, scale: float
) -> Array | None:
    """Return the error (6,) of a motion about the axes of the later camera: m, rad."""
    true0, true1 = truth.at(earlier.stamp_ns), truth.at(later.stamp_ns)
    if true0 is None or true1 is None:
        return None
    assert earlier.T_world_camera is not None
    assert later.T_world_camera is not None
    said = se3.inverse(earlier.T_world_camera) @ later.T_world_camera
    said[:3, 3] *= scale
    return se3.log(se3.inverse(true1) @ true0 @ said)
