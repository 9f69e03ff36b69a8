import numpy as np
import pytest
from point_world import CAMERA, FRAME_NS, RIGHT_CAMERA, nothing, room, sideways
from scipy.stats import chi2

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import State, VisualOdometry
from aliked_ros.odometry.increment import IncrementCovariance


def run(sensor, sightings, noise_px=0.5):
    # A window of one keyframe; what is adjusted together later moves poses that were reported.
    config = OdometryConfig(
        sensor=sensor, keypoint_noise_px=noise_px, disparity_noise_px=0.02, window_size=1
    )
    right = RIGHT_CAMERA if sensor == "stereo" else None
    odometry = VisualOdometry(config, MatcherConfig(min_similarity=0.9), CAMERA, right)
    return [
        odometry.process((index + 1) * FRAME_NS, features, depths_m)
        for index, (features, depths_m) in enumerate(sightings)
    ]


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
def test_the_increments_of_a_known_path_lie_within_what_is_claimed(sensor):
    world, path = room(seed=3, count=400), sideways(60)
    world.noise_px = 0.5
    results = run(sensor, [world.see(T) for T in path])
    increments, errors = IncrementCovariance(), []
    claimed = [increments.update(result) for result in results]
    assert claimed[0] is None
    for index in range(1, len(path)):
        if claimed[index] is None:
            continue
        true = se3.inverse(path[index - 1]) @ path[index]
        said = se3.inverse(results[index - 1].T_world_camera) @ results[index].T_world_camera
        error = se3.log(se3.inverse(true) @ said)
        errors.append(error @ np.linalg.solve(claimed[index], error))
    assert len(errors) > 50
    assert np.mean(np.array(errors) < chi2.ppf(0.95, 6)) > 0.85
    # Two images of a keyframe share its noise, so that they differ by less than is claimed; but
    # not by far less.
    assert 6 / 4 < np.mean(errors) < 6 * 1.2


def test_nothing_is_claimed_across_a_loss():
    world, path = room(), sideways(12)
    sightings = [world.see(T) for T in path]
    sightings[5] = nothing()
    results = run("rgbd", sightings)
    increments = IncrementCovariance()
    claimed = [increments.update(result) for result in results]
    assert results[5].state is State.PREDICTED
    assert claimed[4] is not None
    assert claimed[5] is None
    assert claimed[6] is None
