import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.odometry.prediction import ConstantVelocity

STEP = se3.exp(np.array([0.1, 0.0, 0.3, 0.01, -0.05, 0.02]))
START = se3.exp(np.array([1.0, 2.0, 3.0, 0.3, 0.2, 0.1]))


def test_the_camera_goes_on_as_it_moved():
    expectation = ConstantVelocity()
    expectation.observe(0, START)
    expectation.observe(100, START @ STEP)
    np.testing.assert_allclose(expectation.predict(200), START @ STEP @ STEP, atol=1e-12)
    half = expectation.predict(150)
    between = se3.inverse(START @ STEP) @ half
    np.testing.assert_allclose(between @ between, STEP, atol=1e-12)


def test_one_pose_stays_and_none_is_no_prediction():
    expectation = ConstantVelocity()
    assert expectation.predict(100) is None
    expectation.observe(0, START)
    np.testing.assert_array_equal(expectation.predict(100), START)
    expectation.forget()
    assert expectation.predict(200) is None


def test_a_long_gap_is_not_extrapolated_without_end():
    expectation = ConstantVelocity()
    expectation.observe(0, START)
    expectation.observe(100, START @ STEP)
    np.testing.assert_array_equal(expectation.predict(400), expectation.predict(100_000))


def test_a_corrected_world_moves_the_expectation_along():
    expectation = ConstantVelocity()
    expectation.observe(0, START)
    expectation.observe(100, START @ STEP)
    expectation.move(STEP)
    np.testing.assert_allclose(expectation.predict(200), STEP @ START @ STEP @ STEP, atol=1e-12)
