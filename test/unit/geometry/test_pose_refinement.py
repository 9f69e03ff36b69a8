from dataclasses import replace

import numpy as np
import pytest
from both_ways import BOTH
from pose_world import GUESS, NOISE, T_CAMERA_WORLD, scene, without_depth

from aliked_ros.geometry import se3
from aliked_ros.geometry.pose_refinement import refine_pose
from aliked_ros.geometry.rotation_prior import RotationPrior

R_TRUE = T_CAMERA_WORLD[:3, :3]


def error_of(refined):
    return se3.log(T_CAMERA_WORLD @ se3.inverse(refined.T_camera_world))


@BOTH
@pytest.mark.parametrize("has_depth", [True, False])
def test_exact_measurements_give_the_exact_pose_from_a_poor_guess(has_depth, with_compiled):
    points, covariances, sightings = scene(noise=0.0, landmark_m=0.0)
    if not has_depth:
        sightings = without_depth(sightings)
    refined = refine_pose(GUESS, points, covariances, sightings, NOISE, with_compiled=with_compiled)
    np.testing.assert_allclose(refined.T_camera_world, T_CAMERA_WORLD, atol=1e-8)
    assert refined.num_inliers == len(points)
    assert refined.noise == 1
    np.testing.assert_allclose(refined.chi2, 0, atol=1e-8)


@BOTH
@pytest.mark.parametrize("has_depth", [True, False])
def test_wrong_matches_are_named_and_hardly_pull(has_depth, with_compiled):
    points, covariances, sightings = scene(num=200)
    wrong = np.arange(200) < 50
    xy = sightings.xy.copy()
    xy[wrong] += np.random.default_rng(1).uniform(0.05, 0.4, (50, 2))
    sightings = replace(sightings, xy=xy)
    if not has_depth:
        sightings = without_depth(sightings)
    refined = refine_pose(GUESS, points, covariances, sightings, NOISE, with_compiled=with_compiled)
    assert np.linalg.norm(error_of(refined)[:3]) < 0.03
    assert not refined.is_inlier[wrong].any()
    assert refined.is_inlier[~wrong].mean() > 0.95


@BOTH
@pytest.mark.parametrize("has_depth", [True, False])
def test_the_errors_lie_inside_their_covariance(has_depth, with_compiled):
    squared = []
    for seed in range(100):
        points, covariances, sightings = scene(seed)
        if not has_depth:
            sightings = without_depth(sightings)
        refined = refine_pose(
            GUESS, points, covariances, sightings, NOISE, with_compiled=with_compiled
        )
        error = error_of(refined)
        squared.append(error @ refined.hessian @ error)
    # Six degrees of freedom; the mean of 100 has a standard deviation of 0.35. The robust weights
    # lower the hessian by a tenth or two.
    assert 4.0 < np.mean(squared) < 7.1


@BOTH
def test_the_noise_of_a_blurred_image_is_measured(with_compiled):
    points, covariances, sightings = scene(noise=3 * NOISE, landmark_m=1e-4, num=400)
    refined = refine_pose(
        GUESS, points, covariances, without_depth(sightings), NOISE, with_compiled=with_compiled
    )
    assert refined.noise == pytest.approx(3, rel=0.15)
    assert refined.is_inlier.mean() > 0.95


@BOTH
def test_keypoints_that_are_said_to_be_rough_count_less(with_compiled):
    rough = np.arange(100) < 50
    squared = {True: [], False: []}
    for seed in range(20):
        points, covariances, sightings = scene(seed, num=100, landmark_m=1e-4)
        more = np.random.default_rng(seed).normal(0, 8 * NOISE, (100, 2))
        seen = without_depth(replace(sightings, xy=sightings.xy + more * rough[:, None]))
        for is_told in (True, False):
            spread = np.where(rough, 8.0, 1.0) if is_told else None
            refined = refine_pose(
                GUESS, points, covariances, replace(seen, spread=spread), NOISE,
                with_compiled=with_compiled,
            )  # fmt: skip
            squared[is_told].append(np.square(error_of(refined)[:3]).sum())
    assert np.mean(squared[True]) < 0.8 * np.mean(squared[False])


