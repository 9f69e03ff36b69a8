import numpy as np
import pytest
from run_world import Truthful, Walk

from aliked_ros.evaluation.odometry.pair_errors import track_pairs
from aliked_ros.geometry import se3


def pairs(make, sensor="rgbd", num_frames=21, sequence=None):
    shown = []
    found = track_pairs(sequence or Walk(), sensor, num_frames, make, shown.append)
    assert len(shown) == num_frames
    return found


def test_true_motions_have_no_error():
    found = pairs(Truthful)
    assert (found["num"], found["answered"], found["within"]) == (20, 20, 1.0)
    assert found["median_m"] == pytest.approx(0, abs=1e-9)
    assert found["median_deg"] == pytest.approx(0, abs=1e-5)


def test_errors_are_metres_and_degrees_of_the_motion_between_the_two_frames():
    error = se3.exp(np.array([0, 0, 0, 0, np.radians(1.5), 0]))
    found = pairs(lambda: Truthful(error=error))
    assert found["median_deg"] == pytest.approx(1.5)
    assert found["within"] == 1
    error[:3, 3] = [0.3, 0, 0]
    found = pairs(lambda: Truthful(error=error))
    assert found["median_m"] == pytest.approx(0.3, rel=0.1)
    assert found["within"] == 0


def test_a_single_camera_has_the_true_length():
    found = pairs(lambda: Truthful(scale=7.0), "mono")
    assert found["median_m"] == pytest.approx(0, abs=1e-9)


def test_pairs_without_a_pose_count_as_not_within():
    found = pairs(lambda: Truthful(lost=frozenset({1})))
    assert (found["num"], found["answered"], found["within"]) == (20, 0, 0.0)
    assert found["median_m"] is None


def test_frames_without_truth_make_no_pair():
    blind = Walk()
    blind.ground_truth = None
    found = pairs(Truthful, sequence=blind)
    assert (found["num"], found["within"]) == (0, None)
