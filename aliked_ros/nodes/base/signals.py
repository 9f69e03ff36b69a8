"""Ctrl-C and SIGTERM at any moment end a process silently."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

PATIENCE_S = 5.0  # as long as a start-up may take to notice that it is to stop


class Stopper:
    """Notes signals instead of raising an error wherever the program happens to be.

    rclpy's own handlers, which come before these, shut the context down: nodes that spin end. Until
    they spin, whoever starts them asks `is_asked` between its steps. A step that does not end is
    cut off after PATIENCE_S.

    Attributes:
        is_asked: whether the process is to end.
        is_ending: whether it ends already: further signals change nothing.
    """

    def __init__(self) -> None:
        self.is_asked = self.is_ending = False
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        # ros2 launch passes on the Ctrl-C that the terminal has sent already: a second one that
        # comes during the end must not break it.
        if self.is_ending:
            return
        self.is_asked = True
        guard = threading.Timer(PATIENCE_S, self._give_up, [number])
        guard.daemon = True
        guard.start()

    def _give_up(self, number: int) -> None:
        if not self.is_ending:
            os._exit(128 + number)
