import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.odometry.placement import Placement

T_BASE_CAMERA = se3.T_BODY_OPTICAL @ se3.exp(np.array([0.1, -0.2, 0.3, 0.1, 0.0, 0.2]))
START = se3.exp(np.array([1.0, 2.0, 3.0, 0.0, 0.0, 0.7]))


def test_the_first_image_is_where_the_base_began_and_metres_stay_metres():
    placement = Placement(T_BASE_CAMERA, START)
    np.testing.assert_allclose(placement.T_odom_base(np.eye(4)), START, atol=1e-12)
    T_world_camera = se3.exp(np.array([0.3, 0.1, 0.5, 0.0, 0.2, 0.0]))
    expected = START @ T_BASE_CAMERA @ T_world_camera @ se3.inverse(T_BASE_CAMERA)
    np.testing.assert_allclose(placement.T_odom_base(T_world_camera), expected, atol=1e-12)


def test_what_the_camera_sees_stays_before_it_whatever_the_scale():
    placement = Placement(T_BASE_CAMERA, START)
    placement.rescale(3.0, 0.1, None)
    T_world_camera = se3.exp(np.array([0.3, 0.1, 0.5, 0.0, 0.2, 0.0]))
    placement.rescale(4.0, 0.1, T_world_camera)
    points_camera = np.array([[0.2, 0.1, 2.0], [-1.0, 0.5, 4.0]])
    points_world = se3.transform(T_world_camera, points_camera)
    T_odom_camera = placement.T_odom_camera(T_world_camera)
    np.testing.assert_allclose(
        placement.points_odom(points_world),
        se3.transform(T_odom_camera, 4.0 * points_camera),
        atol=1e-12,
    )


def test_another_scale_moves_nothing_now_and_lengthens_what_follows():
    placement = Placement(np.eye(4), np.eye(4))
    here, next_one = np.eye(4), np.eye(4)
    here[0, 3], next_one[0, 3] = 1.0, 2.0
    placement.rescale(2.0, 0.0, None)
    assert placement.T_odom_base(here)[0, 3] == pytest.approx(2.0)
    placement.rescale(5.0, 0.0, here)
    assert placement.T_odom_base(here)[0, 3] == pytest.approx(2.0)
    assert placement.T_odom_base(next_one)[0, 3] == pytest.approx(7.0)


def test_covariances_are_scaled_and_carried_to_the_base():
    placement = Placement(T_BASE_CAMERA, np.eye(4))
    placement.rescale(10.0, 1.0, None)
    sigma = np.array([0.01, 0.02, 0.03, 0.001, 0.002, 0.003])
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(20000, 6)) * sigma
    T_world_camera = se3.exp(np.array([0.3, 0.1, 0.5, 0.0, 0.2, 0.0]))
    exact = se3.inverse(placement.T_odom_base(T_world_camera))
    errors = np.array(
        [se3.log(exact @ placement.T_odom_base(T_world_camera @ se3.exp(xi))) for xi in noise]
    )
    claimed = placement.covariance_base(np.diag(sigma**2))
    np.testing.assert_allclose(np.cov(errors.T), claimed, atol=0.03 * claimed.max())


def test_an_uncertain_scale_makes_the_way_from_the_start_uncertain():
    placement = Placement(np.eye(4), START)
    placement.rescale(10.0, 1.0, None)
    T_odom_base = START @ se3.exp(np.array([5.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    covariance = placement.scale_covariance(T_odom_base)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(0.5)
    covariance[0, 0] = 0
    np.testing.assert_allclose(covariance, 0, atol=1e-12)
    np.testing.assert_allclose(placement.scale_covariance(START), 0, atol=1e-12)
