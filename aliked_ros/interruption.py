"""Ctrl-C and SIGTERM: silent at any moment of a start-up, noted between the steps of a work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the user asked for the end.

    Attributes:
        is_asked: whether.
        exit_code: 130 after Ctrl-C, 143 after SIGTERM, as shells say it; 0 before.
    """

    is_asked = False
    exit_code = 0


def end_silently() -> None:
    """Let signals end the process at once and without a word, as long as there is nothing to save.

    An exception would not do: raised within the import of a C library it becomes another error, or
    an abort, and a long traceback in any case.
    """
    for number in _SIGNALS:
        signal.signal(number, _end)


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Note the first Ctrl-C or SIGTERM; the second does what it would have done without this.

    Outside the main thread, which is where Python handles signals, nothing is changed.
    """
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, _: FrameType | None) -> None:
        asked.is_asked, asked.exit_code = True, 128 + number
        restore()

    def restore() -> None:
        for one, handler in before.items():
            signal.signal(one, handler)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield asked
    finally:
        restore()


def _end(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)
