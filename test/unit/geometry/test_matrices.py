import numpy as np

from aliked_ros.geometry.matrices import inverse_symmetric


def test_the_inverses_are_those_of_lapack():
    root = np.random.default_rng(0).normal(size=(50, 3, 3))
    matrices = root @ np.swapaxes(root, 1, 2)
    np.testing.assert_allclose(inverse_symmetric(matrices), np.linalg.inv(matrices), rtol=1e-6)


def test_a_singular_matrix_has_no_finite_inverse():
    assert not np.isfinite(inverse_symmetric(np.zeros((1, 3, 3)))).any()
