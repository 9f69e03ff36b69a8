"""Time what an image costs against the map: search by place, pose refinement; beside numpy.

    python3 bench/bench_pose.py [--landmarks 600] [--keypoints 1000]

Half of the landmarks have a depth in the image, a tenth of the matches are wrong.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.geometry.place_search import find_near
from aliked_ros.geometry.pose_refinement import refine_pose
from aliked_ros.geometry.sightings import Sightings
from aliked_ros.native import load_library

FOCAL_PX, SIZE, RADIUS_PX = 500.0, (480, 640), 12.0
NOISE, DEPTH_SIGMA, LANDMARK_M = 1e-3, 4e-3, 0.02
OUTLIER_SHARE, DEPTH_SHARE = 0.1, 0.5
Run = Callable[[bool], object]


def pose_run(generator: np.random.Generator, num: int) -> Run:
    """Return the refinement of a pose against landmarks."""
    seen = generator.uniform([-3, -2, 3], [3, 2, 15], (num, 3))
    points = seen + generator.normal(0, LANDMARK_M, (num, 3))
    xy = seen[:, :2] / seen[:, 2:] + generator.normal(0, NOISE, (num, 2))
    xy[generator.random(num) < OUTLIER_SHARE] += 0.1
    inverse_depth = 1 / seen[:, 2] + generator.normal(0, DEPTH_SIGMA, num)
    inverse_depth[generator.random(num) >= DEPTH_SHARE] = np.nan
    guess = se3.exp(np.array([0.05, -0.03, 0.1, 0.01, 0.02, -0.01]))
    covariances = np.tile(LANDMARK_M**2 * np.eye(3), (num, 1, 1))
    sightings = Sightings(xy, inverse_depth, np.full(num, DEPTH_SIGMA))
    refine = partial(refine_pose, guess, points, covariances, sightings, NOISE)
    return lambda with_compiled: refine(with_compiled=with_compiled)


def search_run(generator: np.random.Generator, num: int, num_keypoints: int) -> Run:
    """Return the search for landmarks among keypoints of which some are theirs."""
    keypoints = generator.uniform(0, SIZE[::-1], (num_keypoints, 2))
    descriptors = generator.normal(size=(num_keypoints, 128)).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    index = generator.integers(0, num_keypoints, num)
    places = keypoints[index] + generator.normal(0, RADIUS_PX / 3, (num, 2))
    search = partial(find_near, descriptors[index], places, RADIUS_PX, keypoints, descriptors, SIZE)
    return lambda with_compiled: search(with_compiled=with_compiled)


def main() -> None:
    """Parse the command line, measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--landmarks", type=int, default=600)
    parser.add_argument("--keypoints", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=100)
    options = parser.parse_args()
    if load_library() is None:
        print("the kernels are not built: both columns are numpy")
    generator = np.random.default_rng(0)
    runs = {
        "pose refinement": pose_run(generator, options.landmarks),
        "search by place": search_run(generator, options.landmarks, options.keypoints),
    }
    print(f"{options.landmarks} landmarks, {options.keypoints} keypoints; ms, median (best)")
    for name, run in runs.items():
        times: dict[bool, list[float]] = {True: [], False: []}
        for repeat in range(options.repeats + 2):
            for with_compiled, values in times.items():
                start_s = time.perf_counter()
                run(with_compiled)
                if repeat >= 2:
                    values.append((time.perf_counter() - start_s) * 1e3)
        compiled, plain = (statistics.median(values) for values in times.values())
        print(
            f"{name:18}compiled {compiled:.2f} ({min(times[True]):.2f})  numpy {plain:.2f} "
            f"({min(times[False]):.2f})  numpy / compiled {plain / compiled:.1f} "
            f"({min(times[False]) / min(times[True]):.1f})"
        )


if __name__ == "__main__":
    main()
