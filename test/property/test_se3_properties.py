import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from aliked_ros.geometry import se3

numbers = st.floats(-10, 10, allow_nan=False)
twists = st.tuples(*[numbers] * 3, *[st.floats(-1.7, 1.7)] * 3).map(np.array)
motions = twists.map(se3.exp)


@given(motions)
def test_a_motion_and_its_inverse_cancel(T):
    np.testing.assert_allclose(T @ se3.inverse(T), np.eye(4), atol=1e-9)


@given(twists)
@example(np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1e-5]))
def test_log_undoes_exp(xi):
    np.testing.assert_allclose(se3.log(se3.exp(xi)), xi, atol=1e-6)


@given(motions)
def test_exp_undoes_log(T):
    np.testing.assert_allclose(se3.exp(se3.log(T)), T, atol=1e-6)


@given(motions, motions, st.tuples(numbers, numbers, numbers))
def test_moving_twice_is_moving_by_the_product(T_a_b, T_b_c, point):
    points_c = np.array([point])
    twice = se3.transform(T_a_b, se3.transform(T_b_c, points_c))
    np.testing.assert_allclose(se3.transform(T_a_b @ T_b_c, points_c), twice, atol=1e-9)


@given(motions)
def test_a_rotation_keeps_lengths(T):
    R = T[:3, :3]
    np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-9)
    assert np.linalg.det(R) > 0
