"""Calibrations that change back and forth: two publishers fight over one topic."""

from __future__ import annotations

from collections.abc import Hashable

_REMEMBERED_S = 10.0  # a calibration that comes back within this time was never gone
_PEACE_S = 3.0  # without a change, and the fight is over


class Rivals:
    """Tells a calibration that changes once from two that take turns."""

    def __init__(self) -> None:
        self._newest: Hashable | None = None
        self._replaced: dict[Hashable, float] = {}  # calibration -> when another one came
        self._fight_until_s = float("-inf")

    def add(self, calibration: Hashable, now_s: float) -> None:
        """Take the newest calibration; equal ones are the same."""
        if calibration == self._newest:
            return
        if now_s - self._replaced.get(calibration, float("-inf")) < _REMEMBERED_S:
            self._fight_until_s = now_s + _PEACE_S
        if self._newest is not None:
            self._replaced[self._newest] = now_s
        self._newest = calibration
        self._replaced = {
            one: at_s for one, at_s in self._replaced.items() if now_s - at_s < _REMEMBERED_S
        }

    def are_fighting(self, now_s: float) -> bool:
        """Return whether calibrations have taken turns lately."""
        return now_s < self._fight_until_s
