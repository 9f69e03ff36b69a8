"""The pose from landmarks: right, no better than its covariance says, robust, in both backends."""

import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.geometry.pose_refinement import RotationPrior, refine_pose
from aliked_ros.geometry.sightings import Sightings

NOISE = 1e-3  # of a coordinate on the plane z = 1
T_TRUE = se3.exp(np.array([0.3, -0.1, 0.6, 0.02, -0.08, 0.03]))  # T_camera_world


def scene(num=80, seed=0, depth_sigma=np.inf, noise=NOISE):
    """Landmarks (num, 3) in the world, 1 mm uncertain, and what the camera measures of them."""
    generator = np.random.default_rng(seed)
    seen = generator.uniform([-2, -1.5, 2], [2, 1.5, 9], size=(num, 3))
    points = se3.transform(se3.inverse(T_TRUE), seen) + generator.normal(0, 1e-3, (num, 3))
    xy = seen[:, :2] / seen[:, 2:] + generator.normal(0, noise, (num, 2))
    inverse_depth = np.full(num, np.nan)
    if np.isfinite(depth_sigma):
        inverse_depth = 1 / seen[:, 2] + generator.normal(0, depth_sigma, num)
    sightings = Sightings(xy, inverse_depth, np.full(num, depth_sigma))
    return points, np.tile(1e-6 * np.eye(3), (num, 1, 1)), sightings


def guess(seed=0):
    twist = np.random.default_rng(seed).normal(0, 1, 6) * [0.1, 0.1, 0.1, 0.02, 0.02, 0.02]
    return se3.exp(twist) @ T_TRUE


def error(T):
    """Return the twist (6,) from the truth to a pose."""
    return se3.log(T @ se3.inverse(T_TRUE))


@pytest.mark.parametrize("depth_sigma", [np.inf, 1e-3])
def test_the_pose_is_found_from_a_wrong_guess(depth_sigma):
    refined = refine_pose(guess(), *scene(depth_sigma=depth_sigma), NOISE)
    assert np.abs(error(refined.T_camera_world)[:3]).max() < 5e-3
    assert np.abs(error(refined.T_camera_world)[3:]).max() < 2e-3
    assert refined.num_inliers > 70


def test_errors_are_as_large_as_the_hessian_says():
    squared = []
    for seed in range(60):
        refined = refine_pose(guess(seed), *scene(seed=seed), NOISE)
        off = error(refined.T_camera_world)
        squared.append(off @ refined.hessian @ off)
    assert 4.0 < np.mean(squared) < 9.0  # of chi-square with six degrees of freedom: 6


def test_wrong_matches_are_told_and_do_no_harm():
    points, covariances, sightings = scene()
    sightings.xy[::4] += 0.3
    refined = refine_pose(guess(), points, covariances, sightings, NOISE)
    assert not refined.is_inlier[::4].any()
    assert np.abs(error(refined.T_camera_world)[:3]).max() < 5e-3
    assert refined.chi2[::4].min() > refined.chi2[refined.is_inlier].max()


def test_the_noise_of_a_blurred_image_is_measured():
    assert refine_pose(guess(), *scene(), NOISE).noise < 1.3
    assert refine_pose(guess(), *scene(noise=3 * NOISE), NOISE).noise == pytest.approx(3, rel=0.25)


def test_a_landmark_counts_only_where_it_is_known():
    points, covariances, sightings = scene()
    covariances[::2] = 0.25 * np.eye(3)
    points[::2] += np.random.default_rng(1).normal(0, 0.5, points[::2].shape)
    refined = refine_pose(guess(), points, covariances, sightings, NOISE)
    assert np.abs(error(refined.T_camera_world)[:3]).max() < 8e-3


def test_a_rotation_that_is_known_holds_the_pose():
    given = scene(num=8, noise=0.01)
    prior = RotationPrior(T_TRUE[:3, :3], sigma_rad=1e-5)
    alone = refine_pose(guess(), *given, 0.01)
    held = refine_pose(guess(), *given, 0.01, prior)
    assert np.linalg.norm(error(held.T_camera_world)[3:]) < 1e-4
    assert np.linalg.norm(error(alone.T_camera_world)[3:]) > 1e-3


def test_a_prior_is_contradicted_by_a_pose_far_from_it_only():
    refined = refine_pose(guess(), *scene(), NOISE)
    off = se3.exp_so3(np.array([0.0, 0.1, 0.0])) @ T_TRUE[:3, :3]
    for R, expected in ((T_TRUE[:3, :3], False), (off, True)):
        prior = RotationPrior(R, sigma_rad=0.005)
        assert prior.is_contradicted(refined.T_camera_world, refined.hessian) is expected


@pytest.mark.parametrize("depth_sigma", [np.inf, 1e-3])
@pytest.mark.parametrize("with_prior", [False, True])
def test_both_backends_agree(depth_sigma, with_prior):
    points, covariances, sightings = scene(depth_sigma=depth_sigma)
    sightings.xy[::7] += 0.1
    prior = RotationPrior(T_TRUE[:3, :3], sigma_rad=0.01) if with_prior else None
    given = guess(), points, covariances, sightings, NOISE, prior
    compiled, plain = refine_pose(*given), refine_pose(*given, with_compiled=False)
    np.testing.assert_allclose(compiled.T_camera_world, plain.T_camera_world, atol=1e-7)
    np.testing.assert_allclose(compiled.hessian, plain.hessian, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(compiled.is_inlier, plain.is_inlier)
    assert compiled.noise == pytest.approx(plain.noise, rel=1e-5)
