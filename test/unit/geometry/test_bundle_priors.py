import numpy as np
from bundle_world import window

from aliked_ros.geometry import se3
from aliked_ros.geometry.bundle_priors import prior_terms
from aliked_ros.geometry.bundle_problem import PosePrior, ScalePrior

STEP = 1e-6


def _check_jacobian(problem, T, prior):
    key = "pose_priors" if isinstance(prior, PosePrior) else "scale_priors"
    problem = type(problem)(**{**vars(problem), key: (prior,)})
    (term,) = prior_terms(problem, T)
    for n, keyframe in enumerate(term.keyframes):
        for axis in range(6):
            errors = []
            for sign in (1, -1):
                moved = T.copy()
                moved[keyframe] = se3.exp(sign * STEP * np.eye(6)[axis]) @ T[keyframe]
                errors.append(prior_terms(problem, moved)[0].error)
            numerical = -(errors[0] - errors[1]) / (2 * STEP)
            column = term.jacobian[:, 6 * n + axis]
            np.testing.assert_allclose(column, numerical, rtol=1e-4, atol=1e-3)
    return term


def test_a_pose_prior_agrees_with_numerical_derivatives():
    problem, T, _ = window()
    root = np.random.default_rng(0).normal(size=(6, 6))
    mean = se3.exp(np.array([0.05, -0.02, 0.03, 0.02, 0.01, -0.03])) @ T[2]
    term = _check_jacobian(problem, T, PosePrior(2, mean, root @ root.T))
    xi = se3.log(T[2] @ se3.inverse(mean))
    np.testing.assert_allclose(term.chi2, xi @ root @ root.T @ xi)


def test_a_scale_prior_agrees_with_numerical_derivatives():
    problem, T, _ = window()
    term = _check_jacobian(problem, T, ScalePrior(1, 3, 0.5, 0.1))
    centres = [se3.inverse(T[k])[:3, 3] for k in (1, 3)]
    distance = np.linalg.norm(centres[1] - centres[0])
    np.testing.assert_allclose(term.chi2, ((distance - 0.5) / 0.1) ** 2)
