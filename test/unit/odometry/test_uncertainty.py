import numpy as np
from point_world import CAMERA, FRAME_NS, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import VisualOdometry
from aliked_ros.odometry.increment import covariance_between


def run(path):
    world = room(seed=3, count=400)
    world.noise_px = 0.5
    odometry = VisualOdometry(
        OdometryConfig(sensor="rgbd"), MatcherConfig(min_similarity=0.9), CAMERA
    )
    return [odometry.process((i + 1) * FRAME_NS, *world.see(T)) for i, T in enumerate(path)]


def walk(result):
    return result.covariance - result.noise_covariance


def test_steps_add_up_to_what_is_claimed_of_a_motion():
    results = run(sideways(12))
    claimed = covariance_between(results[2:9])
    assert np.linalg.eigvalsh(claimed)[0] > 0
    first, last = results[2], results[8]
    T = se3.inverse(last.T_world_camera) @ first.T_world_camera
    expected = walk(last) - se3.carry(T, walk(first)) + last.noise_covariance
    expected = expected + se3.carry(T, first.noise_covariance)
    np.testing.assert_allclose(claimed, expected, atol=0.02 * np.abs(expected).max())


def test_a_camera_that_stands_still_does_not_walk():
    results = run([np.eye(4)] * 8)
    np.testing.assert_allclose(walk(results[-1]), walk(results[1]), atol=1e-12)


def test_independent_keypoints_are_claimed_as_they_err():
    path = sideways(40)
    results = run(path)
    # The depths are better than they are said to be, so the claim may be modest.
    for num, low, high in ((1, 0.2, 1.6), (10, 0.2, 1.6)):
        squares = []
        for first in range(2, len(path) - num):
            chain = results[first : first + num + 1]
            motion = se3.inverse(chain[0].T_world_camera) @ chain[-1].T_world_camera
            true = se3.inverse(path[first]) @ path[first + num]
            error = se3.log(se3.inverse(true) @ motion)
            squares.append(error @ np.linalg.solve(covariance_between(chain), error) / 6)
        assert low < np.mean(squares) < high
