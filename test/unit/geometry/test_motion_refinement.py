import numpy as np
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3
from aliked_ros.geometry.motion_refinement import refine_motion
from aliked_ros.geometry.sightings import Sightings

T_1_0 = se3.from_rotation_translation(
    Rotation.from_rotvec([0.02, -0.08, 0.03]).as_matrix(), np.array([0.3, -0.1, 0.6])
)
NOISE, SIGMA = 1e-3, 4e-3  # of a xy coordinate, of an inverse depth (1/m)


def sightings(points, generator, noise=NOISE, sigma=SIGMA):
    xy = points[:, :2] / points[:, 2:] + generator.normal(0, noise, (len(points), 2))
    inverse_depth = 1 / points[:, 2] + generator.normal(0, sigma, len(points))
    return Sightings(xy, inverse_depth, np.full(len(points), SIGMA))


def scene(seed=0, num=150, noise=NOISE, sigma=SIGMA):
    generator = np.random.default_rng(seed)
    points0 = generator.uniform([-3, -2, 2], [3, 2, 15], size=(num, 3))
    view0 = sightings(points0, generator, noise, sigma)
    return view0, sightings(se3.transform(T_1_0, points0), generator, noise, sigma)


def without_depth(view):
    return Sightings(view.xy, np.full(len(view.depth_sigma), np.nan), view.depth_sigma)


def test_exact_measurements_give_the_exact_motion_from_a_poor_guess():
    view0, view1 = scene(noise=0, sigma=0)
    for seen in (view1, without_depth(view1)):
        refined = refine_motion(np.eye(4), view0, seen, NOISE)
        np.testing.assert_allclose(refined.T_1_0, T_1_0, atol=1e-8)
        np.testing.assert_allclose(refined.errors, 0, atol=1e-6)


def test_the_error_lies_inside_its_covariance():
    squared = []
    for seed in range(100):
        view0, view1 = scene(seed)
        # A very wide loss: Gaussian noise alone shall be judged.
        refined = refine_motion(T_1_0, view0, view1, NOISE, robust_width=1e3)
        error = se3.log(T_1_0 @ se3.inverse(refined.T_1_0))
        squared.append(error @ np.linalg.solve(refined.covariance, error))
    # Six degrees of freedom; the mean of 100 has a standard deviation of 0.35.
    assert 4.9 < np.mean(squared) < 7.1


def test_the_depth_of_the_second_view_makes_the_motion_better_known():
    view0, view1 = scene()
    with_depth = refine_motion(T_1_0, view0, view1, NOISE, 1e3).covariance
    without = refine_motion(T_1_0, view0, without_depth(view1), NOISE, 1e3).covariance
    assert np.trace(with_depth[:3, :3]) < np.trace(without[:3, :3])


def test_a_fifth_of_wrong_matches_hardly_moves_the_answer():
    view0, view1 = scene(num=300)
    wrong = view1.xy.copy()
    wrong[:60] += np.random.default_rng(1).uniform(-0.3, 0.3, (60, 2))
    refined = refine_motion(
        T_1_0, view0, Sightings(wrong, view1.inverse_depth, view1.depth_sigma), NOISE
    )
    assert np.linalg.norm(refined.T_1_0[:3, 3] - T_1_0[:3, 3]) < 0.01
    assert np.median(refined.errors[:60]) > 10 * np.median(refined.errors[60:])


def test_points_of_unknown_depth_still_fix_the_rotation():
    view0, view1 = scene()
    unknown = Sightings(view0.xy, view0.inverse_depth, np.full(len(view0.depth_sigma), 10.0))
    mixed_sigma = np.where(np.arange(150) < 10, SIGMA, 10.0)
    mixed = Sightings(view0.xy, view0.inverse_depth, mixed_sigma)
    ten = Sightings(view0.xy[:10], view0.inverse_depth[:10], mixed_sigma[:10])
    seen = without_depth(view1)
    seen_ten = Sightings(seen.xy[:10], seen.inverse_depth[:10], seen.depth_sigma[:10])
    rotation = slice(3, 6)
    alone = refine_motion(T_1_0, ten, seen_ten, NOISE).covariance[rotation, rotation]
    together = refine_motion(T_1_0, mixed, seen, NOISE).covariance[rotation, rotation]
    assert np.trace(together) < 0.5 * np.trace(alone)
    assert np.isfinite(refine_motion(T_1_0, unknown, seen, NOISE).T_1_0).all()


def test_points_that_are_located_better_count_for_more():
    def error(spread):
        errors = []
        for seed in range(20):
            generator = np.random.default_rng(seed)
            points0 = generator.uniform([-3, -2, 2], [3, 2, 15], size=(150, 3))
            views = []
            for points in (points0, se3.transform(T_1_0, points0)):
                noise = NOISE * np.repeat([1.0, 0.2], 75)[:, None]
                seen = sightings(points, generator, noise)
                views.append(Sightings(seen.xy, seen.inverse_depth, seen.depth_sigma, spread))
            refined = refine_motion(T_1_0, *views, NOISE)
            errors.append(se3.log(refined.T_1_0 @ se3.inverse(T_1_0))[3:])
        return np.sqrt(np.mean(np.square(errors)))

    assert error(np.repeat([1.0, 0.2], 75)) < 0.7 * error(None)
