import numpy as np
import pytest

from aliked_ros.pacing import KeypointBudget, RateLimit

MAX, MIN, RATE_HZ = 1000, 300, 20.0


def taken(limit, arrivals_s):
    return [float(now) for now in arrivals_s if limit.takes(now)]


def test_no_limit_takes_everything():
    assert len(taken(RateLimit(0.0), np.zeros(5))) == 5


@pytest.mark.parametrize("camera_hz", [11, 15, 25, 30, 60, 200])
def test_a_faster_camera_is_limited_to_the_rate_in_spite_of_jitter(camera_hz):
    generator = np.random.default_rng(0)
    arrivals_s = np.arange(camera_hz * 20) / camera_hz
    arrivals_s += generator.uniform(-0.2, 0.2, len(arrivals_s)) / camera_hz
    times_s = taken(RateLimit(10.0), arrivals_s)
    assert len(times_s) == pytest.approx(200, abs=2)
    gaps_s = np.diff(times_s)
    assert gaps_s.max() < 0.3
    # No second of images holds more than the rate and its catching up.
    assert max(np.searchsorted(times_s, np.add(times_s, 1.0)) - np.arange(len(times_s))) <= 12


def test_a_slower_camera_loses_nothing_and_a_pause_earns_no_burst():
    limit = RateLimit(10.0)
    arrivals_s = np.arange(50) / 9.0
    assert len(taken(limit, arrivals_s)) == 50
    burst_s = 100.0 + np.arange(10) / 1000
    assert len(taken(limit, burst_s)) == 1


def run(budget, frame_s, num_frames, seed=0, noise=0.03):
    """Let frames take frame_s(number of keypoints) with noise; return the numbers used."""
    generator = np.random.default_rng(seed)
    numbers = []
    for _ in range(num_frames):
        numbers.append(budget.num_keypoints)
        budget.update(frame_s(budget.num_keypoints) * generator.lognormal(0, noise))
    return numbers


def num_changes(numbers):
    return int(np.count_nonzero(np.diff(numbers)))


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_rate_is_held_with_as_many_keypoints_as_it_allows_and_without_swinging(power):
    def plant(number):
        return 0.080 * (number / MAX) ** power

    numbers = run(KeypointBudget(MAX, MIN, RATE_HZ), plant, 400)
    assert plant(numbers[-1]) < 1.05 / RATE_HZ
    assert plant(numbers[-1]) > 0.7 / RATE_HZ
    assert num_changes(numbers[:100]) > 0
    assert num_changes(numbers[100:]) <= 1


def test_where_the_time_hardly_depends_on_keypoints_it_rests_at_the_floor_and_says_so():
    budget = KeypointBudget(MAX, MIN, RATE_HZ)
    numbers = run(budget, lambda number: 0.070 + 1e-6 * number, 400)
    assert numbers[-1] == MIN
    assert set(numbers[100:]) == {MIN}
    assert budget.is_exhausted
    assert np.all(np.diff(numbers) <= 0)


def test_a_constant_time_just_below_the_period_changes_nothing():
    numbers = run(KeypointBudget(MAX, MIN, RATE_HZ), lambda _: 0.9 / RATE_HZ, 400)
    assert set(numbers) == {MAX}


def test_keypoints_come_back_step_by_step_when_there_is_room_again():
    budget = KeypointBudget(MAX, MIN, RATE_HZ)
    run(budget, lambda number: 0.2 * number / MAX, 100)
    assert budget.num_keypoints == MIN
    numbers = run(budget, lambda number: 0.03 * number / MAX, 400)
    assert numbers[-1] == MAX
    assert np.all(np.diff(numbers) >= 0)
    assert max(np.diff(numbers)) <= 0.12 * MAX
    assert not budget.is_exhausted


def test_a_few_slow_frames_change_nothing():
    budget = KeypointBudget(MAX, MIN, RATE_HZ)
    for index in range(200):
        budget.update(0.5 if index % 10 < 2 else 0.045)
    assert budget.num_keypoints == MAX


def test_the_numbers_are_few_and_never_leave_their_range():
    budget = KeypointBudget(MAX, MIN, RATE_HZ)
    seen = set(run(budget, lambda number: 0.2 * number / MAX, 100))
    seen |= set(run(budget, lambda _: 0.01, 400))
    assert (min(seen), max(seen)) == (MIN, MAX)
    assert len(seen) <= 13


def test_without_a_target_rate_nothing_happens():
    budget = KeypointBudget(MAX, MIN, 0.0)
    assert [budget.update(9.0) for _ in range(20)] == [0] * 20
    assert (budget.num_keypoints, budget.is_exhausted) == (MAX, False)


def test_a_floor_above_the_maximum_is_the_maximum():
    budget = KeypointBudget(100, 300, RATE_HZ)
    run(budget, lambda _: 1.0, 50)
    assert budget.num_keypoints == 100
    assert budget.is_exhausted
