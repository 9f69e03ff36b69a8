from dataclasses import replace

import numpy as np
import pytest
from bundle_world import DEPTH_SIGMA, SIGMA, window, without_depths
from scipy.optimize import least_squares

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle import adjustment
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.bundle.system import LOSS_WIDTH
from aliked_ros.native import load_library

_WIDE = 1e3


@pytest.fixture(autouse=True, params=["numpy", "compiled"])
def solver(request, monkeypatch):
    """Let every test run with both solvers."""
    if request.param == "numpy":
        monkeypatch.setattr(adjustment, "load_library", lambda: None)
    elif load_library() is None:
        pytest.skip("the kernels are not built")


def converged(problem):
    """Adjust until nothing moves any more."""
    for _ in range(6):
        result = adjust_bundle(problem)
        problem = replace(
            problem, T_camera_world=result.T_camera_world, points_world=result.points_world
        )
    return result


def least_squares_of(problem):
    """Return the problem with deviations so wide that the loss stays quadratic."""
    return replace(
        problem,
        sigma=_WIDE * problem.sigma,
        inverse_depth_sigma=_WIDE * problem.inverse_depth_sigma,
    )


def pose_errors(T, T_true):
    """Twists (K, 6) from the estimate to the truth."""
    return np.array([se3.log(b @ se3.inverse(a)) for a, b in zip(T, T_true, strict=True)])


@pytest.mark.parametrize(("depth_share", "num_fixed"), [(0.6, 1), (0.0, 2)])
def test_exact_measurements_give_the_exact_window(depth_share, num_fixed):
    problem, T_true, points = window(noise=0, depth_share=depth_share, num_fixed=num_fixed)
    result = converged(problem)
    np.testing.assert_allclose(result.T_camera_world, T_true, atol=1e-6)
    np.testing.assert_allclose(result.points_world, points, atol=1e-4)
    assert result.final_cost < 1e-6 * adjust_bundle(problem).initial_cost
    assert result.is_used.all()


def test_the_answer_is_that_of_a_general_solver():
    problem, _, _ = window(num_keyframes=4, num_landmarks=25, depth_share=0.5)
    free = np.flatnonzero(~problem.is_fixed)
    num_pose = 6 * len(free)

    def unpack(parameters):
        T = problem.T_camera_world.copy()
        for index, xi in zip(free, parameters[:num_pose].reshape(-1, 6), strict=True):
            T[index] = se3.exp(xi) @ T[index]
        return T, problem.points_world + parameters[num_pose:].reshape(-1, 3)

    def residuals(parameters):
        T, points = unpack(parameters)
        seen = np.einsum("nij,nj->ni", T[problem.keyframe, :3, :3], points[problem.landmark])
        seen += T[problem.keyframe, :3, 3]
        off = (seen[:, :2] / seen[:, 2:] - problem.xy) / SIGMA
        deep = (1 / seen[:, 2] - problem.inverse_depth) / DEPTH_SIGMA
        return np.concatenate([off.ravel(), np.nan_to_num(deep)])

    start = np.zeros(num_pose + problem.points_world.size)
    expected = least_squares(residuals, start, x_scale="jac", xtol=1e-12, ftol=1e-12)
    result = converged(least_squares_of(problem))
    T, points = unpack(expected.x)
    assert _WIDE**2 * result.final_cost == pytest.approx(expected.cost, rel=1e-5)
    np.testing.assert_allclose(result.T_camera_world, T, atol=2e-5)
    np.testing.assert_allclose(result.points_world, points, rtol=1e-3)


@pytest.mark.parametrize(("depth_share", "num_fixed"), [(0.5, 1), (0.0, 2)])
def test_the_errors_lie_inside_their_covariance(depth_share, num_fixed):
    squared, relative = [], []
    for seed in range(50):
        problem, T_true, _ = window(
            seed, depth_share=depth_share, num_fixed=num_fixed, guess=0.2, num_landmarks=50
        )
        result = adjust_bundle(problem)
        rows = np.flatnonzero(np.repeat(~problem.is_fixed, 6))
        error = pose_errors(result.T_camera_world, T_true).ravel()[rows]
        squared.append(error @ np.linalg.solve(result.covariance[np.ix_(rows, rows)], error))
        T_1_0, covariance = result.relative_motion(1, 3)
        error = se3.log(T_true[3] @ se3.inverse(T_true[1]) @ se3.inverse(T_1_0))
        relative.append(error @ np.linalg.solve(covariance, error))
    for values, degrees in ((squared, len(rows)), (relative, 6)):
        # The sum over 50 seeds is chi-square distributed; four standard deviations.
        spread = 4 * np.sqrt(2 * degrees / 50)
        assert degrees - spread < np.mean(values) < degrees + spread


