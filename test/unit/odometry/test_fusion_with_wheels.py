"""Is the covariance of an increment worth anything: a filter that believes it must gain by that."""

import numpy as np
import pytest
from point_world import CAMERA, FRAME_NS, RIGHT_CAMERA, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import VisualOdometry
from aliked_ros.odometry.increment import IncrementCovariance

NUM_FRAMES = 60
WHEEL_SIGMAS = np.repeat([2e-3, 5e-4], 3)  # of a step of 0.1 m: m, rad


def increments_of_odometry(sensor, path, world):
    """Return (T_before_after, covariance) of each step of the path, by our odometry."""
    config = OdometryConfig(sensor=sensor, disparity_noise_px=0.02)
    right = RIGHT_CAMERA if sensor == "stereo" else None
    odometry = VisualOdometry(config, MatcherConfig(min_similarity=0.9), CAMERA, right)
    covariances, steps, before = IncrementCovariance(), [], None
    for index, T in enumerate(path):
        result = odometry.process((index + 1) * FRAME_NS, *world.see(T))
        covariance = covariances.update(result)
        if before is not None:
            steps.append((se3.inverse(before) @ result.T_world_camera, covariance))
        before = result.T_world_camera
    return steps


def fuse(visual, covariance, wheels):
    """Return the update of a Kalman filter: what wheels predict, corrected by what was seen."""
    prior = np.diag(WHEEL_SIGMAS**2)
    gain = prior @ np.linalg.inv(prior + covariance)
    return wheels @ se3.exp(gain @ se3.log(se3.inverse(wheels) @ visual))


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_odometry_and_wheels_together_are_better_than_either(sensor):
    world, path = room(seed=3, count=400), sideways(NUM_FRAMES)
    world.noise_px = 0.5
    generator = np.random.default_rng(0)
    errors = {"odometry": [], "wheels": [], "both": []}
    for index, (visual, covariance) in enumerate(increments_of_odometry(sensor, path, world)):
        if covariance is None:
            continue
        true = se3.inverse(path[index]) @ path[index + 1]
        wheels = true @ se3.exp(generator.normal(0, WHEEL_SIGMAS))
        both = fuse(visual, covariance, wheels)
        for name, T in (("odometry", visual), ("wheels", wheels), ("both", both)):
            errors[name].append(se3.log(se3.inverse(true) @ T))
    assert len(errors["both"]) > 0.9 * (NUM_FRAMES - 1)
    for part in (slice(3), slice(3, 6)):
        rms = {name: np.sqrt(np.mean(np.square(all_)[:, part])) for name, all_ in errors.items()}
        assert rms["both"] < 0.95 * min(rms["odometry"], rms["wheels"]), rms
