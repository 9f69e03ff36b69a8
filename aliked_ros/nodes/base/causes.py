"""What is wrong, said once per cause and not once per frame."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

REPEAT_S = 60.0  # as long as a cause goes on it is said again after this
MAX_LENGTH = 600  # of what is said; what others send may be of any length
_MAX_PER_KIND = 12  # causes of one kind that are said within REPEAT_S
_MAX_CAUSES = 200  # that are remembered


@dataclass(eq=False)
class _Cause:
    said_s: float
    num_since: int = 0  # how often it came since it was said


class Causes:
    """Says each cause when it comes first, and every REPEAT_S with how often it came since.

    Two texts that differ in their numbers alone are one cause.

    Args:
        say: takes the text.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._causes: OrderedDict[str, _Cause] = OrderedDict()
        self._said_s: dict[str, deque[float]] = {}  # kind -> when its newest causes were said
        self._lock = threading.Lock()

    def note(self, kind: str, text: str) -> None:
        """Take what is wrong.

        Args:
            kind: in a few words; bounds how many texts are said that differ in more than numbers.
            text: one sentence.
        """
        text = printable(text)
        with self._lock:
            said = self._due(kind, text)
        if said:
            self._say(said)

    def _due(self, kind: str, text: str) -> str:
        """Return what is to be said now, or an empty string."""
        now_s, key = time.monotonic(), f"{kind}: {_without_numbers(text)}"
        cause = self._causes.get(key)
        if cause is None:
            is_quiet = self._is_quiet(kind, now_s)
            self._causes[key] = _Cause(float("-inf") if is_quiet else now_s)
            if len(self._causes) > _MAX_CAUSES:
                self._causes.popitem(last=False)
            return "" if is_quiet else text
        cause.num_since += 1
        if now_s - cause.said_s < REPEAT_S or cause.said_s == float("-inf"):
            return ""
        num, cause.num_since, cause.said_s = cause.num_since, 0, now_s
        return f"{text} ({num} times since this was said last)"

    def _is_quiet(self, kind: str, now_s: float) -> bool:
        """Return whether enough causes of a kind were said lately; if not, one more is."""
        said_s = self._said_s.setdefault(kind, deque(maxlen=_MAX_PER_KIND))
        if len(said_s) == _MAX_PER_KIND and now_s - said_s[0] < REPEAT_S:
            return True
        said_s.append(now_s)
        return False


def _without_numbers(text: str) -> str:
    """Return a text whose numbers do not count; what stands in quotes is a name."""
    parts = re.split(r"('[^']*')", text)
    parts[::2] = [re.sub(r"[-+]?\d[\d.eE+-]*", "#", part) for part in parts[::2]]
    return "".join(parts)


def printable(text: str) -> str:
    """Return a text in one line that a terminal can take, not longer than MAX_LENGTH."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= MAX_LENGTH else f"{clean[: MAX_LENGTH - 3]}..."
