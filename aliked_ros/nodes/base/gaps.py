"""Messages of a topic that never arrived, by the numbers of those that did."""

from __future__ import annotations


class GapCounter:
    """Counts messages of one publisher that never arrived, by its sequence numbers.

    Best effort with a short queue loses messages without an event: in transport, or overwritten
    by newer ones before they are taken.

    Attributes:
        is_single: whether there is one publisher only; numbers of several cannot be told apart.
    """

    def __init__(self) -> None:
        self.is_single = True
        self._last: int | None = None

    def count(self, number: int | None) -> int:
        """Return how many messages are missing before the one with this number."""
        last, self._last = self._last, number
        if number is None or last is None or number <= last or not self.is_single:
            return 0  # the first one, a publisher that started over, or no numbers at all
        return number - last - 1
