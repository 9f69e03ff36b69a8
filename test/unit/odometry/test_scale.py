import numpy as np
import pytest

from aliked_ros.odometry.scale import ScaleEstimator

FRAME_NS = 50_000_000
PART_M = 0.2


def path(num, seed=0):
    """A winding path (N, 3), metres, 5 cm per frame."""
    headings = 0.02 * np.cumsum(np.random.default_rng(seed).normal(size=num))
    return np.cumsum(0.05 * np.column_stack([np.cos(headings), np.sin(headings), 0 * headings]), 0)


def feed(estimator, ours, theirs, offset_ns=0):
    for index, (position, position_m) in enumerate(zip(ours, theirs, strict=True)):
        estimator.add_reference(index * FRAME_NS + offset_ns, position_m)
        estimator.add(index * FRAME_NS, position)


def test_the_scale_is_found_whatever_frame_the_other_odometry_has():
    positions_m = path(200)
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    estimator = ScaleEstimator(PART_M)
    assert estimator.scale() is None
    feed(estimator, positions_m / 2.5, positions_m @ turn.T + [3, 4, 5])
    scale = estimator.scale()
    assert scale.value == pytest.approx(2.5, rel=1e-9)
    assert scale.sigma == pytest.approx(0, abs=1e-9)


def test_stamps_between_those_of_the_other_odometry_are_interpolated():
    positions_m = np.column_stack([0.05 * np.arange(200), np.zeros((200, 2))])
    estimator = ScaleEstimator(PART_M)
    ahead_ns = 20_000_000
    lead_m = np.array([0.02, 0, 0])
    feed(estimator, positions_m / 0.4, positions_m + lead_m, ahead_ns)
    assert estimator.scale().value == pytest.approx(0.4, rel=1e-6)


def test_noise_is_reported_and_wrong_parts_do_no_harm():
    generator = np.random.default_rng(1)
    positions_m = path(600)
    noisy_m = positions_m + generator.normal(scale=0.01, size=positions_m.shape)
    noisy_m[300:] += [2.0, 0, 0]  # a jump
    noisy_m[450:] += [0, 5.0, 0]
    estimator = ScaleEstimator(PART_M, num_parts=100)
    feed(estimator, positions_m / 3, noisy_m)
    scale = estimator.scale()
    assert 0 < scale.sigma < 0.05 * 3
    assert abs(scale.value - 3) < 4 * scale.sigma


def test_standing_still_says_nothing():
    generator = np.random.default_rng(2)
    still = generator.normal(scale=0.01, size=(500, 3))
    estimator = ScaleEstimator(PART_M)
    feed(estimator, np.zeros((500, 3)), still)
    assert len(estimator.ratios) == 0
    assert estimator.scale() is None


def test_a_part_ends_at_a_gap_and_another_unit_is_forgotten_at_once():
    positions_m = path(200)
    estimator = ScaleEstimator(PART_M)
    feed(estimator, positions_m, positions_m)
    estimator.forget()
    assert estimator.scale() is None
    feed(estimator, positions_m / 7, positions_m)  # stamps that start over
    assert estimator.scale().value == pytest.approx(7)

    counted = len(estimator.ratios)
    estimator.break_off()
    estimator.add_reference(10**12, positions_m[-1] + [100, 0, 0])
    estimator.add(10**12, positions_m[-1] / 7)
    assert len(estimator.ratios) == counted


def test_poses_wait_for_the_other_odometry():
    positions_m = path(100)
    estimator = ScaleEstimator(PART_M)
    for index, position_m in enumerate(positions_m):
        estimator.add(index * FRAME_NS, position_m / 2)
    assert len(estimator.ratios) == 0
    for index, position_m in enumerate(positions_m):
        estimator.add_reference(index * FRAME_NS, position_m)
    estimator.add(100 * FRAME_NS, positions_m[-1] / 2)
    assert estimator.scale().value == pytest.approx(2)


def test_a_length_that_is_none_is_refused():
    with pytest.raises(ValueError, match="part_m is 0"):
        ScaleEstimator(part_m=0)