@BOTH
def test_a_sharp_prior_holds_the_rotation_and_a_wide_one_hardly_does(with_compiled):
    points, covariances, sightings = scene(num=30)
    turned = se3.exp(np.array([0, 0, 0, 0.02, 0, 0]))[:3, :3] @ R_TRUE

    def turn_with(sigma_rad):
        prior = RotationPrior(turned, sigma_rad)
        refined = refine_pose(
            GUESS, points, covariances, sightings, NOISE, prior, with_compiled=with_compiled
        )
        return np.linalg.norm(se3.log_so3(refined.T_camera_world[:3, :3] @ turned.T))

    assert turn_with(1e-7) < 1e-4
    assert turn_with(10.0) == pytest.approx(0.02, abs=0.003)
    assert turn_with(1) > turn_with(1e-3) > turn_with(1e-5)


@BOTH
def test_with_the_rotation_known_two_landmarks_give_the_position(with_compiled):
    points, covariances, sightings = scene(noise=0.0, landmark_m=0.0, num=2)
    guess = se3.from_rotation_translation(R_TRUE, T_CAMERA_WORLD[:3, 3] + [0.1, -0.1, 0.1])
    refined = refine_pose(
        guess, points, covariances, without_depth(sightings), NOISE,
        RotationPrior(R_TRUE, 1e-4), with_compiled=with_compiled,
    )  # fmt: skip
    np.testing.assert_allclose(refined.T_camera_world, T_CAMERA_WORLD, atol=1e-4)


def test_a_prior_is_contradicted_by_a_rotation_far_from_it():
    points, covariances, sightings = scene()
    refined = refine_pose(GUESS, points, covariances, sightings, NOISE)
    for turn_rad, is_contradicted in ((0.0, False), (0.005, False), (0.1, True)):
        turned = se3.exp(np.array([0, 0, 0, 0, turn_rad, 0]))[:3, :3] @ R_TRUE
        prior = RotationPrior(turned, 0.003)
        assert prior.is_contradicted(refined.T_camera_world, refined.hessian) == is_contradicted


@BOTH
@pytest.mark.parametrize("num", [0, 1, 2, 3, 5])
def test_too_few_landmarks_give_a_finite_pose_and_a_singular_hessian(num, with_compiled):
    points, covariances, sightings = scene(num=num)
    refined = refine_pose(
        GUESS, points, covariances, without_depth(sightings), NOISE, with_compiled=with_compiled
    )
    assert np.isfinite(refined.T_camera_world).all()
    assert len(refined.is_inlier) == len(refined.chi2) == num
    values = np.linalg.eigvalsh(refined.hessian)
    assert (values > 1e-6 * values.max()).sum() <= 2 * num
    if num == 0:
        np.testing.assert_allclose(refined.T_camera_world, GUESS, atol=1e-12)


