"""The window of keyframes: what adjusting it brings, and that frames need not wait for it."""

from dataclasses import replace

import numpy as np
import pytest
from point_world import CAMERA, FRAME_NS, room, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.odometry import State, VisualOdometry
from aliked_ros.odometry.adjustment import AtOnce, InBackground

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


def make(sensor="mono", runner=None, **changes):
    config = OdometryConfig(sensor=sensor, **changes)
    odometry = VisualOdometry(config, MatcherConfig(min_similarity=0.9), CAMERA)
    if runner is not None:
        odometry._make_runner = lambda: runner
        odometry.reset()
    return odometry


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
    odometry = make("rgbd", window_size=5)
    track(odometry, see(), "rgbd")
    window = odometry._tracker.map.map
    assert len(window.keyframes) == 5
    owners, _, landmarks = window.sightings()
    assert landmarks.max() < len(window.points_world)
    assert len(set(zip(owners, landmarks, strict=True))) == len(landmarks)  # seen once by each
    times = np.bincount(landmarks)
    assert np.median(times) >= 3
    covariance = window.keyframes[-1].view.covariance
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_frames_do_not_wait_and_keyframes_that_came_meanwhile_are_not_lost():
    runner = Reluctant()
    odometry = make("rgbd", runner, window_size=6)
    results = track(odometry, see(), "rgbd")  # the first adjustment never ends
    assert {r.state for r in results} == {State.TRACKING}
    waiting = len(odometry._tracker.map._waiting)
    assert waiting >= 3
    for _ in range(waiting + 1):
        runner.finish()
        odometry._tracker.map.update()
    assert not odometry._tracker.map._waiting
    assert len(odometry._tracker.map.map.keyframes) == 6


def test_a_late_result_moves_everything_that_came_after_the_window():
    runner = Reluctant()
    odometry = make("rgbd", runner, window_size=6)

    def finish_sometimes(index):
        if index % 3 == 2:
            runner.finish()

    late = track(odometry, see(), "rgbd", finish_sometimes)
    at_once = track(make("rgbd", window_size=6), see(), "rgbd")
    assert error(late) < 2 * error(at_once) + 0.005


def test_what_is_still_being_adjusted_is_forgotten_at_a_new_beginning():
    odometry = make("rgbd", Reluctant(), window_size=6)
    sightings = see()
    track(odometry, sightings[:20], "rgbd")
    assert odometry._tracker.map._runner.is_busy
    odometry._make_runner = AtOnce
    odometry.reset()
    results = track(odometry, sightings, "rgbd")
    np.testing.assert_array_equal(results[0].T_world_camera, np.eye(4))
    assert error(results) < 0.05


def test_the_background_does_what_is_done_at_once():
    runner = InBackground()
    odometry = make("rgbd", runner, window_size=6)

    def wait(index):
        if runner._future is not None:
            runner._future.result()

    beside = track(odometry, see(), "rgbd", wait)
    at_once = track(make("rgbd", window_size=6), see(), "rgbd")
    assert error(beside) < 2 * error(at_once) + 0.005
    assert runner.take() is None or not runner.is_busy


def test_a_keypoint_that_is_located_better_counts_for_more_in_the_window():
    sightings = [
        (replace(f, scores=f.scores * 0.9, dispersity=f.dispersity + 0.1), z) for f, z in see()
    ]
    runner = Reluctant()
    odometry = make("rgbd", runner, window_size=6)
    track(odometry, sightings, "rgbd")
    expected = odometry._tracker.references.keyframe.spread[0] * 0.5 / CAMERA.K[0, 0]
    np.testing.assert_allclose(runner.problem.sigma, expected)
    assert expected < 0.7 * 0.5 / CAMERA.K[0, 0]