def test_the_relative_motion_is_better_known_than_the_sum_of_its_poses():
    problem, _, _ = window(num_keyframes=8, depth_share=0.5)
    result = adjust_bundle(problem)
    last = result.covariance[-6:, -6:]
    T_1_0, covariance = result.relative_motion(6, 7)
    expected = result.T_camera_world[7] @ se3.inverse(result.T_camera_world[6])
    np.testing.assert_array_equal(T_1_0, expected)
    assert np.trace(covariance) < 0.5 * np.trace(last)
    # Against the fixed pose it is the covariance of the pose itself.
    np.testing.assert_allclose(result.relative_motion(0, 7)[1], last, atol=1e-12)


def test_wrong_matches_hardly_pull():
    problem, T_true, _ = window(1, num_landmarks=150, depth_share=0.5)
    generator = np.random.default_rng(1)
    wrong = generator.random(len(problem.keyframe)) < 0.05
    xy, inverse_depth = problem.xy.copy(), problem.inverse_depth.copy()
    xy[wrong] += generator.normal(0, 0.05, (wrong.sum(), 2))
    inverse_depth[wrong] *= 3
    spoilt = replace(problem, xy=xy, inverse_depth=inverse_depth)
    clean, robust = converged(problem), converged(spoilt)
    squares = converged(least_squares_of(spoilt))
    errors = [
        np.abs(pose_errors(result.T_camera_world, T_true)).max()
        for result in (clean, robust, squares)
    ]
    assert np.median(robust.reprojection_chi2[wrong]) > 50
    assert np.median(robust.reprojection_chi2[~wrong]) < 2
    assert errors[1] < 2 * errors[0] + 1e-3
    assert errors[2] > 2 * errors[1]


def test_the_cost_is_right_however_wrong_the_measurements_are():
    problem, T_true, points = window()
    off_px = np.logspace(-3, 9, len(problem.keyframe))
    xy = problem.xy + off_px[:, None] * SIGMA
    seen = np.einsum("nij,nj->ni", T_true[problem.keyframe, :3, :3], points[problem.landmark])
    seen += T_true[problem.keyframe, :3, 3]
    squares = np.square((seen[:, :2] / seen[:, 2:] - xy) / SIGMA).sum(axis=1)
    result = adjust_bundle(
        without_depths(replace(problem, T_camera_world=T_true, points_world=points, xy=xy))
    )
    assert result.initial_cost == pytest.approx(
        LOSS_WIDTH**2 / 2 * np.log1p(squares / LOSS_WIDTH**2).sum(), rel=1e-9
    )


def test_fixed_poses_keep_their_bits():
    problem, _, _ = window(num_fixed=2)
    result = adjust_bundle(problem)
    fixed = problem.is_fixed
    np.testing.assert_array_equal(result.T_camera_world[fixed], problem.T_camera_world[fixed])
    assert (result.T_camera_world[~fixed] != problem.T_camera_world[~fixed]).any()
    assert not result.covariance[:6].any()
    assert not result.covariance[:, -6:].any()


def test_landmarks_alone_are_refined_when_every_pose_is_fixed():
    problem, T_true, points = window(noise=0)
    result = converged(replace(problem, T_camera_world=T_true, is_fixed=np.ones(5, dtype=bool)))
    np.testing.assert_allclose(
        result.points_world[result.is_used], points[result.is_used], atol=1e-6
    )
    assert not result.covariance.any()


def test_without_any_scale_the_window_stays_finite_and_says_so():
    problem, _, _ = window()
    result = adjust_bundle(without_depths(problem))
    assert np.isfinite(result.T_camera_world).all()
    assert result.final_cost < result.initial_cost
    assert np.linalg.eigvalsh(result.covariance)[-1] > 1e3


def test_degenerate_landmarks_are_left_out_and_reported():
    problem, _, _ = window(num_landmarks=40, depth_share=0.5)
    clean = adjust_bundle(problem)
    points = np.vstack(
        [problem.points_world, [[np.inf, 0, 1], [np.nan] * 3, [0, 0, -5], [0, 0, 9], [1, 1, 9]]]
    )
    # At infinity, unknown, behind both cameras, seen once, never seen.
    keyframe = np.concatenate([problem.keyframe, [0, 1, 0, 1, 0, 1, 2]])
    landmark = np.concatenate([problem.landmark, [40, 40, 41, 41, 42, 42, 43]])
    more = len(keyframe) - len(problem.keyframe)

    def extend(values, fill):
        return np.concatenate([values, np.full((more, *values.shape[1:]), fill)])

    result = adjust_bundle(
        replace(
            problem,
            points_world=points,
            keyframe=keyframe,
            landmark=landmark,
            xy=extend(problem.xy, 0.0),
            sigma=extend(problem.sigma, SIGMA),
            inverse_depth=extend(problem.inverse_depth, np.nan),
            inverse_depth_sigma=extend(problem.inverse_depth_sigma, DEPTH_SIGMA),
        )
    )
    assert result.is_used[:40].all()
    assert not result.is_used[40:].any()
    np.testing.assert_array_equal(result.points_world[40:], points[40:])
    np.testing.assert_array_equal(result.T_camera_world, clean.T_camera_world)
    assert np.isnan(result.reprojection_chi2[-more:]).all()
    assert np.isfinite(result.reprojection_chi2[:-more]).all()


