import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.geometry.motion_refinement import refine_motion
from aliked_ros.geometry.rotation_prior import RotationPrior, estimate_translation
from aliked_ros.geometry.sightings import Sightings

T_1_0 = se3.exp(np.array([0.3, -0.1, 0.6, 0.02, -0.08, 0.03]))
NOISE = 1e-3  # of a xy coordinate


def scene(num, seed=0, noise=NOISE):
    """Points (num, 3) of view 0 and both views' sightings; the first one knows the depths."""
    generator = np.random.default_rng(seed)
    points0 = generator.uniform([-3, -2, 2], [3, 2, 15], size=(num, 3))
    points1 = se3.transform(T_1_0, points0)
    views = []
    for points, sigma in ((points0, 1e-4), (points1, np.inf)):
        xy = points[:, :2] / points[:, 2:] + generator.normal(0, noise, (num, 2))
        inverse_depth = 1 / points[:, 2] if sigma < 1 else np.full(num, np.nan)
        views.append(Sightings(xy, inverse_depth, np.full(num, sigma)))
    return points0, *views


def turn_deg(T):
    return se3.rotation_angle_deg(T[:3, :3] @ T_1_0[:3, :3].T)


def prior(off_deg=0.0, sigma_deg=0.1):
    off = se3.exp_so3(np.radians(off_deg) * np.array([0.6, 0.8, 0.0]))
    return RotationPrior(off @ T_1_0[:3, :3], np.radians(sigma_deg))


def test_a_good_prior_decides_where_few_noisy_points_cannot():
    alone, helped = [], []
    for seed in range(20):
        _, view0, view1 = scene(6, seed, noise=0.01)
        alone.append(turn_deg(refine_motion(T_1_0, view0, view1, 0.01).T_1_0))
        refined = refine_motion(T_1_0, view0, view1, 0.01, prior=prior(sigma_deg=0.01))
        helped.append(turn_deg(refined.T_1_0))
    assert np.median(alone) > 0.3
    assert max(helped) < 0.02


def test_a_wrong_prior_of_large_sigma_does_nothing():
    _, view0, view1 = scene(100)
    alone = refine_motion(T_1_0, view0, view1, NOISE)
    misled = refine_motion(T_1_0, view0, view1, NOISE, prior=prior(20.0, 60.0))
    np.testing.assert_allclose(misled.T_1_0, alone.T_1_0, atol=1e-6)


def test_a_prior_pulls_as_its_sigma_says():
    _, view0, view1 = scene(100)
    alone = refine_motion(T_1_0, view0, view1, NOISE, robust_width=1e3)
    # One that is off about one axis, and as sure as the images alone are.
    variance = alone.covariance[3:, 3:]
    axis = np.linalg.eigh(variance)[1][:, 0]
    sigma = np.sqrt(axis @ variance @ axis)
    off = se3.exp_so3(4 * sigma * axis) @ alone.T_1_0[:3, :3]
    both = refine_motion(T_1_0, view0, view1, NOISE, 1e3, prior=RotationPrior(off, sigma))
    moved = axis @ se3.log_so3(both.T_1_0[:3, :3] @ alone.T_1_0[:3, :3].T)
    assert moved == pytest.approx(2 * sigma, rel=0.05)


def test_the_covariance_shrinks_by_the_information_of_the_prior():
    _, view0, view1 = scene(10)
    alone = refine_motion(T_1_0, view0, view1, NOISE, 1e3)
    agreeing = RotationPrior(alone.T_1_0[:3, :3], np.radians(0.05))
    helped = refine_motion(T_1_0, view0, view1, NOISE, 1e3, agreeing).covariance
    alone = alone.covariance
    assert (np.diag(helped) < np.diag(alone)).all()
    gained = np.linalg.inv(helped) - np.linalg.inv(alone)
    expected = np.diag([0, 0, 0, 1, 1, 1]) / np.radians(0.05) ** 2
    np.testing.assert_allclose(gained, expected, atol=0.001 * expected.max())


def test_a_contradiction_is_judged_by_both_covariances():
    covariance = np.diag([1, 1, 1, 1e-6, 1e-6, 1e-6])
    assert not prior(0.3, 0.1).is_contradicted(T_1_0, covariance)
    assert prior(2.0, 0.1).is_contradicted(T_1_0, covariance)
    assert not prior(2.0, 0.1).is_contradicted(T_1_0, np.eye(6))
    assert not prior(2.0, 1.0).is_contradicted(T_1_0, covariance)


@pytest.mark.parametrize("num", [3, 8, 50])
def test_the_translation_is_found_by_its_rotation(num):
    points0, _, view1 = scene(num, noise=0)
    T, is_inlier = estimate_translation(T_1_0[:3, :3], points0, view1.xy, 0.005, 0)
    np.testing.assert_allclose(T, T_1_0, atol=1e-6)
    assert is_inlier.all()


def test_the_translation_is_found_among_wrong_matches_by_a_rotation_that_is_a_little_off():
    points0, _, view1 = scene(20)
    wrong = np.random.default_rng(1).uniform(-0.7, 0.7, (10, 2))
    seen = np.vstack([wrong, view1.xy[10:]])
    T, is_inlier = estimate_translation(prior(0.3).R_1_0, points0, seen, 0.015, 0)
    assert is_inlier[10:].sum() >= 9
    assert is_inlier[:10].sum() <= 1
    assert np.linalg.norm(T[:3, 3] - T_1_0[:3, 3]) < 0.1


def test_one_point_gives_no_translation():
    points0, _, view1 = scene(1)
    assert estimate_translation(np.eye(3), points0, view1.xy, 0.01, 0) is None
