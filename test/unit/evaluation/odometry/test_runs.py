from dataclasses import replace

import numpy as np
import pytest
from run_world import NUM_FRAMES, Truthful, Walk

from aliked_ros.config import OdometryConfig, StereoConfig
from aliked_ros.datasets import tum_rows
from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice
from aliked_ros.evaluation.odometry.run_spec import RunSpec, load_run
from aliked_ros.evaluation.odometry.runs import perform_runs
from aliked_ros.geometry import se3


class Extract:
    """The features of a run, as far as runs look at them."""

    extraction_ms = 7.0


class At(Truthful):
    """Is at places (x) in turn."""

    def __init__(self, places):
        super().__init__()
        self.places = places

    def process(self, frame):
        pose = np.eye(4)
        pose[0, 3] = self.places[self.num_seen % len(self.places)]
        return super().process(replace(frame, T_world_camera=pose))


def spec(sensor="rgbd", disturbance="none", seed=0, **more):
    feature = FeatureChoice("sift", "sift", 500, 0.7)
    odometry = OdometryConfig(sensor=sensor, seed=seed)
    return RunSpec("walk", sensor, feature, disturbance, odometry, StereoConfig(), **more)


def perform(specs, out, sequence=None, make=lambda spec, sequence: Truthful()):
    shown = []
    perform_runs(specs, sequence or Walk(), Extract(), make, out, shown.append)
    return [load_run(one, out) for one in specs], shown


def test_a_run_that_says_the_truth_has_no_error(tmp_path):
    (run,), shown = perform([spec()], tmp_path)
    assert (run["sequence"], run["layout"], run["sensor"]) == ("walk", "synthetic", "rgbd")
    assert run["frames"]["tracked"] == NUM_FRAMES
    assert run["first_tracked"] == 0
    assert run["score"]["ate_rmse_m"] < 1e-6
    assert run["score"]["alignment"] == "SE(3)"
    assert run["recoveries"] == []
    assert run["consistency"]["num"] == NUM_FRAMES - 10
    assert shown == ["tracking"] * NUM_FRAMES
    folder = spec().folder(tmp_path)
    assert len(tum_rows.read(folder / "trajectory.txt")) == NUM_FRAMES
    with np.load(folder / "aligned.npz") as aligned:
        np.testing.assert_allclose(aligned["positions_m"], aligned["reference_m"], atol=1e-6)


def test_a_single_camera_is_scored_with_its_scale(tmp_path):
    (run,), _ = perform([spec("mono")], tmp_path, make=lambda *_: Truthful(scale=0.25))
    assert run["score"]["alignment"] == "Sim(3)"
    assert run["score"]["scale"] == pytest.approx(4)
    assert run["score"]["ate_rmse_m"] < 1e-6


def test_frames_are_read_once_for_all_runs_and_timed_as_if_they_were_not(tmp_path):
    sequence = Walk()
    read = []
    plain = sequence.read
    sequence.read = lambda index, sensor=None: (read.append(index), plain(index, sensor))[1]
    runs, shown = perform([spec(), spec(seed=1)], tmp_path, sequence)
    assert read == list(range(NUM_FRAMES))
    assert len(shown) == 2 * NUM_FRAMES
    for run in runs:
        assert run["latency_ms"]["extract"]["median"] == 7.0
        assert run["latency_ms"]["total"]["median"] == 9.0


def test_the_map_at_the_end_is_counted_and_judged(tmp_path):
    tracker = Truthful()
    (run,), _ = perform([spec()], tmp_path, make=lambda *_: tracker)
    assert run["map"] == {"keyframes": NUM_FRAMES // 10, "landmarks": 17}
    assert run["corrected"]["ate_rmse_m"] < 1e-6
    moved = [(stamp_ns, T @ se3.exp(np.eye(6)[k % 3])) for k, (stamp_ns, T)
             in enumerate(tracker.odometry.poses)]  # fmt: skip
    tracker = Truthful()
    tracker.odometry.keyframes = lambda: moved
    (run,), _ = perform([spec(seed=1)], tmp_path, make=lambda *_: tracker)
    assert run["score"]["ate_rmse_m"] < 1e-6
    assert run["corrected"]["ate_rmse_m"] > 0.3


def test_what_the_odometry_takes_of_a_frame_is_matching_and_estimating(tmp_path):
    (run,), _ = perform([spec()], tmp_path)
    assert run["latency_ms"]["odometry"]["median"] == 2.0


def test_without_ground_truth_the_farthest_pose_is_known(tmp_path):
    sequence = Walk()
    sequence.ground_truth = None
    (run,), _ = perform([spec()], tmp_path, sequence, lambda *_: At([0, 3, 1, 2]))
    assert run["score"] is None
    assert run["corrected"] is None
    assert run["farthest_m"] == pytest.approx(3)


def test_lost_frames_are_not_part_of_the_trajectory(tmp_path):
    (run,), _ = perform([spec()], tmp_path, make=lambda *_: Truthful(frozenset({0, 1, 20})))
    assert run["frames"]["lost"] == 3
    assert run["first_tracked"] == 2
    assert len(tum_rows.read(spec().folder(tmp_path) / "trajectory.txt")) == NUM_FRAMES - 3


def test_a_disturbance_has_its_recovery(tmp_path):
    blackout = spec(disturbance="blackout")
    (run,), _ = perform([blackout], tmp_path)
    assert run["frames"]["lost"] == 10  # a second
    (recovery,) = run["recoveries"]
    assert recovery["frames_until_tracking"] == 0
    assert recovery["stop"] - recovery["start"] == 10
    assert recovery["error_m"] == pytest.approx(0, abs=1e-6)


def test_frames_that_cannot_be_read_are_counted_and_make_recoveries_unknown(tmp_path):
    blackout = spec(disturbance="blackout")
    (run,), _ = perform([blackout], tmp_path, Walk(unreadable=frozenset({3, 4})))
    assert run["frames"]["skipped"] == 2
    assert run["recoveries"] == []


def test_a_sequence_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"no frame of walk could be read: frame 0: cut off"):
        perform([spec()], tmp_path, Walk(unreadable=frozenset(range(NUM_FRAMES))))
    assert load_run(spec(), tmp_path) is None


def test_pairs_are_runs_of_their_own(tmp_path):
    pairs = spec(is_pairs=True, max_frames=11)
    (run,), _ = perform([pairs], tmp_path)
    assert run["pairs"]["num"] == run["pairs"]["answered"] == 10
    assert "score" not in run
