"""How long a window of bundle adjustment takes, and how near it comes to the truth.

    python3 bench/bench_bundle_adjustment.py [--keyframes 10] [--landmarks 1400]

A car drives past points 8 to 100 m away; 5 % of the matches and of the depths are wrong.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.bundle.problem import BundleProblem
from aliked_ros.native import load_library

FOCAL_PX, NOISE_PX, BASELINE_M, DISPARITY_NOISE_PX = 700.0, 0.5, 0.54, 0.2
SIGMA = NOISE_PX / FOCAL_PX
DEPTH_SIGMA = DISPARITY_NOISE_PX / (FOCAL_PX * BASELINE_M)
STEP_M, OUTLIER_SHARE, DEPTH_SHARE, MEAN_LENGTH = 0.8, 0.05, 0.5, 5


def observe(
    generator: np.random.Generator, T_camera_world: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where cameras (N, 4, 4) see points (N, 3) on z = 1, (N, 2), and 1 / depth (N,).

    Both are noisy, a part of them wrong; NaN where the depth is not known.
    """
    num = len(points)
    seen = np.einsum("nij,nj->ni", T_camera_world[:, :3, :3], points) + T_camera_world[:, :3, 3]
    xy = seen[:, :2] / seen[:, 2:] + generator.normal(0, SIGMA, (num, 2))
    wrong = generator.random(num) < OUTLIER_SHARE
    xy[wrong] += generator.normal(0, 40 * SIGMA, (wrong.sum(), 2))
    inverse_depth = 1 / seen[:, 2] + generator.normal(0, DEPTH_SIGMA, num)
    inverse_depth[generator.random(num) < OUTLIER_SHARE] *= 2
    inverse_depth[generator.random(num) >= DEPTH_SHARE] = np.nan
    return xy, inverse_depth


def make_window(
    seed: int, num_keyframes: int, num_landmarks: int, has_depth: bool
) -> tuple[BundleProblem, np.ndarray]:
    """Return a window with its true poses (K, 4, 4)."""
    generator = np.random.default_rng(seed)
    steps = np.arange(num_keyframes)[:, None] * [0.02, 0, STEP_M, 0, 0.02, 0]
    T_camera_world = np.array([se3.inverse(se3.exp(step)) for step in steps])
    nearest = np.log(8 + STEP_M * num_keyframes)
    z = np.exp(generator.uniform(nearest, np.log(100), num_landmarks))
    spread = generator.uniform([-0.8, -0.25], [0.8, 0.25], (num_landmarks, 2))
    points = np.column_stack([spread * z[:, None], z])

    length = np.clip(2 + generator.poisson(MEAN_LENGTH - 2, num_landmarks), 2, num_keyframes)
    start = generator.integers(0, num_keyframes - length + 1)
    steps_of = np.arange(num_keyframes)[:, None]
    keyframe, landmark = np.nonzero((steps_of >= start) & (steps_of < start + length))
    xy, inverse_depth = observe(generator, T_camera_world[keyframe], points[landmark])

    guess = T_camera_world.copy()
    is_fixed = np.zeros(num_keyframes, dtype=bool)
    is_fixed[[0] if has_depth else [0, -1]] = True
    for index in np.flatnonzero(~is_fixed):
        guess[index] = se3.exp(generator.normal(0, [0.05] * 3 + [0.01] * 3)) @ guess[index]
    problem = BundleProblem(
        guess,
        is_fixed,
        points * (1 + generator.normal(0, 0.05, (num_landmarks, 1))),
        keyframe.astype(np.int64),
        landmark.astype(np.int64),
        xy,
        np.full(len(xy), SIGMA),
        inverse_depth if has_depth else None,
        np.full(len(xy), DEPTH_SIGMA) if has_depth else None,
    )
    return problem, T_camera_world


def position_error_m(T_camera_world: np.ndarray, T_true: np.ndarray) -> float:
    """Return the root mean square distance of the cameras (K, 4, 4) from where they are, m."""
    centres = [[se3.inverse(T)[:3, 3] for T in poses] for poses in (T_camera_world, T_true)]
    return float(np.sqrt(np.mean(np.square(np.subtract(*centres)).sum(axis=1))))


def main() -> None:
    """Print two rows with depths and two without: the compiled solver, and that of arrays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keyframes", type=int, default=10)
    parser.add_argument("--landmarks", type=int, default=1400)
    parser.add_argument("--windows", type=int, default=10)
    options = parser.parse_args()
    if load_library() is None:
        print("the kernels are not built: both solvers are that of arrays")
    for has_depth in (True, False):
        times_s: dict[str, list[float]] = {"compiled": [], "numpy": []}
        errors_m: dict[str, list[float]] = {"compiled": [], "numpy": []}
        iterations, num = [], 0
        for seed in range(options.windows):
            problem, T_true = make_window(seed, options.keyframes, options.landmarks, has_depth)
            num = len(problem.keyframe)
            for name, values in times_s.items():
                started_s = time.perf_counter()
                result = adjust_bundle(problem, with_compiled=name == "compiled")
                values.append(time.perf_counter() - started_s)
                errors_m[name].append(position_error_m(result.T_camera_world, T_true))
                iterations.append(result.num_iterations)
        print(f"{'half with depth' if has_depth else 'no depths'}, {num} observations, "
              f"{np.median(iterations):.0f} iterations")  # fmt: skip
        for name, values in times_s.items():
            print(
                f"  {name:10}median {1e3 * np.median(values):.1f} ms (best "
                f"{1e3 * min(values):.1f}), position error {1e3 * np.median(errors_m[name]):.1f} mm"
            )
        ratio = np.median(np.divide(times_s["numpy"], times_s["compiled"]))
        print(f"  numpy / compiled {ratio:.1f}")


if __name__ == "__main__":
    main()