@BOTH
@pytest.mark.parametrize("coordinate", ["xy", "point", "covariance", "depth_sigma", "spread"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_row_with_a_number_that_says_nothing_is_left_out(coordinate, value, with_compiled):
    points, covariances, sightings = scene()
    kept = np.arange(len(points)) != 7
    short = replace(
        sightings, xy=sightings.xy[kept], inverse_depth=sightings.inverse_depth[kept],
        depth_sigma=sightings.depth_sigma[kept],
    )  # fmt: skip
    expected = refine_pose(
        GUESS, points[kept], covariances[kept], short, NOISE, with_compiled=with_compiled
    )
    points, covariances = points.copy(), covariances.copy()
    arrays = {
        "xy": sightings.xy.copy(), "depth_sigma": sightings.depth_sigma.copy(),
        "spread": np.ones(len(points)), "point": points, "covariance": covariances,
    }  # fmt: skip
    arrays[coordinate][7] = value
    spoilt = replace(
        sightings, xy=arrays["xy"], depth_sigma=arrays["depth_sigma"], spread=arrays["spread"]
    )
    refined = refine_pose(GUESS, points, covariances, spoilt, NOISE, with_compiled=with_compiled)
    if coordinate == "depth_sigma" and not value < 0:  # unknown depth; its direction still counts
        assert refined.num_inliers >= expected.num_inliers
        np.testing.assert_allclose(refined.T_camera_world, expected.T_camera_world, atol=0.01)
        return
    np.testing.assert_array_equal(refined.T_camera_world, expected.T_camera_world)
    np.testing.assert_array_equal(refined.is_inlier[kept], expected.is_inlier)
    assert not refined.is_inlier[7]
    assert refined.chi2[7] == np.inf


@BOTH
def test_single_precision_is_taken_as_it_is(with_compiled):
    points, covariances, sightings = scene()
    spread = np.linspace(0.5, 2, len(points))
    given = points, covariances, replace(sightings, spread=spread)
    single = np.float32(points), np.float32(covariances), replace(
        sightings, xy=np.float32(sightings.xy), spread=np.float32(spread),
        inverse_depth=np.float32(sightings.inverse_depth),
        depth_sigma=np.float32(sightings.depth_sigma),
    )  # fmt: skip
    expected = refine_pose(GUESS, *given, NOISE, with_compiled=with_compiled)
    refined = refine_pose(GUESS, *single, NOISE, with_compiled=with_compiled)
    np.testing.assert_allclose(refined.T_camera_world, expected.T_camera_world, atol=1e-5)


@BOTH
@pytest.mark.parametrize("depth_m", [0.0, 1e-9, 1e-4, -3.0])
def test_landmarks_at_or_behind_the_camera_neither_count_nor_pull(depth_m, with_compiled):
    points, covariances, sightings = scene()
    expected = refine_pose(
        T_CAMERA_WORLD, points, covariances, sightings, NOISE, with_compiled=with_compiled
    )
    seen = np.tile([0.3, -0.2, depth_m], (20, 1))
    beside = se3.transform(se3.inverse(T_CAMERA_WORLD), seen)
    more = replace(
        sightings,
        xy=np.vstack([sightings.xy, np.zeros((20, 2))]),
        inverse_depth=np.append(sightings.inverse_depth, np.full(20, np.nan)),
        depth_sigma=np.append(sightings.depth_sigma, np.ones(20)),
    )
    refined = refine_pose(
        T_CAMERA_WORLD, np.vstack([points, beside]),
        np.concatenate([covariances, np.tile(1e-4 * np.eye(3), (20, 1, 1))]), more, NOISE,
        with_compiled=with_compiled,
    )  # fmt: skip
    assert not refined.is_inlier[-20:].any()
    np.testing.assert_allclose(refined.T_camera_world, expected.T_camera_world, atol=2e-3)


@BOTH
def test_with_everything_behind_the_camera_the_guess_stays_without_inliers(with_compiled):
    points, covariances, sightings = scene()
    away = GUESS @ se3.exp(np.array([0, 0, 0, 0, np.pi, 0]))
    refined = refine_pose(away, points, covariances, sightings, NOISE, with_compiled=with_compiled)
    np.testing.assert_allclose(refined.T_camera_world, away, atol=1e-9)
    assert refined.num_inliers == 0


@BOTH
def test_the_same_landmark_many_times_stays_finite(with_compiled):
    points, _, sightings = scene(num=1)
    many = replace(
        without_depth(sightings), xy=np.repeat(sightings.xy, 50, 0),
        inverse_depth=np.full(50, np.nan), depth_sigma=np.ones(50),
    )  # fmt: skip
    refined = refine_pose(
        GUESS, np.repeat(points, 50, 0), np.zeros((50, 3, 3)), many, NOISE,
        with_compiled=with_compiled,
    )  # fmt: skip
    assert np.isfinite(refined.T_camera_world).all()
    rotation = refined.T_camera_world[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({0: np.full((4, 4), np.nan)}, "T_camera_world is .*nan.*: give a finite"),
        ({1: np.zeros((5, 2))}, r"points_world has shape \(5, 2\)"),
        ({2: np.zeros((4, 3, 3))}, r"covariances has shape \(4, 3, 3\)"),
        ({4: 0.0}, "noise is 0.0: give a deviation above 0"),
        ({4: np.nan}, "noise is nan"),
    ],
)
def test_what_cannot_be_used_is_refused(changes, reason):
    points, covariances, sightings = scene(num=5)
    given = [GUESS, points, covariances, sightings, NOISE]
    for place, value in changes.items():
        given[place] = value
    with pytest.raises(ValueError, match=reason):
        refine_pose(*given)


def test_sightings_of_other_landmarks_are_refused():
    points, covariances, _ = scene(num=5)
    with pytest.raises(ValueError, match=r"sightings.xy has shape \(6, 2\): give \(5, 2\)"):
        refine_pose(GUESS, points, covariances, scene(num=6)[2], NOISE)


@pytest.mark.parametrize(
    ("rotation", "sigma_rad", "reason"),
    [
        (np.eye(3), 0.0, "sigma_rad is 0.0: give a deviation above 0 rad"),
        (np.eye(3), np.nan, "sigma_rad is nan"),
        (np.full((3, 3), np.nan), 0.1, "R_camera_world is .*: give a rotation"),
        (np.eye(4), 0.1, "R_camera_world is .*: give a rotation"),
    ],
)
def test_a_prior_that_says_nothing_is_refused(rotation, sigma_rad, reason):
    with pytest.raises(ValueError, match=reason):
        RotationPrior(rotation, sigma_rad)
