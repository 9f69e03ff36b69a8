import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.uncertainty import Uncertainty

T_WORLD_KEYFRAME = se3.exp(np.array([1.0, -2.0, 0.5, 0.3, -0.2, 0.1]))
T_KEYFRAME_VIEW = se3.exp(np.array([0.5, 0.1, 2.0, -0.1, 0.4, 0.05]))
T_WORLD_VIEW = T_WORLD_KEYFRAME @ T_KEYFRAME_VIEW
SINCE = np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) * 1e-6


def some_covariance():
    factor = np.random.default_rng(0).normal(size=(6, 6)) * 1e-3
    return factor @ factor.T


def test_at_the_origin_a_pose_is_as_sure_as_what_was_measured():
    np.testing.assert_allclose(Uncertainty().of(T_WORLD_VIEW, SINCE), SINCE)


def test_a_view_inherits_the_scatter_of_its_keyframe():
    covariance = some_covariance()
    uncertainty = Uncertainty()
    uncertainty.restart(T_WORLD_KEYFRAME, covariance)
    claimed = uncertainty.of(T_WORLD_VIEW, np.zeros((6, 6)))
    generator = np.random.default_rng(1)
    errors = []
    for twist in generator.multivariate_normal(np.zeros(6), covariance, 20000):
        moved = T_WORLD_KEYFRAME @ se3.exp(twist) @ T_KEYFRAME_VIEW
        errors.append(se3.log(se3.inverse(T_WORLD_VIEW) @ moved))
    scatter = np.cov(np.array(errors).T)
    np.testing.assert_allclose(scatter, claimed, atol=0.04 * np.abs(claimed).max())


def test_what_was_measured_since_adds_up():
    covariance = some_covariance()
    uncertainty = Uncertainty()
    uncertainty.restart(T_WORLD_KEYFRAME, covariance)
    alone = uncertainty.of(T_WORLD_VIEW, np.zeros((6, 6)))
    np.testing.assert_allclose(uncertainty.of(T_WORLD_VIEW, SINCE), alone + SINCE)
    np.testing.assert_allclose(uncertainty.of(T_WORLD_KEYFRAME, SINCE), covariance + SINCE)


def test_only_the_last_keyframe_counts():
    uncertainty = Uncertainty()
    uncertainty.restart(np.eye(4), np.eye(6))
    uncertainty.restart(T_WORLD_KEYFRAME, some_covariance())
    np.testing.assert_allclose(
        uncertainty.of(T_WORLD_KEYFRAME, np.zeros((6, 6))), some_covariance()
    )
