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


def test_the_speed_is_that_between_the_last_two_poses():
    expectation = ConstantVelocity()
    expectation.observe(0, START)
    expectation.observe(500_000_000, START @ STEP)
    xi = se3.log(STEP)
    speed, turn_rate = expectation.speed()
    assert np.isclose(speed, 2 * np.linalg.norm(xi[:3]))
    assert np.isclose(turn_rate, 2 * np.linalg.norm(xi[3:]))


def test_a_camera_that_nobody_sees_coasts_and_is_known_less_and_less():
    expectation = ConstantVelocity()
    expectation.observe(0, START)
    expectation.observe(1_000_000_000, START @ STEP)
    near, unknown_near = expectation.coast(0.25)
    far, unknown_far = expectation.coast(1.0)
    np.testing.assert_allclose(far, START @ STEP @ STEP, atol=1e-12)
    np.testing.assert_allclose(expectation.coast(0.0)[0], START @ STEP)
    assert np.linalg.norm(near[:3, 3] - (START @ STEP)[:3, 3]) < np.linalg.norm(
        far[:3, 3] - (START @ STEP)[:3, 3]
    )
    # Time to the power of 3/2: 8 times the deviation after 4 times the time.
    np.testing.assert_allclose(np.diag(unknown_far), 64 * np.diag(unknown_near))


def test_another_sensor_tells_how_a_coasting_camera_turns():
    expectation = ConstantVelocity()
    expectation.observe(0, START)
    expectation.observe(1_000_000_000, START @ STEP)
    turn = se3.exp_so3(np.array([0.0, 0.4, 0.0]))
    T_world_view, _ = expectation.coast(1.0, turn)
    np.testing.assert_allclose(T_world_view[:3, :3], (START @ STEP)[:3, :3] @ turn)
    np.testing.assert_allclose(T_world_view[:3, 3], (START @ STEP @ STEP)[:3, 3])
