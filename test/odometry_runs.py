"""The whole odometry in a world of points: make it, feed it, compare it with the truth."""

from __future__ import annotations

import numpy as np
from point_world import CAMERA, FRAME_NS, RIGHT_CAMERA

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.odometry import State, VisualOdometry

SENSORS = ("mono", "stereo", "rgbd")


def make(sensor, **changes):
    config = OdometryConfig(sensor=sensor, **changes)
    # Points without a twin in the other image must not find a partner.
    matcher = MatcherConfig(min_similarity=0.9)
    return VisualOdometry(config, matcher, CAMERA, RIGHT_CAMERA if sensor == "stereo" else None)


def feed(odometry, sightings, sensor, start=0):
    results = []
    for index, (features, depths_m) in enumerate(sightings, start):
        depths = None if sensor == "mono" else depths_m
        results.append(odometry.process((index + 1) * FRAME_NS, features, depths))
    return results


def run(world, path, sensor, outlier_share=0.0, **changes):
    sightings = [world.see(T, outlier_share) for T in path]
    return feed(make(sensor, **changes), sightings, sensor)


def errors_m(results, path):
    """Return the distance of each tracked position from the truth; mono is scaled first."""
    pairs = [
        (result.T_world_camera[:3, 3], T[:3, 3])
        for result, T in zip(results, path, strict=True)
        if result.state is State.TRACKING
    ]
    estimate, truth = (np.array(side) for side in zip(*pairs, strict=True))
    scale = np.sum(truth * estimate) / np.sum(estimate * estimate)
    return scale, np.linalg.norm(scale * estimate - truth, axis=1)
