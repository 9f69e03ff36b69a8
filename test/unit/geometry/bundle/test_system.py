import numpy as np
from bundle_world import window

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle.adjustment import sort_observations
from aliked_ros.geometry.bundle.system import (
    cauchy,
    linearise,
    residuals_of,
)

STEP = 1e-6


def test_the_normal_equations_agree_with_numerical_derivatives():
    problem, T, points = window(num_keyframes=3, num_landmarks=8, depth_share=0.5, num_fixed=1)
    observations, _ = sort_observations(problem, np.ones(len(problem.keyframe), dtype=bool))
    charts = np.random.default_rng(0).normal(size=(8, 3, 3))
    weights = np.random.default_rng(1).uniform(0.2, 1, (len(observations.keyframe), 2))
    root = np.sqrt(weights)[:, [0, 0, 1]]

    def whitened(parameters):
        moved = T.copy()
        for keyframe in (1, 2):
            xi = parameters[6 * keyframe - 6 : 6 * keyframe]
            moved[keyframe] = se3.exp(xi) @ T[keyframe]
        by_chart = np.einsum("lij,lj->li", charts, parameters[12:].reshape(-1, 3))
        return (residuals_of(observations, moved, points + by_chart).whitened * root).ravel()

    identity = np.eye(12 + 24)
    # The residual is measured minus predicted: its derivative is minus that of the prediction.
    jacobian = -np.column_stack(
        [(whitened(STEP * e) - whitened(-STEP * e)) / (2 * STEP) for e in identity]
    )
    hessian, gradient = jacobian.T @ jacobian, jacobian.T @ whitened(np.zeros(36))

    residuals = residuals_of(observations, T, points)
    system = linearise(observations, residuals, weights, T, charts, problem.is_fixed)
    scale = np.abs(hessian).max()
    np.testing.assert_allclose(system.pose_hessian, hessian[:12, :12], atol=1e-6 * scale)
    np.testing.assert_allclose(system.pose_gradient, gradient[:12], rtol=1e-4, atol=1e-3)
    for landmark in range(8):
        rows = slice(12 + 3 * landmark, 15 + 3 * landmark)
        here = system.point_hessian[landmark]
        np.testing.assert_allclose(here, hessian[rows, rows], atol=1e-6 * scale)
        np.testing.assert_allclose(system.coupling[landmark], hessian[rows, :12], atol=1e-6 * scale)
        np.testing.assert_allclose(system.point_gradient[landmark], gradient[rows], rtol=1e-3,
                                   atol=1e-3)  # fmt: skip


def test_an_observation_from_behind_costs_much_and_pulls_at_nothing():
    problem, T, points = window(num_keyframes=2, num_landmarks=3)
    observations, _ = sort_observations(problem, np.ones(len(problem.keyframe), dtype=bool))
    points = points * [1, 1, -1]
    residuals = residuals_of(observations, T, points)
    assert not residuals.is_in_front.any()
    assert (residuals.chi2[:, 0] > 1e5).all()
    charts = np.tile(np.eye(3), (3, 1, 1))
    weights = np.ones((len(observations.keyframe), 2))
    system = linearise(observations, residuals, weights, T, charts, problem.is_fixed)
    assert not system.pose_hessian.any()
    assert not system.point_hessian.any()


def test_the_weight_is_the_derivative_of_the_loss():
    chi2 = np.array([0.01, 1.0, 8.0, 10.0, 400.0])
    value, weight = cauchy(chi2, 3.0)
    raised, _ = cauchy(chi2 * (1 + STEP), 3.0)
    np.testing.assert_allclose((raised - value) / (chi2 * STEP), weight, rtol=1e-4)
    np.testing.assert_allclose(value[0], chi2[0], rtol=1e-2)
