import numpy as np
import pytest

from aliked_ros.datasets.disturbed import Spell
from aliked_ros.datasets.ground_truth import GroundTruth
from aliked_ros.evaluation.odometry.records import FrameRecord
from aliked_ros.evaluation.odometry.recovery import recoveries
from aliked_ros.geometry import se3
from aliked_ros.odometry.result import Motion, State

TRUE = np.array([se3.exp(np.array([0.1 * i, 0, 0, 0, 0, 0.01 * i])) for i in range(20)])
TRUTH = GroundTruth(10**9 + np.arange(20, dtype=np.int64) * 10**8, TRUE)


def records(states, poses):
    return [
        FrameRecord(int(stamp_ns), state, Motion.GENERAL, "", T, np.zeros((6, 6)), False, {}, {})
        for stamp_ns, state, T in zip(TRUTH.stamps_ns, states, poses, strict=True)
    ]


def lost_between(start, stop):
    return [State.LOST if start <= i < stop else State.TRACKING for i in range(20)]


def test_a_run_that_never_loses_track_has_nothing_to_correct():
    (recovery,) = recoveries(records(lost_between(0, 0), TRUE), (Spell(5, 8),), TRUTH, 1.0)
    assert recovery.frames_until_tracking == 0
    assert recovery.correction_m == pytest.approx(0, abs=1e-9)
    assert recovery.error_m == pytest.approx(0, abs=1e-9)
    steps = np.linalg.norm(np.diff(TRUE[:9, :3, 3], axis=0), axis=1)
    assert recovery.path_m == pytest.approx(steps.sum())


def test_a_pose_that_is_held_and_found_again_is_a_correction_but_no_error():
    poses = [TRUE[4] if 5 <= i < 10 else T for i, T in enumerate(TRUE)]
    (recovery,) = recoveries(records(lost_between(5, 10), poses), (Spell(5, 8),), TRUTH, 1.0)
    assert recovery.frames_until_tracking == 2
    moved = np.linalg.norm(TRUE[9, :3, 3] - TRUE[4, :3, 3])
    assert recovery.correction_m == pytest.approx(moved, rel=0.1)
    assert recovery.error_m == pytest.approx(0, abs=1e-9)


def test_a_run_that_goes_on_where_it_stopped_has_an_error_but_no_correction():
    held = TRUE[4] @ se3.inverse(TRUE[9])
    poses = [T if i < 5 else TRUE[4] if i < 10 else held @ T for i, T in enumerate(TRUE)]
    (recovery,) = recoveries(records(lost_between(5, 10), poses), (Spell(5, 10),), TRUTH, 1.0)
    assert recovery.frames_until_tracking == 0
    assert recovery.correction_m == pytest.approx(0, abs=1e-6)
    assert recovery.error_m == pytest.approx(0.5, rel=0.1)


def test_a_jump_some_frames_after_the_recovery_is_a_correction():
    held = TRUE[4] @ se3.inverse(TRUE[9])
    poses = [T if i < 5 or i >= 14 else TRUE[4] if i < 10 else held @ T for i, T in enumerate(TRUE)]
    (recovery,) = recoveries(records(lost_between(5, 10), poses), (Spell(5, 10),), TRUTH, 1.0)
    assert recovery.frames_until_tracking == 0
    assert recovery.correction_m == pytest.approx(0.5, rel=0.1)
    # Unless the next disturbance may have caused it.
    spells = (Spell(5, 10), Spell(13, 14))
    first, second = recoveries(records(lost_between(5, 10), poses), spells, TRUTH, 1.0)
    assert first.correction_m == pytest.approx(0, abs=1e-6)
    assert second.correction_m == pytest.approx(0.5, rel=0.1)


def test_a_run_without_spells_has_no_recoveries():
    # Such as one whose disturbance never ends: holes in every depth image.
    assert recoveries(records(lost_between(0, 0), TRUE), (), TRUTH, 1.0) == []


def test_a_spell_at_the_first_frame_leaves_nothing_to_recover():
    spells = (Spell(0, 3), Spell(8, 9))
    (recovery,) = recoveries(records(lost_between(0, 0), TRUE), spells, TRUTH, 1.0)
    assert (recovery.start, recovery.stop) == (8, 9)


def test_the_scale_of_a_single_camera_counts():
    poses = TRUE.copy()
    poses[:, :3, 3] /= 4
    (recovery,) = recoveries(records(lost_between(0, 0), poses), (Spell(5, 8),), TRUTH, 4.0)
    assert recovery.error_m == pytest.approx(0, abs=1e-9)


def test_a_run_that_stays_lost_says_never():
    (recovery,) = recoveries(records(lost_between(5, 20), TRUE), (Spell(5, 8),), TRUTH, 1.0)
    assert recovery.frames_until_tracking is None
    assert recovery.correction_m is None


def test_without_ground_truth_only_frames_are_counted():
    (recovery,) = recoveries(records(lost_between(5, 10), TRUE), (Spell(5, 8),), None, 1.0)
    assert recovery.frames_until_tracking == 2
    assert recovery.error_m is None
