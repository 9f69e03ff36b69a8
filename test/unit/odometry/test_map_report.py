import numpy as np
import pytest
from point_world import CAMERA, FRAME_NS, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.odometry import VisualOdometry


def make(sensor, **changes):
    return VisualOdometry(
        OdometryConfig(sensor=sensor, **changes), MatcherConfig(min_similarity=0.9), CAMERA
    )


def follow(odometry, world, path, sensor="rgbd"):
    for index, T in enumerate(path):
        features, depths_m = world.see(T)
        odometry.process((index + 1) * FRAME_NS, features, None if sensor == "mono" else depths_m)


@pytest.mark.parametrize("window_size", [1, 6])
def test_landmarks_are_points_of_the_world(window_size):
    world, path = room(), sideways(25)
    odometry = make("rgbd", window_size=window_size)
    follow(odometry, world, path)
    points, num_seen = odometry.landmarks()
    assert len(points) == len(num_seen) > 100
    assert num_seen.min() >= 1
    distance = np.linalg.norm(points[:, None] - world.points[None], axis=2).min(axis=1)
    assert np.median(distance) < 0.05
    assert num_seen.max() > 1


@pytest.mark.parametrize("sensor", ["mono", "rgbd"])
def test_keyframes_are_stamped_and_lie_on_the_path(sensor):
    world, path = room(), sideways(20)
    odometry = make(sensor)
    follow(odometry, world, path, sensor)
    keyframes = odometry.keyframes()
    stamps = [stamp_ns for stamp_ns, _ in keyframes]
    assert keyframes
    assert stamps == sorted(set(stamps))
    truth = np.array([path[stamp_ns // FRAME_NS - 1][:3, 3] for stamp_ns in stamps])
    said = np.array([T[:3, 3] for _, T in keyframes])
    scale = 1.0 if sensor == "rgbd" else np.sum(truth * said) / max(np.sum(said * said), 1e-12)
    np.testing.assert_allclose(scale * said, truth, atol=0.05)


def test_a_new_odometry_has_neither():
    odometry = make("rgbd")
    points, num_seen = odometry.landmarks()
    assert points.shape == (0, 3)
    assert len(num_seen) == 0
    assert odometry.keyframes() == []
