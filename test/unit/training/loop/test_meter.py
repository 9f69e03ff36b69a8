import pytest
import torch

from aliked_ros.training.loop.meter import Meter


class Clock:
    now_s = 10.0

    def __call__(self):
        return self.now_s


def test_means_rate_and_waiting_since_the_last_reading():
    clock = Clock()
    meter = Meter(clock, pairs_per_step=6)
    for total in (1.0, 3.0):
        with meter.waiting():
            clock.now_s += 0.5
        clock.now_s += 1.5
        meter.add({"total": torch.tensor(total), "peak": torch.tensor(2 * total)})
    figures = meter.read()
    assert figures == pytest.approx(
        {"total": 2.0, "peak": 4.0, "pairs_per_s": 12 / 4, "waiting_share": 1 / 4}
    )
    clock.now_s += 2
    meter.add({"total": torch.tensor(7.0), "peak": torch.tensor(0.0)})
    assert meter.read() == pytest.approx(
        {"total": 7.0, "peak": 0.0, "pairs_per_s": 3.0, "waiting_share": 0.0}
    )


def test_a_clock_that_stands_still_gives_finite_figures():
    meter = Meter(lambda: 1.0, pairs_per_step=1)
    meter.add({"total": torch.tensor(1.0)})
    assert all(value < float("inf") for value in meter.read().values())
