from types import SimpleNamespace

import numpy as np
from point_world import CAMERA, FRAME_NS, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry import VisualOdometry
from aliked_ros.odometry.increment import covariance_between
from aliked_ros.odometry.uncertainty import PoseCovariance, Uncertainty


def run(path, depth_noise=0.0):
    """Follow a path; depth_noise is the standard deviation of 1 / depth, 1/m."""
    generator = np.random.default_rng(0)
    world = room(seed=3, count=400)
    world.noise_px = 0.5
    odometry = VisualOdometry(
        OdometryConfig(sensor="rgbd"), MatcherConfig(min_similarity=0.9), CAMERA
    )
    results = []
    for number, T in enumerate(path, 1):
        features, depths_m = world.see(T)
        depths_m = 1 / (1 / depths_m + generator.normal(0, depth_noise, len(depths_m)))
        results.append(odometry.process(number * FRAME_NS, features, depths_m))
    return results


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
    results = run(path, depth_noise=OdometryConfig().inverse_depth_noise_per_m)
    # A claim holds the landmarks' errors, which neighbours share: it is modest for one step.
    for num, low, high in ((1, 0.3, 1.6), (10, 0.3, 1.6)):
        squares = []
        for first in range(2, len(path) - num):
            chain = results[first : first + num + 1]
            motion = se3.inverse(chain[0].T_world_camera) @ chain[-1].T_world_camera
            true = se3.inverse(path[first]) @ path[first + num]
            error = se3.log(se3.inverse(true) @ motion)
            squares.append(error @ np.linalg.solve(covariance_between(chain), error) / 6)
        assert low < np.mean(squares) < high


def test_what_adjusting_moves_is_claimed_as_a_step():
    moved = np.array([0.0, 0.02, 0, 0, 0, 0.01])
    T_world_view = se3.exp(np.array([1.0, 2, 3, 0.1, 0.2, 0.3]))
    correction = T_world_view @ se3.exp(moved) @ se3.inverse(T_world_view)
    none = np.zeros((6, 6))
    uncertainty = Uncertainty(640)
    uncertainty.correct(np.eye(4), T_world_view)
    assert uncertainty.corrected(PoseCovariance(none, none, none, 0.0)).step.max() < 1e-20
    uncertainty.correct(correction, T_world_view)
    claimed = uncertainty.corrected(PoseCovariance(none, none, none, 0.0))
    np.testing.assert_allclose(claimed.step, np.outer(moved, moved), atol=1e-12)
    np.testing.assert_allclose(claimed.total, claimed.step)
    assert uncertainty.corrected(claimed).step is not claimed.step  # once
    np.testing.assert_allclose(uncertainty.corrected(claimed).step, claimed.step)


def test_a_keyframe_that_moves_the_map_claims_it(monkeypatch):
    def steps():
        results = run(sideways(40), depth_noise=OdometryConfig().inverse_depth_noise_per_m)[2:]
        keyframes = np.array([one.is_keyframe for one in results])
        return np.array([one.step_covariance for one in results]), keyframes

    claimed, keyframes = steps()
    monkeypatch.setattr(Uncertainty, "correct", lambda *_: None)
    without, _ = steps()
    gained = np.trace(claimed - without, axis1=1, axis2=2)
    assert keyframes.any()
    assert (gained[keyframes] > 1e-9).all()
    np.testing.assert_allclose(gained[~keyframes], 0, atol=1e-15)


def test_a_wrong_unit_stretches_a_motion_as_a_whole():
    def pose(x):
        zero = np.zeros((6, 6))
        T = se3.exp(np.array([x, 0, 0, 0, 0, 0.0]))
        return SimpleNamespace(
            T_world_camera=T, noise_covariance=zero, step_covariance=zero, unit_deviation=0.01
        )

    for poses in ([pose(0), pose(2)], [pose(x) for x in np.linspace(0, 2, 11)]):
        expected = np.zeros((6, 6))
        expected[0, 0] = 0.02**2
        np.testing.assert_allclose(covariance_between(poses), expected, atol=1e-15)
    there_and_back = [pose(0), pose(1), pose(0)]
    np.testing.assert_allclose(covariance_between(there_and_back), 0, atol=1e-15)
