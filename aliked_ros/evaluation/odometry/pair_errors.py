"""Pairs of neighbouring frames, each a run of its own: for sequences with wide steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aliked_ros.datasets import FrameError, Sequence
from aliked_ros.evaluation.odometry.records import Tracker
from aliked_ros.geometry import se3
from aliked_ros.odometry.result import State
from aliked_ros.structs import Array, Frame

# What the long-term localisation benchmark calls high precision (Sattler et al., 2018).
_MAX_ERROR_M, _MAX_ERROR_DEG = 0.25, 2.0


def track_pairs(
    sequence: Sequence,
    sensor: str,
    max_frames: int | None,
    make_tracker: Callable[[], Tracker],
    on_frame: Callable[[str], None],
) -> dict[str, Any]:
    """Estimate the motion of each pair of neighbouring frames that has ground truth.

    Args:
        sequence: in order of time.
        sensor: "mono", "stereo" or "rgbd".
        max_frames: from the first; None: all.
        make_tracker: returns the odometry at its beginning.
        on_frame: called after each frame with how far it is, to be shown.

    Returns:
        num: pairs; answered: pairs with a measured pose; median_m, median_deg: errors over the
        answered ones; for a single camera the translation has its true length. within: share of
        all pairs whose error is below 0.25 m and 2 deg. None where there is nothing to count.
    """
    errors: list[tuple[float, float] | None] = []
    previous: Frame | None = None
    skipped: list[FrameError] = []
    for frame in sequence.frames(sensor, limit=max_frames, on_error=skipped.append):
        has_truth = frame.T_world_camera is not None
        if previous is not None and previous.T_world_camera is not None and has_truth:
            errors.append(_error(previous, frame, make_tracker(), sensor == "mono"))
        previous = frame
        on_frame(f"{len(errors)} pairs")
    return _figures(errors)


def _figures(errors: list[tuple[float, float] | None]) -> dict[str, Any]:
    """Return the figures of the errors of all pairs, m and deg; None where there is no pose."""
    answered: Array = np.array([error for error in errors if error is not None]).reshape(-1, 2)
    within = (answered < [_MAX_ERROR_M, _MAX_ERROR_DEG]).all(axis=1).sum()
    median_m, median_deg = np.median(answered, axis=0).tolist() if len(answered) else (None,) * 2
    return {
        "num": len(errors),
        "answered": len(answered),
        "median_m": median_m,
        "median_deg": median_deg,
        "within": float(within / len(errors)) if errors else None,
    }


def _error(
    frame0: Frame, frame1: Frame, tracker: Tracker, is_mono: bool
) -> tuple[float, float] | None:
    """Return the error of the motion between two frames, m and deg; None if there is none."""
    first = tracker.process(frame0).result.T_world_camera
    result = tracker.process(frame1).result
    if result.state is not State.TRACKING or result.T_world_camera is None:
        return None
    assert frame0.T_world_camera is not None
    assert frame1.T_world_camera is not None
    T_1_0 = se3.inverse(result.T_world_camera) @ (np.eye(4) if first is None else first)
    true = se3.inverse(frame1.T_world_camera) @ frame0.T_world_camera
    t_1_0, true_t = T_1_0[:3, 3], true[:3, 3]
    if is_mono:
        length = float(np.linalg.norm(t_1_0))
        t_1_0 = t_1_0 * (np.linalg.norm(true_t) / length if length > 0 else 0.0)
    turn_deg = se3.rotation_angle_deg(T_1_0[:3, :3].T @ true[:3, :3])
    return float(np.linalg.norm(t_1_0 - true_t)), turn_deg
