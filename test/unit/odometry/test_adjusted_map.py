"""The window of keyframes: what adjusting it brings, and that frames need not wait for it."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from point_world import CAMERA, FRAME_NS, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.odometry import State, VisualOdometry
from aliked_ros.odometry.intake import make_view
from aliked_ros.odometry.runners import AtOnce, InBackground

PATH = sideways(40)


def see(noise_px=0.5):
    world = room()
    world.noise_px = noise_px
    return [world.see(T) for T in PATH]


class Reluctant:
    """Has a result only when it is told to."""

    def __init__(self):
        self.problem = None
        self.is_busy = False

    def start(self, problem):
        assert self.problem is None
        self.problem, self.is_busy = problem, True

    def finish(self):
        self.is_busy = False

    def take(self):
        if self.is_busy or self.problem is None:
            return None
        problem, self.problem = self.problem, None
        return adjust_bundle(problem)


class Recorder(AtOnce):
    """Keeps the newest problem."""

    def start(self, problem):
        self.problem = problem
        super().start(problem)


def make(sensor="mono", make_runner=AtOnce, **changes):
    config = OdometryConfig(sensor=sensor, **changes)
    matcher = MatcherConfig(min_similarity=0.9)
    return VisualOdometry(config, matcher, CAMERA, make_runner=make_runner)


def track(odometry, sightings, sensor="mono", after_frame=lambda index: None):
    results = []
    for index, (features, depths_m) in enumerate(sightings):
        depths = None if sensor == "mono" else depths_m
        results.append(odometry.process((index + 1) * FRAME_NS, features, depths))
        after_frame(index)
    return results


def error(results):
    """Return the root mean square distance from the truth; the estimate is scaled first."""
    tracked = [(r, T) for r, T in zip(results, PATH, strict=True) if r.state is State.TRACKING]
    estimate = np.array([r.T_world_camera[:3, 3] for r, _ in tracked])
    truth = np.array([T[:3, 3] for _, T in tracked])
    scale = np.sum(truth * estimate) / np.sum(estimate**2)
    assert len(tracked) > 30
    return np.sqrt(np.mean(np.sum((scale * estimate - truth) ** 2, axis=1)))


def test_adjusting_makes_a_single_camera_more_accurate():
    sightings = see(noise_px=1.0)
    alone = error(track(make(window_size=1), sightings))
    together = error(track(make(window_size=8), sightings))
    assert together < 0.95 * alone


@pytest.mark.parametrize("sensor", ["mono", "rgbd"])
def test_a_run_with_a_seed_repeats_exactly(sensor):
    sightings = see()
    first, second = (
        track(make(sensor, window_size=6), sightings, sensor)[-1].T_world_camera for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_the_window_keeps_its_size_and_its_landmarks_are_sound():
    runner = Recorder()
    odometry = make("rgbd", lambda: runner, window_size=5)
    track(odometry, see(), "rgbd")
    assert len(odometry.keyframes()) == 5
    problem = runner.problem
    assert problem.landmark.max() < len(problem.points_world)
    pairs = set(zip(problem.keyframe, problem.landmark, strict=True))
    assert len(pairs) == len(problem.landmark)  # seen once by each
    assert np.median(np.bincount(problem.landmark)) >= 3
    assert (odometry.landmarks()[1] > 1).any()


def test_frames_do_not_wait_and_keyframes_that_came_meanwhile_are_not_lost():
    runner = Reluctant()
    odometry = make("rgbd", lambda: runner, window_size=6)
    results = track(odometry, see(), "rgbd")  # the first adjustment never ends
    assert {r.state for r in results} == {State.TRACKING}
    num_keyframes = sum(r.is_keyframe for r in results)
    assert len(runner.problem.T_camera_world) == 2
    assert num_keyframes > 8
    stamp_ns = results[-1].stamp_ns
    for index in range(num_keyframes):
        runner.finish()
        features, depths_m = room().see(PATH[-1])
        odometry.process(stamp_ns + (index + 1) * FRAME_NS, features, depths_m)
    kept = {stamp for stamp, _ in odometry.keyframes()}
    assert kept == {r.stamp_ns for r in [r for r in results if r.is_keyframe][-6:]}


def test_a_late_result_moves_everything_that_came_after_the_window():
    runner = Reluctant()
    odometry = make("rgbd", lambda: runner, window_size=6)

    def finish_sometimes(index):
        if index % 3 == 2:
            runner.finish()

    late = track(odometry, see(), "rgbd", finish_sometimes)
    at_once = track(make("rgbd", window_size=6), see(), "rgbd")
    assert error(late) < 2 * error(at_once) + 0.005


def test_what_is_still_being_adjusted_is_forgotten_by_a_reset():
    kinds = [Reluctant]
    odometry = make("rgbd", lambda: kinds[-1](), window_size=6)
    sightings = see()
    track(odometry, sightings[:20], "rgbd")
    kinds.append(AtOnce)
    odometry.reset()
    results = track(odometry, sightings, "rgbd")
    np.testing.assert_array_equal(results[0].T_world_camera, np.eye(4))
    assert error(results) < 0.05


def test_the_background_does_what_is_done_at_once():
    runner = InBackground()
    odometry = make("rgbd", lambda: runner, window_size=6)

    def wait(_):
        for _ in range(1000):
            if not runner.is_busy:
                return
            threading.Event().wait(0.01)
        pytest.fail("the adjustment does not end")

    beside = track(odometry, see(), "rgbd", wait)
    at_once = track(make("rgbd", window_size=6), see(), "rgbd")
    assert error(beside) < 2 * error(at_once) + 0.005


def test_a_keypoint_that_is_located_better_counts_for_more_in_the_window():
    sightings = [
        (replace(f, scores=f.scores * 0.9, dispersity=f.dispersity + 0.1), z) for f, z in see()
    ]
    runner = Recorder()
    track(make("rgbd", lambda: runner, window_size=6), sightings, "rgbd")
    view = make_view(0, sightings[0][0], CAMERA, None, 0.0)
    expected = view.spread[0] * 0.5 / CAMERA.K[0, 0]
    np.testing.assert_allclose(runner.problem.sigma, expected)
    assert expected < 0.7 * 0.5 / CAMERA.K[0, 0]