def test_a_landmark_so_far_that_it_has_no_parallax_does_no_harm():
    problem, T_true, points = window(noise=0, depth_share=0.5)
    far = points.copy()
    far[:20] = far[:20] / far[:20, 2:] * 1e7
    seen = np.einsum("nij,nj->ni", T_true[problem.keyframe, :3, :3], far[problem.landmark])
    seen += T_true[problem.keyframe, :3, 3]
    result = converged(
        replace(
            problem,
            points_world=far,
            xy=seen[:, :2] / seen[:, 2:],
            inverse_depth=np.where(np.isfinite(problem.inverse_depth), 1 / seen[:, 2], np.nan),
        )
    )
    np.testing.assert_allclose(result.T_camera_world, T_true, atol=1e-6)
    assert np.isfinite(result.points_world).all()


def test_the_squared_residuals_are_reported_in_the_order_of_the_observations():
    problem, _, _ = window(depth_share=0.5)
    order = np.random.default_rng(0).permutation(len(problem.keyframe))
    shuffled = replace(
        problem,
        **{
            name: getattr(problem, name)[order]
            for name in (
                "keyframe", "landmark", "xy", "sigma", "inverse_depth",
                "inverse_depth_sigma",
            )
        },
    )  # fmt: skip
    result, again = adjust_bundle(problem), adjust_bundle(shuffled)
    np.testing.assert_allclose(again.reprojection_chi2, result.reprojection_chi2[order], rtol=1e-6)
    np.testing.assert_allclose(
        again.inverse_depth_chi2, result.inverse_depth_chi2[order], rtol=1e-6
    )
    measured = np.isfinite(problem.inverse_depth)
    np.testing.assert_array_equal(np.isfinite(result.inverse_depth_chi2), measured)


def test_a_window_without_observations_is_returned_as_it_came():
    problem, _, _ = window()
    none = np.zeros(0, dtype=np.int64)
    empty = replace(
        without_depths(problem),
        keyframe=none,
        landmark=none,
        xy=np.zeros((0, 2)),
        sigma=np.zeros(0),
    )
    result = adjust_bundle(empty)
    np.testing.assert_array_equal(result.T_camera_world, problem.T_camera_world)
    assert not result.is_used.any()
    np.testing.assert_allclose(np.diag(result.covariance)[6:], 1e4)


def test_landmarks_at_the_camera_and_behind_it_leave_the_window_finite():
    problem, T_true, _ = window(depth_share=0.5)
    points = problem.points_world.copy()
    T_world_camera = se3.inverse(problem.T_camera_world[1])
    for landmark, depth_m in enumerate((0.0, 1e-12, 1e-6, -1e-6, -5.0)):
        points[landmark] = se3.transform(T_world_camera, np.array([[0.1, 0.1, depth_m]]))[0]
    result = adjust_bundle(replace(problem, points_world=points))
    assert np.isfinite(result.T_camera_world).all()
    assert np.isfinite(result.points_world).all()
    assert np.isfinite(result.covariance).all()
    assert np.abs(pose_errors(result.T_camera_world, T_true)).max() < 0.1


def test_a_keyframe_that_sees_nothing_stays_where_it_was():
    problem, _, _ = window(depth_share=0.5)
    kept = problem.keyframe != 3
    result = adjust_bundle(
        replace(
            problem, keyframe=problem.keyframe[kept], landmark=problem.landmark[kept],
            xy=problem.xy[kept], sigma=problem.sigma[kept],
            inverse_depth=problem.inverse_depth[kept],
            inverse_depth_sigma=problem.inverse_depth_sigma[kept],
        )
    )  # fmt: skip
    np.testing.assert_allclose(result.T_camera_world[3], problem.T_camera_world[3], atol=1e-9)
    np.testing.assert_allclose(np.diag(result.covariance)[18:24], 1e4)


def test_a_landmark_whose_measurements_say_opposite_things_stays_finite():
    problem, T_true, _ = window(depth_share=0.5)
    xy = problem.xy.copy()
    xy[problem.landmark < 5] = np.random.default_rng(0).choice([-50.0, 50.0], (1, 2))
    result = adjust_bundle(replace(problem, xy=xy))
    assert np.isfinite(result.points_world).all()
    assert np.abs(pose_errors(result.T_camera_world, T_true)).max() < 0.05
    assert (result.reprojection_chi2[problem.landmark < 5] > 9).any()
