"""Keyframes that drive past points, with exact poses: the truth of bundle adjustment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.problem import BundleProblem

SIGMA, DEPTH_SIGMA = 1e-3, 4e-3  # of a xy coordinate, of an inverse depth (1/m)


def window(
    seed: int = 0,
    num_keyframes: int = 5,
    num_landmarks: int = 60,
    *,
    noise: float = 1.0,
    depth_share: float = 0.0,
    guess: float = 1.0,
    num_fixed: int = 1,
) -> tuple[BundleProblem, np.ndarray, np.ndarray]:
    """Return a problem with its true T_camera_world (K, 4, 4) and points (L, 3).

    Args:
        seed: of everything random.
        num_keyframes: K.
        num_landmarks: L; four fifths of them are seen from each keyframe, all from the first two.
        noise: of the measurements, in their standard deviations.
        depth_share: part of the observations with an inverse depth.
        guess: error of the first guess: 1 is 3 cm, 0.6 deg and a tenth of the depth.
        num_fixed: keyframes from both ends of the path that are known.
    """
    generator = np.random.default_rng(seed)
    steps = np.arange(num_keyframes)[:, None] * [0.3, 0.02, 0.1, 0.01, -0.03, 0.02]
    T_camera_world = np.array([se3.inverse(se3.exp(step)) for step in steps])
    points = generator.uniform([-3, -2, 4], [4, 2, 15], (num_landmarks, 3))
    is_seen = generator.random((num_keyframes, num_landmarks)) < 0.8
    is_seen[:2] = True  # twice is what a landmark needs
    keyframe, landmark = np.nonzero(is_seen)
    seen = np.einsum("nij,nj->ni", T_camera_world[keyframe, :3, :3], points[landmark])
    seen += T_camera_world[keyframe, :3, 3]
    num = len(seen)
    xy = seen[:, :2] / seen[:, 2:] + generator.normal(0, noise * SIGMA, (num, 2))
    inverse_depth = 1 / seen[:, 2] + generator.normal(0, noise * DEPTH_SIGMA, num)
    inverse_depth[generator.random(num) >= depth_share] = np.nan
    is_fixed = np.isin(np.arange(num_keyframes), [0, num_keyframes - 1][:num_fixed])
    first = T_camera_world.copy()
    for index in np.flatnonzero(~is_fixed):
        first[index] = se3.exp(guess * generator.normal(0, [0.03] * 3 + [0.01] * 3)) @ first[index]
    problem = BundleProblem(
        first,
        is_fixed,
        points * (1 + guess * generator.normal(0, 0.1, (num_landmarks, 1))),
        keyframe.astype(np.int64),
        landmark.astype(np.int64),
        xy,
        np.full(num, SIGMA),
        inverse_depth,
        np.full(num, DEPTH_SIGMA),
    )
    return problem, T_camera_world, points


def without_depths(problem: BundleProblem) -> BundleProblem:
    """Return the same window as a single camera sees it."""
    return replace(problem, inverse_depth=None, inverse_depth_sigma=None)
